"""What the handlers have in common: saying things, raising the epoch, ending jobs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contracts.board import Plate
from contracts.events import Event, EventKind
from contracts.plan import JobEnd, JobEnded, JobStarted, MachineNotice, Run
from contracts.printers import Latch
from services.chassis.clock import Now
from services.octo_bridge.effects import Announce, DeleteFile, Effect, Tell
from services.octo_bridge.state import Job, Machine, Phase, Printer
from services.octo_bridge.validator import last_height

Result = tuple[Machine, list[Effect]]
_ANNOUNCED = {
    JobEnd.DRAWN: EventKind.FINISHED,
    JobEnd.FAILED: EventKind.FAILED,
    JobEnd.CANCELLED: EventKind.CANCELLED,
    JobEnd.UNCERTAIN: EventKind.UNCERTAIN,
}
LATE_ECHO = 5.0
"""Seconds after the end of a job in which the terminal may still show its own lines: half of one is usual, if neither
OctoPrint nor this process stands still."""
_RANK = (Latch.NONE, Latch.PAUSE, Latch.FOREIGN, Latch.CANCEL, Latch.STOP)


def announce(kind: EventKind, now: Now, reason: str | None = None, **more: Any) -> Announce:
    """An event for the event topic."""
    return Announce(Event(event=kind, reason=reason[:500] if reason else None, time=now.wall, **more))


def notice(m: Machine, reason: str, now: Now) -> Tell:
    """Epoch and plate for the planner."""
    return Tell(MachineNotice(epoch=m.kept.epoch, plate=m.kept.plate, reason=reason[:500], time=now.wall))


def raise_epoch(m: Machine, reason: str, now: Now, *, plate: Plate | None = None) -> Result:
    """What was known of the machine no longer holds: every plan made for it is void."""
    m = m.keep(epoch=m.kept.epoch + 1, last_drawn=None, last_board=None, plate=plate or m.kept.plate)
    return m, [notice(m, reason, now)]


def latched(m: Machine, latch: Latch, reason: str, now: Now) -> Result:
    """Nothing is sent until ``resume``. A graver latch is never replaced by a lesser one."""
    if _RANK.index(latch) <= _RANK.index(m.kept.latch):
        return m, []
    return m.keep(latch=latch, latch_reason=reason[:500]), [announce(EventKind.LATCHED, now, reason)]


def started(m: Machine, job: Job, now: Now) -> Result:
    """OctoPrint has taken the job."""
    begun = replace(job, phase=Phase.STARTED, doubt=None, refusals=0, refusal=None)
    # Idle until now says nothing of it: it counts from the next picture on.
    m = replace(m.with_job(begun), moved_at=now.mono).keep(bare=False).see(idle_since=None)
    return m, [
        Tell(JobStarted(job_id=job.id, move_id=job.run.move_id, time=now.wall)),
        announce(EventKind.STARTED, now, move_id=job.run.move_id, job=job.id),
    ]


def answer(run: Run, end: JobEnd, reason: str | None, epoch: int, now: Now, progress: float | None = None) -> Tell:
    """The one end of a job."""
    cut = reason[:500] if reason else None
    return Tell(JobEnded(job_id=run.job_id, move_id=run.move_id, end=end, reason=cut, progress=progress, epoch=epoch,
                         time=now.wall))  # fmt: skip


def ended(m: Machine, job: Job, end: JobEnd, reason: str | None, now: Now) -> Result:
    """*job* is over. Unless it was drawn, or never begun, nothing is known of the axes any more."""
    m = replace(m, jobs=tuple(other for other in m.jobs if other.id != job.id))
    if job.begun:
        m = replace(m, over_at=now.mono, over_path=job.path)
        if job.preamble:
            m = replace(m, homing_until=now.mono + LATE_ECHO)
    if end is JobEnd.DRAWN:
        height = last_height(job.run.gcode)
        known = m.position_known or job.recovery
        m = replace(m, position_known=known, moved_at=now.mono, z=height if height is not None else m.z)
        # FINISHING until OctoPrint says that it is free again: its PrintDone comes a little early.
        m = m.keep(last_drawn=job.id, last_board=job.run.board).see(printer=_after_end(m.octo.printer))
    elif job.begun:
        m = replace(m, position_known=False).keep(epoch=m.kept.epoch + 1, last_drawn=None, last_board=None)
    effects: list[Effect] = [answer(job.run, end, reason, m.kept.epoch, now, job.progress)]
    if end in _ANNOUNCED:
        effects.append(announce(_ANNOUNCED[end], now, reason, move_id=job.run.move_id, job=job.id))
    if end is JobEnd.DRAWN and job.path is not None and not job.unanswered:
        effects.append(DeleteFile(job.path))
    return m, effects


def _after_end(printer: Printer) -> Printer:
    return Printer.FINISHING if printer in (Printer.STARTING, Printer.PRINTING) else printer
