"""Pause, resume, cancel, stop. The latch is committed first; what has to be said to OctoPrint follows from the state,
again and again until the state confirms it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from contracts.events import EventKind
from contracts.printers import Heaters, Latch, Link
from services.chassis.clock import Now
from services.octo_bridge.effects import Effect, JobAction
from services.octo_bridge.outcome import Result, announce, latched
from services.octo_bridge.readiness import ordered, too_cold, unready
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import ACTIVE, LOST, Heat, Machine, Printer

REPEAT = 1.0
CONFIRM_WITHIN = 5.0
"""Seconds."""
NOT_CONFIRMED = (
    "the stop is not confirmed yet: look at the printer, switch it off if it is hot or moves, then try again"
)


def pause(m: Machine, by: str, now: Now) -> Result:
    """Finish what is running and send nothing more."""
    return latched(m, Latch.PAUSE, f"paused by {by}", now)


def cancel(m: Machine, by: str, now: Now) -> Result:
    """End the running job, if there is one, and send nothing more."""
    return latched(m, Latch.CANCEL, f"cancelled by {by}", now)


def stop(m: Machine, by: str, now: Now) -> Result:
    """Cancel, heaters off, disarm."""
    m, effects = latched(m, Latch.STOP, f"stopped by {by}", now)
    if m.kept.armed is not None:
        effects = [*effects, announce(EventKind.DISARMED, now, f"stopped by {by}")]
    m = replace(m.keep(stopping=True, armed=None), stop_asked_at=now.mono, stop_said=False)
    # Whatever somebody has heated by hand goes too: asked for anew, and confirmed by what the printer then shows.
    m = replace(m, heat=Heat(Heaters.OFF, now.mono))
    return m.ask("cancel", -1e9).ask("targets", -1e9), effects


def refuse_resume(m: Machine) -> str | None:
    """Why the latch cannot be taken off now."""
    if m.kept.stopping:
        return NOT_CONFIRMED
    if m.kept.latch is Latch.CANCEL and m.running is not None:
        return "the cancel is still under way: wait for the end of the job, then send resume again"
    if m.foreign:
        return f"somebody else's job is running: {m.octo.path}; wait for its end or cancel it on OctoPrint's page"
    return None


def resume(m: Machine, by: str, now: Now) -> Result:
    """Take the latch off."""
    if m.kept.latch is Latch.NONE:
        return m, []
    m = m.keep(latch=Latch.NONE, latch_reason=None)
    return m, [announce(EventKind.RESUMED, now, f"resumed by {by}")]


def enforce(m: Machine, now: Now, s: BridgeSettings) -> Result:
    """Say to OctoPrint what the latch means for the job in its hands."""
    if m.octo.printer not in ACTIVE or m.octo.link not in (Link.OK, Link.REFUSED_PORT):
        return m, []
    job = m.running
    # One of which nobody has heard the end yet may have made way for somebody else's.
    in_hand = job is not None and not m.octo.stale and not (m.foreign and m.octo.path != job.path)
    ours = job is not None and in_hand and job.aborted is None and m.octo.link is Link.OK
    blind = job is not None and job.blind is not None
    ends = m.kept.stopping or (ours and (blind or m.kept.latch is Latch.CANCEL))
    if ends:
        if m.octo.printer is Printer.CANCELLING or _under_way(m, "cancel", now):
            return m, []
        return _order(replace(m, own_lines_at=now.mono), "cancel", now)
    goes_on = ours and m.octo.printer is Printer.PAUSED and unready(m, s) is None and too_cold(m, now, s) is None
    if goes_on and not _under_way(m, "resume", now):
        return _order(m, "resume", now)
    return m, []


def _under_way(m: Machine, action: str, now: Now) -> bool:
    """One at a time: those that pile up before a slow OctoPrint would reach the next job."""
    return now.mono - m.last_asked(action) < REPEAT or ordered(m, now, action)


def _order(m: Machine, action: Literal["cancel", "resume"], now: Now) -> Result:
    return m.ask(action, now.mono).order(action, now.mono), [JobAction(action)]


def confirm_stop(m: Machine, now: Now) -> Result:
    """A stop is over when nothing runs and nothing is asked of the heaters; until then it is said aloud."""
    if not m.kept.stopping:
        return m, []
    if _stopped(m):
        m = replace(m.keep(stopping=False), stop_asked_at=None, stop_said=False)
        return m, [announce(EventKind.HEATERS_OFF, now, "stopped: nothing runs and the heaters are off")]
    effects: list[Effect] = []
    if m.stop_asked_at is None:  # the bridge was restarted meanwhile
        m = replace(m, stop_asked_at=now.mono)
    elif not m.stop_said and now.mono - m.stop_asked_at >= CONFIRM_WITHIN:
        m = replace(m, stop_said=True)
        reason = f"the stop is not confirmed after {CONFIRM_WITHIN:.0f} s: switch the printer off"
        effects = [announce(EventKind.PROBLEM, now, reason)]
    return m, effects


def _stopped(m: Machine) -> bool:
    # A lost connection confirms nothing: Marlin's own kill looks just like a cable pulled out of a hot printer.
    quiet = m.octo.link in (Link.OK, Link.REFUSED_PORT) and m.octo.printer is Printer.OPERATIONAL
    return quiet and m.heat.mode is Heaters.OFF and m.heat.settled and m.running is None and m.octo.printer not in LOST
