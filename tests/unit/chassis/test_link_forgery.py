"""Frames that nobody of the link has sent: refused aloud, and no true message is lost, doubled or held up."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from contracts.links import START_DIGEST, Data, Hello, Lost, Position, Receipt
from services.chassis.bus.port import Message
from services.chassis.link.consumer import PENDING_BYTES
from services.chassis.link.outbox import Outbox
from tests.unit.chassis.link_world import TOPICS, World
from tests.unit.chassis.lossy_broker import LossyBroker
from tests.unit.chassis.simulated_time import eventually, settle, simulate

WRONG = "f" * 32


def _epoch(world: World) -> str:
    return Outbox(world.sending.store, TOPICS.name).head().epoch


def _forge(broker: LossyBroker, topic: str, frame: BaseModel) -> None:
    broker.forge(topic, frame.model_dump_json().encode())


TO_CONSUMER: dict[str, Callable[[str], BaseModel]] = {
    "hello of the true epoch": lambda epoch: Hello(epoch=epoch, first=900, next=1000, before=WRONG),
    "hello of another epoch": lambda _: Hello(epoch="a" * 32, first=5, next=9, before=WRONG),
    "data in its turn": lambda epoch: Data(epoch=epoch, seq=4, digest=WRONG, body={"kind": "word", "n": 666}),
    "data taken before": lambda epoch: Data(epoch=epoch, seq=3, digest=WRONG, body={"kind": "word", "n": 666}),
    "data far ahead": lambda epoch: Data(epoch=epoch, seq=4_000, digest=WRONG, body={"kind": "word", "n": 666}),
    "data of no epoch": lambda _: Data(epoch="b" * 32, seq=1, digest=WRONG, body={"kind": "word", "n": 666}),
    "a number that is no number": lambda epoch: Data(epoch=epoch, seq=4, digest=WRONG, body={"n": float("nan")}),
    "loss of what was taken": lambda epoch: Lost(epoch=epoch, first=1, last=3, digest=WRONG),
    "loss of what never was": lambda epoch: Lost(epoch=epoch, first=9, last=30, digest=WRONG),
}
TO_SENDER: dict[str, Callable[[str], BaseModel]] = {
    "receipt above what was sent": lambda epoch: Receipt(epoch=epoch, upto=4_000, digest=WRONG),
    "receipt with another digest": lambda epoch: Receipt(epoch=epoch, upto=4, digest=WRONG),
    "receipt of nothing": lambda epoch: Receipt(epoch=epoch, upto=0, digest=START_DIGEST, gap=True),
    "receipt of another epoch": lambda _: Receipt(epoch="a" * 32, upto=4, digest=WRONG),
    "position above what was sent": lambda epoch: Position(epoch=epoch, last=4_000, digest=WRONG),
    "position with another digest": lambda epoch: Position(epoch=epoch, last=4, digest=WRONG),
    "position of nothing": lambda epoch: Position(epoch=epoch, last=0, digest=START_DIGEST),
    "position of another epoch": lambda _: Position(epoch="a" * 32, last=4, digest=WRONG),
    "position of no epoch": lambda _: Position(epoch=None, last=0, digest=START_DIGEST),
}


@pytest.mark.parametrize("forged", [*TO_CONSUMER, *TO_SENDER])
def test_forged_frames_with_the_real_epoch_lose_and_double_nothing(tmp_path: Path, forged: str) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            world.sending.promise(1, 2, 3)
            await eventually(lambda: world.settled, 5, "the receipts")
            topic = TOPICS.frames if forged in TO_CONSUMER else TOPICS.receipts
            frame = (TO_CONSUMER | TO_SENDER)[forged](_epoch(world))
            broker.faults.loss = 1.0  # while what is true is on its way and under way again
            world.sending.promise(4)
            await settle()
            for _ in range(50):
                _forge(broker, topic, frame)
            await settle()
            broker.faults.loss = 0.0
            for n in range(5, 20):
                _forge(broker, topic, frame)
                world.sending.promise(n)
                await asyncio.sleep(0.3)
            await eventually(lambda: world.settled, 20, "the receipts")
            assert [row for row in world.taking.rows if row[0] != "lost"] == [("take", n) for n in range(1, 20)]

    simulate(scene)


def test_a_flood_of_forged_frames_is_not_answered_by_a_bigger_one(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            world.sending.promise(*range(100))
            await settle()
            broker.faults.loss = 1.0
            world.sending.promise(*range(100, 300))
            await settle()
            broker.faults.loss = 0.0
            before, epoch = len(broker.sent), _epoch(world)
            for number in range(500):
                _forge(broker, TOPICS.frames, Hello(epoch=f"{number:032x}", first=2, next=2, before=WRONG))
                _forge(broker, TOPICS.receipts, Position(epoch=None, last=0, digest=START_DIGEST))
                _forge(broker, TOPICS.receipts, Position(epoch=epoch, last=0, digest=START_DIGEST))
                await asyncio.sleep(0)
            await settle()
            # An answer to each forged hello and position, and the window anew a few times.
            assert len(broker.sent) - before < 2 * 500 + 3 * 300
            await eventually(lambda: world.settled, 20, "the receipts")
            assert world.taking.taken == list(range(300))
            (kept,) = world.taking.store.read("SELECT count(*) FROM link_position")[0]
            assert kept <= 60  # what a forger can make a consumer remember

    simulate(scene)


def test_a_flood_of_large_frames_waits_in_a_bounded_space(tmp_path: Path) -> None:
    """2,000 frames of the size that the stack's broker lets through are more than the machine has."""

    async def scene() -> None:
        async with World(LossyBroker(), tmp_path) as world:
            await settle()
            consumer, large = world.taking.consumer, bytes(1 << 20)
            for _ in range(500):
                consumer._on_message(Message(TOPICS.frames, large))
            assert 0 < sum(len(message.payload) for message in consumer._pending) <= PENDING_BYTES
            world.sending.promise(1, 2, 3)
            await eventually(lambda: world.settled, 20, "the receipts")
            consumer._on_message(Message(TOPICS.frames, bytes(2 * PENDING_BYTES)))  # alone it is only refused
            world.sending.promise(4)
            await eventually(lambda: world.settled, 20, "the receipts")
            assert world.taking.taken == [1, 2, 3, 4]

    simulate(scene)


def test_forged_positions_do_not_have_the_window_sent_again_and_again(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            await settle()
            world.taking.kill()
            world.sending.promise(*range(200))
            before = len(broker.sent)
            for _ in range(500):
                _forge(broker, TOPICS.receipts, Position(epoch=_epoch(world), last=0, digest=START_DIGEST))
            await settle()
            assert len(broker.sent) - before < 3 * 200

    simulate(scene)


def test_a_forged_position_at_the_first_handshake_begins_no_new_history(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            world.sending.promise(1, 2)
            await eventually(lambda: world.settled, 5, "the receipts")
            epoch = _epoch(world)

            def lie() -> None:
                _forge(broker, TOPICS.receipts, Position(epoch=epoch, last=900, digest=WRONG))

            world.sending.kill()
            await world.sending.start()
            asyncio.get_running_loop().call_soon(lie)
            for _ in range(20):
                lie()
                await asyncio.sleep(0.1)
            world.sending.promise(3)
            await eventually(lambda: world.settled, 20, "the receipts")
            assert _epoch(world) == epoch
            assert world.taking.taken == [1, 2, 3]
            assert world.taking.histories == []

    simulate(scene)


def test_a_loss_that_was_forged_in_its_turn_stops_the_link_for_seconds_only(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        async with World(broker, tmp_path) as world:
            world.sending.promise(1, 2)
            await eventually(lambda: world.settled, 5, "the receipts")
            _forge(broker, TOPICS.frames, Lost(epoch=_epoch(world), first=3, last=5_000, digest=WRONG))
            await settle()
            world.sending.promise(*range(3, 9))
            await eventually(lambda: world.settled, 120, "a new history")
            assert world.taking.taken == list(range(1, 9))
            assert world.taking.histories == [(True, 1)]

    simulate(scene)


@pytest.mark.parametrize("topic", [TOPICS.frames, TOPICS.receipts])
def test_noise_is_refused_and_counted(tmp_path: Path, topic: str) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        rng = random.Random(1)
        async with World(broker, tmp_path) as world:
            epoch = _epoch(world)
            noise = [
                b"", b"\x00", b"\xff\xfe", b"null", b"[]", b"{}", b'{"kind":"\xc3\x28"}', b"[" * 100_000,
                b"x" * 1_000_000,
                json.dumps({"kind": "x" * 100_000}).encode(),
                json.dumps({"kind": "\x1b[2J\n" * 100}).encode(),
                json.dumps({"kind": "data", "epoch": epoch, "seq": 2**53, "digest": WRONG, "body": {}}).encode(),
                json.dumps({"kind": "data", "epoch": epoch, "seq": -1, "digest": WRONG, "body": {}}).encode(),
                json.dumps({"kind": "data", "epoch": epoch.upper(), "seq": 1, "digest": WRONG, "body": {}}).encode(),
                b'{"kind":"data","epoch":"%b","seq":1,"digest":"%b","body":{"n":%b}}'
                % (epoch.encode(), WRONG.encode(), b"9" * 10_000),
                b'{"kind":"data","epoch":"%b","seq":1,"digest":"%b","body":{"n":"\\ud800"}}'
                % (epoch.encode(), WRONG.encode()),
                *(rng.randbytes(rng.randrange(200)) for _ in range(100)),
            ]  # fmt: skip
            for payload in noise:
                broker.forge(topic, payload)
            # In the very batch that the noise is in.
            world.sending.promise(1)
            await asyncio.sleep(2)
            await eventually(lambda: world.settled, 20, "the receipts")
            assert world.taking.taken == [1]
            letters = world.taking.letters if topic == TOPICS.frames else world.sending.letters
            assert sum(count for _, count in letters) == len(noise)
            assert len(letters) <= 12
            assert all(len(reason) <= 300 and reason.isprintable() for reason, _ in letters)

    simulate(scene)


def test_a_retained_frame_is_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        broker = LossyBroker()
        world = World(broker, tmp_path)
        await world.sending.start()
        frame = Hello(epoch="a" * 32, first=7, next=7, before=WRONG).model_dump_json().encode()
        broker.retained[TOPICS.frames] = frame
        broker.retained[TOPICS.receipts] = Position(epoch=None, last=0, digest=START_DIGEST).to_bytes()
        await world.taking.start()
        await settle()
        assert [reason for reason, _ in world.taking.letters] == ["a frame of a link is never retained"]
        assert world.taking.histories == []
        world.sending.bus.deliver(Message(TOPICS.receipts, b"{}", retained=True))
        await settle()
        world.sending.promise(1)
        await eventually(lambda: world.settled, 5, "the receipt")
        await world.__aexit__()

    simulate(scene)
