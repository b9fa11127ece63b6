"""The one connection to a printer: connect, ask, close, each with a deadline, never two commands in flight."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket

from services.rex_bridge import framing
from services.rex_bridge.framing import COMMAND_DEADLINE, Exchange, NoReply, NotThisProtocol, Reply
from services.rex_bridge.settings import PrinterAddress
from services.rex_bridge.state import Trouble
from services.rex_bridge.worker import Worker

CONNECT_DEADLINE = 3.0
"""Seconds, the look-up of the name included."""
CLOSE_DEADLINE = 0.5


class NoSession(Exception):
    """There is no reply, and no connection any more."""

    def __init__(self, trouble: Trouble, text: str) -> None:
        super().__init__(text)
        self.trouble = trouble
        self.text = text


class Session:
    """A connection that is opened and closed any number of times."""

    def __init__(self, address: PrinterAddress) -> None:
        self._address = address
        self._worker = Worker(f"lookup-{address.id}")
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._streams is not None

    async def open(self) -> None:
        """Connect; a host name is looked up anew, since the printer may have got another address. Raises NoSession."""
        await self.close()
        try:
            self._streams = await asyncio.wait_for(self._connect(), CONNECT_DEADLINE)
        except TimeoutError as error:
            raise NoSession(Trouble.AWAY, f"no answer from {self._address.address}") from error
        except ConnectionRefusedError as error:
            raise NoSession(Trouble.REFUSED, f"{self._address.address} refuses the connection") from error
        except OSError as error:
            raise NoSession(Trouble.AWAY, f"{self._address.address}: {error}") from error

    async def ask(self, command: str, within: float = COMMAND_DEADLINE) -> Reply:
        """The reply to *command*, after *within* seconds at most. Raises NoSession; then the connection is closed."""
        try:
            return await self._ask(command, within)
        except NoSession:
            self._abort()
            raise
        except NotThisProtocol as error:
            self._abort()
            raise NoSession(Trouble.NOT_UNDERSTOOD, str(error)) from error
        except OSError as error:
            self._abort()
            raise NoSession(Trouble.DROPPED, f"the connection broke: {error}") from error

    async def close(self) -> None:
        """Disconnect; nothing happens if there is no connection."""
        if self._streams is None:
            return
        (_, writer), self._streams = self._streams, None
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), CLOSE_DEADLINE)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        *others, last = await self._look_up()
        for host in others:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(host, self._address.port)
        return await asyncio.open_connection(last, self._address.port)

    async def _look_up(self) -> list[str]:
        """The printer's addresses, at least one, IPv4 first. Raises OSError, TimeoutError."""
        host = self._address.host
        with contextlib.suppress(ValueError):
            return [str(ipaddress.ip_address(host))]
        # Each printer has a thread of its own for it: a name server that hangs delays nobody else.
        try:
            found = await self._worker.call(
                lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM), CONNECT_DEADLINE
            )
        except UnicodeError as error:
            raise OSError(f"'{host}' is no host name") from error
        found.sort(key=lambda entry: entry[0] != socket.AF_INET)
        return [str(entry[4][0]) for entry in found]

    async def _ask(self, command: str, within: float) -> Reply:
        if self._streams is None:
            raise NoSession(Trouble.DROPPED, "there is no connection")
        reader, writer = self._streams
        clock = asyncio.get_running_loop().time
        exchange = Exchange(command, clock(), within)
        writer.write(framing.request(command))
        while True:
            try:
                # Time-out objects and not wait_for: a task for every segment would be most of the bridge's work.
                async with asyncio.timeout_at(exchange.deadline):
                    data = await reader.read(4096)
            except TimeoutError:
                return self._partial(exchange, Trouble.SILENT)
            if not data:
                return self._partial(exchange, Trouble.DROPPED)
            reply = exchange.feed(data, clock())
            if reply is not None:
                return reply

    def _partial(self, exchange: Exchange, trouble: Trouble) -> Reply:
        try:
            return exchange.expire(ended=trouble is Trouble.DROPPED)
        except NoReply as error:
            text = str(error) if trouble is Trouble.SILENT else "the printer closed the connection"
            raise NoSession(trouble, text) from error

    def _abort(self) -> None:
        """Drop the connection without waiting for the other end."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None
