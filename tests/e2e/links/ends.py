"""The two ends of a link as processes of their own: `python -m tests.e2e.links.ends sender|consumer FOLDER BROKER`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter

from services.chassis import log
from services.chassis.bus.address import parse_addresses
from services.chassis.bus.mqtt.bus import MqttBus
from services.chassis.bus.mqtt.options import MqttOptions
from services.chassis.dead_letters import DeadLetters
from services.chassis.link import outbox, positions
from services.chassis.link.consumer import LinkConsumer
from services.chassis.link.outbox import Outbox
from services.chassis.link.sender import LinkSender, LinkTopics
from services.chassis.store import Schema, Store, Unit

MESSAGES = 2_000
TOPICS = LinkTopics("torture", "torture/link", "torture/link/receipt")
PROMISED = Schema("promised", ["CREATE TABLE promised (n INTEGER)"])
TAKEN = Schema("taken", ["CREATE TABLE taken (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, n INTEGER)"])


class Number(BaseModel):
    """The body of the torture's link, of about the size of a chat message."""

    kind: Literal["number"] = "number"
    n: int
    text: str = "x" * 200


NUMBER: TypeAdapter[Number] = TypeAdapter(Number)


def letter(topic: str, reason: str, payload: bytes, count: int) -> bytes:
    """A dead letter."""
    return f"{topic}: {reason} ({count})".encode()


def make_bus(name: str, url: str) -> MqttBus:
    """A bus that notices a frozen broker soon and comes back soon."""
    options = MqttOptions(
        addresses=parse_addresses(url), client_id=name, keepalive=2, back_off_first=0.1, back_off_most=1.0
    )
    return MqttBus(options)


async def send(store: Store, bus: MqttBus) -> None:
    """Promise number after number, a few at a time, from where the last process of this folder was killed."""
    sender = LinkSender(Outbox(store, TOPICS.name), bus, TOPICS, DeadLetters(bus, "torture/dead", letter))
    sender.start()
    await bus.start()
    promised = int(store.read("SELECT count(*) FROM promised")[0][0])
    while promised < MESSAGES:
        with store.transaction() as unit:
            for n in range(promised, min(promised + 5, MESSAGES)):
                unit.execute("INSERT INTO promised VALUES (?)", (n,))
                sender.append(unit, Number(n=n))
        promised += 5
        await asyncio.sleep(0.01)


class Book:
    """Writes down what is taken, in the link's own transaction."""

    def take(self, unit: Unit, body: Number) -> None:
        unit.execute("INSERT INTO taken (what, n) VALUES ('take', ?)", (body.n,))

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        unit.execute("INSERT INTO taken (what, n) VALUES (?, -1)", (f"bad: {reason}",))

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        unit.execute("INSERT INTO taken (what, n) VALUES (?, -1)", (f"lost: {first}-{last}",))

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        unit.execute("INSERT INTO taken (what, n) VALUES (?, -1)", (f"new history: {known} {first}",))


async def take(store: Store, bus: MqttBus) -> None:
    """Take what comes."""
    LinkConsumer(store, bus, TOPICS, NUMBER, Book(), DeadLetters(bus, "torture/dead", letter)).start()
    await bus.start()


async def _for_ever(start: Callable[[], Any]) -> None:
    await start()
    await asyncio.Event().wait()


def main(role: str, folder: str, url: str) -> None:
    """One end, until it is killed."""
    log.configure(role, log.LogFormat.JSON, "info")
    store = Store(Path(folder), role)
    if role == "sender":
        store.open(outbox.SCHEMA, PROMISED)
        asyncio.run(_for_ever(lambda: send(store, make_bus(role, url))))
    else:
        store.open(positions.SCHEMA, TAKEN)
        asyncio.run(_for_ever(lambda: take(store, make_bus(role, url))))


if __name__ == "__main__":
    main(*sys.argv[1:])
