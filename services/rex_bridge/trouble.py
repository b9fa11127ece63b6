"""No reply: is the printer away, or is its slicer at it? When to try again, and when to call it offline. Pure.

The printer serves one client, and shows a second one in four ways that it is the second: it refuses control, says "have
been connected", refuses the connection, or takes it and is silent. None of them is "offline". A connection of our own
that broke looks to the printer as if it were still held, so in mid-print both wait for a while before they are said.
"""

from __future__ import annotations

from dataclasses import replace

from services.chassis.clock import Now
from services.rex_bridge import looks, orders, prints
from services.rex_bridge.settings import RexBridgeSettings
from services.rex_bridge.state import Effect, Post, Reach, Show, State, Trouble, Wire

FIRST_RETRY = 0.5
LAST_RETRY_IN_DOUBT = 8.0
"""Seconds between tries while it is not yet known whether the printer is away."""
_BUSY = frozenset({Trouble.REFUSED, Trouble.TURNED_AWAY, Trouble.NO_CONTROL})
_STILL_CONNECTED = frozenset({Trouble.TURNED_AWAY, Trouble.NO_CONTROL, Trouble.NOT_UNDERSTOOD})


def met(
    state: State, kind: Trouble, text: str, now: Now, settings: RexBridgeSettings
) -> tuple[State, tuple[Effect, ...]]:
    """There was no reply."""
    wire = state.wire
    # Silence on a connection that never answered is how some firmware keeps a second client waiting.
    busy = kind in _BUSY or (kind is Trouble.SILENT and wire.open and not wire.proven)
    failures = state.failures + 1
    began = now.mono if state.trouble_since is None or busy != state.trouble_busy else state.trouble_since
    reason = _reason(kind, busy, text)
    state = replace(
        state,
        failures=failures,
        trouble_busy=busy,
        trouble_since=began,
        wire=Wire(open=True, closing=True) if kind in _STILL_CONNECTED else Wire(),
    )
    said: tuple[Effect, ...] = ()
    if _certain(state, busy, now.mono - began, settings):
        state, said = _settled(state, busy, reason)
    retry_at_once = wire.proven and failures == 1
    if not retry_at_once:
        state, refused = orders.refused(state, busy, reason, now)
        said = (*said, *refused)
    state, overdue = orders.checked(state, now)
    delay = 0.0 if retry_at_once else _delay(state, settings)
    return replace(state, due=now.mono + delay), (*said, *overdue, Show(at_once=False), Post())


def _certain(state: State, busy: bool, lasted: float, settings: RexBridgeSettings) -> bool:
    if lasted >= settings.rex_offline_after:
        return True
    return state.tracker.current is None and (busy or state.reach is Reach.UNTRIED)


def _settled(state: State, busy: bool, reason: str) -> tuple[State, tuple[Effect, ...]]:
    tracker, lost = prints.lose(state.tracker, reason)
    state = replace(state, reach=Reach.BUSY if busy else Reach.AWAY, reason=reason, tracker=tracker)
    return state, tuple(looks.told(happening) for happening in lost)


def _delay(state: State, settings: RexBridgeSettings) -> float:
    growing = FIRST_RETRY * 2.0 ** min(state.failures - 1, 10)
    if state.reach in (Reach.UNTRIED, Reach.REACHED):
        return min(growing, LAST_RETRY_IN_DOUBT, settings.rex_idle_interval)
    if state.tracker.current is None:
        return settings.rex_idle_interval
    return min(growing, settings.rex_idle_interval)


def _reason(kind: Trouble, busy: bool, text: str) -> str:
    if busy:
        return f"another program, such as REXPrint, holds the printer's one connection ({text})"[:500]
    if kind is Trouble.NOT_UNDERSTOOD:
        return f"what is at this address does not speak like a printer: {text}; check BOARDCAST_REX_PRINTERS"[:500]
    return f"the printer does not answer ({text}); is it switched on, and is its address still the same?"[:500]
