"""From two squares to the G-code of one line.

geometry.py knows where the squares lie on the bed, path.py decides where the nozzle goes and where plastic comes out,
gcode.py writes that down. What lies on the plate already is path.py's business alone.
"""
