"""What became of a job that is in doubt, from what OctoPrint still knows. Never a guess: the rest is uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from services.octo_bridge.octolog import Slice


class History(StrEnum):
    """OctoPrint's own record of the file's last print."""

    NONE = "none"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True)
class Evidence:
    """Everything there is on one attempt of one job."""

    present: bool
    """The file is there."""
    history: History
    active: bool
    """OctoPrint has this very file in hand right now."""
    log: Slice | None
    """Since before SENDING; None where the log cannot be read."""
    coldest: float | None = None
    """Lowest nozzle temperature recorded while it was printed, °C; None where none was."""
    ended: float | None = None
    """When its last print ended by OctoPrint's record, s since 1970 on OctoPrint's clock."""


class Verdict(StrEnum):
    """What the evidence says."""

    DRAWN = "drawn"
    RUNNING = "running"
    FAILED = "failed"
    NOT_STARTED = "not_started"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """A verdict and the reason for it."""

    verdict: Verdict
    reason: str
    tries: int = 2
    """How often, a second apart, nothing may be found out: history and log are written within a second."""


MARGIN = 10.0
"""Seconds around a print within which the next temperature still speaks of it: OctoPrint records one every few seconds,
so that a short print has none of its own, and no nozzle warms up or cools down by more than 2 °C a second."""
DROPS_E = 170.0
"""°C. Marlin's EXTRUDE_MINTEMP."""
_ROUNDED = 1.0
"""OctoPrint writes whole seconds down, rounded off: what it says of a second may have been in the one after."""
UNTIL_MEASURED = 12
"""Tries until OctoPrint has written down the next temperature."""


class Recorded(NamedTuple):
    """What the nozzle was recorded to have, °C, at a second of OctoPrint's clock."""

    at: float
    actual: float
    target: float


def coldest(
    readings: Sequence[Recorded], window: tuple[float, float], least: float, *, held: bool = True
) -> float | None:
    """Lowest temperature of the nozzle while a file was printed in *window*, and next behind it; None if none is known.

    A nozzle that was turned down behind the print has cooled since: it says that it was hot if it still is, and
    otherwise nothing. A print without any reading of its own then lies between that and the last one before it.
    So may have been one that was reset behind the print (*held* is false), and one whose record begins only behind it,
    for OctoPrint was started anew: both forget their targets, and may have been given them again.
    """
    # Not before it began: a job is sent as soon as the nozzle is warm, and a second earlier it was not.
    begin, end = window[0] + _ROUNDED, window[1]
    within = [r.actual for r in readings if begin <= r.at <= end]
    before = next((r for r in reversed(readings) if r.at <= end), None)
    behind = next((r for r in readings if max(begin, end) < r.at <= end + MARGIN), None)
    if behind is None:
        return min(within, default=None)
    wanted = before.target if before is not None else least
    kept = held and before is not None and behind.target >= wanted
    if kept or behind.actual >= least:
        return min([*within, behind.actual])
    if not within and before is not None and before.at >= begin - MARGIN and before.actual >= least:
        return before.actual
    return min(within, default=None)


def judge(
    evidence: Evidence,
    path: str,
    *,
    finished: bool,
    followed: bool,
    cold: bool,
    least: float,
    seen_hot: bool = False,
) -> Finding:
    """What became of the file *path*.

    *finished*: PrintDone or the last line's echo was seen. *followed*: the printer's messages were seen throughout.
    *cold*: it said that it prevented cold extrusion. *least*: nozzle temperature (°C) below which nothing counts.
    *seen_hot*: the bridge itself saw the nozzle hot close to the end of the print.
    """
    if cold:
        return Finding(Verdict.FAILED, "the printer prevented cold extrusion: it moved and drew nothing")
    if finished or evidence.history is History.SUCCESS:
        cooled = evidence.log is not None and path in evidence.log.paused
        return _warm(evidence, followed=followed, seen_hot=seen_hot, least=least, cooled=cooled)
    if evidence.active:
        return Finding(Verdict.RUNNING, "OctoPrint is printing it")
    if evidence.history is History.FAILURE:
        return Finding(Verdict.FAILED, "OctoPrint recorded that it failed")
    return _absent(evidence, path)


def _warm(evidence: Evidence, *, followed: bool, seen_hot: bool, least: float, cooled: bool) -> Finding:
    """A finished file is a drawn one only if the nozzle was hot: below 170 °C Marlin drops E, moves on, and says so.

    *cooled*: it was paused, so that the nozzle may have been cold while nothing was drawn.
    """
    lowest = evidence.coldest
    if cooled and lowest is not None and lowest < least:
        if followed:
            return Finding(Verdict.DRAWN, "it ended, and the printer did not complain")
        return Finding(Verdict.UNKNOWN, "it was paused, and nobody knows whether the nozzle was hot when it went on")
    if lowest is not None and lowest < min(DROPS_E, least):
        return Finding(Verdict.FAILED, f"it ended with the nozzle at {lowest:.0f} °C: too cold to draw")
    if followed:
        return Finding(Verdict.DRAWN, "it ended, and the printer did not complain")
    if seen_hot:
        return Finding(Verdict.DRAWN, "it ended, and the nozzle was seen hot close to its end")
    if lowest is not None and lowest >= least:
        return Finding(Verdict.DRAWN, "OctoPrint recorded its success, and a hot nozzle throughout")
    if lowest is not None:
        return Finding(Verdict.UNKNOWN, f"it ended with the nozzle at {lowest:.0f} °C: perhaps too cold to draw")
    return Finding(Verdict.UNKNOWN, "it ended, but nobody knows whether the nozzle was hot", UNTIL_MEASURED)


def _absent(evidence: Evidence, path: str) -> Finding:
    """Absence counts only within one OctoPrint process whose log spans from before SENDING to now."""
    log = evidence.log
    if log is None or not log.whole:
        return Finding(Verdict.UNKNOWN, "OctoPrint's log does not reach back to when the job was sent")
    if path in log.stillborn:
        return Finding(Verdict.NOT_STARTED, "OctoPrint lost the printer before it sent a line of the file")
    if path in log.started:
        return Finding(Verdict.UNKNOWN, "it was started, and OctoPrint has no record of its end")
    if log.restarted:
        return Finding(Verdict.UNKNOWN, "OctoPrint was restarted after the job was sent")
    if not log.verbose:
        return Finding(Verdict.UNKNOWN, "OctoPrint's log level hides whether the job was started")
    return Finding(Verdict.NOT_STARTED, "OctoPrint's log shows that it was never started")
