"""Answers to what was asked of OctoPrint beside jobs: heater targets, homing, parking."""

from __future__ import annotations

from dataclasses import replace

from contracts.events import EventKind
from services.chassis.clock import Now
from services.octo_bridge import handlers_dead_man as dead_man
from services.octo_bridge.events import Asked
from services.octo_bridge.outcome import Result, announce
from services.octo_bridge.readiness import PICTURE_LAGS
from services.octo_bridge.state import LOST, Machine


def take_asked(m: Machine, e: Asked, now: Now) -> Result:
    """The answer to a request of the safety channel."""
    if e.what == dead_man.WHAT and not e.ok:
        return replace(m, dead_man=None if m.dead_man is False else False), []
    if e.what == "targets":
        return _targets_set(m, now), []
    if e.what in ("cancel", "resume"):
        return m.order(e.what, None), []
    if e.what in ("home", "park"):
        return _moved(replace(m, moving_since=None), e, now)
    return m, []


def _targets_set(m: Machine, now: Now) -> Machine:
    """Whether or not it was taken: what is seen for a while may still be from before."""
    m = replace(m, targets_open=max(m.targets_open - 1, 0))
    if m.targets_open or not m.retargeting:
        return m
    # After a reset it takes longer still.
    since = max(m.temperatures_from, now.mono + PICTURE_LAGS)
    return replace(m, retargeting=False, temperatures_from=since)


def _moved(m: Machine, e: Asked, now: Now) -> Result:
    """The answer to home or park; one that comes after the position was lost again says nothing of where it is."""
    if not e.ok:
        reason = f"{e.what} was not taken by OctoPrint: {e.reason}; the next job homes first, or send home"
        return replace(m, position_known=False, homing_until=-1e9), [announce(EventKind.PROBLEM, now, reason)]
    if e.epoch != m.kept.epoch or m.octo.printer in LOST:
        return m, []
    return replace(m, moved_at=now.mono, position_known=m.position_known or e.what == "home"), []
