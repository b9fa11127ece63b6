"""The printer's port in its three states: open, closed as for a second client, and dead as without power."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """One port of the given interface."""

    def __init__(self, host: str, port: int, handler: Handler) -> None:
        self._host = host
        self._port = port
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._dead: list[socket.socket] = []

    @property
    def port(self) -> int:
        """The port, once it was opened."""
        return self._port

    async def open(self) -> None:
        """Take connections."""
        self._revive()
        if self._server is None:
            self._server = await asyncio.start_server(self._handler, self._host, self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Refuse connections."""
        self._revive()
        if self._server is not None:
            # Of the listening socket only; wait_closed() would wait for the clients too.
            self._server.close()
            self._server = None

    def die(self) -> None:
        """Answer nothing at all, as a host without power: a listening socket whose queue is full drops what comes."""
        self.close()
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((self._host, self._port))
        listening.listen(0)
        self._dead = [listening]
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            with contextlib.suppress(OSError):
                filler.connect((self._host, self._port))
            self._dead.append(filler)

    def _revive(self) -> None:
        for dead in self._dead:
            dead.close()
        self._dead = []
