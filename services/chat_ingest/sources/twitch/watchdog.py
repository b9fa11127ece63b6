"""Whether Twitch is still heard, whatever twitchio does: asked of Twitch itself, and told by its silence."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp
import twitchio

from services.chassis import log
from services.chat_ingest.sources.twitch.bodies import MESSAGE
from services.chat_ingest.sources.twitch.client import KEEPALIVE, ODD, ChatClient, ChatSocket

_log = log.get(__name__)


@dataclass(frozen=True)
class Patience:
    """Seconds. *poll*: how often Twitch is asked whether it still has our subscription; *misses* in a row end it.

    Twitch says something at least every KEEPALIVE seconds; *silence* is that and some delay.
    """

    tick: float = 0.5
    poll: float = 2.0
    misses: int = 2
    silence: float = KEEPALIVE + 1.5
    open_within: float = 20.0
    call_within: float = 3.0


class Watchdog:
    """Looks at one client's sockets and subscriptions."""

    def __init__(self, client: ChatClient, user_id: str, patience: Patience) -> None:
        self._client = client
        self._user_id = user_id
        self._patience = patience
        self._misses = 0
        self._word: object = None
        self._word_at: float | None = None
        self._poll_at = 0.0
        self._looked_at = 0.0
        self.last_heard = datetime.now(UTC)
        """When Twitch certainly still spoke to us."""

    async def look(self) -> str | None:
        """Why nothing is heard any more; None while all is well, or not yet certainly otherwise."""
        now = asyncio.get_running_loop().time()
        was_away = now - self._looked_at > self._patience.call_within + 2 * self._patience.tick
        self._looked_at = now
        socket = self._socket()
        if self._word_at is None:
            self._word_at = now
        if socket is not None and socket.last_word is not self._word:
            self._word, self._word_at, self.last_heard = socket.last_word, now, socket.spoke_at
        # After a standstill of this process, what Twitch said meanwhile waits in the socket: the next look knows it.
        if now - self._word_at > self._patience.silence and not was_away:
            return f"Twitch has said nothing for {now - self._word_at:.0f} s"
        if now < self._poll_at:
            return None
        self._poll_at = now + self._patience.poll
        self._misses = 0 if socket is not None and await self._subscribed() else self._misses + 1
        return "Twitch no longer has our subscription to the chat" if self._misses >= self._patience.misses else None

    def _socket(self) -> ChatSocket | None:
        sockets = [s for s in self._client.sockets(self._user_id) if isinstance(s, ChatSocket)]
        return sockets[-1] if sockets else None

    async def _subscribed(self) -> bool:
        """Whether Twitch says that messages are sent to a socket of ours; True when it cannot be asked."""
        try:
            async with asyncio.timeout(self._patience.call_within):
                found = await self._client.fetch_eventsub_subscriptions(token_for=self._user_id, type=MESSAGE)
                ours = {s.session_id for s in self._client.sockets(self._user_id)}
                async for subscription in found.subscriptions:
                    if subscription.status == "enabled" and subscription.transport.session_id in ours:
                        return True
        except (OSError, TimeoutError, aiohttp.ClientError, twitchio.HTTPException, *ODD) as error:
            # Its text may quote an address.
            _log.debug("Twitch's list of subscriptions cannot be read", error=type(error).__name__,
                       status=getattr(error, "status", None))  # fmt: skip
            return True
        return False
