"""Doubt: when nobody said how a job ended, evidence is gathered, and only evidence decides."""

from __future__ import annotations

import math
from dataclasses import replace

from contracts.plan import JobEnd
from contracts.printers import Latch, Link
from services.chassis.clock import Now
from services.octo_bridge.effects import DeleteFile, Effect, Gather
from services.octo_bridge.events import EvidenceFound
from services.octo_bridge.evidence import Evidence, Finding, History, Verdict, judge
from services.octo_bridge.handlers_jobs import cancelled_by_latch
from services.octo_bridge.outcome import Result, ended, latched, started
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import LOST, Job, Machine, Phase, Printer

QUIET = 1.5
"""Seconds that OctoPrint must have been idle with a job of ours unfinished: its picture lags up to 0.5 s."""
GATHER_EVERY = 1.0


def suspect(m: Machine, now: Now) -> Result:
    """A started job whose end should have been heard of by now."""
    job = m.running
    if job is None or job.phase is not Phase.STARTED or job.doubt is not None or m.octo.link is Link.NO_OCTOPRINT:
        return m, []
    since = m.octo.idle_since
    if since is None or now.mono - since < QUIET:
        return m, []
    lost = m.octo.printer in LOST
    reason = "the printer was lost" if lost else "OctoPrint is idle, and no end of the job was heard of"
    return m.with_job(replace(job, doubt=reason, asked_at=now.mono - GATHER_EVERY)), []


def gather(m: Machine, now: Now) -> Result:
    """Ask OctoPrint, again and again until it can answer."""
    job = m.running
    if job is None or job.doubt is None or job.path is None:
        return m, []
    if m.octo.link in (Link.NO_OCTOPRINT, Link.STARTING, Link.WRONG_KEY, Link.UNKNOWN):
        return m, []
    if job.asked_at is not None and now.mono - job.asked_at < GATHER_EVERY:
        return m, []
    return m.with_job(replace(job, asked_at=now.mono)), [Gather(job.id, job.attempt, job.path, job.mark)]


def take_evidence(m: Machine, e: EvidenceFound, now: Now, s: BridgeSettings) -> Result:
    """Judge it."""
    job = m.running
    if job is None or job.id != e.job_id or job.attempt != e.attempt or job.doubt is None:
        return m, []
    if e.evidence is None or job.path is None:
        return m, []
    dry = job.run.dry  # a rehearsal is cold on purpose, and no temperature says anything of it
    finding = judge(
        e.evidence, job.path, finished=job.finished, followed=job.followed or dry, cold=job.cold and not dry,
        least=-math.inf if dry else s.nozzle - s.temperature_tolerance,
    )  # fmt: skip
    return _act(m, job, finding, e.evidence, now)


def _act(m: Machine, job: Job, finding: Finding, evidence: Evidence, now: Now) -> Result:
    effects: list[Effect] = []
    if finding.verdict in (Verdict.DRAWN, Verdict.RUNNING) and job.phase is Phase.SENDING:
        m, effects = started(m, job, now)
    if finding.verdict is Verdict.DRAWN:
        m, more = ended(m, job, JobEnd.DRAWN, None, now)
        return m, effects + more
    if finding.verdict is Verdict.RUNNING:
        m = m.with_job(replace(job, phase=Phase.STARTED, doubt=None, unknowns=0))
        return m.see(idle_since=None), effects
    if finding.verdict is Verdict.FAILED:
        return _failed(m, job, finding.reason, evidence, now)
    if finding.verdict is Verdict.NOT_STARTED:
        # A name that OctoPrint knows is never used again: its noOverwrite would turn the next POST down.
        again = replace(job, phase=Phase.ACCEPTED, attempt=job.attempt + 1, path=None, recovery=False, doubt=None)
        return m.with_job(again), [DeleteFile(job.path)] if evidence.present and job.path is not None else []
    if job.unknowns + 1 < finding.tries:
        return m.with_job(replace(job, unknowns=job.unknowns + 1, asked_at=now.mono)), []
    return ended(m, job, JobEnd.UNCERTAIN, f"{job.doubt}; {finding.reason}", now)


def _failed(m: Machine, job: Job, reason: str, evidence: Evidence, now: Now) -> Result:
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
