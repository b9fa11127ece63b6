"""What a consumer remembers of histories: those that it took from, for ever; of the others, the newest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from services.chassis.link.positions import SCHEMA, Place, Positions
from services.chassis.store import Store

ZERO = "0" * 32


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path, "x")
    store.open(SCHEMA)
    yield store
    store.close()


def forge(positions: Positions, store: Store, count: int) -> None:
    with store.transaction() as unit:
        for n in range(count):
            positions.adopt(unit, Place(f"{n:032x}", 0, ZERO))


def place(positions: Positions, store: Store, epoch: str) -> Place | None:
    with store.transaction() as unit:
        return positions.of(unit, epoch)


def test_a_history_that_gave_a_message_is_kept_whatever_comes_in_the_same_transaction(store: Store) -> None:
    positions = Positions(store, "outcome")
    first, second = Place("e" * 32, 3, "3" * 32), Place("f" * 32, 2, "2" * 32)
    with store.transaction() as unit:
        for taken in (first, second):
            positions.adopt(unit, Place(taken.epoch, 0, ZERO))
            positions.advance(unit, Place(taken.epoch, 1, "1" * 32))
            positions.advance(unit, taken)
        forge(positions, store, 60)
        positions.advance(unit, Place(first.epoch, 4, "4" * 32))
    assert place(positions, store, first.epoch) == Place(first.epoch, 4, "4" * 32)
    assert place(positions, store, second.epoch) == second
    assert store.read("SELECT count(*) FROM link_position") == [(50 + 2,)]


def test_what_was_undone_with_its_part_is_not_written(store: Store) -> None:
    positions = Positions(store, "outcome")
    began = Place("e" * 32, 0, ZERO)
    with store.transaction() as unit:
        positions.adopt(unit, began)
        with suppress(ZeroDivisionError), unit.part():
            positions.advance(unit, Place(began.epoch, 3, "3" * 32))
            raise ZeroDivisionError
        positions.adopt(unit, Place("f" * 32, 0, ZERO))
    assert place(positions, store, began.epoch) == began


def test_histories_of_another_link_have_none_of_this_one_forgotten(store: Store) -> None:
    chat, outcome = Positions(store, "chat"), Positions(store, "outcome")
    began, present = Place("e" * 32, 0, ZERO), Place("f" * 32, 0, ZERO)
    with store.transaction() as unit:
        outcome.adopt(unit, began)
    forge(chat, store, 60)
    with store.transaction() as unit:
        outcome.adopt(unit, present)
    assert outcome.current() == present
    assert place(outcome, store, began.epoch) == began
    with store.transaction() as unit:
        outcome.readopt(unit, began)
    assert outcome.current() == began
