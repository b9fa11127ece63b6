"""The id server's half of the stand-in: tokens that lapse, refresh tokens good for one refresh, device codes."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SCOPES = ["user:read:chat", "user:write:chat"]


@dataclass
class Login:
    """One access token."""

    user_id: str
    login: str
    expires_at: float
    scopes: list[str]


@dataclass
class Logins:
    """Tokens by their text."""

    lifetime: float = 14_400.0
    """Seconds that a new access token lives."""
    access: dict[str, Login] = field(default_factory=dict)
    refreshes: dict[str, str] = field(default_factory=dict)
    """Refresh token to user id; each is good once."""
    refreshed: int = 0
    fail_next: list[int] = field(default_factory=list)
    """Status codes of the next answers."""
    token_answers: list[web.StreamResponse] = field(default_factory=list)
    """What POST /oauth2/token answers next, whatever it is asked."""
    token_after: float = 0.0
    """Seconds after which a new token is answered, when the old one's refresh is void already."""
    in_circles: bool = False
    """POST /oauth2/token leads to itself, as a proxy may have it."""
    device_confirmed: bool = False
    device_polls: int = 0
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def issue(self, user_id: str, login: str, lifetime: float | None = None) -> dict[str, Any]:
        """A new pair, as /oauth2/token answers it."""
        number = next(self._numbers)
        access, refresh = f"access-{number}", f"refresh-{number}"
        life = self.lifetime if lifetime is None else lifetime
        self.access[access] = Login(user_id, login, time.monotonic() + life, list(SCOPES))
        self.refreshes[refresh] = user_id
        return {"access_token": access, "refresh_token": refresh, "expires_in": int(life), "scope": SCOPES,
                "token_type": "bearer"}  # fmt: skip

    def valid(self, header: str) -> Login | None:
        """Who the bearer of *header* is."""
        found = self.access.get(header.removeprefix("Bearer ").removeprefix("OAuth "))
        return found if found is not None and found.expires_at > time.monotonic() else None

    def revoke_all(self) -> None:
        """The user takes the permission back."""
        self.access.clear()
        self.refreshes.clear()

    async def validate(self, request: web.Request) -> web.Response:
        """GET /oauth2/validate."""
        if self.fail_next:
            return refusal(self.fail_next.pop(0), "planned")
        login = self.valid(request.headers.get("Authorization", ""))
        if login is None:
            return refusal(401, "invalid access token")
        body = {"client_id": "client", "login": login.login, "user_id": login.user_id, "scopes": login.scopes,
                "expires_in": int(login.expires_at - time.monotonic())}  # fmt: skip
        return web.json_response(body)

    async def token(self, request: web.Request) -> web.StreamResponse:
        """POST /oauth2/token: a refresh, or the end of the device code flow."""
        query = {**request.query, **(await request.post())}
        if self.in_circles:
            raise web.HTTPTemporaryRedirect(request.path_qs)
        if self.token_answers:
            return self.token_answers.pop(0)
        if query.get("grant_type") == "refresh_token":
            user_id = self.refreshes.pop(str(query.get("refresh_token")), None)
            if user_id is None:
                return refusal(400, "Invalid refresh token")
            self.refreshed += 1
            pair = self.issue(user_id, "bot")
            await asyncio.sleep(self.token_after)
            return web.json_response(pair)
        self.device_polls += 1
        if not self.device_confirmed:
            return refusal(400, "authorization_pending")
        return web.json_response(self.issue("500", "bot"))

    async def device(self, request: web.Request) -> web.Response:
        """POST /oauth2/device."""
        body = {"device_code": "device", "user_code": "ABCDEFGH", "expires_in": 1800, "interval": 0,
                "verification_uri": "https://www.twitch.tv/activate?device-code=ABCDEFGH"}  # fmt: skip
        return web.json_response(body)


def refusal(status: int, message: str) -> web.Response:
    """An error as Twitch words it."""
    return web.json_response({"status": status, "message": message, "error": "planned"}, status=status)
