"""Twitch's id server: whose a token is, and a new one for one that lapses.

Every request to it carries secrets in its address, and twitchio and aiohttp quote addresses in what they raise. What is
raised here quotes none, wherever it is shown in the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import twitchio
from twitchio.authentication import OAuth
from twitchio.authentication.payloads import RefreshTokenPayload, ValidateTokenPayload
from twitchio.http import Route

from services.chat_ingest.sources.twitch.tokens import Token

REFUSED = (400, 401, 403)
"""What the id server answers to a refresh token that is no good any more."""
RENEWAL_MAY_FOLLOW = 2.0
"""Seconds that a renewal under way still has when this is closed."""


class IdServer(OAuth):
    """Raises HTTPException for what the id server answers, ConnectionError where there is no answer.

    *renewed* is told of every new token before anybody else is, *refused* of a token that cannot be renewed.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str | None,
        scopes: twitchio.Scopes | None = None,
        renewed: Callable[[Token], None] | None = None,
        refused: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(client_id=client_id, client_secret=client_secret, scopes=scopes)
        self._renewed = renewed
        self._refused = refused
        self._renewal: tuple[str, asyncio.Task[RefreshTokenPayload]] | None = None

    async def request_json(self, route: Route) -> Any:
        """What is answered to *route*, an object."""
        failure: Exception
        try:
            answer = await super().request_json(route)
        except twitchio.HTTPException as error:
            failure = _refusal(error.status, error.extra)
        except (aiohttp.ClientError, OSError) as error:
            failure = ConnectionError(f"{type(error).__name__} {error}".partition("?")[0])
        except ValueError:
            failure = _refusal(500, "no JSON")
        else:
            if isinstance(answer, dict):
                return answer
            failure = _refusal(500, "no JSON object")
        raise failure  # out here, where the one that quotes the address is no longer its context

    async def validate_token(self, token: str, /) -> ValidateTokenPayload:
        """Whose *token* is, and for how long."""
        try:
            return await super().validate_token(token)
        except KeyError as error:
            raise _refusal(500, f"no {error} in the answer") from error

    async def refresh_token(self, refresh_token: str, /) -> RefreshTokenPayload:
        """A new token for *refresh_token*, which is void then.

        Asked for twice it is renewed once: the second request would only be refused. Nobody who stops waiting stops it
        either, because the answer is the only copy of the new token. One that was refused is not asked for again.
        """
        known = self._renewal
        if known is None or known[0] != refresh_token or _has_no_answer(known[1]):
            self._renewal = known = (refresh_token, asyncio.create_task(self._renew(refresh_token)))
        return await asyncio.shield(known[1])

    async def close(self) -> None:
        """Leave, with the answer to a renewal under way if it comes soon."""
        if self._renewal is not None and not self._renewal[1].done():
            await asyncio.wait({self._renewal[1]}, timeout=RENEWAL_MAY_FOLLOW)
            self._renewal[1].cancel()
        await super().close()

    async def _renew(self, refresh_token: str) -> RefreshTokenPayload:
        try:
            new = await super().refresh_token(refresh_token)
        except KeyError as error:
            raise _refusal(500, f"no {error} in the answer") from error
        except twitchio.HTTPException as error:
            if error.status in REFUSED and self._refused is not None:
                self._refused()
            raise
        if self._renewed is not None:
            self._renewed(Token(new.access_token, new.refresh_token))
        return new


def _has_no_answer(task: asyncio.Task[Any]) -> bool:
    if not task.done() or task.cancelled():
        return task.cancelled()
    error = task.exception()
    return error is not None and getattr(error, "status", None) not in REFUSED


def _refusal(status: int, extra: Any) -> twitchio.HTTPException:
    message = extra.get("message") if isinstance(extra, dict) else extra
    text = message if isinstance(message, str) else ""
    return twitchio.HTTPException(f"Twitch's id server answers {status}: {text[:200]}", status=status, extra=text[:200])
