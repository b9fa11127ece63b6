"""A line between a service and the broker that can be cut, slowed down, or go deaf on one side."""

from __future__ import annotations

import asyncio
import contextlib
import random
from enum import StrEnum

from deploy.simulators.ports import LOOPBACK
from tests.chaos.proxies.loop import Loop, reset
from tests.chaos.proxies.mqtt import Packets, is_publish

_CHUNK = 65536
LOST = 0.25
"""Of the messages on a lossy line."""


class Line(StrEnum):
    """What the line does to what passes through it."""

    WELL = "well"
    CUT = "cut"
    """Connections are reset, and new ones too."""
    DELAY = "delay"
    ONE_WAY_UP = "one_way_up"
    """What the service sends is lost; it still hears."""
    ONE_WAY_DOWN = "one_way_down"
    """What the broker sends is lost."""
    LOSSY = "lossy"
    """Some messages are lost, both ways, and those behind them arrive: as when a broker's queue is full."""


class TcpProxy:
    """Listens on the loopback interface for one service."""

    def __init__(self, loop: Loop, upstream: int, *, seed: int = 0) -> None:
        """*seed* draws what a lossy line loses."""
        self._rng = random.Random(seed)
        self._loop = loop
        self._upstream = upstream
        self._line = Line.WELL
        self._delay = 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    def start(self) -> None:
        """Listen; `port` is known then."""
        self._loop.call(self._start())

    def set(self, line: Line, delay: float = 0.0) -> None:
        """From now on. What one side lost is never made good: the connection ends when the line is well again."""
        self._loop.call(self._set(line, delay))

    def stop(self) -> None:
        """Cut everything for good."""
        self._loop.call(self._stop())

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._reset_all()

    async def _set(self, line: Line, delay: float) -> None:
        lossy = {Line.CUT, Line.ONE_WAY_UP, Line.ONE_WAY_DOWN, Line.LOSSY}
        if line is Line.CUT or (line is Line.WELL and self._line in lossy):
            self._reset_all()
        self._line, self._delay = line, delay

    def _reset_all(self) -> None:
        for writer in self._writers:
            reset(writer)
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._line is Line.CUT:
            reset(writer)
            return
        try:
            up_reader, up_writer = await asyncio.open_connection(LOOPBACK, self._upstream)
        except OSError:
            reset(writer)
            return
        pair = {writer, up_writer}
        self._writers |= pair
        try:
            up = self._pump(reader, up_writer, Line.ONE_WAY_UP)
            down = self._pump(up_reader, writer, Line.ONE_WAY_DOWN)
            tasks = [asyncio.ensure_future(up), asyncio.ensure_future(down)]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self._writers -= pair
            for one in pair:
                reset(one)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: Line) -> None:
        packets = Packets()
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                if self._line is deaf:
                    continue
                if self._line is Line.DELAY:
                    await asyncio.sleep(self._delay)
                writer.write(b"".join(packet for packet in packets.of(data) if not self._is_lost(packet)))
                await writer.drain()

    def _is_lost(self, packet: bytes) -> bool:
        return self._line is Line.LOSSY and is_publish(packet) and self._rng.random() < LOST
