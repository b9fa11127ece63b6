"""Doubt: when nobody said how a job ended, evidence is gathered, and only evidence decides."""

from __future__ import annotations

import math
from dataclasses import replace

from contracts.plan import JobEnd
from contracts.printers import Latch, Link
from services.chassis.clock import Now
from services.octo_bridge.effects import Effect, Gather
from services.octo_bridge.events import EvidenceFound
from services.octo_bridge.evidence import DROPS_E, MARGIN, Evidence, Finding, History, Verdict, judge
from services.octo_bridge.handlers_jobs import cancelled_by_latch, other_name, refused
from services.octo_bridge.handlers_reset import blind, overtook
from services.octo_bridge.outcome import Result, ended, latched, raise_epoch, started
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import LOST, Job, Machine, Phase, Printer

QUIET = 1.5
"""Seconds that OctoPrint must have been idle with a job of ours unfinished: its picture lags up to 0.5 s."""
GATHER_EVERY = 1.0
SENDING_MOST = 3
"""Upload time-outs: a POST has ended after two and a bit, and says so."""
UNANSWERED_MOST = 120.0
"""Seconds that OctoPrint may be there and not say what it knows of a job."""


def suspect(m: Machine, now: Now, s: BridgeSettings) -> Result:
    """A job whose end, or the answer to whose upload, should have been heard of by now."""
    job = m.running
    if job is not None and job.phase is Phase.SENDING and job.doubt is None and job.sent_at is not None:
        if now.mono - job.sent_at < SENDING_MOST * s.upload_timeout:
            return m, []
        return m.with_job(replace(job, doubt="the upload came to no end", asked_at=now.mono, unanswered=True)), []
    if job is None or job.phase is not Phase.STARTED or job.doubt is not None or m.octo.link is Link.NO_OCTOPRINT:
        return m, []
    since = m.octo.idle_since
    if since is None or now.mono - since < QUIET:
        return m, []
    lost = m.octo.printer in LOST
    reason = "the printer was lost" if lost else "OctoPrint is idle, and no end of the job was heard of"
    return m.with_job(replace(job, doubt=reason, asked_at=now.mono - GATHER_EVERY)), []


def gather(m: Machine, now: Now, s: BridgeSettings) -> Result:
    """Ask OctoPrint, again and again until it can answer."""
    job = m.running
    if job is None or job.doubt is None or job.path is None:
        return m, []
    if m.octo.link in (Link.NO_OCTOPRINT, Link.STARTING, Link.WRONG_KEY, Link.UNKNOWN):
        return (m if job.unanswered_since is None else m.with_job(replace(job, unanswered_since=None))), []
    if job.asked_at is not None and now.mono - job.asked_at < GATHER_EVERY:
        return m, []
    question = Gather(job.id, job.attempt, job.path, job.mark, _least(job, s))
    return m.with_job(replace(job, asked_at=now.mono)), [question]


def take_evidence(m: Machine, e: EvidenceFound, now: Now, s: BridgeSettings) -> Result:
    """Judge it."""
    job = m.running
    if job is None or job.id != e.job_id or job.attempt != e.attempt or job.doubt is None:
        return m, []
    if e.evidence is None or job.path is None:
        return _unanswered(m, job, e.reason or "it did not answer", now)
    path, job = job.path, replace(job, unanswered_since=None)
    m = m.with_job(job)
    dry = job.run.dry
    finding = judge(
        e.evidence, path, finished=job.finished, followed=job.followed or dry, cold=job.cold and not dry,
        least=_least(job, s), seen_hot=_was_seen_hot(m, job, e.evidence),
    )  # fmt: skip
    return _act(m, job, finding, e.evidence, now)


def _was_seen_hot(m: Machine, job: Job, evidence: Evidence) -> bool:
    """Whether the bridge saw a hot nozzle so close to the end of the print that it cannot have been cold in it."""
    if evidence.ended is None or job.hot_at is None or m.octo.clock is None:
        return False
    return abs(evidence.ended - m.octo.clock - job.hot_at) <= MARGIN


def _least(job: Job, s: BridgeSettings) -> float:
    """A rehearsal is cold on purpose, and no temperature says anything of it."""
    return -math.inf if job.run.dry else max(s.nozzle - s.temperature_tolerance, DROPS_E)


def _unanswered(m: Machine, job: Job, reason: str, now: Now) -> Result:
    """OctoPrint is there and does not answer this question: not for ever, for a stop waits for the end of the job."""
    since = job.unanswered_since if job.unanswered_since is not None else now.mono
    if now.mono - since >= UNANSWERED_MOST:
        return ended(
            m, job, JobEnd.UNCERTAIN, f"{job.doubt}; OctoPrint does not say what it knows of it: {reason}", now
        )
    return m.with_job(replace(job, unanswered_since=since)), []


def _act(m: Machine, job: Job, finding: Finding, evidence: Evidence, now: Now) -> Result:
    effects: list[Effect] = []
    if evidence.log is not None and job.blind is None and overtook(job, evidence.log):
        m, effects = blind(m.adrift(), now)
        job = m.running or job
    if evidence.log is not None and evidence.log.forgets(job.path):
        m = m.adrift()
        job = m.running or job
    if job.blind is not None and finding.verdict is Verdict.DRAWN:
        finding = replace(finding, verdict=Verdict.FAILED, reason="it was drawn from an unknown position")
    if finding.verdict in (Verdict.DRAWN, Verdict.RUNNING) and job.phase is Phase.SENDING:
        m, more = started(m, job, now)
        effects += more
    if finding.verdict is Verdict.DRAWN:
        m, more = ended(m, job, JobEnd.DRAWN, None, now)
        effects += more
        if evidence.history is History.FAILURE:
            # Called off after its last line: the script that OctoPrint runs then lets go of the motors.
            m, more = raise_epoch(replace(m, position_known=False), "the job was called off after its last line", now)
            effects += more
        return m, effects
    if finding.verdict is Verdict.RUNNING:
        m = m.with_job(replace(job, phase=Phase.STARTED, doubt=None, unknowns=0))
        return m.see(idle_since=None), effects
    if finding.verdict is Verdict.FAILED:
        m, more = _failed(m, job, finding.reason, evidence, now)
        return m, [*effects, *more]
    if finding.verdict is Verdict.NOT_STARTED and (not evidence.present or job.unknowns + 1 >= finding.tries):
        return _again(m, job, evidence, now)
    if job.unknowns + 1 < finding.tries:
        return m.with_job(replace(job, unknowns=job.unknowns + 1, asked_at=now.mono)), effects
    m, more = ended(m, job, JobEnd.UNCERTAIN, f"{job.doubt}; {finding.reason}", now)
    return m, [*effects, *more]


def _again(m: Machine, job: Job, evidence: Evidence, now: Now) -> Result:
    """It was never started: send it again.

    Where OctoPrint has no file of that name, under the same name: should the first upload still come to its end, the
    second is turned down, and evidence decides. A name that is there would be turned down for ever.
    """
    effects: list[Effect] = []
    if evidence.present:
        m, effects = other_name(m, job)
    m, more = refused(m, m.running or job, job.doubt or "it was not started", now, at_once=True)
    return m, [*effects, *more]


def _failed(m: Machine, job: Job, reason: str, evidence: Evidence, now: Now) -> Result:
    if job.aborted is not None:
        return m, []  # that was heard live, with its reason; its end waits for the echo of the last line
    if cancelled_by_latch(m):
        return ended(m, job, JobEnd.CANCELLED, reason, now)
    effects: list[Effect] = []
    if evidence.history is History.FAILURE:
        # OctoPrint writes the same for a cancel by hand, and nobody saw whose it was.
        m, effects = latched(m, Latch.FOREIGN, "the job ended while nobody watched; look, then resume", now)
    m, more = ended(m, job, JobEnd.FAILED, reason, now)
    return m, [*effects, *more]


def doubt_running(m: Machine, now: Now, reason: str) -> Machine:
    """The job in hand is in doubt from now on; evidence is asked for in a second, when all of it is written."""
    job = m.running
    if job is None or job.doubt is not None:
        return m
    return m.with_job(replace(job, doubt=reason, asked_at=now.mono))


def is_idle(printer: Printer) -> bool:
    """Whether a job in hand is impossible in this state."""
    return printer is Printer.OPERATIONAL or printer in LOST
