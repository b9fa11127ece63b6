"""A retained state is published often enough and not too often; a flood of dead letters becomes a count."""

from __future__ import annotations

import asyncio

from services.chassis.bus.memory import MemoryBus
from services.chassis.dead_letters import PER_SECOND, DeadLetters
from services.chassis.retained import Retained
from tests.unit.chassis.lossy_broker import LossyBroker
from tests.unit.chassis.simulated_time import settle, simulate


async def _bus(broker: LossyBroker) -> MemoryBus:
    bus = MemoryBus(broker)
    await bus.start()
    return bus


def _payloads(broker: LossyBroker) -> list[bytes]:
    return [message.payload for message in broker.sent]


def test_a_state_is_published_at_most_so_often_and_the_last_one_always() -> None:
    async def scene() -> None:
        broker = LossyBroker()
        state = Retained(await _bus(broker), "state", interval=0.5)
        state.start()
        await settle()
        for n in range(100):
            state.set(str(n).encode())
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        assert 19 <= len(broker.sent) <= 22
        assert _payloads(broker)[0] == b"0"
        assert broker.retained["state"] == b"99"

    simulate(scene)


def test_what_has_not_changed_is_not_published_again() -> None:
    async def scene() -> None:
        broker = LossyBroker()
        state = Retained(await _bus(broker), "state", interval=0.5)
        state.start()
        await settle()
        state.set(b"a")
        state.set(b"b")
        state.set(b"a")
        await asyncio.sleep(10)
        state.set(b"a")
        await asyncio.sleep(10)
        assert _payloads(broker) == [b"a"]

    simulate(scene)


def test_an_urgent_state_does_not_wait() -> None:
    async def scene() -> None:
        broker = LossyBroker()
        state = Retained(await _bus(broker), "state", interval=100)
        state.start()
        await settle()
        state.set(b"a")
        state.set(b"b", now=True)
        assert _payloads(broker) == [b"a", b"b"]

    simulate(scene)


def test_every_connect_announces_the_newest_state() -> None:
    async def scene() -> None:
        broker = LossyBroker()
        bus = await _bus(broker)
        state = Retained(bus, "state", interval=0.5)
        state.start()
        state.set(b"before the first connect")
        await settle()
        broker.crash()
        state.set(b"while away")
        await asyncio.sleep(10)
        broker.recover()
        await settle()
        broker.crash()
        broker.recover()
        await settle()
        assert _payloads(broker) == [b"before the first connect", b"while away", b"while away"]
        state.stop()
        state.set(b"after the end")
        broker.crash()
        broker.recover()
        await asyncio.sleep(1)
        assert len(broker.sent) == 3

    simulate(scene)


def _render(topic: str, reason: str, payload: bytes, count: int) -> bytes:
    return f"{topic} {reason} {count}".encode()


def test_a_flood_of_dead_letters_becomes_one_counted_summary_a_second_and_source() -> None:
    async def scene() -> None:
        broker = LossyBroker()
        letters = DeadLetters(await _bus(broker), "dead", _render)
        await settle()
        for n in range(500):
            letters.add("a", f"bad {n}", b"x")
        letters.add("b", "other", b"y")
        await asyncio.sleep(2)
        payloads = _payloads(broker)
        assert payloads[:PER_SECOND] == [f"a bad {n} 1".encode() for n in range(PER_SECOND)]
        assert payloads[PER_SECOND:] == [b"b other 1", f"a bad 499 {500 - PER_SECOND}".encode()]
        assert letters.count == 501
        letters.add("a", "again", b"x")
        assert _payloads(broker)[-1] == b"a again 1"
        await asyncio.sleep(2)

    simulate(scene)


def test_a_dead_letter_that_cannot_be_written_holds_nothing_up() -> None:
    async def scene() -> None:
        def fail(topic: str, reason: str, payload: bytes, count: int) -> bytes:
            raise ValueError("too long")

        letters = DeadLetters(await _bus(LossyBroker()), "dead", fail)
        for _ in range(PER_SECOND + 5):
            letters.add("a", "bad", b"x")
        await asyncio.sleep(2)
        assert letters.count == PER_SECOND + 5

    simulate(scene)


def test_the_reason_of_a_dead_letter_is_short_and_harmless() -> None:
    async def scene() -> None:
        seen: list[str] = []

        def render(topic: str, reason: str, payload: bytes, count: int) -> bytes:
            seen.append(reason)
            return b""

        letters = DeadLetters(await _bus(LossyBroker()), "dead", render)
        letters.add("a", "\x1b[2J\n\u202e" + "x" * 10_000, b"x")
        await asyncio.sleep(2)
        assert seen == ["?[2J??" + "x" * 294]

    simulate(scene)
