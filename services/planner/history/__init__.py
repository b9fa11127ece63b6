"""Every board that was ever drawn on: read from the planner's database, shown as SVG, PNG, G-code or JSON.

archive.py reads, also beside a running planner; the others turn what it read into one format each. live.py keeps the
picture of the present board on the bus.
"""
