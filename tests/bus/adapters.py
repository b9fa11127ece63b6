"""What the suite needs of an adapter: buses at one broker, and ways to do that broker harm."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from deploy.simulators.mosquitto import Mosquitto
from services.chassis.bus.address import parse_addresses
from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.bus.mqtt import MqttBus, MqttOptions
from services.chassis.bus.port import Bus, Message, Presence

DEADLINE_S = 10.0


class Lab(Protocol):
    """One adapter's broker."""

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
            keepalive=2,
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
