"""What OctoPrint tells of a job as it happens: begun, ended, paused or called off, and by whom."""

from __future__ import annotations

from dataclasses import replace

from contracts.plan import JobEnd
from contracts.printers import Latch
from services.chassis.clock import Now
from services.octo_bridge.effects import Effect
from services.octo_bridge.events import (
    Happened,
    Happening,
)
from services.octo_bridge.gcode_file import is_ours
from services.octo_bridge.handlers_doubt import doubt_running
from services.octo_bridge.handlers_foreign import foreign_job
from services.octo_bridge.handlers_jobs import cancelled_by_latch
from services.octo_bridge.handlers_reset import take_reset
from services.octo_bridge.outcome import Result, ended, latched, raise_epoch, started
from services.octo_bridge.readiness import nozzle_hot
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import Aborted, Job, Machine, Phase

ECHO_WITHIN = 1.0
"""Seconds; OctoPrint pushes the terminal's lines every half second."""
HOT_WITHIN = 5.0
"""Seconds. No nozzle falls from the tolerance to 170 °C, where Marlin drops E, in so short a time."""


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
    return _called_off(m, job, f"the job {what}: {e.reason or m.octo.error or 'no reason given'}", now, JobEnd.FAILED)


def _called_off(m: Machine, job: Job, reason: str | None, now: Now, end: JobEnd = JobEnd.CANCELLED) -> Result:
    return m.with_job(replace(job, aborted=Aborted(end, reason, now.mono))), []


def settle_called_off(m: Machine, now: Now) -> Result:
    """A cancel, or a failure, that came when the last line had been sent undoes nothing: the line lies there.

    The echo of that line is pushed up to half a second after the event.
    """
    job = m.running
    if job is None or job.aborted is None:
        return m, []
    whole = job.finished and not job.cold and (job.followed or job.run.dry)
    if whole:
        m, effects = ended(m, job, JobEnd.DRAWN, None, now)
        # The script that OctoPrint runs after a cancel lets go of the motors all the same.
        m, more = raise_epoch(replace(m, position_known=False), "the job was called off after its last line", now)
        return m, [*effects, *more]
    if now.mono - job.aborted.at < ECHO_WITHIN:
        return m, []
    return ended(m, job, job.aborted.end, job.aborted.reason, now)
