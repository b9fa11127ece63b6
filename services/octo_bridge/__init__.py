"""octo_bridge owns the machine: arming, heaters, making safe, and running each job through OctoPrint exactly once.

The core (step.py and the handlers_* modules) is pure; service.py wires it to the links, to the broker and to OctoPrint.
"""
