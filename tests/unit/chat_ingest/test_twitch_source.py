"""How often Twitch is asked again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.chat_ingest.settings import ChatIngestSettings, SourceName
from services.chat_ingest.sources.twitch import source as source_module
from services.chat_ingest.sources.twitch.source import TwitchSource
from tests.unit.chat_ingest.test_sources import Notes


class Brief:
    """A session that is lost as soon as it is open."""

    opened = 0
    live = True
    moderates = False
    last_heard = None

    def __init__(self, *_: object) -> None: ...

    async def open(self) -> None:
        Brief.opened += 1
        await asyncio.sleep(0)

    async def watch(self) -> str:
        return "lost"

    async def close(self) -> None: ...


async def test_sessions_that_do_not_last_are_not_opened_without_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one follows at once; a flood of them would be a flood of requests and of gaps."""
    monkeypatch.setattr(source_module, "Session", Brief)
    monkeypatch.setattr(source_module, "AGAIN_FIRST", 1000.0)
    monkeypatch.setattr(source_module, "AGAIN_MOST", 1000.0)
    monkeypatch.setattr(Brief, "opened", 0)
    settings = ChatIngestSettings(
        data_dir=tmp_path, chat_source=SourceName.TWITCH, twitch_channel="ada", twitch_client_id="client"
    )
    notes = Notes()
    running = asyncio.create_task(TwitchSource(settings).run(notes))
    for _ in range(500):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert Brief.opened == 2
    assert notes.calls == ["connected", "deaf: lost"] * 2
