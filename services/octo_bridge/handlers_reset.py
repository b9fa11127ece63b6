"""A printer that was reset knows neither where it is nor what it was to heat.

OctoPrint tells of it where it cancels a job for it or has none in its hands. While a job ends, pauses or is
cancelled, it overlooks the printer's `start` (OctoPrint 1.11, octoprint.util.comm, `_monitor`); the bridge hears that
in the terminal.
"""

from __future__ import annotations

import re
from dataclasses import replace

from contracts.events import EventKind
from contracts.printers import Latch
from services.chassis.clock import Now
from services.octo_bridge.effects import Look
from services.octo_bridge.events import Happened
from services.octo_bridge.handlers_heat import REPEAT
from services.octo_bridge.octolog import Slice
from services.octo_bridge.outcome import Result, announce, latched, raise_epoch
from services.octo_bridge.state import LOST, Job, Machine, Phase, Printer

BLIND = "the printer was reset while a job was being sent and may have moved blindly: look at it, then send resume"
_IN_ITS_MIDDLE = frozenset({Printer.PAUSING, Printer.PAUSED, Printer.RESUMING})
START = re.compile(r"Recv: start\s*$")
ALREADY_TOLD = 3.0
"""Seconds in which a `start` is the one that OctoPrint has told of: the terminal comes up to half a second late."""
FORGETS_HEAT = 6.0
"""Seconds until OctoPrint has heard the temperatures anew: it asks every 5 s, and repeats what it knows until then."""
TOLD_WITHIN = 1.0
"""Seconds that OctoPrint has to tell of a reset after the terminal showed it."""


def take_reset(m: Machine, e: Happened, now: Now) -> Result:
    """OctoPrint tells of a reset."""
    return _reset(replace(m, reset_told_at=now.mono), now, cancels=not e.idle)


def start_heard(m: Machine, now: Now) -> Result:
    """The printer said `start`: OctoPrint tells of it too, or overlooks it."""
    connects = m.octo.printer in LOST or m.octo.printer is Printer.UNKNOWN
    if connects or now.mono - m.reset_told_at < ALREADY_TOLD or m.start_heard_at is not None:
        return m, []
    return replace(m, start_heard_at=now.mono), []


def overlooked(m: Machine, now: Now) -> Result:
    """OctoPrint had its time to tell of a `start`, and did not."""
    if m.start_heard_at is None or now.mono - m.start_heard_at < TOLD_WITHIN:
        return m, []
    return _reset(m, now, cancels=False)


def _reset(m: Machine, now: Now, *, cancels: bool) -> Result:
    """*cancels*: OctoPrint cancels the job in its hands for it."""
    # Its heaters are off, and OctoPrint goes on for a while saying that they are hot.
    m = replace(m.adrift(), start_heard_at=None, temperatures_from=now.mono + FORGETS_HEAT)
    m = replace(m, heat=replace(m.heat, settled=False)).ask("targets", now.mono - REPEAT)
    job = m.running
    if job is None:
        m, effects = raise_epoch(m, "the printer was reset: its position is unknown", now)
        said = announce(EventKind.PROBLEM, now, "the printer was reset: it is homed before the next job; look why")
        return m, [*effects, said, Look()]
    if job.phase is Phase.SENDING or (not cancels and _not_through(m, job)):
        return blind(m, now)
    if cancels:
        return m, [Look()]  # the end of the job raises the epoch
    m, effects = raise_epoch(m, "the printer was reset: its position is unknown", now)
    return m, [*effects, Look()]


def _not_through(m: Machine, job: Job) -> bool:
    """Whether the job has begun after the reset, or is in its middle: of a followed one the end is told first."""
    going_on = job.followed or m.octo.printer in _IN_ITS_MIDDLE
    called_off = job.aborted is not None or m.kept.latch in (Latch.CANCEL, Latch.STOP)
    return going_on and not job.finished and not called_off


def overtook(job: Job, log: Slice) -> bool:
    """Whether the log tells of a reset between the job before and this one, which begins where that one has ended.

    Nobody saw it: a job that is planned behind another one is not sent any more once it is known of.
    """
    return job.run.predecessor is not None and not job.recovery and job.path in log.overtaken


def blinded(m: Machine, reason: str) -> Machine:
    """The job in hand must not go on: it is cancelled as soon as OctoPrint has it, and never called drawn."""
    job = m.running
    if job is None or job.blind is not None:
        return m
    return m.with_job(replace(job, blind=reason)).ask("cancel", -1e9)


def blind(m: Machine, now: Now) -> Result:
    """Where it had begun, OctoPrint cancels it, or is told to. Where not, it is cancelled as soon as it does."""
    m, effects = latched(blinded(m, BLIND), Latch.FOREIGN, BLIND, now)
    return m, [*effects, announce(EventKind.PROBLEM, now, BLIND), Look()]
