"""Helix and the EventSub websocket of the stand-in, and what a test can do to them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.twitch.logins import Logins, refusal

BOT, CHANNEL = "500", "600"
USERS = {"ada_draws": CHANNEL, "bot": BOT}
MESSAGE = "channel.chat.message"


@dataclass(eq=False)
class Session:
    """One websocket."""

    id: str
    socket: web.WebSocketResponse
    request: web.Request
    keepalives: bool = True

    def abort(self) -> None:
        """A TCP reset, without a close frame."""
        transport = self.request.transport
        assert transport is not None
        transport.abort()


@dataclass
class Plan:
    """What goes wrong next; every counter is used up by what it counts."""

    refuse_sockets: int = 0
    no_welcome: int = 0
    close_unwelcomed: int = 0
    no_goodbye: bool = False
    """A socket without a welcome does not answer a closing handshake either."""
    welcome_after: float = 0.0
    last_words: list[str] = field(default_factory=list)
    """What is still sent on the old socket in the moment in which the new one is welcomed."""
    fail_subscriptions: list[int] = field(default_factory=list)
    forbidden: str = ""
    """A type of subscription that this login does not allow."""
    forget_subscriptions: bool = False
    while_subscribing: Callable[[], Awaitable[None]] | None = None
    """Done once, when the first subscription is made and before it is answered."""
    fail_lists: bool = False
    answer_lists: list[web.Response] = field(default_factory=list)
    """What is answered next to whoever asks for the subscriptions."""
    fail_sends: list[int] = field(default_factory=list)
    answer_sends: list[web.Response] = field(default_factory=list)
    """What is answered to messages that are posted all the same."""
    drop_sends: int = 0
    reconnect_url_fails: int = 0
    close_first: bool = False
    """Close the old socket just before the new one is welcomed: a client may hear of the two in this order."""
    keepalive_every: float = 0.5
    live: bool = True
    while_listing_streams: Callable[[], Awaitable[None]] | None = None
    """Done once, when the streams were looked up and before they are answered."""


class FakeTwitch:
    """Runs in the test's own event loop on a free port."""

    def __init__(self) -> None:
        self.logins = Logins()
        self.plan = Plan()
        self.sessions: list[Session] = []
        self.subscriptions: list[dict[str, Any]] = []
        self.posted: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.connections = 0
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._numbers = itertools.count(1)
        self._moving: dict[str, Session] = {}
        self._sockets: list[web.Request] = []
        self._over = asyncio.Event()
        self._under_way = 0

    async def start(self) -> None:
        """Listen."""
        app = web.Application(middlewares=[self._counted])
        app.router.add_get("/ws", self._websocket)
        app.router.add_get("/oauth2/validate", self.logins.validate)
        app.router.add_post("/oauth2/token", self.logins.token)
        app.router.add_post("/oauth2/device", self.logins.device)
        app.router.add_get("/helix/users", self._users)
        app.router.add_get("/helix/streams", self._streams)
        app.router.add_get("/helix/eventsub/subscriptions", self._list)
        app.router.add_post("/helix/eventsub/subscriptions", self._subscribe)
        app.router.add_post("/helix/chat/messages", self._send)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"{host}:{port}"

    async def stop(self) -> None:
        """Close everything."""
        self._over.set()
        for session in self.sessions:
            with contextlib.suppress(AssertionError):
                session.abort()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def settings(self) -> dict[str, str]:
        """What points a service here."""
        return {
            "twitch_eventsub_url": f"ws://{self.url}/ws",
            "twitch_api_url": f"http://{self.url}/helix",
            "twitch_id_url": f"http://{self.url}",
        }

    @web.middleware
    async def _counted(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self._under_way += 1
        try:
            return await handler(request)
        finally:
            self._under_way -= 1

    # --- what a test does -------------------------------------------------------------------------------------------

    @property
    def open(self) -> int:
        """Websockets whose connection stands, the ones without a welcome among them."""
        return sum(request.transport is not None for request in self._sockets)

    @property
    def alone(self) -> bool:
        """Whether no connection stands and nothing is being answered: also what the dead had asked for is done."""
        assert self._runner is not None
        assert self._runner.server is not None
        return not self._runner.server.connections and not self._under_way

    @property
    def heard(self) -> list[Session]:
        """Sockets that messages are sent to."""
        ids = {s["transport"]["session_id"] for s in self.subscriptions if s["type"] == MESSAGE}
        return [session for session in self.sessions if session.id in ids]

    async def say(self, text: str, user: str = "1001", **fields: Any) -> str:
        """A viewer writes; the message's id."""
        message_id = fields.pop("message_id", None) or str(uuid.uuid4())
        event: dict[str, Any] = {
            "broadcaster_user_id": CHANNEL, "broadcaster_user_login": "ada_draws", "broadcaster_user_name": "Ada_Draws",
            "chatter_user_id": user, "chatter_user_login": f"viewer{user}", "chatter_user_name": f"Viewer{user}",
            "message_id": message_id, "message": {"text": text, "fragments": [{"type": "text", "text": text}]},
            "color": "", "badges": [], "message_type": "text", "cheer": None, "reply": None,
            "channel_points_custom_reward_id": None, "source_broadcaster_user_id": None,
        }  # fmt: skip
        await self.notify(MESSAGE, event | fields)
        return message_id

    async def notify(self, kind: str, event: dict[str, Any]) -> None:
        """Send *event* to every socket that has subscribed to *kind*."""
        ids = {s["transport"]["session_id"] for s in self.subscriptions if s["type"] == kind}
        for session in [session for session in self.sessions if session.id in ids]:
            payload = {"subscription": {"type": kind}, "event": event}
            await self._frame(session, "notification", payload, subscription_type=kind)

    async def send_raw(self, text: str) -> None:
        """Send *text* on every socket, whatever it is."""
        for session in list(self.sessions):
            await session.socket.send_str(text)

    async def revoke(self, status: str, *kinds: str) -> None:
        """Take every subscription away, or those of *kinds*."""
        subscriptions = [s for s in self.subscriptions if not kinds or s["type"] in kinds]
        for subscription in subscriptions:
            self.subscriptions.remove(subscription)
            for session in self.sessions:
                if session.id == subscription["transport"]["session_id"]:
                    body = {"subscription": subscription | {"status": status}}
                    await self._frame(session, "revocation", body, subscription_type=subscription["type"])

    async def ask_to_reconnect(self) -> None:
        """Ask every socket to move; messages go to the old one until the new one was welcomed."""
        for session in list(self.heard):
            self._moving[session.id] = session
            url = f"ws://{self.url}/ws?move={session.id}"
            await self._frame(session, "session_reconnect", {"session": {"id": session.id, "reconnect_url": url}})

    def reset(self) -> None:
        """Reset every connection."""
        for session in list(self.sessions):
            session.abort()

    async def close_sockets(self, code: int) -> None:
        """Close every socket with *code*."""
        for session in list(self.sessions):
            await session.socket.close(code=code)

    def fall_silent(self) -> None:
        """Keep the sockets and say nothing more on them, keepalives included."""
        for session in self.sessions:
            session.keepalives = False

    # --- Helix ------------------------------------------------------------------------------------------------------

    def _refused(self, request: web.Request) -> web.Response | None:
        self.requests.append(f"{request.method} {request.path}")
        if self.logins.valid(request.headers.get("Authorization", "")) is None:
            return refusal(401, "Invalid OAuth token")
        return None

    async def _users(self, request: web.Request) -> web.Response:
        wanted: Iterable[str] = request.query.getall("login", [])
        found = [_user(USERS[login], login) for login in wanted if login in USERS]
        return self._refused(request) or web.json_response({"data": found})

    async def _streams(self, request: web.Request) -> web.Response:
        data = [_stream()] if self.plan.live else []
        meanwhile, self.plan.while_listing_streams = self.plan.while_listing_streams, None
        if meanwhile is not None:
            await meanwhile()
        return self._refused(request) or web.json_response({"data": data, "pagination": {}})

    async def _list(self, request: web.Request) -> web.Response:
        if self.plan.fail_lists:
            self.requests.append("refused list")
            return refusal(500, "planned")
        if self.plan.answer_lists:
            return self.plan.answer_lists.pop(0)
        alive = {session.id for session in self.sessions}
        data = [] if self.plan.forget_subscriptions else [
            s | {"status": "enabled" if s["transport"]["session_id"] in alive else "websocket_disconnected"}
            for s in self.subscriptions if s["type"] == request.query.get("type", s["type"])
        ]  # fmt: skip
        body = {"data": data, "total": len(data), "total_cost": 0, "max_total_cost": 10, "pagination": {}}
        return self._refused(request) or web.json_response(body)

    async def _subscribe(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        if self.plan.fail_subscriptions:
            return refusal(self.plan.fail_subscriptions.pop(0), "planned")
        wanted = await request.json()
        if wanted["type"] == self.plan.forbidden:
            return refusal(403, "subscription missing proper authorization")
        subscription = {
            "id": str(uuid.uuid4()), "status": "enabled", "type": wanted["type"], "version": wanted["version"],
            "condition": wanted["condition"], "transport": wanted["transport"], "cost": 0, "created_at": _now(),
        }  # fmt: skip
        if wanted["transport"]["session_id"] not in {session.id for session in self.sessions}:
            return refusal(400, "websocket transport session does not exist or has already disconnected")
        self.subscriptions.append(subscription)
        meanwhile, self.plan.while_subscribing = self.plan.while_subscribing, None
        if meanwhile is not None:
            await meanwhile()
        body = {"data": [subscription], "total": 1, "total_cost": 0, "max_total_cost": 10}
        return web.json_response(body, status=202)

    async def _send(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        if self.plan.fail_sends:
            return refusal(self.plan.fail_sends.pop(0), "planned")
        body = await request.json()
        drop = None
        if self.plan.drop_sends:
            self.plan.drop_sends -= 1
            drop = {"code": "msg_duplicate", "message": "Your message is identical to the previous one."}
        else:
            self.posted.append(body)
        if self.plan.answer_sends:
            return self.plan.answer_sends.pop(0)
        sent = {"message_id": str(uuid.uuid4()), "is_sent": drop is None, "drop_reason": drop}
        return web.json_response({"data": [sent]})

    # --- EventSub ---------------------------------------------------------------------------------------------------

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        self.connections += 1
        moved_from = self._moving.get(request.query.get("move", ""))
        if moved_from is not None and self.plan.reconnect_url_fails:
            self.plan.reconnect_url_fails -= 1
            return web.Response(status=500)
        if self.plan.refuse_sockets:
            self.plan.refuse_sockets -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(request)
        session = Session(f"session-{next(self._numbers)}", socket, request)
        if self.plan.close_unwelcomed:
            self.plan.close_unwelcomed -= 1
            await socket.close(code=4007)
            return socket
        if self.plan.no_welcome:
            self.plan.no_welcome -= 1
            if self.plan.no_goodbye:
                await self._over.wait()
            await self._read(session)
            return socket
        await asyncio.sleep(self.plan.welcome_after)
        await self._welcome(session, moved_from)
        beating = asyncio.create_task(self._beat(session))
        try:
            await self._read(session)
        finally:
            beating.cancel()
            self.sessions.remove(session)
        return socket

    async def _welcome(self, session: Session, moved_from: Session | None) -> None:
        body = {"session": {"id": session.id, "status": "connected", "connected_at": _now(),
                            "keepalive_timeout_seconds": 10, "reconnect_url": None}}  # fmt: skip
        words, self.plan.last_words = self.plan.last_words, []
        for text in words:
            await self.say(text)
        if self.plan.close_first and moved_from is not None:
            await moved_from.socket.close(code=4004)
        await self._frame(session, "session_welcome", body)
        self.sessions.append(session)
        if moved_from is not None:
            for subscription in self.subscriptions:
                if subscription["transport"]["session_id"] == moved_from.id:
                    subscription["transport"] = subscription["transport"] | {"session_id": session.id}
            del self._moving[moved_from.id]
            closing = asyncio.create_task(moved_from.socket.close(code=4004))
            closing.add_done_callback(lambda _: None)

    async def _beat(self, session: Session) -> None:
        while True:
            await asyncio.sleep(self.plan.keepalive_every)
            if session.keepalives:
                await self._frame(session, "session_keepalive", {})

    async def _read(self, session: Session) -> None:
        async for message in session.socket:
            assert message.type in (WSMsgType.PING, WSMsgType.PONG), "Twitch closes sockets that talk"

    async def _frame(self, session: Session, kind: str, payload: dict[str, Any], **metadata: str) -> None:
        head = {"message_id": str(uuid.uuid4()), "message_type": kind, "message_timestamp": _now()} | metadata
        with contextlib.suppress(ConnectionError):
            await session.socket.send_json({"metadata": head, "payload": payload})


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _user(user_id: str, login: str) -> dict[str, Any]:
    return {"id": user_id, "login": login, "display_name": login, "type": "", "broadcaster_type": "", "description": "",
            "profile_image_url": "", "offline_image_url": "", "view_count": 0, "created_at": _now()}  # fmt: skip


def _stream() -> dict[str, Any]:
    return {"id": "1", "user_id": CHANNEL, "user_login": "ada_draws", "user_name": "Ada", "game_id": "1",
            "game_name": "Chess", "type": "live", "title": "t", "viewer_count": 1, "started_at": _now(),
            "language": "en", "thumbnail_url": "", "tag_ids": [], "tags": [], "is_mature": False}  # fmt: skip
