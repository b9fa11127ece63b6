"""The rim around a service's pure core: one input at a time, one transaction, effects after the commit.

A core is a function ``step(state, input, now) -> (state, effects)`` without I/O. The actor keeps the newest committed
state, lets a service write what the effects say into the same transaction as the message's position on its link, and
performs the rest once that is on the disk. A step whose transaction fails has never happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from services.chassis.clock import Now, now
from services.chassis.store import Store, Unit

S = TypeVar("S")
E = TypeVar("E")
I_contra = TypeVar("I_contra", contravariant=True)
E_co = TypeVar("E_co", covariant=True)
S_contra = TypeVar("S_contra", contravariant=True)
E_contra = TypeVar("E_contra", contravariant=True)


class Step(Protocol[S, I_contra, E_co]):
    """The pure core."""

    def __call__(self, state: S, event: I_contra, now: Now, /) -> tuple[S, Sequence[E_co]]: ...


class Rim(Protocol[S_contra, E_contra]):
    """The I/O around it."""

    def persist(self, unit: Unit, before: S_contra, after: S_contra, effects: Sequence[E_contra]) -> None:
        """Write into *unit* whatever must be durable together: rows, link messages, announcements."""

    def perform(self, state: S_contra, effects: Sequence[E_contra]) -> None:
        """Do what needs no transaction, after the commit; must not block."""


class Actor(Generic[S, I_contra, E]):
    """Feeds inputs to a core. Lives on the event loop's thread."""

    def __init__(
        self, store: Store, state: S, step: Step[S, I_contra, E], rim: Rim[S, E], clock: Callable[[], Now] = now
    ) -> None:
        self._store = store
        self._committed = state
        self._step = step
        self._rim = rim
        self._clock = clock

    @property
    def state(self) -> S:
        """The newest state that is on the disk."""
        return self._committed

    def feed(self, event: I_contra) -> None:
        """Take *event* in a transaction of its own. Raises what the store raises; then nothing has happened."""
        with self._store.transaction() as unit:
            self.feed_within(unit, event)

    def feed_within(self, unit: Unit, event: I_contra) -> None:
        """Take *event* within *unit*, together with whatever else *unit* commits."""
        # First of all that this transaction does after its commit: whoever feeds again from there must meet a state
        # that has everything in it.
        if not unit.draft((self, "adopting"), False):
            unit.set_draft((self, "adopting"), True)
            unit.after_commit(lambda: self._adopt(unit))
        before = unit.draft(self, self._committed)
        after, effects = self._step(before, event, self._clock())
        self._rim.persist(unit, before, after, effects)
        unit.set_draft(self, after)
        unit.after_commit(lambda: self._rim.perform(after, effects))

    def _adopt(self, unit: Unit) -> None:
        self._committed = unit.draft(self, self._committed)
