"""From EventSub's events, as Twitch documents them, to what the other services know. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.chat import ChatCleared, ChatMessage, ChatUser, MessageDeleted, Role, UserCleared
from services.chat_ingest.sources.port import Said

SOURCE = "twitch"
TEXT_LONGEST = 2000

MESSAGE = "channel.chat.message"
MESSAGE_DELETED = "channel.chat.message_delete"
USER_CLEARED = "channel.chat.clear_user_messages"
CHAT_CLEARED = "channel.chat.clear"
REDEMPTION = "channel.channel_points_custom_reward_redemption.add"
ONLINE = "stream.online"
OFFLINE = "stream.offline"

_ROLES = {
    "broadcaster": Role.BROADCASTER,
    "moderator": Role.MODERATOR,
    "lead_moderator": Role.MODERATOR,
    "vip": Role.VIP,
    "subscriber": Role.SUBSCRIBER,
    "founder": Role.SUBSCRIBER,
}


@dataclass(frozen=True)
class Place:
    """The channel that is listened to and the account that listens."""

    channel: str
    channel_id: str
    bot_id: str
    reward: str | None = None
    """Title of the reward whose redemption counts as a message."""


def said(place: Place, kind: str, event: Mapping[str, Any], now: datetime) -> Said | None:
    """What *event* of subscription type *kind* says; None for what is not for us.

    Raises KeyError or ValidationError for an event that is not as documented.
    """
    if kind == MESSAGE:
        return _message(place, event, now)
    if kind == REDEMPTION:
        return _redemption(place, event, now)
    if kind == USER_CLEARED:
        return UserCleared(source=SOURCE, channel=place.channel, user_id=event["target_user_id"], received_at=now)
    if kind == MESSAGE_DELETED:
        return MessageDeleted(
            source=SOURCE, channel=place.channel, message_id=event["message_id"], user_id=event["target_user_id"],
            received_at=now,
        )  # fmt: skip
    return ChatCleared(source=SOURCE, channel=place.channel, received_at=now) if kind == CHAT_CLEARED else None


def _message(place: Place, event: Mapping[str, Any], now: datetime) -> ChatMessage | None:
    if event.get("source_broadcaster_user_id") not in (None, place.channel_id):
        return None  # a shared chat: said in somebody else's channel, where nobody knows our board
    if place.reward is not None and event.get("channel_points_custom_reward_id"):
        return None  # the text of a redemption, which comes by itself and says for which reward it is
    return ChatMessage(
        source=SOURCE,
        channel=place.channel,
        message_id=event["message_id"],
        user=ChatUser(
            id=event["chatter_user_id"],
            name=_clean(event["chatter_user_name"] or event["chatter_user_login"]),
            roles=roles(event.get("badges") or ()),
        ),
        text=_clean(event["message"]["text"])[:TEXT_LONGEST],
        received_at=now,
    )


def _redemption(place: Place, event: Mapping[str, Any], now: datetime) -> ChatMessage | None:
    if place.reward is None or event["reward"]["title"].casefold() != place.reward.casefold():
        return None
    return ChatMessage(
        source=SOURCE,
        channel=place.channel,
        message_id=event["id"],
        # Twitch tells no badges with a redemption; the points are what entitles to it.
        user=ChatUser(id=event["user_id"], name=_clean(event["user_name"] or event["user_login"])),
        text=_clean(event["user_input"])[:TEXT_LONGEST],
        received_at=now,
    )


def roles(badges: Any) -> tuple[Role, ...]:
    """The roles that *badges* show, each once, in the order of the badges."""
    found = (_ROLES.get(badge.get("set_id", "")) for badge in badges)
    return tuple(dict.fromkeys(role for role in found if role is not None))


def _clean(text: str) -> str:
    """Half a surrogate pair can stand in JSON and in no payload of ours."""
    return text.encode("utf-8", "replace").decode()
