"""What is published when: on a connect, on a start of Home Assistant, and when the table changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.bus.port import Delivered, Message, Presence
from services.chassis.discovery import memory
from services.chassis.discovery.announcer import Discovery
from services.chassis.discovery.entities import Device, Sensor
from services.chassis.discovery.settings import DiscoverySettings
from services.chassis.store import Store

PRESENCE = Presence("boardcast/service")
STATUS = "homeassistant/status"


def device(key: str, *keys: str, name: str = "A printer") -> Device:
    entities = tuple(Sensor(key=k, name=k, value=k) for k in keys)
    return Device(key=key, name=name, state_topic="t/state", entities=entities)


def topic(key: str, install: str = "boardcast") -> str:
    return f"homeassistant/device/{install}_{key}_mill/config"


class Bench:
    """A broker that outlives services, a store that does too, and everything that was said on discovery topics."""

    def __init__(self, folder: Path) -> None:
        self.broker = MemoryBroker()
        self.store = Store(folder, "mill")
        self.said: list[tuple[str, Any]] = []
        self.listener = MemoryBus(self.broker)
        self.bus: MemoryBus | None = None
        self.discovery: Discovery | None = None

    async def listen(self) -> None:
        self.store.open(memory.SCHEMA)
        self.listener.subscribe("homeassistant/device/#", self._hear)
        await self.listener.start()

    def _hear(self, message: Message) -> None:
        self.said.append((message.topic, json.loads(message.payload) if message.payload else None))

    async def run(self, *devices: Device, again: Sequence[Callable[[], None]] = (), **settings: Any) -> Discovery:
        """A service that starts and connects; the one before it is gone."""
        if self.bus is not None:
            await self.bus.stop()
        self.said.clear()
        self.bus = MemoryBus(self.broker, PRESENCE)
        self.discovery = Discovery(
            "mill", DiscoverySettings(**settings), PRESENCE, self.store, self.bus, jitter=lambda: 0, settle=0
        )
        self.discovery.start(devices, again)
        await self.bus.start()
        await turns()
        return self.discovery

    async def home_starts(self) -> None:
        self.said.clear()
        self.listener.publish(STATUS, b"online")
        await turns()

    def components(self, index: int) -> dict[str, Any]:
        found: dict[str, Any] = self.said[index][1]["components"]
        return found


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.listen()
    yield made
    made.store.close()


async def test_every_device_is_announced_and_kept(bench: Bench) -> None:
    await bench.run(device("a", "x"), device("b", "y"))
    assert [t for t, _ in bench.said] == [topic("a"), topic("b")]
    assert set(bench.broker.retained) >= {topic("a"), topic("b")}


async def test_a_start_of_home_assistant_brings_all_of_it_again(bench: Bench) -> None:
    states: list[str] = []
    await bench.run(device("a", "x"), again=[lambda: states.append("again")])
    bench.broker.retained.clear()
    await bench.home_starts()
    assert [t for t, _ in bench.said] == [topic("a")]
    assert states == ["again"]
    assert bench.broker.retained[PRESENCE.topic] == b"online"


@pytest.mark.parametrize("payload", [b"offline", b"", b"ONLINE"])
async def test_only_online_is_a_start(bench: Bench, payload: bytes) -> None:
    await bench.run(device("a", "x"))
    bench.said.clear()
    bench.listener.publish(STATUS, payload)
    await turns()
    assert bench.said == []


async def test_a_retained_status_is_no_start(bench: Bench) -> None:
    bench.listener.publish(STATUS, b"online", retain=True)
    await bench.run(device("a", "x"))
    assert [t for t, _ in bench.said] == [topic("a")]


async def test_a_device_that_left_the_settings_is_taken_out(bench: Bench) -> None:
    await bench.run(device("a", "x"), device("b", "y"))
    await bench.run(device("a", "x"))
    assert (topic("b"), None) in bench.said
    assert topic("b") not in bench.broker.retained
    await bench.run(device("a", "x"))
    assert [t for t, _ in bench.said] == [topic("a")], "taken out once, not at every start"


async def test_an_entity_that_an_update_dropped_is_taken_out(bench: Bench) -> None:
    await bench.run(device("a", "x", "y"))
    await bench.run(device("a", "x"))
    assert bench.components(0)["y"] == {"platform": "sensor"}
    await bench.run(device("a", "x"))
    assert list(bench.components(0)) == ["x"]


async def test_a_home_assistant_that_slept_through_it_is_shown_it_once_more(bench: Bench) -> None:
    await bench.run(device("a", "x", "y"), device("b", "z"))
    await bench.run(device("a", "x"))
    await bench.home_starts()
    whole, less = dict(bench.said[:2]), dict(bench.said[2:4])
    assert sorted(whole[topic("a")]["components"]) == ["x", "y"]
    assert sorted(whole[topic("b")]["components"]) == ["z"]
    assert less[topic("b")] is None
    assert less[topic("a")]["components"]["y"] == {"platform": "sensor"}
    assert "unique_id" in less[topic("a")]["components"]["x"]
    await bench.home_starts()
    assert [t for t, _ in bench.said] == [topic("a")], "and then never again"


async def test_what_was_lost_with_the_connection_is_taken_out_at_the_next_start(bench: Bench) -> None:
    await bench.run(device("a", "x", "y"), device("b", "z"))
    await bench.run(device("a", "x"))

    def lost(topic: str, payload: bytes, *, retain: bool = False, delivered: Delivered | None = None) -> None:
        if delivered is not None:
            delivered(False)

    assert bench.bus is not None
    publish = bench.bus.publish
    bench.bus.publish = lost  # type: ignore[method-assign]
    await bench.home_starts()
    assert not bench.said
    bench.bus.publish = publish  # type: ignore[method-assign]
    await bench.home_starts()
    less = dict(bench.said[2:4])
    assert less[topic("b")] is None
    assert less[topic("a")]["components"]["y"] == {"platform": "sensor"}


async def test_what_came_back_meanwhile_stays(bench: Bench) -> None:
    await bench.run(device("a", "x", "y"), device("b", "z"))
    await bench.run(device("a", "x"))
    await bench.run(device("a", "x", "y"), device("b", "z"))
    await bench.home_starts()
    assert sorted(t for t, _ in bench.said) == [topic("a"), topic("b")]
    assert all(payload is not None for _, payload in bench.said)


async def test_nothing_is_forgotten_when_things_are_dropped_one_after_the_other(bench: Bench) -> None:
    await bench.run(device("a", "x", "y", "z"))
    await bench.run(device("a", "x", "y"))
    await bench.run(device("a", "x"))
    await bench.home_starts()
    assert sorted(bench.components(0)) == ["x", "y", "z"]


async def test_a_rename_keeps_the_identity(bench: Bench) -> None:
    await bench.run(device("a", "x", name="Old"))
    before = bench.components(0)
    await bench.run(device("a", "x", name="New"))
    assert bench.components(0) == before
    assert bench.said[0][1]["device"]["name"] == "New"


async def test_what_a_device_said_of_itself_is_kept_until_it_says_otherwise(bench: Bench) -> None:
    def printer(**said: str | None) -> Device:
        return Device(key="a", name=said.get("name"), firmware=said.get("firmware"), entities=(), says_itself=True)

    await bench.run(printer())
    assert bench.said[0][1]["device"] == {"identifiers": ["boardcast_a"], "name": "a"}
    await bench.run(printer(name="Lab", firmware="1"))
    assert bench.said[0][1]["device"]["name"] == "Lab"
    await bench.run(printer())
    assert (bench.said[0][1]["device"]["name"], bench.said[0][1]["device"]["sw_version"]) == ("Lab", "1")
    await bench.run(printer(name="Office", firmware="2"))
    assert (bench.said[0][1]["device"]["name"], bench.said[0][1]["device"]["sw_version"]) == ("Office", "2")


async def test_the_table_may_change_while_it_runs(bench: Bench) -> None:
    discovery = await bench.run(device("a", "x"))
    bench.said.clear()
    discovery.show([device("a", "x")])
    await turns()
    assert bench.said == [], "nothing new is nothing to say"
    discovery.show([device("a", "x", name="Known by now")])
    await turns()
    assert bench.said[0][1]["device"]["name"] == "Known by now"


async def test_switched_off_takes_back_what_was_announced(bench: Bench) -> None:
    await bench.run(device("a", "x"))
    await bench.run(device("a", "x"), home_assistant=False)
    assert bench.said == [(topic("a"), None)]
    await bench.home_starts()
    assert bench.said == []


async def test_another_prefix_moves_everything(bench: Bench) -> None:
    await bench.run(device("a", "x"))
    await bench.run(device("a", "x"), home_assistant_prefix="elsewhere")
    assert bench.said == [(topic("a"), None)]
    assert "elsewhere/device/boardcast_a_mill/config" in bench.broker.retained


async def test_a_broker_that_forgot_is_told_again(bench: Bench) -> None:
    await bench.run(device("a", "x"))
    bench.said.clear()
    bench.broker.crash()
    bench.broker.recover()
    await turns()
    assert topic("a") in bench.broker.retained


async def test_an_id_of_its_own_outlives_the_topic_root(bench: Bench) -> None:
    assert DiscoverySettings(topic_root="lab/one").install_id() == "lab_one"
    await bench.run(device("a", "x"), topic_root="lab/one", home_assistant_id="boardcast")
    assert bench.said[0][0] == topic("a")
