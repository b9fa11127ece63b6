"""A stand-in for Twitch, and the guarantee that nothing here ever talks to the real one."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Iterator

import pytest

with warnings.catch_warnings():
    # twitchio inherits from what aiohttp would rather have wrapped.
    warnings.simplefilter("ignore", DeprecationWarning)
    import twitchio.http
from twitchio.eventsub import websockets

from tests.fakes.twitch import FakeTwitch
from tests.harness.waiting import eventually

NOWHERE = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Without the stand-in's addresses nothing is contacted: twitchio's own lead nowhere."""
    kept = websockets.WSS, twitchio.http.Route.BASE, twitchio.http.Route.ID_BASE
    websockets.WSS = f"ws://{NOWHERE}/ws"
    twitchio.http.Route.BASE = twitchio.http.Route.ID_BASE = f"http://{NOWHERE}/"
    yield
    websockets.WSS, twitchio.http.Route.BASE, twitchio.http.Route.ID_BASE = kept


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that stands still for a moment in the middle of a move of sockets makes no loss of it."""
    monkeypatch.setattr("services.chat_ingest.sources.twitch.client.WELCOME_MAY_FOLLOW", 20.0)
    monkeypatch.setattr("services.chat_ingest.sources.twitch.client.CONNECT_WITHIN", 20.0)


@pytest.fixture
async def twitch() -> AsyncIterator[FakeTwitch]:
    """Running on a free port. Whatever has happened in a test: who talked to it has closed every socket at its end."""
    fake = FakeTwitch()
    await fake.start()
    yield fake
    try:
        await eventually(lambda: fake.open == 0, 40, "every socket to be closed")
    finally:
        await fake.stop()
