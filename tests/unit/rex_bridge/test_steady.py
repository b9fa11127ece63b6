"""A disk that takes nothing keeps no printer from being watched and paused, and nothing is said twice for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.events import EventKind
from services.chassis.clock import Now
from services.chassis.store import Store, Unit
from services.rex_bridge.state import Due, Effect, Heard, Say, State
from services.rex_bridge.steady import Steady

SAY = Say(EventKind.DONE, command="pause")


class Disk(Store):
    """Fails as long as it is full."""

    full = False

    @contextmanager
    def transaction(self) -> Iterator[Unit]:
        with super().transaction() as unit:
            yield unit
            if self.full:
                raise sqlite3.OperationalError("database or disk is full")


class Rim:
    def __init__(self) -> None:
        self.wrote: list[tuple[float, float, int]] = []
        self.said: list[Effect] = []
        self.performed: list[float] = []

    def persist(self, unit: Unit, before: State, after: State, effects: Sequence[Effect]) -> None:
        self.wrote.append((before.due, after.due, len(effects)))

    def unwritten(self, effect: Effect) -> None:
        self.said.append(effect)

    def perform(self, state: State, effects: Sequence[Effect]) -> None:
        self.performed.append(state.due)


def trouble(steady: Steady) -> str:
    return steady.trouble or ""


def step(state: State, event: Heard, moment: Now) -> tuple[State, Sequence[Effect]]:
    return replace(state, due=state.due + 1), (SAY,)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    store = Disk(tmp_path, "rex_bridge")
    store.open()
    yield store
    store.close()


def test_it_goes_on_without_the_disk_and_writes_from_where_the_disk_is(disk: Disk) -> None:
    rim = Rim()
    steady = Steady(disk, State("rex", 0.0), step, rim)
    steady.feed(Due())
    disk.full = True
    steady.feed(Due())
    steady.feed(Due())
    assert "make room" in trouble(steady)
    assert rim.said == [SAY, SAY], "said all the same, each once"
    disk.full = False
    steady.feed(Due())
    assert trouble(steady) == ""
    assert rim.performed == [1.0, 2.0, 3.0, 4.0]
    assert rim.wrote == [(0.0, 1.0, 1), (1.0, 2.0, 1), (1.0, 3.0, 1), (1.0, 4.0, 1)]
    assert len(rim.said) == 2


def test_a_defect_is_no_full_disk(disk: Disk) -> None:
    class Broken(Rim):
        def persist(self, unit: Unit, before: State, after: State, effects: Sequence[Effect]) -> None:
            raise ValueError("a defect")

    steady = Steady(disk, State("rex", 0.0), step, Broken())
    with pytest.raises(ValueError, match="a defect"):
        steady.feed(Due())
    assert steady.state.due == 0.0, "nothing has happened"
