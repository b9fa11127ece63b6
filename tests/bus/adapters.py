"""What the suite needs of an adapter: buses at one broker, and ways to do that broker harm."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from deploy.simulators.mosquitto import Mosquitto
from services.chassis.bus.address import parse_addresses
from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.bus.mqtt.bus import MqttBus
from services.chassis.bus.mqtt.options import MqttOptions
from services.chassis.bus.port import Bus, Delivered, Message, MessageHandler, Presence
from services.chassis.bus.routes import Route
from services.chassis.bus.sqs.bus import SqsBus, SqsOptions
from tests.bus.sqs_server import SqsServer

DEADLINE_S = 40
STOPS_WITHIN_S = 20
"""A bus takes two seconds at most; the rest is for a busy machine."""
KEEPALIVE_S = 60
"""A machine that is away for so long fails anyway; half a keep-alive's silence would cost a connection that is well."""


class Lab(Protocol):
    """One adapter's broker."""

    many: int
    """So many messages are a burst that takes seconds at most."""

    def bus(self, presence: Presence | None = None) -> Bus:
        """A new bus at the broker, not started."""

    def crash(self) -> None:
        """End the broker without a farewell; it forgets everything."""

    def recover(self) -> None:
        """Start it again."""

    def cut(self, bus: Bus) -> None:
        """Cut *bus* off as if its machine had lost power; it comes back by itself."""

    async def close(self) -> None:
        """Stop every bus."""


class MemoryLab:
    """The broker in this process."""

    many = 3_000

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.buses: list[MemoryBus] = []

    def bus(self, presence: Presence | None = None) -> Bus:
        self.buses.append(MemoryBus(self.broker, presence))
        return self.buses[-1]

    def crash(self) -> None:
        self.broker.crash()

    def recover(self) -> None:
        self.broker.recover()

    def cut(self, bus: Bus) -> None:
        assert isinstance(bus, MemoryBus)
        self.broker.cut(bus)

    async def close(self) -> None:
        for bus in self.buses:
            await bus.stop()


class MqttLab:
    """A real Mosquitto."""

    many = 3_000

    def __init__(self, folder: Path) -> None:
        self.broker = Mosquitto(folder)
        self.broker.start()
        self.buses: list[MqttBus] = []
        self._names = (f"bus-{n}" for n in itertools.count())

    def options(self, presence: Presence | None = None, *, url: str | None = None) -> MqttOptions:
        """For a bus at this broker, or at the addresses in *url*."""
        return MqttOptions(
            addresses=parse_addresses(url or self.broker.url),
            client_id=next(self._names),
            presence=presence,
            keepalive=KEEPALIVE_S,
            back_off_first=0.05,
            back_off_most=0.5,
        )

    def made(self, options: MqttOptions) -> MqttBus:
        """A new bus with *options*."""
        self.buses.append(MqttBus(options))
        return self.buses[-1]

    def bus(self, presence: Presence | None = None) -> Bus:
        return self.made(self.options(presence))

    def crash(self) -> None:
        self.broker.kill()

    def recover(self) -> None:
        self.broker.start()

    def cut(self, bus: Bus) -> None:
        assert isinstance(bus, MqttBus)
        connection = bus._serving
        assert connection is not None
        sock = connection._client.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        for bus in self.buses:
            await bus.stop()
        self.broker.stop()


class SqsLab:
    """moto's SQS, which swallows as AWS's does. Queues are made as topics come up; a service's are made by command."""

    many = 200

    def __init__(self, folder: Path) -> None:
        self.server = SqsServer(folder)
        self.server.start()
        self.routes: list[Route] = []
        self.buses: list[SqsBus] = []
        self._names = (f"bus-{n}" for n in itertools.count())

    def options(self, **other: Any) -> SqsOptions:
        """For a bus at this server."""
        return SqsOptions(
            address=self.server.address, reader=next(self._names), routes=self.routes, endpoint=self.server.endpoint,
            wait=1, back_off_first=0.05, back_off_most=0.5, reach_every=0.2, **other,
        )  # fmt: skip

    def made(self, options: SqsOptions) -> SqsBus:
        """A new bus with *options*."""
        self.buses.append(_Declaring(self, options))
        return self.buses[-1]

    def bus(self, presence: Presence | None = None) -> Bus:
        return self.made(self.options())

    def declare(self, topic: str, reader: str) -> None:
        """From now on *reader* has a queue for *topic*."""
        route = Route(topic, reader, (), asks=False)
        if route not in self.routes:
            self.routes.append(route)
            if self.server.process.running:
                self.server.make([route])

    def crash(self) -> None:
        self.server.kill()

    def recover(self) -> None:
        self.server.start()
        self.server.make(self.routes)

    def cut(self, bus: Bus) -> None:
        assert isinstance(bus, SqsBus)
        assert bus._connection is not None
        bus._connection.fail("cut")

    async def close(self) -> None:
        for bus in self.buses:
            await bus.stop()
        self.server.kill()


class _Declaring(SqsBus):
    """Adds to the table what a test uses, where a service would have declared it."""

    def __init__(self, lab: SqsLab, options: SqsOptions) -> None:
        super().__init__(options)
        self._lab, self._name = lab, options.reader

    def subscribe(self, topic_filter: str, handler: MessageHandler) -> None:
        self._lab.declare(topic_filter, self._name)
        super().subscribe(topic_filter, handler)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, delivered: Delivered | None = None) -> None:
        if not any(route.filter == topic for route in self._lab.routes):
            self._lab.declare(topic, "nobody")
        super().publish(topic, payload, retain=retain, delivered=delivered)


def needs(lab: Lab, *capabilities: str) -> None:
    """Skip a test of what the adapter declares that it cannot do; it is refused by name at a service's start."""
    declared = lab.bus().capabilities
    missing = [name for name in capabilities if not getattr(declared, name)]
    if missing:
        pytest.skip(f"declared: no {', '.join(missing)}")


class Listener:
    """Remembers what arrived."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def payloads(self) -> list[bytes]:
        """Of everything that arrived, in order."""
        return [message.payload for message in self.messages]


async def until(condition: Callable[[], bool], what: str, within: float = DEADLINE_S) -> None:
    """Wait for *condition*; AssertionError after *within* seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while not condition():
        assert loop.time() < end, f"waited {within:g} s for {what}"
        await asyncio.sleep(0.005)


async def up(*buses: Bus) -> None:
    """Start *buses* and wait until they are connected."""
    for bus in buses:
        await bus.start()
    await until(lambda: all(bus.connected for bus in buses), "the connection")


class Marker:
    """Tells when everything that was published before has come through: for what must not arrive."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def __call__(self, reader: Bus) -> None:
        """Wait until a message that a new bus publishes now has reached *reader*, behind all the others."""
        topic, seen = f"marker/{id(self)}", Listener()
        reader.subscribe(topic, seen)
        writer = self._lab.bus()
        await up(writer)

        def arrived() -> bool:
            writer.publish(topic, b"")  # again and again: the subscription may not be in force yet
            return bool(seen.messages)

        await until(arrived, "the marker")
