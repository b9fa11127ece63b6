"""What the watchdog and the socket conclude from silence, by which clock, and since when."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twitchio.eventsub import websockets
from twitchio.eventsub.websockets import Websocket

from services.chat_ingest.sources.twitch.client import ChatClient, ChatSocket
from services.chat_ingest.sources.twitch.tokens import Token
from services.chat_ingest.sources.twitch.watchdog import Patience, Watchdog


class Notes:
    """A listener that writes down."""

    def __init__(self) -> None:
        self.lost: list[str] = []

    def on_event(self, kind: str, event: Mapping[str, Any]) -> None: ...

    def on_revoked(self, kind: str, status: str) -> None: ...

    def on_lost(self, reason: str) -> None:
        self.lost.append(reason)

    def on_refreshed(self, token: Token) -> None: ...

    def on_not_refreshed(self) -> None: ...


class Client(ChatClient):
    """With sockets that a test gives it; nothing is ever asked."""

    def __init__(self) -> None:
        super().__init__("client", None, Notes())
        self.given: list[Websocket] = []

    def sockets(self, user_id: str) -> list[Websocket]:
        return self.given


def _socket(client: Client, spoke: datetime) -> ChatSocket:
    socket = ChatSocket(client, "500", Notes())
    socket._last_keepalive = spoke.astimezone().replace(tzinfo=None)  # as twitchio notes it
    return socket


async def test_twitch_was_heard_when_it_spoke_and_not_when_somebody_looked() -> None:
    """A look can take as long as a poll; what was lost meanwhile belongs into the gap."""
    client = Client()
    spoke = datetime.now(UTC) - timedelta(seconds=5)
    client.given = [_socket(client, spoke)]
    watchdog = Watchdog(client, "500", Patience(misses=1000))
    watchdog._poll_at = float("inf")
    assert await watchdog.look() is None
    assert abs(watchdog.last_heard - spoke) < timedelta(seconds=1)


@pytest.mark.parametrize("speaks", [True, False])
async def test_after_a_standstill_twitch_is_heard_out_before_it_is_called_silent(
    monkeypatch: pytest.MonkeyPatch, speaks: bool
) -> None:
    loop, client = asyncio.get_running_loop(), Client()
    clock, began = [0.0], loop.time()
    monkeypatch.setattr(loop, "time", lambda: began + clock[0])
    client.given = [_socket(client, datetime.now(UTC))]
    watchdog = Watchdog(client, "500", Patience(misses=1000))
    watchdog._poll_at = float("inf")
    assert await watchdog.look() is None
    clock[0] = 60.0  # a laptop that slept, a process that was stopped
    assert await watchdog.look() is None
    client.given = [_socket(client, datetime.now(UTC))] if speaks else client.given
    clock[0] = 60.5
    assert (await watchdog.look() is None) is speaks


async def test_a_socket_that_is_gone_is_no_word_of_twitchs() -> None:
    client = Client()
    spoke = datetime.now(UTC) - timedelta(seconds=5)
    client.given = [_socket(client, spoke)]
    watchdog = Watchdog(client, "500", Patience(misses=1000))
    watchdog._poll_at = float("inf")
    await watchdog.look()
    client.given = []
    assert await watchdog.look() is None
    assert abs(watchdog.last_heard - spoke) < timedelta(seconds=1)


async def test_a_clock_that_is_set_back_does_not_make_twitch_speak_in_the_future() -> None:
    client = Client()
    client.given = [_socket(client, datetime.now(UTC) + timedelta(hours=1))]
    watchdog = Watchdog(client, "500", Patience(misses=1000))
    watchdog._poll_at = float("inf")
    await watchdog.look()
    assert watchdog.last_heard <= datetime.now(UTC)


async def test_a_clock_that_is_set_forward_ends_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twitchio would count the hour that the clock was set forward as an hour of silence."""
    monkeypatch.setattr(websockets, "WSS", "ws://127.0.0.1:9")
    notes = Notes()
    socket = ChatSocket(Client(), "500", notes)
    socket._last_keepalive = datetime.now() - timedelta(hours=1)
    socket._keep_alive_timeout = 0
    keeping = asyncio.create_task(socket._process_keepalive())
    for _ in range(20):
        await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert notes.lost == []
