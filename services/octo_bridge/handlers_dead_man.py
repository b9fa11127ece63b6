"""The firmware's own idle limit (M85): there for a host that dies while it is hot, not for a machine that is safe.

It counts from the last motion and ends in kill(), which only a reset undoes. Where nothing is hot it is switched off,
and it is switched on again where something has just moved: Marlin before 2020 kills at once when it is set after a
longer idle time than it allows.
"""

from __future__ import annotations

from dataclasses import replace

from contracts.printers import Heaters, Link
from services.chassis.clock import Now
from services.octo_bridge.effects import SendLines
from services.octo_bridge.outcome import Result
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import Machine, Printer

WHAT = "dead_man"
REPEAT = 10.0
"""Seconds between two requests that OctoPrint turned down."""
MOVED_WITHIN = 30.0
"""Seconds after motion in which it is set: far less than what it allows."""


def keep(m: Machine, now: Now, s: BridgeSettings) -> Result:
    """Have the firmware's limit follow the heaters."""
    if s.dead_man == 0 or m.octo.link is not Link.OK or m.foreign or now.mono - m.last_asked(WHAT) < REPEAT:
        return m, []
    if m.dead_man is not False and _safe(m):
        return replace(m, dead_man=False).ask(WHAT, now.mono), [SendLines(WHAT, ("M85 S0",))]
    if m.dead_man is False and _just_drawn(m, now):
        return replace(m, dead_man=True).ask(WHAT, now.mono), [SendLines(WHAT, (f"M85 S{s.dead_man:g}",))]
    return m, []


def _safe(m: Machine) -> bool:
    """Both heaters are seen to be off, and nothing moves. A paused job may wait for days."""
    still = m.octo.printer is Printer.PAUSED or (m.octo.printer is Printer.OPERATIONAL and m.running is None)
    return still and m.heat.mode is Heaters.OFF and m.heat.settled and m.heat.by_hand_since is None


def _just_drawn(m: Machine, now: Now) -> bool:
    drawn = m.position_known and m.kept.last_drawn is not None and m.running is None
    hot = m.heat.mode is not Heaters.OFF
    return drawn and hot and m.octo.printer is Printer.OPERATIONAL and now.mono - m.moved_at < MOVED_WITHIN
