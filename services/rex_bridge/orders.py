"""Orders on their way through a look: begun after a fresh status, verified by the next ones, answered once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from contracts.events import EventKind
from services.chassis.clock import Now
from services.rex_bridge import control, prints
from services.rex_bridge.control import Order, Send, Settled
from services.rex_bridge.framing import Reply
from services.rex_bridge.replies import Activity, Machine
from services.rex_bridge.state import Ask, Effect, Say, Sent, State

MOST_WAITING = 8
WAITS_AT_MOST = 30.0
"""Seconds behind other orders; who gave it has then helped himself, and it would come as a surprise."""
TOO_LATE = f"it waited for more than {WAITS_AT_MOST:.0f} s behind other commands; nothing was sent to the printer"
KILLED = (
    "the service ended before it was answered, and the printer may have it: look there, and give it again if need be"
)
STOPPED_EARLY = "sent, but the service is being stopped before it could be seen to be obeyed"
NOTHING_SENT = "the service is being stopped; nothing was sent to the printer"
Outcome = tuple[State, Sequence[Effect]]


def answer(state: State, order: Order, done: bool, reason: str | None) -> Say:
    """The one answer to *order*."""
    current = state.tracker.current
    return Say(
        EventKind.DONE if done else EventKind.REFUSED,
        print_id=current.id if current else None,
        job=current.job if current else None,
        reason=reason,
        command=order.verb,
        command_id=order.command_id,
    )


def taken(state: State, order: Order, now: Now) -> Outcome:
    """*order* waits for its turn."""
    if len(state.orders) >= MOST_WAITING:
        return state, (answer(state, order, False, f"{MOST_WAITING} commands wait already"),)
    return replace(state, orders=(*state.orders, replace(order, since=now.mono))), ()


def unanswered_in(state: State) -> tuple[Order, ...]:
    """Every order that still waits for its answer."""
    return (*((state.sent.order,) if state.sent else ()), *state.orders)


def to_be_paused(state: State) -> bool:
    """Whether a print runs that nobody is pausing yet."""
    machine = state.readings.machine
    under_way = unanswered_in(state)
    return (
        machine is not None
        and isinstance(control.begin(Order("pause"), machine), Send)
        and all(order.verb != "pause" for order in under_way)
    )


def begun(state: State, now: Now) -> Outcome:
    """The status is fresh: send the next order, unless the one before it is still to be verified."""
    machine = state.readings.machine
    if machine is None or not state.orders or state.sent is not None:
        return state, ()
    order, *rest = state.orders
    if now.mono - order.since > WAITS_AT_MOST and not order.tried:
        state, effects = begun(replace(state, orders=tuple(rest)), now)
        return state, (answer(state, order, False, TOO_LATE), *effects)
    decision = control.begin(order, machine if order.tried else _in_print(state, order, machine))
    if isinstance(decision, Settled) and order.tried:
        # What it asks for is so, or on its way, because the printer got it: that is read back like any other.
        return _handed_over(state, now), ()
    if isinstance(decision, Settled):
        state, effects = begun(replace(state, orders=tuple(rest)), now)
        return state, (answer(state, order, decision.done, decision.reason), *effects)
    if order.verb == "cancel":
        # On the disk before the printer hears of it: a restart in between must not call it a failure.
        state = replace(state, tracker=prints.cancelling(state.tracker))
    asks = _asks(state, decision)
    return replace(state, wire=replace(state.wire, asks=asks)), ()


def _in_print(state: State, order: Order, machine: Machine) -> Machine:
    """*machine*; for an order that stops it, what belongs to a print is that print, whatever the printer calls it."""
    current = state.tracker.current
    unclear = machine.activity in (Activity.BUSY, Activity.UNKNOWN)
    if current is None or not unclear or order.verb not in ("pause", "cancel"):
        return machine
    return replace(machine, activity=Activity.PAUSED if current.paused else Activity.PRINTING)


def _asks(state: State, send: Send) -> tuple[Ask, ...]:
    take = () if state.wire.control else (Ask(control.TAKE_CONTROL),)
    # Firmware that answers nothing without control keeps it until the connection is closed.
    give = (Ask(control.GIVE_BACK),) if state.free_reads else ()
    return (*take, Ask(send.code), *give, Ask("M119"))


def answered(state: State, reply: Reply, now: Now) -> Outcome:
    """The printer's reply to the order itself, which says little; what it does is read back."""
    order, *rest = state.orders
    if reply.refused:
        state = replace(state, orders=tuple(rest))
        return _undone(state, order), (answer(state, order, False, "the printer answers: Control failed"),)
    return _handed_over(state, now), ()


def unanswered(state: State) -> State:
    """The connection broke over the order itself: nobody knows whether the printer has it."""
    order, *rest = state.orders
    return replace(state, orders=(replace(order, tried=True), *rest))


def no_control(state: State) -> Outcome:
    """Somebody else has control of the printer."""
    order, *rest = state.orders
    reason = "another program, such as REXPrint, has control of the printer; close it there"
    state = _undone(replace(state, orders=tuple(rest)), order)
    return state, (answer(state, order, False, reason),)


def refused(state: State, busy: bool, reason: str, now: Now) -> Outcome:
    """The printer cannot be reached: all that waits is answered, but what it may have is yet to be seen."""
    if state.orders and state.orders[0].tried:
        state = _handed_over(state, now)
    hint = "; close it there" if busy else ""
    says = tuple(answer(state, order, False, reason + hint) for order in state.orders)
    for order in state.orders:
        state = _undone(state, order)
    return replace(state, orders=()), says


def stopped(state: State) -> Outcome:
    """The service ends: whoever waits for an answer gets it now, since nobody remembers the order afterwards."""
    sent = (state.sent.order,) if state.sent else ()
    had = (*sent, *(order for order in state.orders if order.tried))
    waits = tuple(order for order in state.orders if not order.tried)
    for order in waits:
        state = _undone(state, order)
    says = (
        *(answer(state, order, False, STOPPED_EARLY) for order in had),
        *(answer(state, order, False, NOTHING_SENT) for order in waits),
    )
    return replace(state, orders=(), sent=None, wire=replace(state.wire, asks=())), says


def checked(state: State, now: Now) -> Outcome:
    """Answer the order that was sent, once the printer shows that it obeyed, or when it took too long."""
    sent = state.sent
    machine = state.readings.machine
    seen = state.failures == 0
    if sent is None:
        return (_prints_on(state) if seen and machine and machine.activity.in_print else state), ()
    if seen and control.obeyed(sent.order, machine, state.readings.temperatures):
        reason = control.remark(sent.order, machine)
        return replace(state, sent=None), (answer(state, sent.order, True, reason),)
    if now.mono < sent.until:
        return state, ()
    says = f"it says {machine.said}" if seen and machine else "it does not answer any more"
    reason = f"sent, but not seen to be obeyed within {control.VERIFY_WITHIN:.0f} s: {says}"
    state = replace(state, sent=None)
    # Out of sight it may have been obeyed: the print is as cancelled as it was until it is seen to go on.
    return (_undone(state, sent.order) if seen else state), (answer(state, sent.order, False, reason),)


def _handed_over(state: State, now: Now) -> State:
    """The first order is the printer's from now on; what it does is read back."""
    order, *rest = state.orders
    return replace(state, orders=tuple(rest), sent=Sent(order, now.mono + control.VERIFY_WITHIN))


def _prints_on(state: State) -> State:
    """A print that goes on, with no cancel under way, was not cancelled; what is left of one is of an outage."""
    under_way = any(order.verb == "cancel" for order in state.orders)
    current = state.tracker.current
    if under_way or current is None or not current.cancelling:
        return state
    return replace(state, tracker=prints.cancelling(state.tracker, False))


def _undone(state: State, order: Order) -> State:
    the_printers = (*((state.sent.order,) if state.sent else ()), *(other for other in state.orders if other.tried))
    if order.verb != "cancel" or any(other.verb == "cancel" for other in the_printers):
        return state  # a second cancel that comes to nothing takes nothing back from the first
    return replace(state, tracker=prints.cancelling(state.tracker, False))
