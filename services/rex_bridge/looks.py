"""What a look at the printer tells: readings as they come, and at its end what became of the print. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from services.chassis.clock import Now
from services.rex_bridge import estimate, prints, replies
from services.rex_bridge.estimate import Estimate
from services.rex_bridge.prints import Happening, Print, Sight
from services.rex_bridge.replies import Activity, Machine
from services.rex_bridge.state import Effect, Post, Reach, Readings, Say, Show, State

PARSERS: Mapping[str, tuple[str, Callable[[Iterable[str]], Any]]] = {
    "M119": ("machine", replies.machine),
    "M105": ("temperatures", replies.temperatures),
    "M27": ("progress", replies.progress),
    "M115": ("identity", replies.identity),
}
HEAT_FOR = 60.0
"""Seconds for which a look without a temperature leaves the last one: an idle printer that answers slowly is asked for
none, and those of its last print would be shown as present ones for days."""
UNSEEN_AFTER = 10.0
"""Seconds of an outage in mid-print after which something may have happened that nobody saw."""


def read(known: Readings, command: str, lines: Iterable[str]) -> Readings | None:
    """*known* with what the reply to *command* says; None when it says nothing that is understood."""
    name, parse = PARSERS[command]
    found = parse(lines)
    return None if found is None else replace(known, **{name: found})


def without(known: Readings, command: str) -> Readings:
    """*known* when the reply to *command* says nothing that is understood: what was read before is not true for it."""
    return known if command == "M115" else replace(known, **{PARSERS[command][0]: None})


def finished(state: State, now: Now) -> tuple[State, tuple[Effect, ...]]:
    """A whole look has been had: follow the print, and be in reach."""
    machine = state.readings.machine
    if machine is None:
        return state, ()
    if now.mono - state.heat_at > HEAT_FOR:
        state = replace(state, readings=without(state.readings, "M105"))
    since = 0.0 if state.looked_at is None else now.mono - state.looked_at
    before = state.tracker.current
    tracker, said = prints.look(state.tracker, state.printer, _sight(state, machine, since), now.wall)
    same = before is not None and tracker.current is not None and before.id == tracker.current.id
    if tracker.current is not None and not same:
        tracker = replace(tracker, current=replace(tracker.current, boot=state.boot, mono=now.mono))
    restored = 0.0 if before is None else _since(before, state, now)
    elapsed = (restored if state.looked_at is None else state.elapsed + since) if same else 0.0
    # A print that goes on after an outage has gone on meanwhile, too.
    active = (state.active + (0.0 if before and before.paused else since)) if same else 0.0
    known = state.estimate if same else Estimate()
    if machine.activity is Activity.PRINTING and state.readings.progress is not None:
        known = estimate.observe(known, state.readings.progress.trusted, active)
    state = replace(
        state,
        reach=Reach.REACHED,
        reason=_reason(state),
        failures=0,
        trouble_since=None,
        looked_at=now.mono,
        tracker=tracker,
        elapsed=elapsed,
        active=active,
        estimate=known,
    )
    return state, (*(told(h) for h in said), Show(at_once=state.sent is None), Post())


def told(happening: Happening) -> Say:
    """The event for it."""
    return Say(happening.kind, happening.print.id, happening.print.job, happening.reason)


def _since(known: Print, state: State, now: Now) -> float:
    """Seconds since *known* began, for a process that was not there: by the wall clock only after a reboot."""
    if known.boot is not None and known.boot == state.boot:
        return max(0.0, now.mono - known.mono)
    return max(0.0, (now.wall - known.started).total_seconds())


def _sight(state: State, machine: Machine, since: float) -> Sight:
    remaining = state.estimate.remaining
    progress = state.readings.progress
    return Sight(
        machine.activity,
        machine.job,
        progress.trusted if progress is not None and machine.activity.in_print else None,
        unseen=state.looked_at is None or (state.failures > 0 and since > UNSEEN_AFTER),
        could_have_ended=remaining is not None and since >= remaining,
        watched=state.looked_at is not None and state.failures == 0,
    )


def _reason(state: State) -> str | None:
    machine = state.readings.machine
    if machine is None or machine.activity not in (Activity.BUSY, Activity.FAILED, Activity.UNKNOWN):
        return None
    return f"the printer says {machine.said}"
