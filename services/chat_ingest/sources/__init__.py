"""Where chat comes from. Each source is one module behind port.py, imported only when it is chosen."""
