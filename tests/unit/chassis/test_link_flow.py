"""How much is on its way, when it is sent again, and when it is said to be taken."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from services.chassis.bus.port import Message
from services.chassis.link.frames import BATCH_BYTES, BATCH_MESSAGES
from services.chassis.link.outbox import TooLarge
from services.chassis.link.sender import WINDOW
from tests.unit.chassis.link_world import TOPICS, Word, World
from tests.unit.chassis.lossy_broker import LossyBroker
from tests.unit.chassis.simulated_time import eventually, settle, simulate


def _frames(broker: LossyBroker, kind: str) -> list[dict[str, Any]]:
    topics = (TOPICS.frames, TOPICS.receipts)
    packets = [json.loads(message.payload) for message in broker.sent if message.topic in topics]
    frames = [frame for packet in packets for frame in packet.get("frames", [packet])]
    return [frame for frame in frames if frame["kind"] == kind]


def _sent(broker: LossyBroker) -> list[int]:
    return [frame["seq"] for frame in _frames(broker, "data")]


def test_a_window_is_sent_and_no_more(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            await settle()
            world.taking.kill()
            world.sending.promise(*range(WINDOW + 100))
            await settle()
            assert _sent(broker) == list(range(1, WINDOW + 1))
            assert WINDOW < 1000 // 2  # two links to one reader stay below what Mosquitto queues for it by default
            await world.taking.start()
            await eventually(lambda: world.settled, 10, "the receipts")
            assert world.taking.taken == list(range(WINDOW + 100))

    simulate(scene)


def test_nothing_is_sent_before_the_consumer_has_said_where_it_stands(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        world = World(broker, tmp_path)
        await world.sending.start()
        world.sending.promise(1, 2, 3)
        await asyncio.sleep(5)
        assert _sent(broker) == []
        await world.taking.start()
        await eventually(lambda: world.settled, 5, "the receipts")
        assert _sent(broker) == [1, 2, 3]
        await world.__aexit__()

    simulate(scene)


def test_only_the_head_is_repeated_to_a_consumer_that_is_away_less_and_less_often(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            await settle()
            world.taking.kill()
            world.sending.promise(*range(50))
            await settle()
            first_time = len(_sent(broker))
            await asyncio.sleep(3600)
            repeated = _sent(broker)[first_time:]
            assert set(repeated) == {1}
            assert 55 <= len(repeated) <= 70  # 1, 2, 4 … 32 seconds, then once a minute

    simulate(scene)


def test_patience_begins_anew_with_a_receipt(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            await settle()
            world.taking.kill()
            world.sending.promise(0)
            await asyncio.sleep(600)
            await world.taking.start()
            await eventually(lambda: world.settled, 2, "the receipt at once, since the consumer connected")
            broker.faults.loss = 1.0
            world.sending.promise(1)
            await settle()
            broker.faults.loss = 0.0
            await eventually(lambda: world.settled, 2, "the repetition after the base time-out")

    simulate(scene)


def test_one_lost_message_sends_everything_behind_it_again_once(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            await settle()
            broker.faults.loss = 1.0
            world.sending.promise(0)
            broker.faults.loss = 0.0
            for n in range(1, 20):
                world.sending.promise(n)
                await asyncio.sleep(0)
            await eventually(lambda: world.settled, 0.5, "the gap to be filled, sooner than the time-out")
            assert world.taking.taken == list(range(20))
            assert len(_sent(broker)) <= 2 * 20
            assert sum(frame["gap"] for frame in _frames(broker, "receipt")) == 1

    simulate(scene)


class _Witness(LossyBroker):
    """Looks, when a receipt leaves, at what another process would find on the disk."""

    def __init__(self, database: Path) -> None:
        super().__init__()
        self.database = database
        self.found: list[tuple[int, int]] = []
        """Of each receipt: up to where it says so, and how much was on the disk."""

    def route(self, message: Message, *, retain: bool) -> None:
        frame = json.loads(message.payload) if message.topic == TOPICS.receipts else {}
        if frame.get("kind") == "receipt":
            with contextlib.closing(sqlite3.connect(self.database)) as other:
                (count,) = other.execute("SELECT count(*) FROM taken").fetchone()
            self.found.append((frame["upto"], count))
        super().route(message, retain=retain)


def test_a_receipt_is_sent_after_the_commit_only(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = _Witness(tmp_path)
        async with World(broker, tmp_path) as world:
            (broker.database,) = world.taking.folder.glob("*.sqlite3")
            await settle()
            world.sending.promise(1, 2, 3)
            await eventually(lambda: world.settled, 5, "the receipts")
            world.sending.promise(4)
            await eventually(lambda: world.settled, 5, "its receipt")
            assert world.taking.taken == [1, 2, 3, 4]
        assert broker.found == [(3, 3), (4, 4)]

    simulate(scene)


def test_a_burst_costs_one_receipt(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            await settle()
            world.sending.promise(*range(100))
            await eventually(lambda: world.settled, 5, "the receipts")
            assert len(_frames(broker, "receipt")) == 1

    simulate(scene)


def test_nothing_happens_any_more_after_stop(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            await settle()
            world.taking.consumer.stop()
            world.sending.promise(1)
            await settle()
            assert world.taking.rows == []
            world.sending.sender.stop()
            before = len(broker.sent)
            world.sending.promise(2)
            broker.crash()
            broker.recover()
            await asyncio.sleep(100)
            assert broker.sent[before:] == []

    simulate(scene)


def test_what_waits_together_goes_together_in_small_packets(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            await settle()
            with world.sending.store.transaction() as unit:
                for n, length in enumerate([10, 10, 2 * BATCH_BYTES, 10, *[BATCH_BYTES // 3] * 4, *[1] * 120]):
                    world.sending.sender.append(unit, Word(n=n, text="x" * length))
            await eventually(lambda: world.settled, 5, "the receipts")
            assert world.taking.taken == list(range(128))
            packets = [m.payload for m in broker.sent if m.topic == TOPICS.frames and b'"hello"' not in m.payload]
            together = [len(json.loads(packet).get("frames", [packet])) for packet in packets]
            assert together[:4] == [2, 1, 3, 23]
            assert max(together) <= BATCH_MESSAGES
            assert all(len(packet) <= BATCH_BYTES for packet in packets if b'"batch"' in packet)

    simulate(scene)


def test_a_message_that_the_bus_cannot_carry_is_refused_before_it_is_promised(tmp_path: Path) -> None:
    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            most = world.sending.bus.capabilities.max_payload
            with pytest.raises(TooLarge, match="does not fit on link test"), world.sending.store.transaction() as unit:
                world.sending.sender.append(unit, Word(n=1, text="x" * most))
            with world.sending.store.transaction() as unit:
                world.sending.sender.append(unit, Word(n=2, text="x" * (most - 300)))
            await eventually(lambda: world.settled, 5, "the receipt of the largest that fits")
            assert world.taking.taken == [2]

    simulate(scene)
