"""When to look at a printer, what to ask, when to let go of its one connection, and what silence means. Pure.

A look begins with M119. An idle printer is then let go at once, so that its slicer never has to wait; a printing one is
kept, since nobody else can use it anyway. The rim does what :func:`todo` says and feeds back what came of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from services.chassis.clock import Now
from services.rex_bridge import looks, orders, replies, trouble
from services.rex_bridge.control import GIVE_BACK, TAKE_CONTROL, VERIFY_EVERY
from services.rex_bridge.framing import Reply
from services.rex_bridge.settings import RexBridgeSettings
from services.rex_bridge.state import (
    Answered,
    Ask,
    Close,
    Closed,
    Due,
    Effect,
    Failed,
    Heard,
    Open,
    Opened,
    Ordered,
    Reach,
    Show,
    Sleep,
    State,
    Stopping,
    Todo,
    Trouble,
    Wire,
)

Outcome = tuple[State, Sequence[Effect]]
STATUS = Ask("M119")
HOLD = 0.1
"""Seconds after connecting within which an idle printer may be asked for more than its status."""
LEAST_HOLD = 0.02
"""Seconds of it that must be left to ask one more question."""


def todo(state: State) -> Todo:
    """What the rim is to do now."""
    if state.wire.closing:
        return Close()
    if state.wire.asks:
        return state.wire.asks[0] if state.wire.open else Open()
    return Sleep(min(state.due, _checked_at(state)))


def step(state: State, heard: Heard, now: Now, settings: RexBridgeSettings) -> Outcome:
    """Take what was heard into account."""
    match heard:
        case Due():
            return _ask(state, STATUS), ()
        case Ordered(order):
            return orders.taken(_ask(state, STATUS) if not state.wire.asks else state, order, now)
        case Opened():
            wire = Wire(open=True, opened_at=now.mono, asks=state.wire.asks)
            return replace(state, wire=wire), ()
        case Closed():
            return replace(state, wire=Wire(asks=state.wire.asks)), ()
        case Failed(kind, text):
            return _failed(state, kind, text, now, settings)
        case Answered(reply):
            return _answered(state, reply, now, settings)
        case Stopping():
            return orders.stopped(_in_doubt(state))


def _ask(state: State, *asks: Ask) -> State:
    return replace(state, wire=replace(state.wire, asks=asks))


def _checked_at(state: State) -> float:
    """When an order that was sent is looked after, beside the looks that are due anyway."""
    if state.sent is None or state.failures or state.looked_at is None:
        return math.inf
    return state.looked_at + VERIFY_EVERY


def _failed(state: State, kind: Trouble, text: str, now: Now, settings: RexBridgeSettings) -> Outcome:
    wire = state.wire
    if wire.open and wire.asks and wire.asks[0].optional:
        return _finished(replace(state, wire=Wire()), now, settings)
    return trouble.met(_in_doubt(state), kind, text, now, settings)


def _in_doubt(state: State) -> State:
    """*state* without the answer to what is on its way: if that is an order, the printer may have it."""
    wire = state.wire
    known = (*looks.PARSERS, TAKE_CONTROL, GIVE_BACK)
    return orders.unanswered(state) if wire.open and wire.asks and wire.asks[0].command not in known else state


def _answered(state: State, reply: Reply, now: Now, settings: RexBridgeSettings) -> Outcome:
    asked, *rest = state.wire.asks
    wire = replace(state.wire, asks=tuple(rest))
    if reply.turned_away:
        return trouble.met(state, Trouble.TURNED_AWAY, "the printer says: have been connected", now, settings)
    if asked.command == TAKE_CONTROL:
        return _control_answered(replace(state, wire=wire), reply, now, settings)
    if asked.command == GIVE_BACK:
        state = replace(state, wire=replace(wire, control=False))
        return (state, ()) if rest else _finished(state, now, settings)
    if asked.command in looks.PARSERS:
        return _read(replace(state, wire=wire), asked, reply, now, settings)
    state, effects = orders.answered(replace(state, wire=wire), reply, now)
    return state, effects


def _control_answered(state: State, reply: Reply, now: Now, settings: RexBridgeSettings) -> Outcome:
    if not reply.refused:
        return replace(state, wire=replace(state.wire, control=True)), ()
    if not state.free_reads:
        return trouble.met(state, Trouble.NO_CONTROL, "the printer refuses control", now, settings)
    # It still answers questions: only the order fails.
    state, effects = orders.no_control(_ask(state))
    state, more = _continue(state, now, settings)
    return state, (*effects, *more)


def _read(state: State, asked: Ask, reply: Reply, now: Now, settings: RexBridgeSettings) -> Outcome:
    wire = state.wire
    if reply.refused:
        if wire.control or state.free_reads:
            return trouble.met(state, Trouble.NO_CONTROL, "the printer refuses to be asked", now, settings)
        return _ask(state, Ask(TAKE_CONTROL), asked, *wire.asks), ()
    readings = looks.read(state.readings, asked.command, reply.lines)
    if readings is None:
        if asked.command == STATUS.command:
            text = f"it answers {asked.command} with {reply.lines[:2]!r}"
            return trouble.met(state, Trouble.NOT_UNDERSTOOD, text, now, settings)
        readings = looks.without(state.readings, asked.command)
    state = replace(
        state,
        readings=readings,
        contact=now,
        heat_at=now.mono if asked.command == "M105" else state.heat_at,
        free_reads=state.free_reads or not wire.control,
        wire=replace(wire, proven=True, identified=wire.identified or asked.command == "M115"),
    )
    # A new temperature is on its way at once; the last answer of a look, and a print that begins, are shown at its end.
    if state.wire.asks:
        known = state.reach is Reach.REACHED and state.tracker.current is not None
        # While an order is verified the looks are too many to show each of them.
        at_once = asked.command == "M105" and known and state.sent is None
        return state, (Show(),) if at_once else ()
    if asked.command == STATUS.command:
        state, effects = orders.begun(state, now)
        state, more = (state, ()) if state.wire.asks else _continue(state, now, settings)
        return state, (*effects, *more)
    return _finished(state, now, settings)


def _continue(state: State, now: Now, settings: RexBridgeSettings) -> Outcome:
    """After the status: ask for the rest, or be done."""
    asks = _further(state, now)
    return (_ask(state, *asks), ()) if asks else _finished(state, now, settings)


def _further(state: State, now: Now) -> tuple[Ask, ...]:
    identify = () if state.wire.identified else (Ask("M115"),)
    if _engaged(state):
        return (Ask("M105"), Ask("M27"), *identify)
    left = state.wire.opened_at + HOLD - now.mono
    if left < LEAST_HOLD:
        return ()
    unknown = state.readings.identity is None or state.reach is not Reach.REACHED
    return (Ask("M105", left, optional=True), *((Ask("M115", left, optional=True),) if unknown else ()))


def _engaged(state: State) -> bool:
    """Whether the printer is at something that is worth its connection."""
    machine = state.readings.machine
    if state.sent is not None or (machine is not None and machine.activity.in_print):
        return True
    # BUSY and what is not known belong to the print that they come in the middle of.
    ended = machine is None or machine.activity in (replies.Activity.IDLE, replies.Activity.COMPLETED)
    return state.tracker.current is not None and not ended


def _finished(state: State, now: Now, settings: RexBridgeSettings) -> Outcome:
    """The look is over: say what happened, and decide when to look again and whether to stay connected."""
    wire = state.wire
    keep = _engaged(state) and not settings.rex_release_between_polls
    if wire.control and not keep and wire.open:
        return _ask(state, Ask(GIVE_BACK, optional=True)), ()
    state, effects = looks.finished(state, now)
    state, more = orders.checked(state, now)
    interval = settings.rex_printing_interval if _engaged(state) else settings.rex_idle_interval
    asks = (STATUS,) if state.orders and state.sent is None else ()
    state = replace(
        state,
        due=next_due(state.due, interval, now.mono),
        wire=replace(wire, asks=asks, closing=wire.open and not asks and not (keep and _engaged(state))),
    )
    return state, (*effects, *more)


def next_due(due: float, interval: float, now: float) -> float:
    """The next moment on the grid of *due*, so that looks do not drift by what each of them takes."""
    if due > now:
        return min(due, now + interval)
    return due + interval * (math.floor((now - due) / interval) + 1)
