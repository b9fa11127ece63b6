"""An OctoPrint that waits for ever: the printer's answer to a line got lost, and only a new connection helps.

OctoPrint asks again when an answer is missing, but not for lines that may take long (M400, G28), and not while it is
idle, as long as anything at all comes from the printer: reported temperatures do. Until then nothing that it is told
reaches the printer, heaters to be switched off among it. (OctoPrint 1.11, octoprint.util.comm, "process timeouts".)
"""

from __future__ import annotations

from contracts.events import EventKind
from contracts.printers import Link
from services.chassis.clock import Now
from services.octo_bridge.effects import Disconnect
from services.octo_bridge.outcome import Result, announce
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import ACTIVE, LOST, Machine, Printer

_BUSY = ACTIVE - {Printer.PAUSED}


def unstick(m: Machine, now: Now, s: BridgeSettings) -> Result:
    """Close the port of an OctoPrint that does not get on; it is then opened again as after any loss.

    Somebody else's job is left alone: it may wait for a temperature.
    """
    if m.octo.link is not Link.OK or m.foreign or m.octo.printer in LOST:
        return m, []
    why = _why(m, now, s)
    if why is None or now.mono - m.last_asked("disconnect") < s.stuck_after:
        return m, []
    reason = f"{why}: an answer of the printer got lost, and OctoPrint waits for it. Its connection is opened anew"
    return m.ask("disconnect", now.mono), [announce(EventKind.PROBLEM, now, reason), Disconnect()]


def _why(m: Machine, now: Now, s: BridgeSettings) -> str | None:
    still, nozzle = m.octo.still_since, m.octo.nozzle
    if still is None:
        return None
    if m.octo.printer in _BUSY and now.mono - still >= s.stuck_after:
        return f"OctoPrint says {m.octo.printer.value} and has not got on for {s.stuck_after:g} s"
    if not m.heat.settled and nozzle is not None:
        since = max(m.heat.since, still)
        if now.mono - since >= s.stuck_after and nozzle.at - since >= s.stuck_after / 2:
            return f"the heaters were set to {m.heat.mode.value} {s.stuck_after:g} s ago, and it does not show"
    return None
