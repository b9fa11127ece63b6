"""From a source's voice to the disk: in order, each message once, many in one commit.

A lone message is committed at once; in a burst a commit takes everything of 20 ms. What cannot be committed waits in
memory and is tried again, because the chat will not say it twice.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from contracts.chat import ChatMessage
from services.chassis import log
from services.chassis.actor import Actor
from services.chassis.clock import now
from services.chassis.link.sender import LinkSender
from services.chassis.store import Store, Unit
from services.chat_ingest import memory
from services.chat_ingest.handlers import (
    MODERATION_RESERVE,
    Connected,
    Deaf,
    Effect,
    Heard,
    Hearing,
    Input,
    Keep,
    Limits,
    Overflowed,
    Tell,
    Tick,
    begin,
    step,
)
from services.chat_ingest.recent import Recent
from services.chat_ingest.sources.port import Said

_log = log.get(__name__)

COMMIT_EVERY = 0.02
RETRY_EVERY = 1.0
HELD_MOST = 20_000
"""Messages held in memory while the disk takes nothing."""
_Event = Said | Connected | Deaf


class Intake:
    """The service's ear. Lives on the event loop's thread."""

    def __init__(self, store: Store, link: LinkSender, limits: Limits, changed: Callable[[], None]) -> None:
        self._store = store
        self._link = link
        self._changed = changed
        self._limits = limits
        self._rim = _Rim(link)
        self._actor: Actor[Hearing, Input, Effect]
        self._pending: deque[_Event] = deque()
        self._recent = Recent()
        self._overflow: Overflowed | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._committed_at = 0.0
        self._singly = 0
        self.failing: str | None = None
        """Why the data folder takes nothing at present."""
        self.astray: str | None = None
        """Why the next start will not find what is stored."""

    def start(self) -> None:
        """Go on from what the last process left."""
        state = begin(memory.load(self._store), self._limits)
        self._actor = Actor(self._store, state, partial(step, self._limits), self._rim)

    @property
    def state(self) -> Hearing:
        """The newest committed state."""
        return self._actor.state

    def heard(self, body: Said) -> None:
        """Store *body* soon, unless it came before."""
        if isinstance(body, ChatMessage) and not self._recent.add(body.message_id):
            return
        most = HELD_MOST if isinstance(body, ChatMessage) else HELD_MOST + MODERATION_RESERVE
        if len(self._pending) >= most:
            over = self._overflow or Overflowed(now().wall, 0, failed=False)
            self._overflow = Overflowed(over.since, over.count + 1, over.failed or self.failing is not None)
            return
        self._put(body)

    def connected(self) -> None:
        """Everything is heard from here on."""
        self._put(Connected())

    def deaf(self, reason: str, since: datetime | None = None, *, missed: bool = True) -> None:
        """Nothing is heard."""
        held = self._pending
        if len(held) >= HELD_MOST:
            # It comes and goes while the disk takes nothing: one gap from the first loss on, and no pile of them.
            over = isinstance(held[-1], Connected) or _is_deaf(held[-1], missed=False)
            if missed and over and _is_deaf(held[-2], missed=True):
                held.pop()
            if _is_deaf(held[-1], missed=missed):
                return
        self._put(Deaf(reason, since, missed))

    def tick(self) -> None:
        """About once a second: room, disk, and what is remembered of being there."""
        try:
            free = self._store.free_bytes()
            astray = None if self._store.in_place() else "its database was taken away or replaced"
        except OSError as error:
            free, astray = None, str(error)
        if astray is not None and self.astray is None:
            _log.error("the data folder is not what it was; what is stored from now on may be lost at the next start",
                       folder=str(self._store.folder), why=astray)  # fmt: skip
        self.astray = astray and f"the data folder {self._store.folder} is not what it was ({astray}); restart"
        if free is None:
            return
        event = Tick(self._link.waiting, free)
        self._transact(lambda unit: self._actor.feed_within(unit, event))
        self._changed()

    def flush(self) -> None:
        """Commit everything that waits, as far as the disk takes it."""
        while self._pending and self._commit():
            pass

    def stop(self, reason: str) -> None:
        """Nothing is heard from here on; what waits is committed, and no timer outlives the store."""
        self.deaf(reason)
        self.flush()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _put(self, event: _Event) -> None:
        self._pending.append(event)
        self._schedule()

    def _schedule(self) -> None:
        if self._handle is None:
            loop = asyncio.get_running_loop()
            pause = RETRY_EVERY if self.failing else COMMIT_EVERY
            self._handle = loop.call_later(max(0.0, self._committed_at + pause - loop.time()), self._due)

    def _due(self) -> None:
        self._handle = None
        self._commit()
        if self._pending:
            self._schedule()

    def _commit(self) -> bool:
        """One commit of what waits, of at most COMMIT_EVERY seconds' work; False when the disk did not take it."""
        batch: list[_Event] = []

        def feed(unit: Unit) -> None:
            deadline = time.monotonic() + COMMIT_EVERY
            # The link counts what is committed; what this batch adds comes on top.
            committed = self._link.waiting - self._rim.promised
            while self._pending and time.monotonic() < deadline:
                batch.append(self._pending.popleft())
                event = batch[-1]
                known = event if isinstance(event, Connected | Deaf) else Heard(event, committed + self._rim.promised)
                self._actor.feed_within(unit, known)
                if self._singly:
                    break

        try:
            done = self._transact(feed)
        except Exception:
            if not batch:
                raise
            # A defect, or a body that no bus carries: what was taken together with it is taken again, one by one.
            if len(batch) > 1:
                self._singly = len(batch)
                self._pending.extendleft(reversed(batch))
                return True
            _log.exception("something that was heard cannot be stored and is dropped", kind=type(batch[0]).__name__)
            done = True
        self._committed_at = asyncio.get_running_loop().time()
        if not done:
            self._pending.extendleft(reversed(batch))
            if self._overflow is not None:
                self._overflow = replace(self._overflow, failed=True)
            return False
        self._singly = max(0, self._singly - len(batch))
        if self._overflow is not None and not self._pending:
            self._tell_overflow(self._overflow)
        self._changed()
        return True

    def _tell_overflow(self, overflow: Overflowed) -> None:
        if self._transact(lambda unit: self._actor.feed_within(unit, overflow)):
            self._overflow = None

    def _transact(self, feed: Callable[[Unit], None]) -> bool:
        """Whether *feed* came to the disk; if not, nothing of it has happened."""
        try:
            with self._store.transaction() as unit:
                feed(unit)
        except (sqlite3.Error, OSError) as error:
            if self.failing is None:
                _log.error("chat cannot be stored; it is held in memory and tried again", error=str(error))
            self.failing = f"chat cannot be stored in {self._store.folder}: {error}; free some disk or look at it"
            return False
        if self.failing is not None:
            _log.warning("chat can be stored again")
            self.failing = None
        return True


def _is_deaf(event: _Event, *, missed: bool) -> bool:
    return isinstance(event, Deaf) and event.missed == missed


class _Rim:
    """Performs what handlers decided."""

    def __init__(self, link: LinkSender) -> None:
        self._link = link
        self.promised = 0
        """How many messages were ever appended, those of failed transactions included."""

    def persist(self, unit: Unit, before: Hearing, after: Hearing, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Keep):
                self._link.append(unit, effect.body)
                self.promised += 1
        # What is missed is counted in memory and written about once a second: with a gap's end or with `heard_until`.
        if before.memory != after.memory and _worth_writing(before, after):
            memory.save(unit, after.memory)

    def perform(self, state: Hearing, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Tell):
                (_log.warning if effect.bad else _log.info)(effect.text)


def _worth_writing(before: Hearing, after: Hearing) -> bool:
    return (before.choke is None) != (after.choke is None) or before.memory.heard_until != after.memory.heard_until
