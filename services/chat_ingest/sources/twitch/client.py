"""twitchio, made to hear everything. The only file that knows its inside; pinned, and checked at import.

What twitchio 3.3 does by itself loses messages or goes silent in several ways: it stops reading the old socket while a
`session_reconnect` is under way, and dies quietly when one step of its own recovery fails. Here a socket only listens.
Whatever ends it is reported once, and whoever owns it begins anew with a new client.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import twitchio
import twitchio.http
from twitchio.authentication import ManagedHTTPClient
from twitchio.eventsub import websockets
from twitchio.eventsub.websockets import Websocket

from services.chassis import log
from services.chat_ingest.sources.twitch.id_server import IdServer
from services.chat_ingest.sources.twitch.tokens import Token

_log = log.get(__name__)
# It warns at every start of a web adapter that nobody uses, and its debug lines carry tokens.
logging.getLogger("twitchio").setLevel(logging.ERROR)
# This part of it warns of frames that it cannot read.
logging.getLogger("twitchio.eventsub.websockets").setLevel(logging.WARNING)

ODD = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What twitchio raises for an answer that is not as documented: no JSON, another shape, a key that is not there."""
CONNECT_WITHIN = 8.0
KEEPALIVE = 10
"""Seconds; the least that Twitch allows."""
GOODBYE_WITHIN = 2.0
"""Seconds that Twitch has for its half of a closing handshake; then the connection is dropped."""
MOVE_ATTEMPTS = 3
OLD_SOCKET_KEPT = 10.0
"""Seconds that the old socket is read after a move, should Twitch not close it."""
WELCOME_MAY_FOLLOW = 0.25
"""Seconds. Twitch closes the old socket when it has welcomed the new one; of the two, either may be heard of first."""

_INSIDE = (
    (websockets, "WSS"), (twitchio.http.Route, "BASE"), (twitchio.http.Route, "ID_BASE"),
    (Websocket, "_process_notification"), (Websocket, "_process_reconnect"), (Websocket, "_process_revocation"),
    (Websocket, "_create_connection_task"), (Websocket, "_listen"), (Websocket, "_process_keepalive"),
)  # fmt: skip
for _owner, _name in _INSIDE:
    if not hasattr(_owner, _name):
        raise ImportError(f"twitchio {twitchio.__version__} has no {_name} in {_owner}; install twitchio~=3.3.2")
_RENEWS = "_ManagedHTTPClient__isolated"
if _RENEWS not in ManagedHTTPClient.__init__.__code__.co_names:
    raise ImportError(f"twitchio {twitchio.__version__} renews tokens in another way; install twitchio~=3.3.2")


class Listener(Protocol):
    """Who owns the client."""

    def on_event(self, kind: str, event: Mapping[str, Any]) -> None:
        """EventSub says *event* of subscription type *kind*; in order, never awaited."""

    def on_revoked(self, kind: str, status: str) -> None:
        """Twitch took a subscription away."""

    def on_lost(self, reason: str) -> None:
        """A socket is gone and nothing more is heard from it."""

    def on_refreshed(self, token: Token) -> None:
        """There is a new token; the old one's refresh is void."""

    def on_not_refreshed(self) -> None:
        """The token cannot be renewed, now or later."""


def point_at(eventsub: str | None, api: str | None, ids: str | None) -> None:
    """Talk to other servers than Twitch's own, for tests and mock servers; all three or none."""
    if eventsub and api and ids:
        websockets.WSS = eventsub
        twitchio.http.Route.BASE = api.rstrip("/") + "/"
        twitchio.http.Route.ID_BASE = ids.rstrip("/") + "/"


class ChatClient(twitchio.Client):
    """One login and its sockets."""

    def __init__(self, client_id: str, client_secret: str | None, listener: Listener) -> None:
        super().__init__(client_id=client_id, client_secret=client_secret, fetch_client_user=False)
        self._listener = listener
        # twitchio's own would be cut short by whoever asked, and would show the token in what it raises.
        self.logins = IdServer(
            client_id, client_secret, renewed=listener.on_refreshed, refused=listener.on_not_refreshed
        )
        vars(self._http)[_RENEWS] = self.logins

    def dispatch(self, event: str, payload: Any | None = None) -> None:
        """twitchio's events would be a task each; what matters of them is heard where it happens."""

    async def load_tokens(self, path: str | None = None, /) -> None:
        """Tokens are kept by tokens.py."""

    async def save_tokens(self, path: str | None = None, /) -> None:
        """Tokens are kept by tokens.py."""

    async def use(self, token: Token, user_id: str) -> None:
        """Ask everything as *user_id* with *token*, which is valid."""
        # The same token as the application's: without one, twitchio finds no user's token either.
        await self.login(token=token.access, load_tokens=False, save_tokens=False)
        try:
            await self.add_token(token.access, token.refresh)
        except (twitchio.InvalidTokenException, ConnectionError):
            # In its last hour twitchio would renew it first; where that fails, it is good until its end all the same.
            self._http._tokens[user_id] = {"user_id": user_id, "token": token.access, "refresh": token.refresh,
                                           "last_validated": datetime.now().isoformat()}  # fmt: skip

    async def listen_as(self, user_id: str) -> ChatSocket:
        """Open a socket for subscriptions of *user_id*. Raises OSError, TimeoutError or what twitchio raises."""
        socket = ChatSocket(self, user_id, self._listener)
        await socket.until_welcome()
        self.adopt(socket, user_id)
        return socket

    def adopt(self, socket: ChatSocket, user_id: str) -> None:
        """Have *socket* used for subscriptions and closed with this client."""
        assert socket.session_id is not None
        self._websockets[user_id][socket.session_id] = socket

    def sockets(self, user_id: str) -> list[Websocket]:
        """The sockets that are open."""
        return [socket for socket in self._websockets[user_id].values() if socket.connected]

    async def end(self) -> None:
        """Close everything, within 5 s."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                # At once: twitchio closes one after the other, and a peer that has gone silent takes its time.
                await asyncio.gather(self.logins.close(), *(socket.close() for sockets in self._websockets.values()
                                                            for socket in list(sockets.values())))  # fmt: skip
                await self.close(save_tokens=False)


class ChatSocket(Websocket):
    """A socket that hands over what it hears at once, and never repairs itself."""

    def __init__(self, client: ChatClient, user_id: str, listener: Listener) -> None:
        super().__init__(client=client, token_for=user_id, http=client.http, keep_alive_timeout=KEEPALIVE,
                         reconnect_attempts=None)  # fmt: skip
        self._chat = client
        self._user_id = user_id
        self._listener = listener
        self._superseded = asyncio.Event()
        self._moving: set[asyncio.Task[None]] = set()

    @property
    def last_word(self) -> object:
        """Another object whenever Twitch has said something, keepalives included."""
        return self._last_keepalive

    @property
    def can_subscribe(self) -> bool:
        """Whether a subscription may be made on this socket: Twitch has forgotten one that has moved."""
        return not self._superseded.is_set() and super().can_subscribe

    @property
    def spoke_at(self) -> datetime:
        """When Twitch said that."""
        # twitchio notes the time of the place without saying which place; only how long ago is certain.
        spoke = self._last_keepalive
        ago = datetime.now() - spoke if spoke is not None else timedelta()
        return datetime.now(UTC) - max(ago, timedelta())

    async def until_welcome(self, url: str | None = None) -> None:
        """Connect to *url*, or to Twitch, within CONNECT_WITHIN. What fails or is cut short leaves no socket behind.

        Raises OSError, TimeoutError or what twitchio raises.
        """
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await self.connect(url=url, fail_once=True)
            if self.session_id is None:
                raise ConnectionError("the socket was closed before its welcome")
        except BaseException:
            # twitchio closes it for some of its own failures, and for none that comes from outside.
            await self.close()
            raise

    async def _listen(self) -> None:
        while self._socket is not None:
            try:
                return await super()._listen()
            except ODD as error:
                # twitchio's task would end here, and nothing more would be read.
                _log.error("a frame of Twitch's is not as documented and is dropped", error=type(error).__name__)

    async def _process_keepalive(self) -> None:
        """Nothing: the watchdog sees silence, by a clock that nobody sets forward."""

    async def _process_notification(self, data: Any) -> None:
        self._listener.on_event(data["metadata"]["subscription_type"], data["payload"]["event"])

    async def _process_revocation(self, data: Any) -> None:
        subscription = data["payload"]["subscription"]
        self._listener.on_revoked(subscription["type"], subscription["status"])

    async def _process_reconnect(self, data: Any) -> None:
        # In a task of its own: Twitch goes on sending here until the new socket was welcomed.
        self._spawn(self._move(data["payload"]["session"]["reconnect_url"]))

    async def _create_connection_task(self) -> None:
        if self.session_id is None:
            self._ready.set()  # whoever waits for the welcome need not wait any longer, and says what is lost
            return
        if self._moving:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WELCOME_MAY_FOLLOW):
                    await self._superseded.wait()
        if not self._superseded.is_set() and not self._closing and not self._closed:
            code = self._socket.close_code if self._socket else None
            self._listener.on_lost(f"the connection to Twitch was lost (code {code})")

    async def _move(self, url: str) -> None:
        for attempt in range(1, MOVE_ATTEMPTS + 1):
            new = ChatSocket(self._chat, self._user_id, self._listener)
            new._subscriptions = self._subscriptions
            try:
                await new.until_welcome(url)
            except Exception as error:
                _log.warning("moving to the socket that Twitch offers failed", attempt=attempt, error=str(error))
                continue
            self._superseded.set()
            self._chat.adopt(new, self._user_id)
            _log.info("moved to the socket that Twitch offered")
            # What is still in the old one is read until Twitch closes it.
            await asyncio.sleep(OLD_SOCKET_KEPT)
            await self.close()
            return
        self._listener.on_lost("Twitch asked to reconnect, and the address that it named does not answer")

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._moving.add(task)
        task.add_done_callback(self._moving.discard)

    async def close(self, cleanup: bool = True, *, reassociate: bool = True) -> None:
        """Close this socket, within GOODBYE_WITHIN; what it was doing has ended, and has closed what it had opened."""
        under_way = [task for task in self._moving if task is not asyncio.current_task()]
        for task in under_way:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_WITHIN):
                await super().close(cleanup, reassociate=reassociate)
        await asyncio.gather(*under_way, return_exceptions=True)
