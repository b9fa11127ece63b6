"""OctoPrint's picture of itself, polled or pushed: what everything else decides by."""

from __future__ import annotations

from dataclasses import replace

from contracts.printers import Latch, Link
from services.chassis.clock import Now
from services.octo_bridge.effects import Effect, Look
from services.octo_bridge.events import (
    PrinterChanged,
    Seen,
)
from services.octo_bridge.gcode_file import is_ours
from services.octo_bridge.handlers_doubt import QUIET, is_idle
from services.octo_bridge.handlers_foreign import foreign_job, foreign_over
from services.octo_bridge.handlers_link import link_is, link_of
from services.octo_bridge.outcome import Result, latched, raise_epoch
from services.octo_bridge.readiness import PICTURE_LAGS, nozzle_hot
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import ACTIVE, LOST, Machine, Printer, Reading, Still

_PAUSE = frozenset({Printer.PAUSING, Printer.PAUSED})
LEFT_OVER = 10.0
"""Seconds after the end of a job in which OctoPrint may still show it as running: half of one is usual."""
_GOES_ON = frozenset({Printer.PRINTING, Printer.PAUSING, Printer.PAUSED, Printer.RESUMING})
CATCHES_UP = 1.0
"""Seconds; some dozens of events, each with its commit."""
GOES_ON = 5.0


def take_seen(m: Machine, e: Seen, now: Now, s: BridgeSettings) -> Result:
    """OctoPrint's own picture."""
    idle_for = now.mono - m.octo.idle_since if m.octo.idle_since is not None else 0.0
    m, effects = printer_is(m, e.printer, e.error, now)
    if e.polled:
        m = m.see(port=e.port, offers=e.offers)
    elif m.octo.port is None and e.printer not in LOST:
        effects.append(Look())
    if e.polled or m.octo.link in (Link.OK, Link.NO_PRINTER, Link.PRINTER_ERROR, Link.REFUSED_PORT):
        m, more = link_is(m, *link_of(m, e, s), now)
        effects += more
    if m.running is not None and m.octo.printer is Printer.PRINTING and e.filepos != m.octo.filepos:
        m = replace(m, moved_at=now.mono)
    if (e.path, e.filepos) != (m.octo.path, m.octo.filepos):
        m = m.see(still_since=now.mono)
    if e.clock is not None:
        m = m.see(clock=e.clock - now.mono)
    m = m.see(stale=False, path=e.path, filepos=e.filepos, z=e.z)
    m = m.see(completion=e.completion, elapsed=e.elapsed, remaining=e.remaining)
    m = _progress(_stays_hot(_readings(m, e, now), now, s), e)
    theirs = e.path is not None and (not is_ours(e.path) or _unclaimed(m, e, idle_for, now))
    if m.octo.printer in ACTIVE and e.path is not None and theirs:
        m, more = foreign_job(m, e.path, now)
        effects += more
    return m, effects


def _unclaimed(m: Machine, e: Seen, idle_for: float, now: Now) -> bool:
    """A file of ours runs that is no job in hand: printed again by somebody, or given up by the bridge as uncertain."""
    long_over = now.mono - m.over_at >= LEFT_OVER
    late = e.polled and e.path == m.over_path and not long_over  # a poll's answer may be seconds old
    again = idle_for >= QUIET and not late
    return m.running is None and (again or (long_over and m.octo.printer in _GOES_ON))


def _readings(m: Machine, e: Seen, now: Now) -> Machine:
    nozzle, bed = m.octo.nozzle, m.octo.bed
    for pair in e.heaters:
        nozzle = Reading(*pair.nozzle, now.mono) if pair.nozzle is not None else nozzle
        bed = Reading(*pair.bed, now.mono) if pair.bed is not None else bed
    return m.see(nozzle=nozzle, bed=bed)


def _stays_hot(m: Machine, now: Now, s: BridgeSettings) -> Machine:
    """Remembered while what is seen is sure to be this job's: OctoPrint forgets its record when it is started anew."""
    job = m.running
    if job is None or job.hot_at is None or not job.followed:
        return m
    if now.mono < m.temperatures_from or not nozzle_hot(m, now, s, 0.0):
        return m
    return m.with_job(replace(job, hot_at=now.mono))


def _progress(m: Machine, e: Seen) -> Machine:
    job = m.running
    if job is None or job.path != e.path or e.completion is None:
        return m
    return m.with_job(replace(job, progress=min(max(e.completion / 100, 0.0), 1.0)))


def printer_is(m: Machine, printer: Printer, error: str | None, now: Now) -> Result:
    """The printer's state, from whatever source; losing the serial port makes everything known of the axes void."""
    before = m.octo.printer
    # Idle means: with a job in hand, somebody should have said how it ended. Both kinds of idle count alike.
    since = m.octo.idle_since if m.octo.idle_since is not None else now.mono
    still = m.octo.still_since if printer is before and m.octo.still_since is not None else now.mono
    m = m.see(printer=printer, error=error, idle_since=since if is_idle(printer) else None, still_since=still)
    if printer is Printer.PAUSED and m.running is not None:
        if m.kept.paused is None:
            m = replace(m.keep(paused=Still(m.boot, now.mono)), saw_pause=True)
    elif m.kept.paused is not None and printer not in (Printer.UNKNOWN, *LOST):
        m = m.keep(paused=None)
    effects: list[Effect] = []
    if m.foreign and printer not in ACTIVE:
        m, effects = foreign_over(m, now)
    if _paused_by_hand(m, before, printer, now):
        m, effects = latched(m, Latch.FOREIGN, "the job was paused, not by the bridge", now)
    if printer not in LOST:
        if before in LOST or before is Printer.UNKNOWN:
            # Opening the port resets most printers.
            m = replace(m, reset_told_at=now.mono)
        # OctoPrint's own script after a connect may home: that is no foreign hand.
        return (replace(m, own_lines_at=now.mono) if before in LOST else m), effects
    # The port too: the next one that is opened may be a real printer's.
    m = replace(m.adrift(), dead_man=None, start_heard_at=None).see(nozzle=None, bed=None, port=None, firmware=None)
    if before in LOST or before is Printer.UNKNOWN:
        return m, effects
    m, more = raise_epoch(m, "the connection to the printer was lost: its position is unknown", now)
    return m, [*effects, *more]


def _paused_by_hand(m: Machine, before: Printer, printer: Printer, now: Now) -> bool:
    """The bridge itself never pauses OctoPrint; right after its own resume an old picture may still say paused."""
    changed = before not in _PAUSE and printer in _PAUSE
    resumed = now.mono - m.last_asked("resume") < PICTURE_LAGS
    return changed and not resumed and m.running is not None and m.kept.latch is Latch.NONE


def take_printer_changed(m: Machine, e: PrinterChanged, now: Now) -> Result:
    """The fast word on the same; what error it was comes with the next picture."""
    lost = e.printer in LOST or m.octo.printer in LOST
    m, effects = printer_is(m, e.printer, m.octo.error, now)
    return m, [*effects, Look()] if lost else effects


def take_stalled(m: Machine, now: Now) -> Result:
    """The next job waits for what was said meanwhile; not again and again, or a slow disk would keep it for ever."""
    if now.mono < m.behind_until + GOES_ON:
        return m, []
    return replace(m, behind_until=now.mono + CATCHES_UP), []
