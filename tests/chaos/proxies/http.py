"""Between octo_bridge and OctoPrint: every way in which a request can go wrong before and after it was taken.

Each request gets a connection of its own to OctoPrint, so that it is known where a request ends; web sockets are
passed through as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from enum import StrEnum

from deploy.simulators.ports import LOOPBACK
from tests.chaos.proxies.loop import Loop, reset

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_UPGRADE = re.compile(rb"\r\nupgrade: *websocket", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
_REASONS = {"500": "Internal Server Error", "503": "Service Unavailable", "409": "Conflict"}
_SLOW_S = 0.05


class Road(StrEnum):
    """What happens to requests."""

    WELL = "well"
    RESET_BEFORE = "reset_before"
    """Reset before OctoPrint has it."""
    RESET_AFTER = "reset_after"
    """OctoPrint took it and answered; the answer is lost in a reset."""
    S500 = "500"
    S503 = "503"
    S409 = "409"
    TIMEOUT_AFTER = "timeout_after"
    """OctoPrint took it; the answer never comes."""
    UPLOAD_TIMEOUT = "upload_timeout"
    """The same for uploads alone."""
    SLOW_BODY = "slow_body"
    """The answer trickles."""
    HALF_OPEN = "half_open"
    """Nothing passes, in sockets that look open: web sockets too."""


class HttpProxy:
    """Listens on the loopback interface for the bridge."""

    def __init__(self, loop: Loop, upstream: int) -> None:
        self._loop = loop
        self._upstream = upstream
        self._road = Road.WELL
        self._well: asyncio.Event
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.hit = 0
        """How many requests went wrong."""
        self.uploads = 0
        """How many uploads OctoPrint has answered."""

    def start(self) -> None:
        """Listen; `port` is known then."""
        self._loop.call(self._start())

    def set(self, road: Road) -> None:
        """From now on, for whatever begins; WELL lets what hangs go, as resets."""
        self._loop.call(self._set(road))

    def stop(self) -> None:
        """End everything."""
        self._loop.call(self._stop())

    async def _start(self) -> None:
        self._well = asyncio.Event()
        self._well.set()
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _set(self, road: Road) -> None:
        self._road = road
        if road is Road.WELL:
            self._well.set()
        else:
            self._well.clear()
        if road in (Road.RESET_BEFORE, Road.RESET_AFTER):
            for writer in self._writers:
                reset(writer)

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            if _UPGRADE.search(head):
                await self._tunnel(head, reader, writer)
            else:
                await self._request(head, body, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _request(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        road = self._road
        self.hit += road is not Road.WELL
        if road is Road.RESET_BEFORE:
            reset(writer)
        elif road is Road.HALF_OPEN:
            await self._well.wait()
            reset(writer)
        elif road.value in _REASONS:
            writer.write(_answer(road.value))
            await writer.drain()
        else:
            await self._pass_on(road, head, body, writer)

    async def _pass_on(self, road: Road, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        answer = await self._ask(_CONNECTION.sub(b"", head)[:-4] + b"\r\nConnection: close\r\n\r\n" + body)
        upload = head.startswith(b"POST /api/files/local ")
        self.uploads += upload
        if road is Road.RESET_AFTER:
            reset(writer)
            return
        if road is Road.TIMEOUT_AFTER or (road is Road.UPLOAD_TIMEOUT and upload):
            await self._well.wait()
            reset(writer)
            return
        end = answer.find(b"\r\n\r\n") + 4 if road is Road.SLOW_BODY else len(answer)
        writer.write(answer[:end])
        for index in range(end, len(answer)):
            await writer.drain()
            if not self._well.is_set():
                await asyncio.sleep(_SLOW_S)
            writer.write(answer[index : index + 1])
        await writer.drain()

    async def _ask(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(LOOPBACK, self._upstream)
        try:
            writer.write(request)
            return await reader.read()
        finally:
            writer.close()

    async def _tunnel(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._road is Road.HALF_OPEN:
            await self._well.wait()
            return
        up_reader, up_writer = await asyncio.open_connection(LOOPBACK, self._upstream)
        try:
            up_writer.write(head)
            tasks = [
                asyncio.ensure_future(self._pump(reader, up_writer)),
                asyncio.ensure_future(self._pump(up_reader, writer)),
            ]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            up_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self._road is Road.HALF_OPEN:
                    await self._well.wait()
                    return
                writer.write(data)
                await writer.drain()


def _answer(status: str) -> bytes:
    body = b'{"error": "planted by the proxy"}'
    head = f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body
