"""What goes wrong at Twitch, by who can help; and what its answers mean for a person."""

from __future__ import annotations

from typing import Any

import twitchio


class NeedsPerson(RuntimeError):
    """Nothing helps but what the text says."""


class NotNow(RuntimeError):
    """It did not work; it may later."""


def explained(error: twitchio.HTTPException) -> Exception:
    """What an answer of Twitch's means for a person."""
    if error.status == 401:
        return NeedsPerson("the login at Twitch is not valid")
    if error.status == 403:
        return NeedsPerson("Twitch does not allow this account to read the channel's chat (a scope, or a ban)")
    if error.status == 400 and "session" in said(error):
        return NotNow("Twitch has given up the event socket while the chat was subscribed to")
    if error.status == 400:
        return NeedsPerson("Twitch does not accept the client id or a request; check BOARDCAST_TWITCH_CLIENT_ID")
    return NotNow(f"Twitch answers {error.status}")


def said(error: twitchio.HTTPException) -> str:
    """Twitch's own words in *error*."""
    extra: Any = error.extra
    return str(extra.get("message") or "") if isinstance(extra, dict) else ""
