"""source ══link══▶ relay ══link══▶ sink, a process each: two broker passes, both durable.

`python -m tests.bench.link_chain source|relay|sink URL FOLDER MESSAGES RATE`
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from services.chassis.bus.address import parse_addresses
from services.chassis.bus.mqtt.bus import MqttBus
from services.chassis.bus.mqtt.options import MqttOptions
from services.chassis.dead_letters import DeadLetters
from services.chassis.link import outbox, positions
from services.chassis.link.consumer import LinkConsumer
from services.chassis.link.outbox import Outbox
from services.chassis.link.sender import LinkSender, LinkTopics
from services.chassis.store import Store, Unit
from tests.bench import stream

FIRST = LinkTopics("first", "bench/first", "bench/first/receipt")
SECOND = LinkTopics("second", "bench/second", "bench/second/receipt")
BURST = 50
WAITING = 1_000


class Reader:
    """Relays to the next link in the same transaction, or measures."""

    def __init__(self, onward: LinkSender | stream.Meter) -> None:
        self._onward = onward

    def take(self, unit: Unit, body: stream.Item) -> None:
        if isinstance(self._onward, LinkSender):
            self._onward.append(unit, body)
        else:
            meter = self._onward
            unit.after_commit(lambda: meter.item(body))

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        raise AssertionError(reason)

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        raise AssertionError("lost")

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        raise AssertionError("new history")


async def offer(store: Store, sender: LinkSender, messages: int, rate: float) -> None:
    """*rate* messages a second, one a transaction; 0: as many as the link takes, a burst a transaction."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    n = 0
    while n < messages:
        if rate:
            await asyncio.sleep(max(0.0, began + n / rate - loop.time()))
        elif sender.waiting > WAITING:
            await asyncio.sleep(0.001)
            continue
        with store.transaction() as unit:
            for _ in range(1 if rate else min(BURST, messages - n)):
                sender.append(unit, stream.make(n))
                n += 1
        await asyncio.sleep(0)


async def end(role: str, url: str, folder: Path, messages: int, rate: float) -> None:
    """One process, until it is ended."""
    store = Store(folder / role, role)
    store.open(outbox.SCHEMA, positions.SCHEMA)
    bus = MqttBus(MqttOptions(addresses=parse_addresses(url), client_id=f"bench-{role}"))
    dead = DeadLetters(bus, "bench/dead", lambda topic, reason, payload, count: reason.encode())
    connected = asyncio.Event()
    bus.on_connect(connected.set)
    bus.on_connect(stream.ready)
    if role == "sink":
        LinkConsumer(store, bus, SECOND, stream.ITEM, Reader(stream.Meter(messages)), dead).start()
        await bus.start()
    else:
        topics = FIRST if role == "source" else SECOND
        sender = LinkSender(Outbox(store, topics.name), bus, topics, dead)
        sender.start()
        if role == "relay":
            LinkConsumer(store, bus, FIRST, stream.ITEM, Reader(sender), dead).start()
        await bus.start()
        if role == "source":
            await connected.wait()
            await offer(store, sender, messages, rate)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(end(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])))
