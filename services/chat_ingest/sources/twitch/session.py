"""One connection to Twitch, from the login to its loss; whoever opens it closes it and opens the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import twitchio
from pydantic import ValidationError
from twitchio import eventsub

from contracts.chat import ChatMessage, ChatReply, Role
from services.chassis import log
from services.chat_ingest.sources.port import Posted, Said
from services.chat_ingest.sources.twitch import bodies
from services.chat_ingest.sources.twitch.bodies import Place
from services.chat_ingest.sources.twitch.client import ODD, ChatClient
from services.chat_ingest.sources.twitch.credential import Credential
from services.chat_ingest.sources.twitch.tokens import Token, TokenFile
from services.chat_ingest.sources.twitch.trouble import NeedsPerson, NotNow, explained, said
from services.chat_ingest.sources.twitch.watchdog import Patience, Watchdog

_log = log.get(__name__)

LOGIN = "run: python -m services.chat_ingest login"


@dataclass(frozen=True)
class Wanted:
    """What the settings ask for."""

    channel: str
    client_id: str
    client_secret: str | None
    only_live: bool
    reward: str | None


class Session:
    """A client with its subscriptions. *hear* gets what was said, *gate* whether it is to be taken at all."""

    def __init__(
        self,
        wanted: Wanted,
        tokens: TokenFile,
        given: Token | None,
        patience: Patience,
        hear: Callable[[Said], None],
        gate: Callable[[bool], None],
    ) -> None:
        self._wanted = wanted
        self._credential = Credential(tokens, given)
        self._patience = patience
        self._hear = hear
        self._gate = gate
        self._client: ChatClient | None = None
        self._lost: asyncio.Future[Exception] | None = None
        self._place: Place | None = None
        self._watchdog: Watchdog | None = None
        self._live = not wanted.only_live
        self._told_of_stream = False
        self._posted: deque[str] = deque(maxlen=50)
        self.moderates = False
        """Whether the account may send as a moderator may."""
        self.last_heard: datetime | None = None
        """When Twitch certainly still spoke to us."""

    async def open(self) -> None:
        """Log in, connect and subscribe. Raises NeedsPerson or NotNow; close() is due in any case."""
        self._lost = asyncio.get_running_loop().create_future()
        self._client = client = ChatClient(self._wanted.client_id, self._wanted.client_secret, self)
        try:
            async with asyncio.timeout(self._patience.open_within):
                bot_id = await self._credential.enter(client)
                await self._subscribe(client, bot_id)
        except twitchio.HTTPException as error:
            raise explained(error) from error
        except twitchio.TwitchioException as error:
            raise NotNow(f"Twitch's event socket cannot be used: {type(error).__name__}") from error
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            raise NotNow(f"Twitch cannot be reached: {type(error).__name__} {error}") from error
        self.last_heard = datetime.now(UTC)

    async def watch(self) -> str:
        """Wait until nothing is heard any more, and say why. Raises NeedsPerson when only a person can help."""
        assert self._lost is not None
        assert self._watchdog is not None
        while True:
            done, _ = await asyncio.wait({self._lost}, timeout=self._patience.tick)
            if done:
                error = self._lost.result()
                if isinstance(error, NeedsPerson):
                    raise error
                return str(error)
            if self._credential.replaced:
                return "there is a new login at Twitch"
            self._credential.save_again()
            reason = await self._watchdog.look()
            self.last_heard = self._watchdog.last_heard
            if reason is not None:
                return reason

    async def close(self) -> None:
        """Leave."""
        if self._client is not None:
            await self._client.end()
            self._client = None

    async def post(self, reply: ChatReply) -> Posted:
        """Send *reply* into the channel, in the thread of the message that it answers."""
        client, place = self._client, self._place
        if client is None or place is None:
            return Posted(False, "Twitch is not connected", retry_after=2.0)
        self._posted.append(reply.text.strip())
        try:
            async with asyncio.timeout(self._patience.call_within):
                sent = await client.create_partialuser(place.channel_id).send_message(
                    reply.text, place.bot_id, token_for=place.bot_id, reply_to_message_id=reply.reply_to
                )
        except twitchio.MessageRejectedError as error:
            return Posted(False, f"Twitch dropped it: {error}"[:300])
        except twitchio.HTTPException as error:
            if error.status == 429:
                return Posted(False, "Twitch asks to send less", retry_after=30.0)
            if error.status >= 500:
                # It may have been sent: better said not at all than twice.
                return Posted(False, f"Twitch answers {error.status}")
            return Posted(False, f"Twitch refuses ({error.status}): {said(error)[:200]}")
        except (OSError, TimeoutError, aiohttp.ClientError, *ODD) as error:
            return Posted(False, f"no answer from Twitch: {type(error).__name__}")
        if not sent.sent:
            return Posted(False, f"Twitch dropped it: {sent.dropped_code} {sent.dropped_message}")
        return Posted(True)

    # --- Listener ---------------------------------------------------------------------------------------------------

    def on_event(self, kind: str, event: Mapping[str, Any]) -> None:
        """Hand over what was said; what cannot be read is told and dropped, and stops nothing."""
        if self._place is None:
            return
        if kind in (bodies.ONLINE, bodies.OFFLINE):
            self._told_of_stream = True
            self._set_live(kind == bodies.ONLINE)
            return
        try:
            body = bodies.said(self._place, kind, event, datetime.now(UTC))
        except (KeyError, TypeError, AttributeError, ValidationError) as error:
            _log.error("an event of Twitch is not as documented and is dropped", kind=kind, error=type(error).__name__)
            return
        if isinstance(body, ChatMessage):
            if body.user.id == self._place.bot_id:
                self.moderates = bool({Role.BROADCASTER, Role.MODERATOR} & set(body.user.roles))
                if self._is_own(body.text):
                    return
            if not self._live:
                return
        if body is not None:
            self._hear(body)

    def _is_own(self, text: str) -> bool:
        """Whether the account's message is this service's. A streamer who plays with the same account is heard."""
        assert self._place is not None
        if self._place.bot_id != self._place.channel_id:
            return True
        if text.strip() in self._posted:
            self._posted.remove(text.strip())
            return True
        return False

    def on_revoked(self, kind: str, status: str) -> None:
        """Everything begins anew: without moderation or the stream's beginning, the messages alone are not enough."""
        if kind == bodies.REDEMPTION:
            _log.warning("Twitch took a subscription away", kind=kind, status=status)
        elif status in ("authorization_revoked", "user_removed"):
            self._end(NeedsPerson("the login at Twitch was revoked"))
        elif status == "chat_user_banned":
            self._end(NeedsPerson(f"the account is banned in the channel {self._wanted.channel}; unban it"))
        else:
            self._end(NotNow(f"Twitch took the subscription away: {status}"))

    def on_lost(self, reason: str) -> None:
        """The socket is gone."""
        self._end(NotNow(reason))

    def on_refreshed(self, token: Token) -> None:
        """On the disk before anything else is done."""
        self._credential.renewed(token)

    def on_not_refreshed(self) -> None:
        """Chat is heard for as long as Twitch sends it; replies are refused, and the next connection will be."""
        self._credential.lapse()
        if self._watchdog is not None:
            _log.error(f"the login at Twitch can no longer be renewed; {LOGIN}")

    # --- steps ------------------------------------------------------------------------------------------------------

    async def _subscribe(self, client: ChatClient, bot_id: str) -> None:
        found = await client.fetch_users(logins=[self._wanted.channel], token_for=bot_id)
        if not found:
            raise NeedsPerson(f"Twitch knows no channel '{self._wanted.channel}'; check BOARDCAST_TWITCH_CHANNEL")
        channel_id = found[0].id
        self._place = Place(self._wanted.channel, channel_id, bot_id, self._wanted.reward)
        self.moderates = channel_id == bot_id
        await client.listen_as(bot_id)
        self._watchdog = Watchdog(client, bot_id, self._patience)
        chat = {"broadcaster_user_id": channel_id, "user_id": bot_id}
        await client.subscribe_websocket(eventsub.ChatMessageSubscription(**chat), token_for=bot_id)
        for kind in (
            eventsub.ChatClearUserMessagesSubscription, eventsub.ChatMessageDeleteSubscription,
            eventsub.ChatClearSubscription,
        ):  # fmt: skip
            await client.subscribe_websocket(kind(**chat), token_for=bot_id)
        if self._wanted.reward is not None:
            redeem = eventsub.ChannelPointsRedeemAddSubscription(broadcaster_user_id=channel_id)
            try:
                await client.subscribe_websocket(redeem, token_for=bot_id)
            except twitchio.HTTPException as error:
                if error.status not in (401, 403):
                    raise
                why = "the login at Twitch does not show the channel's rewards, which BOARDCAST_TWITCH_REWARD needs"
                raise NeedsPerson(f"{why}; log in as the broadcaster, or unset it") from error
        if self._wanted.only_live:
            await self._watch_stream(client, channel_id, bot_id)

    async def _watch_stream(self, client: ChatClient, channel_id: str, bot_id: str) -> None:
        for kind in (eventsub.StreamOnlineSubscription, eventsub.StreamOfflineSubscription):
            await client.subscribe_websocket(kind(broadcaster_user_id=channel_id), token_for=bot_id)
        streams = await client.fetch_streams(user_ids=[channel_id], token_for=bot_id)
        if not self._told_of_stream:  # what was told meanwhile is newer
            self._live = bool(streams)

    @property
    def live(self) -> bool:
        """Whether messages are taken: always, unless only a running stream's are wanted."""
        return self._live

    def _set_live(self, live: bool) -> None:
        if self._wanted.only_live and live != self._live:
            self._live = live
            self._gate(live)

    def _end(self, error: Exception) -> None:
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(error)
