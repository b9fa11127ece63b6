"""What went over the links between planner and bridge, as a listener at the broker saw it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from contracts import channels
from tests.chaos.story import Said

PLAN, OUTCOME = channels.LINK_PLAN.address, channels.LINK_OUTCOME.address


@dataclass(frozen=True)
class StaleStart:
    """A run that was begun although the machine was no longer the one that it had been planned for."""

    job: str
    planned_for: int
    machine: int
    since: float
    """When the machine was first said to be another one."""


def stale_starts(said: Iterable[Said]) -> list[StaleStart]:
    """Every such run. What the listener missed condemns nobody."""
    seen = list(said)
    planned = {body["job_id"]: body["epoch"] for _, body in _bodies(seen, PLAN) if body.get("kind") == "run"}
    found = []
    machine, since = -1, 0.0
    for t, body in _bodies(seen, OUTCOME):
        job = str(body.get("job_id"))
        if body.get("kind") == "started" and job in planned and planned[job] < machine:
            found.append(StaleStart(job, planned[job], machine, since))
        if body.get("kind") == "new history":
            machine = -1  # a bridge that lost its memory counts from the start
        if body.get("epoch", -1) > machine:
            machine, since = body["epoch"], t
    return found


def _bodies(said: list[Said], topic: str) -> Iterator[tuple[float, dict[str, Any]]]:
    """When bodies were first seen, in the order in which they were promised, history by history."""
    histories: dict[str, dict[int, tuple[float, dict[str, Any]]]] = {}
    for one in said:
        if one.topic == topic:
            frames = one.body["frames"] if one.body.get("kind") == "batch" else [one.body]
            for frame in frames:
                if "body" in frame:
                    histories.setdefault(frame["epoch"], {}).setdefault(frame["seq"], (one.t, frame["body"]))
    for history in histories.values():
        yield 0.0, {"kind": "new history"}
        yield from (history[seq] for seq in sorted(history))
