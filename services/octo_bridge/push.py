"""OctoPrint's push socket: the fastest and most complete word on what happens. Polling goes on beside it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import websockets

from services.chassis import log
from services.octo_bridge.events import (
    FirmwareNamed,
    Happened,
    Happening,
    Input,
    Logged,
    PrinterChanged,
    PushChanged,
    Seen,
)  # fmt: skip
from services.octo_bridge.handlers_terminal import WATCHED
from services.octo_bridge.octoprint_requests import Trouble
from services.octo_bridge.octoprint_words import heaters_of, job_of, printer_of_id

_log = log.get(__name__)

SILENT = 15.0
"""Seconds without a message after which the socket counts as dead; OctoPrint sends its picture with every reading."""
AGAIN_FIRST, AGAIN_MOST = 0.5, 10.0
_EVENTS = [*(happening.value for happening in Happening), "PrinterStateChanged", "FirmwareData"]


def inputs_of(message: dict[str, Any]) -> list[Input]:
    """A message of the socket as inputs of the core; nothing for what means nothing here."""
    if "event" in message:
        return _of_event(message["event"])
    body = message.get("current") or message.get("history")
    if not isinstance(body, dict):
        return []
    state = body.get("state") or {}
    heaters = tuple(heaters_of(entry) for entry in (body.get("temps") or [])[-5:])
    # The first message holds old lines of the terminal: what they mean was known, or is found by the evidence.
    lines = body.get("logs") or [] if "current" in message else []
    seen = Seen(
        **job_of(str(state.get("text", "")), state.get("error"), body), z=body.get("currentZ"),
        heaters=heaters if "current" in message else (), clock=_seconds(body.get("serverTime")),
    )  # fmt: skip
    return [seen, *(Logged(str(line)[:300]) for line in lines)]


def _seconds(found: Any) -> float | None:
    return float(found) if isinstance(found, int | float) else None


def _of_event(event: dict[str, Any]) -> list[Input]:
    kind, payload = event.get("type"), event.get("payload") or {}
    if kind == "PrinterStateChanged":
        return [PrinterChanged(printer_of_id(str(payload.get("state_id"))))]
    if kind == "FirmwareData":
        return [FirmwareNamed(str(payload.get("name")))] if payload.get("name") else []
    if kind not in set(Happening):
        return []
    happening = Happening(str(kind))
    reason = payload.get("error") or payload.get("reason")
    if happening is Happening.FAILED and reason == "cancelled":
        return []  # PrintCancelled says more
    by = payload.get("user") if happening in (Happening.CANCELLED, Happening.PAUSED) else None
    return [Happened(happening, payload.get("path"), by, reason, idle=payload.get("idle") is True)]


class Push:
    """Keeps the socket open for ever and hands on what it says."""

    def __init__(self, url: str, login: Callable[[], Awaitable[str]], feed: Callable[[Input], None]) -> None:
        self._url = url.replace("http", "ws", 1) + "/sockjs/websocket"
        self._login = login
        self._feed = feed
        self._up = False

    async def run(self) -> None:
        """Until cancelled."""
        pause = AGAIN_FIRST
        while True:
            try:
                await self._listen()
            except (Trouble, OSError, TimeoutError, ValueError, websockets.WebSocketException) as error:
                _log.debug("no push socket", error=str(error))
            if self._up:
                pause = AGAIN_FIRST
                self._up = False
                _log.warning("OctoPrint's push socket is gone; polling until it is back")
                self._feed(PushChanged(False))
            await asyncio.sleep(pause)
            pause = min(pause * 2, AGAIN_MOST)

    async def _listen(self) -> None:
        auth = await self._login()
        async with websockets.connect(
            self._url, open_timeout=5, close_timeout=1, ping_interval=None, max_size=1 << 22, proxy=None
        ) as socket:
            await socket.send(json.dumps({"auth": auth}))
            subscription = {"state": {"logs": WATCHED}, "events": _EVENTS, "plugins": False}
            await socket.send(json.dumps({"subscribe": subscription}))
            while True:
                raw = await asyncio.wait_for(socket.recv(), SILENT)
                message = json.loads(raw)
                if not isinstance(message, dict):
                    continue
                if "reauthRequired" in message:
                    return  # OctoPrint was restarted, or the user changed: begin anew
                self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if not self._up and ("history" in message or "current" in message):
            self._up = True
            self._feed(PushChanged(True))
        for event in inputs_of(message):
            self._feed(event)
