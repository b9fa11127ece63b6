"""One durable link over SQS (moto's server) beside the same over Mosquitto: one machine, one after the other.

Both ends live in this process and commit with fsync. moto is Python on this machine's cores: what it takes says what
the adapter can do at least, and the calls, which cost the same everywhere, are the figure to plan with.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.simulators.mosquitto import Mosquitto
from services.chassis.bus.address import parse_addresses
from services.chassis.bus.mqtt.bus import MqttBus
from services.chassis.bus.mqtt.options import MqttOptions
from services.chassis.bus.port import Bus
from services.chassis.bus.routes import Route
from services.chassis.bus.sqs.bus import SqsBus, SqsOptions
from services.chassis.dead_letters import DeadLetters
from services.chassis.link import outbox, positions
from services.chassis.link.consumer import LinkConsumer
from services.chassis.link.outbox import Outbox
from services.chassis.link.sender import LinkSender, LinkTopics
from services.chassis.store import Store, Unit
from tests.bench import stream
from tests.bench.figures import Figure
from tests.bus.sqs_server import SqsServer

LINK = LinkTopics("bench", "bench/link", "bench/link/receipt")
ROUTES = (Route(LINK.frames, "taker", ("giver",), asks=False), Route(LINK.receipts, "giver", ("taker",), asks=False))
SATURATED = 1_000
SINGLE = 100
WITHIN = 120.0
USD_A_MILLION = 0.50
"""FIFO requests at list price, up to 100 billion a month, most regions; the first million of a month is free."""


class Taker:
    """Counts, and notes how long each took."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def take(self, unit: Unit, body: stream.Item) -> None:
        sent = body.at
        unit.after_commit(lambda: self.waits.append(asyncio.get_running_loop().time() - sent))

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        raise AssertionError(reason)

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        raise AssertionError("lost")

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        """The first one."""


class Link:
    """A link from one bus to another."""

    def __init__(self, folder: Path, make: Callable[[str], Bus]) -> None:
        self.giver, self.taker = make("giver"), make("taker")
        self.stores = Store(folder / "giver", "giver"), Store(folder / "taker", "taker")
        dead = DeadLetters(self.giver, "bench/dead", lambda topic, reason, payload, count: reason.encode())
        self.sender = LinkSender(Outbox(self.stores[0], LINK.name), self.giver, LINK, dead)
        self.reader = Taker()
        self.consumer = LinkConsumer(self.stores[1], self.taker, LINK, stream.ITEM, self.reader, dead)

    async def start(self) -> None:
        """Return when a first message is through."""
        for store in self.stores:
            store.open(outbox.SCHEMA, positions.SCHEMA)
        self.sender.start()
        self.consumer.start()
        await self.giver.start()
        await self.taker.start()
        await self.offer(1)

    async def offer(self, count: int) -> float:
        """Seconds until *count* more messages are committed at the far end."""
        began = asyncio.get_running_loop().time()
        due = len(self.reader.waits) + count
        with self.stores[0].transaction() as unit:
            for n in range(count):
                self.sender.append(unit, stream.make(n))
        while len(self.reader.waits) < due:
            if asyncio.get_running_loop().time() - began > WITHIN:
                raise RuntimeError(f"{len(self.reader.waits)} of {due} came within {WITHIN:g} s")
            await asyncio.sleep(0.001)
        return asyncio.get_running_loop().time() - began

    async def stop(self) -> None:
        """Leave nothing behind."""
        self.sender.stop()
        self.consumer.stop()
        await asyncio.gather(self.giver.stop(), self.taker.stop())
        for store in self.stores:
            store.close()


def run() -> list[Figure]:
    """Mosquitto first, then SQS."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(folder / "mosquitto")
        broker.start()
        server = SqsServer(folder / "sqs")
        server.start()
        server.make(ROUTES)
        try:
            return asyncio.run(_figures(folder, broker, server))
        finally:
            broker.stop()
            server.kill()


async def _figures(folder: Path, broker: Mosquitto, server: SqsServer) -> list[Figure]:
    def mqtt(name: str) -> Bus:
        return MqttBus(MqttOptions(addresses=parse_addresses(broker.url), client_id=f"bench-{name}"))

    def sqs(name: str) -> Bus:
        return SqsBus(SqsOptions(server.address, name, ROUTES, server.endpoint))

    return [*await _measure("Mosquitto", folder / "m", mqtt, None), *await _measure("SQS", folder / "s", sqs, server)]


async def _measure(name: str, folder: Path, make: Callable[[str], Bus], server: SqsServer | None) -> list[Figure]:
    link = Link(folder, make)
    await link.start()
    took = await link.offer(SATURATED)
    before = _calls(server)
    waits = sorted([await link.offer(1) * 1000 for _ in range(SINGLE)])
    calls = (_calls(server) - before) / SINGLE
    await link.stop()
    figures = [
        Figure(f"one link over {name}, saturated", f"{SATURATED / took:,.0f}/s"),
        Figure(
            f"one link over {name}, one at a time, p50 / p99",
            f"{waits[len(waits) // 2]:.1f} / {waits[int(len(waits) * 0.99)]:.1f} ms",
        ),
    ]
    if server is not None:
        price = calls * USD_A_MILLION
        figures.append(Figure("calls of SQS a single message and its receipt", f"{calls:.1f}"))
        figures.append(Figure("a million such messages at list price", f"{price:.2f} USD"))
    return figures


def _calls(server: SqsServer | None) -> int:
    return 0 if server is None else sum(n for action, n in server.calls().items() if action != "swallowed")
