"""The optional HTTP API that gets every look at a printer as JSON, and may answer 418 to have the print paused.

It has a thread of its own, and only the newest state waits for it: a slow or dead server costs messages, never a look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from services.chassis import log
from services.chassis.bus.callbacks import guarded
from services.rex_bridge.worker import Worker

_log = log.get(__name__)

PAUSE_STATUS = 418
CONNECT_WITHIN = 3.0
READ_WITHIN = 5.0
GIVE_UP_AFTER = 15.0
"""Seconds for a whole request, with a server that drips its answer."""


class Sink:
    """The HTTP API for one printer."""

    def __init__(self, printer: str, url: str, token: str | None, pause: Callable[[], None]) -> None:
        self._printer = printer
        self._url = url
        self._token = token
        self._pause = pause
        self._worker = Worker(f"api-{printer}")
        self._newest: bytes | None = None
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    def offer(self, payload: bytes) -> None:
        """Send *payload*, unless a newer one comes before its turn."""
        self._newest = payload
        if self._task is None:
            self._task = asyncio.create_task(self._drain())

    def stop(self) -> None:
        """Send nothing any more."""
        if self._task is not None:
            self._task.cancel()

    async def _drain(self) -> None:
        try:
            while self._newest is not None:
                payload, self._newest = self._newest, None
                await self._send(payload)
        finally:
            self._task = None

    async def _send(self, payload: bytes) -> None:
        try:
            status = await self._worker.call(lambda: post(self._url, payload, self._headers()), GIVE_UP_AFTER)
        except TimeoutError:
            self._failed(f"no whole answer within {GIVE_UP_AFTER:.0f} s")
        except Exception as error:
            # Not only OSError: a token with a letter that no header carries, or a host that is no name, fail otherwise,
            # and a task that ends with that shows the header in the log.
            self._failed(_told(error))
        else:
            self._answered(status)

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "X-Printer": self._printer}
        return headers if self._token is None else headers | {"Authorization": f"Bearer {self._token}"}

    def _answered(self, status: int) -> None:
        if status == PAUSE_STATUS:
            guarded(self._pause)
        elif status >= 300:
            self._failed(f"HTTP status {status}")
            return
        if self._failing:
            self._failing = False
            _log.info("the HTTP API takes states again", printer=self._printer, setting="BOARDCAST_REX_API_URL")

    def _failed(self, reason: str) -> None:
        if not self._failing:
            self._failing = True
            _log.warning(
                "the HTTP API does not take states; trying on with every look",
                printer=self._printer, setting="BOARDCAST_REX_API_URL", reason=reason,
            )  # fmt: skip


def _told(error: Exception) -> str:
    """*error* without the header or the address that it quotes where one of them is at fault."""
    name = type(error).__name__
    if isinstance(error, ValueError):
        return f"{name}: BOARDCAST_REX_API_URL or BOARDCAST_REX_API_TOKEN is not one that a request can carry"
    return f"{name}: {error}"


def post(url: str, payload: bytes, headers: Mapping[str, str]) -> int:
    """The status that the server answers; its body is not read, and it is not followed elsewhere with the token.

    Raises OSError, and whatever else a request that cannot be made raises. Imports requests on first use: without an
    API the bridge does without its 5 MB.
    """
    import requests

    timeout = (CONNECT_WITHIN, READ_WITHIN)
    with requests.post(
        url, data=payload, headers=dict(headers), timeout=timeout, stream=True, allow_redirects=False
    ) as response:
        return response.status_code
