"""A Twitch source with an ear that writes everything down, against the stand-in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contracts.chat import ChatMessage
from services.chat_ingest.settings import ChatIngestSettings, SourceName
from services.chat_ingest.sources.port import Said
from services.chat_ingest.sources.twitch.source import TwitchSource
from services.chat_ingest.sources.twitch.tokens import Token, TokenFile
from services.chat_ingest.sources.twitch.watchdog import Patience
from tests.fakes.twitch import FakeTwitch
from tests.fakes.twitch.server import BOT
from tests.harness.waiting import eventually

QUICK = Patience(tick=0.05, poll=0.1, silence=40.0, open_within=40.0, call_within=40.0)
"""Looks often and gives nothing up: a test in which something is to be given up says how soon."""


@dataclass(frozen=True)
class Change:
    """One thing that the source said of its connection."""

    connected: bool
    at: float
    reason: str = ""
    since: datetime | None = None
    missed: bool = True


class Listening:
    """The source at work."""

    def __init__(self, twitch: FakeTwitch, folder: Path, patience: Patience = QUICK, **settings: Any) -> None:
        self.twitch = twitch
        self.said: list[Said] = []
        self.changes: list[Change] = []
        self.tokens = TokenFile(folder)
        wanted: dict[str, Any] = {"data_dir": folder, "chat_source": SourceName.TWITCH, "twitch_channel": "Ada_Draws",
                                  "twitch_client_id": "client"}  # fmt: skip
        self.settings = ChatIngestSettings(**wanted | twitch.settings | settings)
        self.source = TwitchSource(self.settings, patience)
        self._task: asyncio.Task[None] | None = None
        self._looked = 0

    def log_in(self, lifetime: float | None = None) -> None:
        """Have a token in the file, as after `login`."""
        pair = self.twitch.logins.issue(BOT, "bot", lifetime)
        self.tokens.save(Token(pair["access_token"], pair["refresh_token"], BOT, "bot"))

    async def start(self) -> None:
        """Listen."""
        self._task = asyncio.create_task(self.source.run(self))

    async def stop(self) -> None:
        """End."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    # --- the ear ----------------------------------------------------------------------------------------------------

    def heard(self, body: Said) -> None:
        self.said.append(body)

    def connected(self) -> None:
        self.changes.append(Change(True, asyncio.get_running_loop().time()))

    def deaf(self, reason: str, since: datetime | None = None, *, missed: bool = True) -> None:
        self.changes.append(Change(False, asyncio.get_running_loop().time(), reason, since, missed))

    # --- what a test asks -------------------------------------------------------------------------------------------

    @property
    def texts(self) -> list[str]:
        """What viewers wrote."""
        return [body.text for body in self.said if isinstance(body, ChatMessage)]

    @property
    def hears(self) -> bool:
        """Whether the source says that it hears, at the moment."""
        return bool(self.changes) and self.changes[-1].connected

    async def until_hears(self, deadline: float = 40.0) -> None:
        """Wait until the source hears."""
        await eventually(lambda: self.hears, deadline, f"the source to hear; it says {self.changes[-3:]}")

    async def until_deaf(self, deadline: float = 40.0) -> Change:
        """The next time that the source said that it does not hear; it may hear again by now."""
        await eventually(lambda: any(not c.connected for c in self.changes[self._looked :]), deadline, "it to say so")
        self._looked = 1 + next(n for n, c in enumerate(self.changes) if n >= self._looked and not c.connected)
        return self.changes[self._looked - 1]

    async def until_again(self, connections: int, deadline: float = 40.0) -> None:
        """Wait until the source has said that it was deaf and hears again, *connections* times in all."""
        await eventually(
            lambda: self.hears and sum(c.connected for c in self.changes) >= connections, deadline,
            f"connection {connections}; {self.changes[-4:]}",
        )  # fmt: skip

    async def until_said(self, *texts: str, deadline: float = 40.0) -> None:
        """Wait until exactly these texts were heard."""
        await eventually(lambda: len(self.texts) >= len(texts), deadline, f"{texts}; heard {self.texts[-5:]}")
        assert self.texts == list(texts)


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
