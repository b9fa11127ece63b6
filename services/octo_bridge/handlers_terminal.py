"""The serial terminal: the echo of a job's last line, cold extrusion, a reset, and hands at the printer."""

from __future__ import annotations

import re
from dataclasses import replace

from contracts.events import EventKind
from contracts.printers import Latch
from services.chassis.clock import Now
from services.octo_bridge.events import Logged
from services.octo_bridge.gcode_file import done_in
from services.octo_bridge.handlers_doubt import doubt_running
from services.octo_bridge.handlers_reset import START, blinded, start_heard
from services.octo_bridge.outcome import Result, announce, latched, raise_epoch
from services.octo_bridge.readiness import PICTURE_LAGS
from services.octo_bridge.recovery import STEPPERS_HOLD
from services.octo_bridge.state import Machine, Printer

OWN_LINES = 5.0
"""Seconds after own lines, or a cancel with its script, in which lines like a jog's are no foreign hand."""
COLD = re.compile(r"cold extrusion prevented", re.IGNORECASE)
HOMED = f"M84 S{STEPPERS_HOLD}"
"""The last of a job's own lines that look like a jog's; it lets go of nothing."""
_LOSES = rf"(?!{HOMED}\b)(?:(?:G28|M84|M18|M112)\b|G92\b.*[XYZ])"
LOSES = re.compile(rf"Send: (?:N\d+ )?{_LOSES}")
"""After these a job that goes on draws in another place; a script that lifts the nozzle in a pause sets it back."""
JOG = re.compile(rf"Send: (?:N\d+ )?(?:G91\b|{_LOSES})")
WATCHED = (
    rf"move:[a-z0-9-]+:a\d+:done|[Cc]old extrusion prevented|Recv: start\s*$|Send: (?:N\d+ )?{HOMED}\b|{JOG.pattern}"
)
"""The lines of the terminal that OctoPrint is asked to report: what no plan contains, and the three messages."""


def take_logged(m: Machine, e: Logged, now: Now) -> Result:
    """A line of the terminal."""
    if START.search(e.line):
        return start_heard(m, now)
    job = m.running
    if COLD.search(e.line):
        reason = "the printer prevented cold extrusion: it moved and drew nothing; look at nozzle and thermistor"
        if job is not None:
            return m.with_job(replace(job, cold=True)), []
        return m, [announce(EventKind.PROBLEM, now, reason)]
    over = done_in(e.line)
    if over is not None and "Recv:" in e.line:
        if job is not None and over == (job.id, job.attempt):
            m = m.with_job(replace(job, finished=True))
            return doubt_running(m, now, "its last line was echoed, and no end was heard of"), []
        return m, []
    if now.mono < m.homing_until and HOMED in e.line:
        return replace(m, homing_until=-1e9), []
    if job is not None and job.preamble and HOMED in e.line:
        return m.with_job(replace(job, preamble=False)), []
    if JOG.search(e.line) and not _own_lines(m, now):
        return _jogged(m, e.line, now)
    return m, []


def _own_lines(m: Machine, now: Now) -> bool:
    recovering = m.running is not None and m.running.preamble and not _paused(m, now)
    # While OctoPrint connects it sends lines of its own, and the position is unknown anyhow.
    busy = m.octo.printer in (Printer.CONNECTING, Printer.CANCELLING, Printer.UNKNOWN)
    homing = now.mono < m.homing_until
    return recovering or homing or busy or m.foreign or now.mono - m.own_lines_at < OWN_LINES


def _paused(m: Machine, now: Now) -> bool:
    """Whether the job in hand stands still for longer than its own lines are late: it sends none then."""
    paused = m.kept.paused
    if paused is None or m.octo.printer is not Printer.PAUSED:
        return False
    return paused.boot != m.boot or now.mono - paused.since >= PICTURE_LAGS


def _jogged(m: Machine, line: str, now: Now) -> Result:
    reason = f"somebody moved the printer from OctoPrint's own page ({line.strip()[:60]})"
    job = m.running
    loses = job is not None and job.blind is None and LOSES.search(line) is not None
    known = m.position_known or (job is not None and job.recovery)
    if not loses and not known and m.kept.latch is not Latch.NONE:
        return m, []
    m = m.adrift()
    if loses:
        m = blinded(m, f"{reason}: the rest of the job would be drawn from an unknown position")
    m, effects = latched(m, Latch.FOREIGN, reason, now)
    m, more = raise_epoch(m, reason, now)
    return m, [*effects, announce(EventKind.FOREIGN, now, reason), *more]
