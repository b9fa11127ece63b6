"""The rim around a pure core: state, rows and effects move together or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from services.chassis.actor import Actor
from services.chassis.clock import Now
from services.chassis.store import Schema, Store, Unit

SUMS = Schema("sums", ["CREATE TABLE sums (total INTEGER)"])


def _step(state: int, event: int, now: Now, /) -> tuple[int, Sequence[str]]:
    if event < 0:
        raise ValueError("negative")
    return state + event, [f"+{event}"]


class Rim:
    """Writes every total down and remembers what it was to perform."""

    def __init__(self) -> None:
        self.performed: list[tuple[int, str]] = []
        self.on_perform: Callable[[], None] = lambda: None
        self.refuse: int | None = None

    def persist(self, unit: Unit, before: int, after: int, effects: Sequence[str]) -> None:
        unit.execute("INSERT INTO sums VALUES (?)", (after,))
        if after == self.refuse:
            raise RuntimeError("cannot be written")

    def perform(self, state: int, effects: Sequence[str]) -> None:
        self.performed.extend((state, effect) for effect in effects)
        self.on_perform()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path, "test")
    opened.open(SUMS)
    yield opened
    opened.close()


def _rows(store: Store) -> list[int]:
    return [total for (total,) in store.read("SELECT total FROM sums")]


def test_a_step_moves_state_rows_and_effects_together(store: Store) -> None:
    rim = Rim()
    actor = Actor(store, 0, _step, rim)
    actor.feed(5)
    assert (actor.state, _rows(store), rim.performed) == (5, [5], [(5, "+5")])


def test_a_step_that_fails_has_never_happened(store: Store) -> None:
    rim = Rim()
    rim.refuse = 7
    actor = Actor(store, 5, _step, rim)
    with pytest.raises(ValueError, match="negative"):
        actor.feed(-1)
    with pytest.raises(RuntimeError):
        actor.feed(2)
    assert (actor.state, _rows(store), rim.performed) == (5, [], [])
    actor.feed(3)
    assert actor.state == 8


def test_steps_of_one_transaction_build_on_each_other_and_become_true_together(store: Store) -> None:
    rim = Rim()
    actor = Actor(store, 0, _step, rim)
    with store.transaction() as unit:
        actor.feed_within(unit, 1)
        actor.feed_within(unit, 2)
        assert actor.state == 0
        assert rim.performed == []
    assert (actor.state, _rows(store), rim.performed) == (3, [1, 3], [(1, "+1"), (3, "+2")])


def test_a_part_that_fails_takes_its_steps_with_it(store: Store) -> None:
    rim = Rim()
    actor = Actor(store, 0, _step, rim)
    with store.transaction() as unit:
        actor.feed_within(unit, 1)
        with suppress(ValueError), unit.part():
            actor.feed_within(unit, 10)
            actor.feed_within(unit, -1)
        actor.feed_within(unit, 2)
    assert (actor.state, _rows(store), rim.performed) == (3, [1, 3], [(1, "+1"), (3, "+2")])


def test_a_first_step_in_a_part_that_fails(store: Store) -> None:
    rim = Rim()
    actor = Actor(store, 0, _step, rim)
    with store.transaction() as unit:
        with suppress(KeyError), unit.part():
            actor.feed_within(unit, 10)
            raise KeyError
        actor.feed_within(unit, 2)
    assert (actor.state, _rows(store), rim.performed) == (2, [2], [(2, "+2")])


def test_an_effect_that_feeds_the_actor_meets_the_whole_of_what_was_committed(store: Store) -> None:
    rim = Rim()
    actor = Actor(store, 0, _step, rim)
    again = [100]
    rim.on_perform = lambda: actor.feed(again.pop()) if again else None
    with store.transaction() as unit:
        actor.feed_within(unit, 1)
        actor.feed_within(unit, 2)
    assert (actor.state, _rows(store)) == (103, [1, 3, 103])


def test_an_effect_that_fails_stops_no_other(store: Store) -> None:
    rim = Rim()
    actor = Actor(store, 0, _step, rim)

    def fail() -> None:
        raise KeyError("defect")

    rim.on_perform = fail
    with store.transaction() as unit:
        actor.feed_within(unit, 1)
        actor.feed_within(unit, 2)
    assert actor.state == 3
    assert [effect for _, effect in rim.performed] == ["+1", "+2"]
