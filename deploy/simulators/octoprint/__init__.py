"""A real OctoPrint with its Virtual Printer, for the demo and for tests.

What was found about version 1.11.8 on a machine with two cores:

- It is operational 1 s after the start and ends within 0.4 s, so a test can have one of its own. It takes 80 MB.
- The Virtual Printer sleeps for a tenth of the time of each move, and only of moves toward larger coordinates; of
  more than 2 s it sleeps even seconds only. Up to four moves are buffered, `M400` waits for them. Its setting
  `throttle` is not used anywhere. The one way to change its speed is the feed rate multiplier, `M220` and `M221`,
  which OctoPrint's own script sends after each connect.
- Temperatures change by 10 degC/s towards a target: 18 s from cold to 200 degC. A pinned nozzle always has the same
  temperature, whatever its target. OctoPrint learns temperatures every 2 s; for the first 2 s after a connect it
  knows none.
- After an error `/api/connection` says only "Closed"; `/api/job` says "Offline after error", and which.
- Pause and cancel scripts, M112 and everything else behave as for a real printer; what the Virtual Printer hides is in
  no way added here: it keeps its position over M84, forgets nothing when a job is cancelled, extrudes when cold.
"""

from __future__ import annotations

from deploy.simulators.octoprint.config import REAL_TIME, Simulation
from deploy.simulators.octoprint.environment import OctoPrintMissing
from deploy.simulators.octoprint.serial_log import Job, SerialLog
from deploy.simulators.octoprint.server import OctoPrint

__all__ = ["REAL_TIME", "Job", "OctoPrint", "OctoPrintMissing", "SerialLog", "Simulation"]
