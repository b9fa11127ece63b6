"""The connecting of the SQS bus, against an SQS that is not there."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from services.chassis.bus.routes import Route
from services.chassis.bus.sqs import bus as sqs_bus
from services.chassis.bus.sqs.address import SqsAddress
from services.chassis.bus.sqs.bus import SqsBus, SqsOptions
from services.chassis.bus.sqs.client import Client, Denied, Found, Received, SqsError

OPTIONS = SqsOptions(SqsAddress("nowhere-1", "p"), "reader", [Route("a", "reader", (), asks=False)])


class Unreadable(Client):
    """Every queue is found, and none may be read: a policy, or throttling."""

    def open(self) -> None:
        """Nothing is there to be opened."""

    def find(self, name: str) -> Found:
        return Found(name, 0.0)

    def receive(self, url: str, visibility: float) -> list[Received]:
        raise SqsError("AccessDenied")


class Impatient(threading.Event):
    """Waits for nobody, writes down for how long it would have, and is set in the end."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self.waits: list[float] = []
        self._rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        if len(self.waits) >= self._rounds:
            self.set()
        return self.is_set()


async def test_a_queue_that_is_found_and_cannot_be_read_is_tried_ever_more_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqs_bus, "Client", Unreadable)
    bus = SqsBus(OPTIONS)
    bus._stopping = pauses = Impatient(rounds=10)
    bus.subscribe("a", lambda _: None)
    await bus.start()
    end = asyncio.get_running_loop().time() + 20
    while not pauses.is_set():
        assert asyncio.get_running_loop().time() < end, f"{len(pauses.waits)} rounds"
        await asyncio.sleep(0)
    await bus.stop()
    assert pauses.waits[0] <= OPTIONS.back_off_first
    assert pauses.waits[-1] >= OPTIONS.back_off_most / 2


class Forbidden(Unreadable):
    """The least that a service needs, and this one reads nothing: every look is refused."""

    def find(self, name: str) -> Found:
        raise Denied("AccessDenied")


async def test_a_service_that_reads_nothing_connects_with_the_least_that_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqs_bus, "Client", Forbidden)
    bus = SqsBus(replace(OPTIONS, reach_every=0.001))
    connects: list[str] = []
    bus.on_connect(lambda: connects.append("on"))
    bus.on_disconnect(connects.append)
    await bus.start()
    end = asyncio.get_running_loop().time() + 20
    while not bus.connected:
        assert asyncio.get_running_loop().time() < end, "not connected"
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.01)
    await bus.stop()
    assert connects == ["on"]
