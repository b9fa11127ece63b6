"""The running notifier: nothing that it heard of, or could not hear of, is lost without a word."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from contracts.events import EventKind
from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.service import Parts
from services.chassis.store import Store
from services.notifier import service
from services.notifier.notices import Notice
from services.notifier.service import Notifier
from services.notifier.settings import NotifierSettings
from services.notifier.targets import Target
from tests.unit.notifier.test_notices import event

TOPIC = "boardcast/v1/printer/rex/event"


@pytest.fixture
def logged() -> Iterator[LogCapture]:
    """Every log line of the test, as dictionaries, whichever thread wrote it."""
    capture = LogCapture()
    structlog.configure(processors=[capture], cache_logger_on_first_use=False)
    yield capture
    structlog.reset_defaults()


class Phone(Target):
    """A target that takes notices only while *open* is set."""

    def __init__(self, url: str) -> None:
        super().__init__(url, retries=())
        self.got: list[Notice] = []
        self.begun = 0
        self.open = threading.Event()
        self.open.set()

    @property
    def name(self) -> str:
        return "phone"

    def deliver(self, notice: Notice) -> bool:
        self.begun += 1
        self.open.wait(60)
        self.got.append(notice)
        return True


class Hall:
    """A broker, a notifier with one target, and a bridge that publishes."""

    def __init__(self, folder: Path) -> None:
        settings = NotifierSettings.model_validate({"notify_urls": "json://localhost", "notify_burst": 3})
        self.broker = MemoryBroker()
        self.bridge, self.bus = MemoryBus(self.broker), MemoryBus(self.broker)
        self.notifier = Notifier(Parts(settings, Store(folder, "notifier"), self.bus))
        [phone] = self.notifier._targets
        assert isinstance(phone, Phone)
        self.phone = phone

    async def until(self, condition: Callable[[], object]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + 20
        while not condition():
            assert loop.time() < end, f"waited in vain; {self.phone.got}"
            await asyncio.sleep(0)

    def say(self, *jobs: str, kind: EventKind = EventKind.FINISHED) -> None:
        for job in jobs:
            self.bridge.publish(TOPIC, event(kind, job=job).to_bytes())


def play(folder: Path, monkeypatch: pytest.MonkeyPatch, scene: Callable[[Hall], Coroutine[Any, Any, None]]) -> None:
    monkeypatch.setattr(service, "Target", Phone)
    monkeypatch.setattr(service, "FINISH_WITHIN", 0.0, raising=False)

    async def main() -> None:
        hall = Hall(folder)
        await hall.notifier.start()
        await hall.bridge.start()
        await hall.bus.start()
        await hall.until(lambda: hall.bus.connected)
        try:
            await scene(hall)
        finally:
            hall.phone.open.set()
            await hall.notifier.stop()

    asyncio.run(main())


def test_what_waits_for_a_slow_target_at_the_stop_is_said_to_be_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: LogCapture
) -> None:
    async def scene(hall: Hall) -> None:
        hall.phone.open.clear()
        hall.say("a", "b", "c")
        await hall.until(lambda: hall.phone.begun)
        await hall.until(lambda: len([line for line in logged.entries if line["event"] == "notice"]) == 3)
        await hall.notifier.stop()
        [said] = [line for line in logged.entries if line["log_level"] == "error"]
        assert (said["target"], said["count"]) == ("phone", 3)

    play(tmp_path, monkeypatch, scene)


def test_what_waits_for_a_target_that_takes_it_is_delivered_before_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: LogCapture
) -> None:
    async def scene(hall: Hall) -> None:
        monkeypatch.setattr(service, "FINISH_WITHIN", 20.0, raising=False)
        hall.phone.open.clear()
        hall.say("a", "b", "c", "d", "e")
        await hall.until(lambda: hall.phone.begun)
        await hall.until(lambda: hall.notifier._budget.left_out == 2)
        hall.phone.open.set()
        await hall.notifier.stop()
        assert [notice.body[:9] for notice in hall.phone.got] == ["a", "b", "c", "2 further"]
        assert not [line for line in logged.entries if line["log_level"] == "error"]

    play(tmp_path, monkeypatch, scene)


def test_what_could_not_be_heard_while_the_broker_was_away_is_spoken_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: LogCapture
) -> None:
    async def scene(hall: Hall) -> None:
        hall.broker.crash()
        # The bridge is back first, and what it kept meanwhile is published before anybody hears it.
        hall.bridge.connection_made()
        hall.say("finished out of hearing")
        hall.bus.connection_made()
        await hall.until(lambda: hall.phone.got)
        [notice] = hall.phone.got
        assert "may have happened" in notice.body
        hall.say("heard")
        await hall.until(lambda: len(hall.phone.got) == 2)
        assert hall.phone.got[1].body == "heard"

    play(tmp_path, monkeypatch, scene)


def test_a_broker_that_comes_and_goes_is_no_flood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: LogCapture
) -> None:
    async def scene(hall: Hall) -> None:
        for _ in range(20):
            hall.bus.connection_lost("flapping")
            hall.bus.connection_made()
        await hall.until(lambda: hall.notifier._budget.left_out == 17)
        await hall.until(lambda: len(hall.phone.got) == 3)

    play(tmp_path, monkeypatch, scene)
