"""An Ender-3 Pro in a process of its own, faithful to Marlin where a drawing depends on it, on a pseudo-terminal.

It is a second witness: its log says what was really drawn, with what temperature and from which position, whatever the
host believes. Not simulated: arcs, the SD card, the display, the EEPROM, acceleration settings by G-code, steps, noise
of sensors and the slowing down of a nearly empty buffer.
"""

from __future__ import annotations

from deploy.simulators.marlin.printer import MarlinPrinter
from deploy.simulators.marlin.settings import Settings, Version
from deploy.simulators.marlin.witness import Heat, Job, Segment, Witness

__all__ = ["Heat", "Job", "MarlinPrinter", "Segment", "Settings", "Version", "Witness"]
