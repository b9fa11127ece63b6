"""2,000 messages exactly once and in order over a real broker, while both ends and the broker are killed and frozen."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.process import ChildProcess
from deploy.simulators.waiting import wait_until
from tests.e2e.links.ends import MESSAGES

DEADLINE_S = 240
KILLS_OF_EACH = 4


def _end(role: str, folder: Path, url: str) -> ChildProcess:
    command = [sys.executable, "-m", "tests.e2e.links.ends", role, str(folder / role), url]
    return ChildProcess(role, command, folder / f"{role}.log")


@pytest.fixture
def ends(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[dict[str, ChildProcess]]:
    made = {role: _end(role, tmp_path, mosquitto.url) for role in ("sender", "consumer")}
    for process in made.values():
        process.start()
    yield made
    for process in made.values():
        process.kill()


def _rows(folder: Path) -> list[tuple[str, int]]:
    path = folder / "consumer" / "consumer.sqlite3"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return database.execute("SELECT what, n FROM taken ORDER BY id").fetchall()
    except sqlite3.OperationalError:
        return []  # not made yet


def _wait_for(folder: Path, messages: int, end: float) -> None:
    def there() -> bool:
        return len(_rows(folder)) >= messages

    wait_until(there, max(end - time.monotonic(), 5), lambda: f"{messages} messages; there are {len(_rows(folder))}")


def _freeze(broker: Mosquitto, seconds: float) -> None:
    thaw_at = time.monotonic() + seconds
    broker.process.freeze()
    try:
        wait_until(lambda: time.monotonic() > thaw_at, seconds + 5, "the links to notice")
    finally:
        broker.process.thaw()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_message_is_taken_once_and_in_order(
    tmp_path: Path, mosquitto: Mosquitto, ends: dict[str, ChildProcess], seed: int
) -> None:
    rng = random.Random(seed)
    victims = [*["sender", "consumer", "broker"] * KILLS_OF_EACH, "freeze"]
    rng.shuffle(victims)
    harm: Counter[str] = Counter()
    end = time.monotonic() + DEADLINE_S
    for number, victim in enumerate(victims):
        # By progress and not by the clock, so that harm is done all along the way on a fast and on a slow machine.
        mark = min(MESSAGES * number // (len(victims) + 3) + rng.randrange(60), MESSAGES - 100)
        _wait_for(tmp_path, mark, end)
        harm[victim] += 1
        if victim == "broker":
            mosquitto.kill()
            mosquitto.start()
        elif victim == "freeze":
            _freeze(mosquitto, 5)  # the keep-alive of both ends is 2 s
        else:
            ends[victim].kill()
            ends[victim].start()
    _wait_for(tmp_path, MESSAGES, end)
    assert _rows(tmp_path) == [("take", n) for n in range(MESSAGES)]
    assert harm == Counter(sender=KILLS_OF_EACH, consumer=KILLS_OF_EACH, broker=KILLS_OF_EACH, freeze=1)
