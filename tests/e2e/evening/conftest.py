"""Halls in which an evening takes place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.evening import chat
from tests.e2e.evening.hall import Hall

SEED = 20260102
OpenHall = Callable[[int, float], Hall]


@pytest.fixture
def open_hall(tmp_path: Path) -> Iterator[OpenHall]:
    """Called with a number of messages and of seconds within which they are said, it opens a hall for them."""
    opened: list[Hall] = []

    def make(count: int, within: float) -> Hall:
        opened.append(Hall(tmp_path, chat.evening(SEED, count), within))
        opened[-1].open()
        return opened[-1]

    yield make
    for hall in opened:
        hall.close()
