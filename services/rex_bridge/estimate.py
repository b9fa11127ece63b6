"""How long a print will still take, out of nothing but its progress in whole percents.

The printer tells neither times nor lengths. What is known is how long the percents took so far, and the last ones above
all; the remaining time glides to what their pace says instead of jumping there.
It is None until a percent has been seen to begin and three more have passed, since a first layer says little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

LEAST_PERCENT = 3.0
LEAST_SECONDS = 60.0
_MEMORY = 5.0
"""Percents after which an earlier pace counts for a third in the recent one."""
_GLIDE = 60.0
"""Seconds in which a deviation shrinks to about a third."""


@dataclass(frozen=True)
class Estimate:
    """Times are seconds of printing, pauses not counted."""

    first: float | None = None
    """Progress at the first change seen; the percent before that was already under way."""
    first_at: float = 0.0
    last: float | None = None
    last_at: float = 0.0
    recent: float | None = None
    """Seconds a percent, lately."""
    pace: float | None = None
    """Seconds a percent, as is expected of the rest: in the middle between lately and on the whole."""
    remaining: float | None = None
    at: float = 0.0


def observe(known: Estimate, percent: float | None, active: float) -> Estimate:
    """*percent* is done after *active* seconds of printing."""
    if percent is None:
        return known
    if known.last is None or percent < known.last:
        # Progress that falls was never true (it is said before a print has begun): begin again.
        return Estimate(last=percent, last_at=active, at=active)
    moved = known if percent == known.last else _changed(known, percent, active)
    return _glided(moved, active)


def _changed(known: Estimate, percent: float, active: float) -> Estimate:
    if known.first is None or known.last is None:
        return replace(known, first=percent, first_at=active, last=percent, last_at=active)
    step = percent - known.last
    newest = (active - known.last_at) / step
    even = (active - known.first_at) / (percent - known.first)
    recent = newest if known.recent is None else known.recent + (newest - known.recent) * -math.expm1(-step / _MEMORY)
    return replace(known, last=percent, last_at=active, recent=recent, pace=(recent + even) / 2)


def _glided(known: Estimate, active: float) -> Estimate:
    if known.pace is None or known.first is None or known.last is None:
        return known
    if known.last - known.first < LEAST_PERCENT or active - known.first_at < LEAST_SECONDS:
        return known
    wanted = max(0.0, (100.0 - known.last) * known.pace - (active - known.last_at))
    if known.remaining is None:
        return replace(known, remaining=wanted, at=active)
    passed = max(0.0, active - known.at)
    counted = max(0.0, known.remaining - passed)
    share = min(1.0, passed / _GLIDE)
    return replace(known, remaining=counted + (wanted - counted) * share, at=active)
