"""Jobs: taken from the planner, sent one at a time, answered exactly once."""

from __future__ import annotations

from dataclasses import replace

from contracts.board import Plate
from contracts.events import EventKind
from contracts.plan import JobEnd, PlanRefused, RevokeTooLate
from contracts.printers import Latch
from services.chassis.clock import Now
from services.octo_bridge import recovery
from services.octo_bridge.effects import DeleteFile, Effect, Submit, Tell
from services.octo_bridge.events import PlanBad, PlannerChanged, Post, Posted, RevokeTaken, RunTaken
from services.octo_bridge.gcode_file import compose, path_of
from services.octo_bridge.handlers_reset import blinded
from services.octo_bridge.outcome import Result, announce, answer, ended, latched, notice, raise_epoch, started
from services.octo_bridge.readiness import RESEND_AFTER, blocked
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import Job, Machine, Phase, Printer
from services.octo_bridge.validator import extrudes, problem

MOST_WAITING = 20
"""A planner plans one ahead; more than this is a defect, and memory."""
LET_GO = (
    "the job was paused for so long that the printer has let go of its motors: it is cancelled, for nobody knows where "
    "the head is; send resume to go on with the next one"
)
REFUSED_MOST = 6
"""Times in a row that OctoPrint may turn a job down; half a minute, by then."""


def take_run(m: Machine, e: RunTaken, now: Now, s: BridgeSettings) -> Result:
    """A plan in its turn: queue it, or answer it at once; one for another epoch is swept up in the same step."""
    run = e.run
    if e.ended is not None:
        return m, [Tell(e.ended)]
    if any(job.id == run.job_id for job in m.jobs):
        return m, []
    if m.kept.planner is None:
        m = m.keep(planner=run.planner)
    if run.planner != m.kept.planner:
        reason = (
            f"another planner ({m.kept.planner}) is bound, this one is {run.planner}; "
            "send adopt to printer/ender/command to take plans from it instead"
        )
        m = m.keep(refused_planner=run.planner)
        refused = announce(EventKind.PROBLEM, now, reason, move_id=run.move_id, job=run.job_id)
        return m, [answer(run, JobEnd.REFUSED, reason, m.kept.epoch, now), refused]
    wrong = problem(run.gcode, s)
    if wrong is None and run.dry and extrudes(run.gcode):
        wrong = "a dry run that moves filament: it would do so cold"
    if wrong is None and len(m.jobs) >= MOST_WAITING:
        wrong = f"{MOST_WAITING} jobs wait already; send resume or arm if they wait for that, or restart the planner"
    if wrong is not None:
        said = announce(EventKind.PROBLEM, now, f"a job was refused: {wrong}", move_id=run.move_id, job=run.job_id)
        return m, [answer(run, JobEnd.REFUSED, wrong, m.kept.epoch, now), said]
    return replace(m, jobs=(*m.jobs, Job(run))), []


def _stale(m: Machine, job: Job, now: Now) -> Tell:
    reason = f"planned for machine epoch {job.run.epoch}, which is now {m.kept.epoch}"
    if job.run.epoch == m.kept.epoch:
        reason = f"planned to follow {job.run.predecessor}, which was not drawn"
    return answer(job.run, JobEnd.STALE, reason, m.kept.epoch, now)


def take_revoke(m: Machine, e: RevokeTaken, now: Now) -> Result:
    """Do not begin a job; too late once its POST is committed to."""
    if e.ended is not None:
        return m, [Tell(e.ended)]
    job = next((job for job in m.jobs if job.id == e.revoke.job_id), None)
    if job is None or e.revoke.planner != m.kept.planner:
        reason = "no such job waits here"
        return m, [Tell(PlanRefused(job_id=e.revoke.job_id, reason=reason, time=now.wall))]
    if job.begun:
        return m, [Tell(RevokeTooLate(job_id=job.id, time=now.wall))]
    return ended(m, job, JobEnd.REVOKED, e.revoke.reason, now)


def take_bad(m: Machine, e: PlanBad, now: Now) -> Result:
    """A plan that nobody understands is answered too."""
    job_id = e.job_id if not any(job.id == e.job_id for job in m.jobs) else None
    return m, [Tell(PlanRefused(job_id=job_id, reason=e.reason[:500], time=now.wall))]


def take_planner_changed(m: Machine, e: PlannerChanged, now: Now) -> Result:
    """The planner may have forgotten: it hears of epoch and plate again."""
    return m, [notice(m, e.reason, now)]


def greet(m: Machine, now: Now) -> Result:
    """Once a process, whatever was told before: a planner must never wait for an epoch that nobody says."""
    if m.greeted:
        return m, []
    return replace(m, greeted=True), [notice(m, "the bridge has started", now)]


def forget_position(m: Machine, now: Now) -> Result:
    """The firmware lets go of the motors in the end, and a push moves the head: home again before the next job.

    A job that waits paused for so long cannot go on.
    """
    job = m.running
    if job is None:
        let_go = m.position_known and now.mono - m.moved_at >= recovery.STEPPERS_HOLD - 60
        return (replace(m, position_known=False) if let_go else m), []
    paused = m.kept.paused
    if m.octo.printer is not Printer.PAUSED or job.blind is not None or paused is None:
        return m, []
    # Where the host was started anew nobody knows for how long.
    known = m.saw_pause or (paused.boot is not None and paused.boot == m.boot)
    if known and now.mono - paused.since < recovery.STEPPERS_HOLD - 60:
        return m, []
    m, effects = latched(blinded(m.adrift(), LET_GO), Latch.FOREIGN, LET_GO, now)
    return m, [*effects, announce(EventKind.PROBLEM, now, LET_GO)]


def sweep(m: Machine, now: Now) -> Result:
    """Answer every waiting job that can never be run: planned for an older epoch, or behind a job not drawn."""
    m, effects = _other_board(m, now)
    for job in m.jobs:
        if not job.begun and _void(m, job):
            m = replace(m, jobs=tuple(other for other in m.jobs if other.id != job.id))
            effects.append(_stale(m, job, now))
    return m, effects


def _void(m: Machine, job: Job) -> bool:
    if job.run.epoch != m.kept.epoch:
        return True
    ahead = {other.id for other in m.jobs[: m.jobs.index(job)]}
    return job.run.predecessor not in {None, m.kept.last_drawn} | ahead


def _other_board(m: Machine, now: Now) -> Result:
    """A plan for another board than the last one, with nobody having looked at the plate in between."""
    board = m.kept.last_board
    for job in m.jobs:
        if job.run.epoch != m.kept.epoch:
            continue
        if board is not None and job.run.board != board:
            reason = (
                f"planned for board {job.run.board}, and board {board} is on the plate: "
                "clear it, then send confirm_empty"
            )
            return raise_epoch(m, reason, now, plate=Plate.UNKNOWN)
        board = job.run.board
    return m, []


def send(m: Machine, now: Now, s: BridgeSettings) -> Result:
    """Send the next job. The state that this returns says SENDING and is committed before the POST is made."""
    job = m.head
    if job is None or job.begun or blocked(m, now, s) is not None:
        return m, []
    if now.mono - m.last_asked("post") < RESEND_AFTER:
        return m, []
    path = job.path or path_of(m.kept.folder, job.id, job.attempt)
    home = not m.position_known
    preamble = (*recovery.homing(s), "G90", "M83", "G92 E0") if home else ()
    job = replace(
        job, phase=Phase.SENDING, path=path, mark=m.kept.mark, recovery=home, followed=m.octo.push, doubt=None,
        finished=False, cold=False, unknowns=0, asked_at=None, blind=None, aborted=None, unanswered_since=None,
        bare=m.kept.bare, preamble=home, hot_at=_seen_hot_at(m, job), sent_at=now.mono,
    )  # fmt: skip
    known = tuple(other for other in m.accounted if other != path)
    m = replace(m.with_job(job).keep(bare=False), accounted=(*known, path))
    if home:
        # The homing sets the dead man, and the line that ends it is this job's.
        m = replace(m, own_lines_at=now.mono, dead_man=None, homing_until=-1e9)
    return m, [Submit(job.id, job.attempt, path, compose(job.id, job.attempt, preamble, job.run.gcode), now.mono)]


def _seen_hot_at(m: Machine, job: Job) -> float | None:
    """When the nozzle was seen hot that `blocked` wants for it; a rehearsal is cold on purpose."""
    return m.octo.nozzle.at if m.octo.nozzle is not None and not job.run.dry else None


def take_posted(m: Machine, e: Posted, now: Now) -> Result:
    """OctoPrint's answer to the POST; the push socket may have told more by now."""
    job = m.running
    if job is None or job.id != e.job_id or job.attempt != e.attempt or job.phase is not Phase.SENDING:
        return m, []
    if e.post is Post.TAKEN:
        return started(m, job, now)
    if e.post is Post.DOUBT:
        doubt = e.reason or "no answer to the upload"
        return m.with_job(replace(job, doubt=doubt, asked_at=now.mono, unanswered=True)), []
    m = m.keep(bare=job.bare)
    if e.post is Post.LATE and not cancelled_by_latch(m):
        again = replace(job, phase=Phase.ACCEPTED, recovery=False)
        return m.with_job(again).ask("post", now.mono), [announce(EventKind.PROBLEM, now, e.reason)]
    if e.post is Post.WITHHELD and not cancelled_by_latch(m):
        return m.with_job(replace(job, phase=Phase.ACCEPTED, recovery=False)), []  # what came in has been said
    # Certainly not printed: the same job again, under another name if this one is taken.
    m, more = other_name(m, job) if e.post is Post.STORED else (m, [])
    job = m.running or job
    m, said = refused(m, job, e.reason or "it did not say why", now, at_once=e.post is Post.STORED)
    return m, [*more, *said]


def other_name(m: Machine, job: Job) -> Result:
    """The name of *job* is taken. Its file goes, unless an upload of it may still come, which must find it taken."""
    effects: list[Effect] = [DeleteFile(job.path)] if job.path is not None and not job.unanswered else []
    return m.with_job(replace(job, attempt=job.attempt + 1, path=None)), effects


def refused(m: Machine, job: Job, reason: str, now: Now, *, at_once: bool) -> Result:
    """OctoPrint did not print it. Tried again with longer and longer pauses, and not for ever: a person has to look.

    *at_once*: the first time there is no pause.
    """
    if cancelled_by_latch(m):
        return ended(m, job, JobEnd.CANCELLED, m.kept.latch_reason, now)
    job = replace(job, phase=Phase.ACCEPTED, recovery=False, doubt=None, unknowns=0)
    m = m.with_job(replace(job, refusals=job.refusals + 1, refusal=reason)).keep(bare=job.bare)
    if job.refusals or not at_once:
        m = m.ask("post", now.mono)
    if job.refusals + 1 < REFUSED_MOST:
        return m, []
    m = m.with_job(replace(job, refusals=0, refusal=None))
    why = f"OctoPrint has turned a job down {REFUSED_MOST} times ({reason}): mend it, then send resume"
    m, effects = latched(m, Latch.PAUSE, why, now)
    return m, [*effects, announce(EventKind.PROBLEM, now, why, move_id=job.run.move_id, job=job.id)]


def cancelled_by_latch(m: Machine) -> bool:
    """Whether the end of a job is what the latch ordered."""
    return m.kept.latch in (Latch.CANCEL, Latch.STOP)
