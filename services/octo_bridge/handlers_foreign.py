"""Hands other than the bridge's: a job, a cancel, a pause or a jog from OctoPrint's own page. All set the latch."""

from __future__ import annotations

import re
from dataclasses import replace

from contracts.board import Plate
from contracts.events import EventKind
from contracts.plan import JobEnd
from contracts.printers import Latch
from services.chassis.clock import Now
from services.octo_bridge.effects import Effect
from services.octo_bridge.events import Happened, Happening, Logged, LogRead
from services.octo_bridge.gcode_file import done_in, is_ours
from services.octo_bridge.handlers_doubt import doubt_running
from services.octo_bridge.handlers_jobs import cancelled_by_latch
from services.octo_bridge.handlers_reset import START, blinded, start_heard, take_reset
from services.octo_bridge.outcome import Result, announce, ended, latched, raise_epoch, started
from services.octo_bridge.readiness import nozzle_hot
from services.octo_bridge.recovery import STEPPERS_HOLD
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import ACTIVE, Aborted, Job, Machine, Phase, Printer

OWN_LINES = 5.0
"""Seconds after own homing, or a cancel with its script, in which lines like a jog's are no foreign hand."""
ACCOUNTED_MOST = 50
"""Own files that never appeared in OctoPrint's log: posted, and not started."""
ECHO_WITHIN = 1.0
"""Seconds; OctoPrint pushes the terminal's lines every half second."""
HOT_WITHIN = 5.0
"""Seconds. No nozzle falls from the tolerance to 170 °C, where Marlin drops E, in so short a time."""
COLD = re.compile(r"cold extrusion prevented", re.IGNORECASE)
_LOSES = r"(?:G28|M84|M18|M112)\b|G92\b.*[XYZ]"
LOSES = re.compile(rf"Send: (?:N\d+ )?(?:{_LOSES})")
"""After these a job that goes on draws in another place; a script that lifts the nozzle in a pause sets it back."""
JOG = re.compile(rf"Send: (?:N\d+ )?(?:G91\b|{_LOSES})")
HOMED = f"M84 S{STEPPERS_HOLD}"
"""The last of a job's own lines that look like a jog's."""
WATCHED = rf"move:[a-z0-9-]+:a\d+:done|[Cc]old extrusion prevented|Recv: start\s*$|{JOG.pattern}"
"""The lines of the terminal that OctoPrint is asked to report: what no plan contains, and the three messages."""


def foreign_job(m: Machine, path: str, now: Now) -> Result:
    """Somebody else's file runs: afterwards nobody knows what lies on the plate."""
    if m.foreign:
        return m, []
    reason = f"somebody else's job was run from OctoPrint: {path}"[:300]
    m = replace(m.adrift(), foreign=True, accounted=(*m.accounted, path)).keep(bare=False).see(path=path)
    m, effects = raise_epoch(m, reason, now, plate=Plate.UNKNOWN)
    m, more = latched(m, Latch.FOREIGN, reason, now)
    return m, [*effects, announce(EventKind.FOREIGN, now, reason, job=path[:200]), *more]


def foreign_over(m: Machine, now: Now) -> Result:
    """It has ended. What it left hot cools by the bridge's timers from here on.

    A fresh mark is put into OctoPrint's log. Whoever looked at the plate meanwhile has to look again.
    """
    m = replace(m, foreign=False, moved_at=now.mono, heat=replace(m.heat, settled=False))
    m = m.keep(bare=False).see(caught_up=False)
    return raise_epoch(m, "somebody else's job has ended: look at the plate", now, plate=Plate.UNKNOWN)


def take_happened(m: Machine, e: Happened, now: Now, s: BridgeSettings) -> Result:
    """An event of OctoPrint about a job, or about the printer."""
    if e.what is Happening.RESET:
        return take_reset(m, e, now)
    job = m.running
    if job is None or e.path != job.path:
        if e.what is Happening.STARTED and e.path is not None and not _just_ended(m, e.path):
            return foreign_job(m, e.path, now)
        return _cancelled_too_late(m, now) if e.what is Happening.CANCELLED else (m, [])
    if e.what is Happening.STARTED:
        return started(m, job, now) if job.phase is Phase.SENDING else (m, [])
    if e.what is Happening.DONE:
        return _done(m, job, now, s)
    if e.what is Happening.PAUSED:
        return _paused(m, e, now)
    return _aborted(m, job, e, now)


def _cancelled_too_late(m: Machine, now: Now) -> Result:
    """OctoPrint took a cancel after the end of the job was heard of: its script lets go of the motors all the same."""
    m = replace(m, own_lines_at=now.mono)
    if not m.position_known:
        return m, []
    reason = "a cancel came after the end of a job, and OctoPrint's script for it lets go of the motors"
    return raise_epoch(replace(m, position_known=False), reason, now)


def _paused(m: Machine, e: Happened, now: Now) -> Result:
    by = f" by {e.by}" if e.by else ""
    reason = f"the job was paused{by}, not by the bridge"
    if m.kept.latch is Latch.FOREIGN and e.by:
        return m.keep(latch_reason=reason), []  # the printer's state was faster, and did not say who it was
    return latched(m, Latch.FOREIGN, reason, now)


def _just_ended(m: Machine, path: str) -> bool:
    """An event that arrives late, of a job whose end is known from elsewhere; files of ours are not reprinted so."""
    return m.kept.last_drawn is not None and is_ours(path) and f"/{m.kept.last_drawn}-a" in path


def _done(m: Machine, job: Job, now: Now, s: BridgeSettings) -> Result:
    """Finished is drawn only if the nozzle was hot; where that was watched, there is nothing left to ask."""
    if job.blind:
        return ended(m, job, JobEnd.FAILED, job.blind, now)
    effects: list[Effect] = []
    if job.phase is Phase.SENDING:
        m, effects = started(m, job, now)
        job = replace(job, phase=Phase.STARTED)
    # A rehearsal is cold on purpose: its motion is all there is to it.
    if job.run.dry or (job.followed and not job.cold and nozzle_hot(m, now, s, HOT_WITHIN)):
        m, more = ended(m, job, JobEnd.DRAWN, None, now)
        return m, [*effects, *more]
    m = m.with_job(replace(job, finished=True))
    return doubt_running(m, now, "it ended, but the nozzle was not watched"), effects


def _aborted(m: Machine, job: Job, e: Happened, now: Now) -> Result:
    m = replace(m, own_lines_at=now.mono)
    if job.blind:
        return ended(m, job, JobEnd.FAILED, job.blind, now)
    if job.aborted is not None:
        return m, []  # after PrintCancelled comes a PrintFailed
    if cancelled_by_latch(m):
        return _called_off(m, job, m.kept.latch_reason, now)
    if e.what is Happening.CANCELLED and e.by is not None:
        reason = f"the job was cancelled by {e.by} on OctoPrint's own page"
        m, effects = latched(m, Latch.FOREIGN, reason, now)
        m, more = _called_off(m, job, reason, now)
        return m, [*effects, *more]
    what = "was cancelled by OctoPrint itself" if e.what is Happening.CANCELLED else "failed"
    return ended(m, job, JobEnd.FAILED, f"the job {what}: {e.reason or m.octo.error or 'no reason given'}", now)


def _called_off(m: Machine, job: Job, reason: str | None, now: Now) -> Result:
    return m.with_job(replace(job, aborted=Aborted(JobEnd.CANCELLED, reason, now.mono))), []


def settle_called_off(m: Machine, now: Now) -> Result:
    """A cancel that came when the last line had been sent cancels nothing: the line lies there.

    The echo of that line is pushed up to half a second after the event of the cancel.
    """
    job = m.running
    if job is None or job.aborted is None:
        return m, []
    whole = job.finished and not job.cold and (job.followed or job.run.dry)
    if whole:
        m, effects = ended(m, job, JobEnd.DRAWN, None, now)
        # The script that OctoPrint runs after a cancel lets go of the motors all the same.
        m, more = raise_epoch(replace(m, position_known=False), "the job was cancelled after its last line", now)
        return m, [*effects, *more]
    if now.mono - job.aborted.at < ECHO_WITHIN:
        return m, []
    return ended(m, job, job.aborted.end, job.aborted.reason, now)


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
    if job is not None and job.preamble and HOMED in e.line:
        return m.with_job(replace(job, preamble=False)), []
    if JOG.search(e.line) and not _own_lines(m, now):
        return _jogged(m, e.line, now)
    return m, []


def _own_lines(m: Machine, now: Now) -> bool:
    recovering = m.running is not None and m.running.preamble
    # While OctoPrint connects it sends lines of its own, and the position is unknown anyhow.
    busy = m.octo.printer in (Printer.CONNECTING, Printer.CANCELLING, Printer.UNKNOWN)
    return recovering or busy or m.foreign or now.mono - m.own_lines_at < OWN_LINES


def _jogged(m: Machine, line: str, now: Now) -> Result:
    reason = f"somebody moved the printer from OctoPrint's own page ({line.strip()[:60]})"
    job = m.running
    if job is None and not m.position_known and m.kept.latch is not Latch.NONE:
        return m, []
    m = m.adrift()
    if job is not None and LOSES.search(line):
        m = blinded(m, f"{reason}: the rest of the job would be drawn from an unknown position")
    m, effects = latched(m, Latch.FOREIGN, reason, now)
    m, more = raise_epoch(m, reason, now)
    return m, [*effects, announce(EventKind.FOREIGN, now, reason), *more]


def take_log_read(m: Machine, e: LogRead, now: Now) -> Result:
    """What OctoPrint's log says of the time since the last mark: while the bridge was away, above all."""
    m = replace(m, log_asked=False)
    if e.asked is not None and e.asked.since != m.kept.mark:
        return m, []  # another reading came in before it and has told the same already
    fresh, first, since = not m.kept.contacted, m.first_contact, e.since
    m = replace(m.keep(mark=e.mark, contacted=True), first_contact=False)
    m = m.see(caught_up=True) if e.asked is None or e.asked.sight == m.octo.sight else m.ask("log", -1e9)
    if fresh:
        return m, []
    if since is None or not since.whole:
        plate = Plate.UNKNOWN if first else None  # while this process watched, its own eyes are witness enough
        m = replace(m.adrift(), accounted=m.accounted[-ACCOUNTED_MOST:])
        return raise_epoch(m, e.reason or "OctoPrint's log does not say what happened meanwhile", now, plate=plate)
    m, theirs = _unaccounted(m, since.started)
    if theirs:
        return _foreign_in_log(m, theirs[-1], now)
    if since.restarted or since.reconnected or since.reset:
        m = m.adrift()
        return raise_epoch(m, "the printer was reset, or connected anew: its position is unknown", now)
    return m, []


def _unaccounted(m: Machine, started_paths: tuple[str, ...]) -> tuple[Machine, list[str]]:
    """Files that were started and are neither a job of ours, each of which starts once, nor were seen live.

    What has not appeared in the log yet stays accounted for: it may have been started behind the mark.
    """
    left, theirs = list(m.accounted), []
    for path in started_paths:
        if path in left:
            left.remove(path)
        else:
            theirs.append(path)
    left = [path for path in left if is_ours(path) or m.foreign]
    return replace(m, accounted=tuple(left[-ACCOUNTED_MOST:])), theirs


def _foreign_in_log(m: Machine, path: str, now: Now) -> Result:
    m, effects = foreign_job(replace(m, foreign=False), path, now)
    m = replace(m, accounted=m.accounted[:-1])  # its line in the log is read already
    job = m.running
    if m.octo.printer in ACTIVE and not (job is not None and job.path == m.octo.path):
        return m, effects
    m, more = foreign_over(m, now)
    return m, [*effects, *more]
