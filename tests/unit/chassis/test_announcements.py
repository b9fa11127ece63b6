"""Events that a commit has promised: at least once, in order, and not without end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import LogCapture

from services.chassis import announcements
from services.chassis.announcements import SCHEMA, Announcements
from services.chassis.bus.memory import MemoryBus
from services.chassis.store import Store
from tests.unit.chassis.lossy_broker import LossyBroker
from tests.unit.chassis.simulated_time import settle, simulate

Scene = Callable[["Events"], Coroutine[Any, Any, None]]


class Events:
    """A service that announces, and a listener."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder, "events")
        self.broker = LossyBroker(1)
        self.bus = MemoryBus(self.broker)
        self.heard: list[int] = []

    async def start(self) -> None:
        listener = MemoryBus(self.broker)
        listener.subscribe("event", lambda message: self.heard.append(int(message.payload)))
        await listener.start()
        await self.start_service()

    async def start_service(self) -> None:
        self.store.open(SCHEMA)
        self.store.read("PRAGMA synchronous=OFF")
        self.bus = MemoryBus(self.broker)
        self.announcements = Announcements(self.store, self.bus)
        self.announcements.start()
        await self.bus.start()
        await settle()

    def kill(self) -> None:
        self.bus.connection_lost("killed")
        self.broker.detach(self.bus)
        self.store.close()

    def say(self, *numbers: int) -> None:
        with self.store.transaction() as unit:
            for n in numbers:
                self.announcements.add(unit, "event", str(n).encode())

    @property
    def kept(self) -> int:
        return int(self.store.read("SELECT count(*) FROM announcements")[0][0])


def _play(folder: Path, scene: Scene) -> None:
    async def main() -> None:
        events = Events(folder)
        await events.start()
        await scene(events)
        events.store.close()

    simulate(main)


def test_events_are_published_in_order_and_forgotten(tmp_path: Path) -> None:
    async def scene(events: Events) -> None:
        events.say(*range(450))
        await asyncio.sleep(1)
        assert events.heard == list(range(450))
        assert events.kept == 0

    _play(tmp_path, scene)


def test_nothing_is_said_of_what_was_rolled_back(tmp_path: Path) -> None:
    async def scene(events: Events) -> None:
        with suppress(KeyError), events.store.transaction() as unit:
            events.announcements.add(unit, "event", b"1")
            raise KeyError
        events.say(2)
        await asyncio.sleep(1)
        assert events.heard == [2]

    _play(tmp_path, scene)


def test_what_the_broker_missed_is_published_when_it_is_back(tmp_path: Path) -> None:
    async def scene(events: Events) -> None:
        events.broker.crash()
        events.say(1, 2)
        events.say(3)
        await asyncio.sleep(100)
        assert events.heard == []
        events.broker.recover()
        await asyncio.sleep(1)
        assert events.heard == [1, 2, 3]
        assert events.kept == 0

    _play(tmp_path, scene)


def test_what_was_not_confirmed_before_a_loss_or_a_kill_is_published_again(tmp_path: Path) -> None:
    async def scene(events: Events) -> None:
        events.say(1, 2)
        events.broker.crash()  # before either was confirmed
        events.broker.recover()
        events.say(3)
        events.kill()
        await events.start_service()
        await asyncio.sleep(1)
        assert set(events.heard) == {1, 2, 3}
        assert events.heard[-3:] == [1, 2, 3]
        assert events.kept == 0

    _play(tmp_path, scene)


def test_only_so_many_wait_and_the_log_says_what_was_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: LogCapture
) -> None:
    monkeypatch.setattr(announcements, "KEPT", 300)

    async def scene(events: Events) -> None:
        events.broker.crash()
        for first in range(0, 1000, 50):
            events.say(*range(first, first + 50))
            assert events.kept <= 300 + 100
        events.broker.recover()
        await asyncio.sleep(1)
        assert events.heard == list(range(700, 1000))
        dropped = [entry["count"] for entry in logged.entries if "oldest events are dropped" in entry["event"]]
        assert sum(dropped) == 700

    _play(tmp_path, scene)


def test_a_full_disk_delays_only_the_forgetting(tmp_path: Path) -> None:
    async def scene(events: Events) -> None:
        events.say(1)
        events.store.read("PRAGMA query_only=ON")
        await asyncio.sleep(1)
        for _ in range(3):
            events.broker.crash()
            events.broker.recover()
            await asyncio.sleep(1)
        assert events.heard == [1], "it is known to be told, although nothing can be written"
        assert events.kept == 1
        events.store.read("PRAGMA query_only=OFF")
        events.say(2)
        await asyncio.sleep(1)
        assert events.heard == [1, 2]
        assert events.kept == 0

    _play(tmp_path, scene)


def test_many_that_could_not_be_forgotten_keep_no_new_one_waiting(tmp_path: Path) -> None:
    async def scene(events: Events) -> None:
        events.say(*range(450))
        events.store.read("PRAGMA query_only=ON")
        await asyncio.sleep(1)
        assert events.heard == list(range(450))
        events.broker.crash()
        events.store.read("PRAGMA query_only=OFF")
        events.say(450)
        events.store.read("PRAGMA query_only=ON")
        events.broker.recover()
        await asyncio.sleep(1)
        assert events.heard == list(range(451))

    _play(tmp_path, scene)


def test_an_event_that_the_bus_cannot_carry_is_refused_at_once(tmp_path: Path) -> None:
    async def scene(events: Events) -> None:
        size = events.bus.capabilities.max_payload + 1
        with pytest.raises(ValueError, match="more than the bus carries"), events.store.transaction() as unit:
            events.announcements.add(unit, "event", b"1" * size)

    _play(tmp_path, scene)


def test_what_has_no_row_waits_in_memory_for_the_broker_and_not_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: LogCapture
) -> None:
    monkeypatch.setattr(announcements, "KEPT_UNWRITTEN", 3, raising=False)

    async def scene(events: Events) -> None:
        events.broker.crash()
        for number in range(5):
            events.announcements.add_unwritten("event", str(number).encode())
        assert events.heard == []
        events.broker.recover()
        await asyncio.sleep(1)
        assert events.heard == [2, 3, 4]
        events.broker.crash()
        events.broker.recover()
        await asyncio.sleep(1)
        assert events.heard == [2, 3, 4]
        assert len([entry for entry in logged.entries if "oldest events are dropped" in entry["event"]]) == 2

    _play(tmp_path, scene)
