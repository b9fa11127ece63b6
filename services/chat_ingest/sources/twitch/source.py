"""Twitch as a source: one session after the other, and what the state of the chat says meanwhile."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime

from contracts.chat import ChatReply
from services.chassis import log
from services.chat_ingest.settings import ChatIngestSettings
from services.chat_ingest.sources.port import Ear, Pace, Posted, Said
from services.chat_ingest.sources.twitch import bodies
from services.chat_ingest.sources.twitch.client import point_at
from services.chat_ingest.sources.twitch.pace import AS_MODERATOR, AS_USER
from services.chat_ingest.sources.twitch.session import LOGIN, Session, Wanted
from services.chat_ingest.sources.twitch.tokens import BadTokenFile, Token, TokenFile
from services.chat_ingest.sources.twitch.trouble import NeedsPerson, NotNow
from services.chat_ingest.sources.twitch.watchdog import Patience

_log = log.get(__name__)

AGAIN_FIRST, AGAIN_MOST = 0.5, 30.0
"""Seconds between attempts; the first one follows at once."""
STEADY_AFTER = 30.0
"""Seconds after which a session is one that lasts."""
PERSON_AGAIN = 60.0
"""Seconds after which it is tried again although nobody has done anything."""
OFFLINE = "the stream is offline, and only a live stream's chat is wanted (BOARDCAST_TWITCH_ONLY_LIVE)"


class TwitchSource:
    """The chat of one channel."""

    name = bodies.SOURCE
    misses = True

    def __init__(self, settings: ChatIngestSettings, patience: Patience | None = None) -> None:
        self._settings = settings
        self._patience = patience or Patience()
        self._tokens = TokenFile(settings.data_dir)
        self._session: Session | None = None
        self._heard_until: datetime | None = None
        self._ear: Ear

    async def run(self, ear: Ear) -> None:
        """Listen for ever; each session that is lost is followed by another."""
        self._ear = ear
        settings = self._settings
        point_at(settings.twitch_eventsub_url, settings.twitch_api_url, settings.twitch_id_url)
        pause = brief = 0.0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._one_session()
                # One that lasted is followed by the next at once; so is the first that did not.
                pause, brief = 0.0, 0.0 if loop.time() - began >= STEADY_AFTER else brief
                await asyncio.sleep(brief * random.uniform(0.7, 1.0))
                brief = min(max(brief * 2, AGAIN_FIRST), AGAIN_MOST)
            except (NeedsPerson, BadTokenFile) as error:
                ear.deaf(f"{error}; {LOGIN}", self._heard_until)
                await self._until_somebody_acts()
            except NotNow as error:
                ear.deaf(str(error))
                pause = min(max(pause * 2, AGAIN_FIRST), AGAIN_MOST)
                await asyncio.sleep(pause * random.uniform(0.7, 1.0))

    async def post(self, reply: ChatReply) -> Posted:
        """Answer in the channel."""
        if self._session is None:
            return Posted(False, "Twitch is not connected", retry_after=2.0)
        return await self._session.post(reply)

    @property
    def pace(self) -> Pace:
        """That of a moderator, where this account is one."""
        return AS_MODERATOR if self.moderates else AS_USER

    @property
    def moderates(self) -> bool:
        """Whether Twitch lets this account send as much as a moderator."""
        return self._session is not None and self._session.moderates

    async def _one_session(self) -> None:
        session = Session(_wanted(self._settings), self._tokens, self._given(), self._patience, self._hear, self._gate)
        try:
            await session.open()
            self._session = session
            self._gate(session.live)
            reason = await session.watch()
            self._ear.deaf(reason, session.last_heard)
        finally:
            self._session = None
            self._heard_until = session.last_heard
            await session.close()

    async def _until_somebody_acts(self) -> None:
        """Until there is another token file, or for a while: a ban is lifted without one."""
        known = self._tokens.changed_at()
        loop = asyncio.get_running_loop()
        give_up = loop.time() + PERSON_AGAIN
        while True:
            await asyncio.sleep(self._patience.poll)
            if self._tokens.changed_at() != known or loop.time() > give_up:
                return

    def _given(self) -> Token | None:
        """The ready token of the settings, until it has been renewed once."""
        token, refresh = self._settings.twitch_token, self._settings.twitch_refresh_token
        if token is None or (refresh is not None and self._tokens.changed_at() is not None):
            return None
        return Token(token.get_secret_value(), refresh.get_secret_value() if refresh else "")

    def _hear(self, body: Said) -> None:
        self._ear.heard(body)

    def _gate(self, live: bool) -> None:
        if live:
            self._ear.connected()
        else:
            self._ear.deaf(OFFLINE, missed=False)


def _wanted(settings: ChatIngestSettings) -> Wanted:
    secret = settings.twitch_client_secret
    assert settings.twitch_channel is not None
    assert settings.twitch_client_id is not None
    return Wanted(
        channel=settings.twitch_channel.lower(),
        client_id=settings.twitch_client_id,
        client_secret=secret.get_secret_value() if secret is not None else None,
        only_live=settings.twitch_only_live,
        reward=settings.twitch_reward,
    )
