"""What chat_ingest decides, without I/O: what is stored, when a gap begins and ends, and what chat/state says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contracts.chat import ChatBody, ChatGap, ChatMessage, ChatState
from services.chassis.clock import Now
from services.chat_ingest.sources.port import Said

MODERATION_RESERVE = 1_000
"""So many bans and deletions are stored beyond the limit for messages: a lost ban would let a move be drawn."""
ROOM_AGAIN = 0.9
"""Storing begins again below this share of the limit, so that a slow planner does not make a gap of every message."""
REMEMBER_EVERY = timedelta(seconds=5)


@dataclass(frozen=True)
class Limits:
    """What the settings say. *disk_least* in bytes; *misses* as the source says of itself."""

    source: str
    misses: bool
    stored_most: int
    disk_least: int


@dataclass(frozen=True)
class Outage:
    """Since then chat is not heard, or not stored; *missed* counts what was heard and not stored."""

    since: datetime
    reason: str
    missed: int = 0


@dataclass(frozen=True)
class Memory:
    """What must be known after a restart, to tell the gap that it made."""

    heard_until: datetime | None = None
    choke: Outage | None = None


@dataclass(frozen=True)
class Hearing:
    """How well chat is heard and stored."""

    connected: bool = False
    since: datetime | None = None
    reason: str | None = "the source is starting"
    resting: bool = False
    """Not connected because nothing is wanted at present."""
    outage: Outage | None = None
    """Not connected, where that means that something is missed."""
    low_disk: bool = False
    received: int = 0
    gaps: int = 0
    memory: Memory = Memory()

    @property
    def choke(self) -> Outage | None:
        """Why nothing is stored at present."""
        return self.memory.choke


@dataclass(frozen=True)
class Heard:
    """The source heard *body*; *waiting* messages are stored and not yet taken."""

    body: Said
    waiting: int


@dataclass(frozen=True)
class Connected:
    """The source hears everything from now on."""


@dataclass(frozen=True)
class Deaf:
    """Nothing is heard, *since* then or from now on; *missed*: and something may be missed by that."""

    reason: str
    since: datetime | None = None
    missed: bool = True


@dataclass(frozen=True)
class Overflowed:
    """*count* messages since then could not even be held in memory; *failed*: because storing failed."""

    since: datetime
    count: int
    failed: bool = True


@dataclass(frozen=True)
class Tick:
    """About once a second."""

    waiting: int
    free_bytes: int


Input = Heard | Connected | Deaf | Overflowed | Tick


@dataclass(frozen=True)
class Keep:
    """Promise *body* on link/chat."""

    body: ChatBody


@dataclass(frozen=True)
class Tell:
    """A line for the log; a person should look if *bad*."""

    text: str
    bad: bool = True


Effect = Keep | Tell
Stepped = tuple[Hearing, Sequence[Effect]]


def begin(memory: Memory, limits: Limits) -> Hearing:
    """The state at the start of the process: what was said since the last one's end may have been missed."""
    outage = None
    if limits.misses and memory.heard_until is not None:
        outage = Outage(memory.heard_until, "chat_ingest was not running")
    return Hearing(outage=outage, memory=memory)


def step(limits: Limits, state: Hearing, event: Input, now: Now) -> Stepped:
    """The one transition function."""
    match event:
        case Heard():
            return _heard(limits, state, event, now)
        case Connected():
            return _connected(limits, state, now)
        case Deaf():
            return _deaf(limits, state, event, now)
        case Overflowed():
            why = "the data folder failed" if event.failed else "more was said at once than can be"
            gap = _gap(limits, Outage(event.since, f"chat could not be stored: {why}", event.count), now)
            told = Tell(f"{event.count} messages were lost: {gap.reason}")
            return replace(state, gaps=state.gaps + 1), (Keep(gap), told)
        case Tick():
            return _tick(limits, state, event, now)


def _heard(limits: Limits, state: Hearing, event: Heard, now: Now) -> Stepped:
    state = replace(state, received=state.received + 1)
    message = isinstance(event.body, ChatMessage)
    if message and state.choke is not None:
        return _with_choke(state, replace(state.choke, missed=state.choke.missed + 1)), ()
    most = limits.stored_most if message else limits.stored_most + MODERATION_RESERVE
    if event.waiting < most and not state.low_disk:
        return state, (Keep(event.body),)
    if state.choke is not None:
        return _with_choke(state, replace(state.choke, missed=state.choke.missed + 1)), ()
    reason = (
        f"under {limits.disk_least >> 20} MB of disk are free (CHAT_DISK_LEAST); free some, or the chat is not stored"
        if state.low_disk
        else f"the planner has not taken {event.waiting} messages (CHAT_STORED_MOST); is it running?"
    )
    return _with_choke(state, Outage(now.wall, reason, 1)), (Tell(f"chat is no longer stored: {reason}"),)


def _connected(limits: Limits, state: Hearing, now: Now) -> Stepped:
    if state.connected:
        return state, ()
    first = state.outage is None
    state = replace(state, connected=True, since=now.wall, reason=None, resting=False)
    state, effects = _outage_over(limits, state, now)
    state = replace(state, memory=replace(state.memory, heard_until=now.wall))
    return state, (Tell("chat is heard", bad=False),) if first else effects


def _deaf(limits: Limits, state: Hearing, event: Deaf, now: Now) -> Stepped:
    if not state.connected and state.reason == event.reason:
        return state, ()
    since = state.since if not state.connected and state.since is not None else now.wall
    effects: Sequence[Effect] = (Tell(f"chat is not heard: {event.reason}", bad=limits.misses and event.missed),)
    if state.connected or state.resting:
        # Also where nothing was wanted: from now on nobody would hear that something is.
        heard_until = min(event.since or now.wall, now.wall)
        outage = Outage(heard_until, event.reason) if limits.misses and event.missed else None
        state = replace(state, outage=outage, memory=replace(state.memory, heard_until=heard_until))
    elif not event.missed:
        state, told = _outage_over(limits, state, now)
        effects = (*told, *effects)
    return replace(state, connected=False, since=since, reason=event.reason, resting=not event.missed), effects


def _outage_over(limits: Limits, state: Hearing, now: Now) -> Stepped:
    """From now on nothing is missed any more, and the gap that there was is told."""
    outage, state = state.outage, replace(state, outage=None)
    if outage is None:
        return state, ()
    if state.choke is not None:
        # The gap that is open covers this one: told together when there is room, and no flood of gaps until then.
        return _with_choke(state, replace(state.choke, since=min(outage.since, state.choke.since))), ()
    gap = _gap(limits, outage, now)
    told = Tell(f"chat was not heard from {gap.since} to {gap.until}: {gap.reason}")
    return replace(state, gaps=state.gaps + 1), (Keep(gap), told)


def _tick(limits: Limits, state: Hearing, event: Tick, now: Now) -> Stepped:
    low = event.free_bytes < limits.disk_least
    effects: tuple[Effect, ...] = ()
    if low and not state.low_disk:
        effects = (Tell(f"only {event.free_bytes >> 20} MB of disk are free; chat is no longer stored"),)
    state = replace(state, low_disk=low)
    if state.choke is not None and not low and event.waiting < limits.stored_most * ROOM_AGAIN:
        gap = _gap(limits, state.choke, now)
        state = replace(_with_choke(state, None), gaps=state.gaps + 1)
        effects = (*effects, Keep(gap), Tell(f"chat is stored again; {gap.missed} messages were not"))
    until = state.memory.heard_until
    if (state.connected or state.resting) and (until is None or now.wall - until >= REMEMBER_EVERY or now.wall < until):
        state = replace(state, memory=replace(state.memory, heard_until=now.wall))
    return state, effects


def _with_choke(state: Hearing, choke: Outage | None) -> Hearing:
    return replace(state, memory=replace(state.memory, choke=choke))


def _gap(limits: Limits, outage: Outage, now: Now) -> ChatGap:
    # Wall time may have been set back meanwhile; a gap that ends before it began would say nothing.
    since = min(outage.since, now.wall)
    return ChatGap(
        source=limits.source, since=since, until=now.wall, missed=outage.missed or None, reason=outage.reason[:500]
    )


def chat_state(limits: Limits, state: Hearing, waiting: int) -> ChatState:
    """What chat/state says."""
    reason = state.reason if state.choke is None else state.choke.reason
    return ChatState(
        source=limits.source,
        connected=state.connected,
        since=state.since,
        reason=reason and reason[:500],
        gaps=state.gaps,
        received=state.received,
        waiting=waiting,
    )
