"""Two buses that look like one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.chassis import announcements
from services.chassis.announcements import Announcements
from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.bus.port import Message, Presence
from services.chassis.bus.routes import Route
from services.chassis.bus.split import NoBus, SplitBus
from services.chassis.retained import Retained
from services.chassis.store import Store

ROUTES = (Route("b/plan", "one", (), asks=False), Route("b/command", "one", (), asks=True))


class Two:
    """A split bus between two brokers, and a plain bus at each."""

    def __init__(self) -> None:
        self.brokers = MemoryBroker(), MemoryBroker()
        self.state = MemoryBus(self.brokers[1], Presence("b/presence"))
        self.carrying = MemoryBus(self.brokers[0])
        self.bus = SplitBus(self.carrying, self.state, ROUTES)
        self.heard: list[Message] = []

    async def start(self) -> None:
        for topic in ("b/plan", "b/command", "b/state"):
            self.bus.subscribe(topic, self.heard.append)
        await self.bus.start()
        await turns()

    async def say(self, broker: int, topic: str) -> list[str]:
        """What arrives when *topic* is published at one of the two."""
        self.heard.clear()
        self.brokers[broker].route(Message(topic, b"x"), retain=False)
        await turns()
        return [message.topic for message in self.heard]


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_links_are_heard_on_one_states_on_the_other_and_what_people_ask_on_both() -> None:
    two = Two()
    await two.start()
    assert [await two.say(n, "b/plan") for n in (0, 1)] == [["b/plan"], []]
    assert [await two.say(n, "b/state") for n in (0, 1)] == [[], ["b/state"]]
    assert [await two.say(n, "b/command") for n in (0, 1)] == [["b/command"], ["b/command"]]


async def test_each_topic_is_published_on_its_bus() -> None:
    two = Two()
    await two.start()
    two.bus.publish("b/plan", b"p", retain=True)
    two.bus.publish("b/state", b"s", retain=True)
    assert [dict(broker.retained) for broker in two.brokers] == [
        {"b/plan": b"p"}, {"b/presence": b"online", "b/state": b"s"},
    ]  # fmt: skip


async def test_it_lives_by_the_carrying_bus_and_announces_again_on_either() -> None:
    two = Two()
    connects: list[bool] = []
    reasons: list[str] = []
    two.bus.on_connect(lambda: connects.append(two.bus.connected))
    two.bus.on_disconnect(reasons.append)
    await two.start()
    assert len(connects) == 2
    two.brokers[1].crash()
    assert (two.bus.connected, reasons) == (True, [])
    two.brokers[1].recover()
    assert len(connects) == 3
    two.brokers[0].crash()
    assert (two.bus.connected, len(reasons)) == (False, 1)


async def test_without_a_state_bus_what_is_published_counts_as_taken() -> None:
    told: list[bool] = []
    bus = SplitBus(MemoryBus(MemoryBroker()), NoBus(), ROUTES)
    bus.publish("b/event", b"x", delivered=told.append)
    assert told == []
    await turns()
    assert told == [True]
    assert not bus.capabilities.retained


async def test_states_and_events_are_told_while_the_queues_are_away(tmp_path: Path) -> None:
    """Whoever watches a printer over the broker must not be shown the temperatures of an hour ago."""
    two, store = Two(), Store(tmp_path, "one")
    store.open(announcements.SCHEMA)
    state, events = Retained(two.bus, "b/state", interval=0), Announcements(store, two.bus)
    state.start()
    events.start()
    await two.start()
    two.brokers[0].crash()
    await turns()
    heard: list[Message] = []
    two.brokers[1].attach(listener := MemoryBus(two.brokers[1]))
    listener.subscribe("b/event", heard.append)
    state.set(b"hot")
    with store.transaction() as unit:
        events.add(unit, "b/event", b"paused")
    await turns()
    assert two.brokers[1].retained["b/state"] == b"hot"
    assert [message.payload for message in heard] == [b"paused"]
    assert store.read("SELECT count(*) FROM announcements") == [(0,)]
    store.close()


async def test_what_was_said_while_the_broker_was_away_is_told_on_its_connect(tmp_path: Path) -> None:
    two, store = Two(), Store(tmp_path, "one")
    store.open(announcements.SCHEMA)
    state, events = Retained(two.bus, "b/state", interval=0), Announcements(store, two.bus)
    state.start()
    events.start()
    heard: list[Message] = []
    two.brokers[1].attach(listener := MemoryBus(two.brokers[1]))
    listener.subscribe("b/event", heard.append)
    await two.start()
    two.brokers[1].crash()
    state.set(b"hot")
    for number in range(300):
        with store.transaction() as unit:
            events.add(unit, "b/event", b"%d" % number)
    await turns()
    two.brokers[1].recover()
    for _ in range(20):
        await turns()
    assert two.brokers[1].retained["b/state"] == b"hot"
    assert [message.payload for message in heard] == [b"%d" % number for number in range(300)]
    assert store.read("SELECT count(*) FROM announcements") == [(0,)]
    store.close()
