"""A FlashForge-like printer on TCP, with the habits of the real ones, driven by HTTP. Nothing but the standard library.

`python -m deploy.simulators.flashforge --port 8899 --control 8900 --start cube.gx`
"""
