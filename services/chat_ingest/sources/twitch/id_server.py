"""Twitch's id server: whose a token is, and a new one for one that lapses.

Every request to it carries secrets in its address, and twitchio and aiohttp quote addresses in what they raise. What is
raised here quotes none, wherever it is shown in the end.
"""

from __future__ import annotations

from typing import Any

import aiohttp
import twitchio
from twitchio.authentication import OAuth
from twitchio.authentication.payloads import RefreshTokenPayload, ValidateTokenPayload
from twitchio.http import Route


class IdServer(OAuth):
    """Raises HTTPException for what the id server answers, ConnectionError where there is no answer."""

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
        """A new token for *refresh_token*, which is void then."""
        try:
            return await super().refresh_token(refresh_token)
        except KeyError as error:
            raise _refusal(500, f"no {error} in the answer") from error


def _refusal(status: int, extra: Any) -> twitchio.HTTPException:
    message = extra.get("message") if isinstance(extra, dict) else extra
    text = message if isinstance(message, str) else ""
    return twitchio.HTTPException(f"Twitch's id server answers {status}: {text[:200]}", status=status, extra=text[:200])
