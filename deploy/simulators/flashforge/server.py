"""The printer on the network: one client at a time, the model's dialect, and the faults that were ordered."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass, field

from deploy.simulators.flashforge.dialects import DIALECTS, Dialect, reply_lines
from deploy.simulators.flashforge.faults import Faults, dressed
from deploy.simulators.flashforge.listener import Listener
from deploy.simulators.flashforge.machine import Machine

KEPT = 5_000
CONTROL_FAILED = ["Control failed."]


@dataclass
class Visit:
    """One connection, as it is reported; times of the machine's monotonic clock in seconds."""

    opened: float
    first: bool
    closed: float | None = None
    commands: list[tuple[float, str]] = field(default_factory=list)


class Printer:
    """A simulated printer. *speed*: simulated seconds a second."""

    def __init__(self, host: str, port: int, dialect: str, speed: float) -> None:
        self.machine = Machine()
        self.faults = Faults()
        self.speed = speed
        self.dialect: Dialect = DIALECTS[dialect]
        self.visits: deque[Visit] = deque(maxlen=KEPT)
        self.slicer = False
        self.powered = True
        self.listener = Listener(host, port, self._serve)
        self._holder: asyncio.StreamWriter | None = None
        self._control: asyncio.StreamWriter | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._passed = time.monotonic()

    @property
    def controlled(self) -> bool:
        """Whether a client holds control by M601."""
        return self._control is not None

    def pass_time(self) -> None:
        """Let the machine catch up with the clock."""
        now = time.monotonic()
        self.machine.pass_time((now - self._passed) * self.speed if self.powered else 0.0)
        self._passed = now

    async def power(self, on: bool, keep_job: bool) -> None:
        """Switch off, without a farewell to anybody, or on."""
        self.pass_time()
        self.powered = on
        if not on:
            self.listener.die()
            return
        if not keep_job:
            self.machine.lose_power()
        for writer in list(self._writers):
            _reset(writer)
        await self.settle()

    async def hold(self, slicer: bool) -> None:
        """The slicer takes or leaves the printer's one connection."""
        self.slicer = slicer
        await self.settle()

    async def settle(self) -> None:
        """Have the port open, or closed as some firmware does while a client is there."""
        if not self.powered:
            return
        taken = self.slicer or self._holder is not None
        if taken and self.faults.second_client == "refuse":
            self.listener.close()
        else:
            await self.listener.open()

    def drop(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = self._holder is None and not self.slicer
        visit = Visit(time.monotonic(), first)
        self.visits.append(visit)
        self._writers.add(writer)
        if first:
            self._holder = writer
        await self.settle()
        try:
            await self._talk(reader, writer, visit)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away in the middle of it, as clients do
        finally:
            visit.closed = time.monotonic()
            self._writers.discard(writer)
            if self._holder is writer:
                self._holder = None
            if self._control is writer:
                self._control = None
            writer.close()
            await self.settle()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, visit: Visit) -> None:
        if not visit.first and self.faults.second_client == "error":
            writer.write(b"Error: have been connected\r\n")
            await writer.drain()
            return
        while True:
            line = await reader.readline()
            if not line:
                return
            command = line.decode("ascii", "replace").strip().lstrip("~")
            visit.commands.append((time.monotonic(), command))
            silent = self.faults.silent or (not visit.first and self.faults.second_client == "silent")
            if silent or not self.powered:
                continue
            if self.faults.reset_after and len(visit.commands) >= self.faults.reset_after:
                _reset(writer)
                return
            await self._send(writer, self._reply(command, visit, writer))

    def _reply(self, command: str, visit: Visit, writer: asyncio.StreamWriter) -> bytes:
        self.pass_time()
        code, *arguments = command.upper().split() or [""]
        twice = False
        if code == "M601":
            mine = visit.first and self._control in (None, writer)
            lines: list[str] | None = [] if mine else CONTROL_FAILED
            twice = mine and self.dialect.control_twice
            self._control = writer if mine else self._control
        elif code == "M602":
            lines = []
            self._control = None if self._control is writer else self._control
        elif self.dialect.needs_control and self._control is not writer:
            lines = CONTROL_FAILED
        else:
            lines = reply_lines(self.dialect, self.machine, code, arguments)
        return dressed(lines or [], code, self.dialect.eol, self.faults, twice)

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if self.faults.delay:
            await asyncio.sleep(self.faults.delay)
        size = self.faults.segment or len(data)
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await writer.drain()
            if self.faults.segment:
                await asyncio.sleep(0)


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection by RST, as a printer that was switched off and on does."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
