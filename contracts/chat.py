"""Chat, whatever platform it came from: the bodies of link/chat, replies, and the state of the connection."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from contracts.base import OpenEnum, Order, Payload
from contracts.text import DisplayText, Reason


class Role(OpenEnum):
    """What a chat platform says a user is in this channel."""

    BROADCASTER = "broadcaster"
    MODERATOR = "moderator"
    VIP = "vip"
    SUBSCRIBER = "subscriber"
    UNKNOWN = "unknown"


class ChatUser(Payload):
    """A chatter. The id is stable on its platform; the name is only for showing."""

    id: str = Field(min_length=1, max_length=100)
    name: DisplayText
    roles: tuple[Role, ...] = ()


class ChatMessage(Payload):
    """Something a viewer wrote. The raw text lives here only and is never shown or quoted."""

    kind: Literal["message"] = "message"
    source: str = Field(min_length=1, max_length=40, description="Platform that the user id belongs to.")
    channel: str = Field(max_length=100)
    message_id: str = Field(min_length=1, max_length=100)
    user: ChatUser
    text: str = Field(max_length=2000)
    received_at: AwareDatetime


class UserCleared(Payload):
    """A moderator banned or timed out a user: everything of that user that waits is to go."""

    kind: Literal["user_cleared"] = "user_cleared"
    source: str
    channel: str
    user_id: str
    received_at: AwareDatetime


class MessageDeleted(Payload):
    """A moderator deleted one message: the move it asked for is to go, if it waits."""

    kind: Literal["message_deleted"] = "message_deleted"
    source: str
    channel: str
    message_id: str
    user_id: str | None = None
    received_at: AwareDatetime


class ChatCleared(Payload):
    """A moderator cleared the whole chat."""

    kind: Literal["chat_cleared"] = "chat_cleared"
    source: str
    channel: str
    received_at: AwareDatetime


class ChatGap(Payload):
    """Between these moments chat was not heard, or what was heard could not be kept."""

    kind: Literal["gap"] = "gap"
    source: str
    since: AwareDatetime
    until: AwareDatetime
    missed: int | None = Field(default=None, description="How many messages, where that is known.")
    reason: Reason


ChatBody = Annotated[
    ChatMessage | UserCleared | MessageDeleted | ChatCleared | ChatGap, Field(discriminator="kind", title="ChatBody")
]
CHAT_BODY: TypeAdapter[ChatMessage | UserCleared | MessageDeleted | ChatCleared | ChatGap] = TypeAdapter(ChatBody)


class ChatReply(Payload):
    """An answer to a viewer. It never quotes what a viewer wrote."""

    text: str = Field(min_length=1, max_length=500)
    source: str
    channel: str
    reply_to: str | None = Field(default=None, description="Id of the message that it answers.")
    user_id: str | None = None
    time: AwareDatetime


class ChatLine(Order):
    """A chat message from another bot, over MQTT. It conveys no roles, and its source is always `mqtt_chat`."""

    user_id: str = Field(min_length=1, max_length=100)
    user_name: str | None = Field(default=None, max_length=200, description="Shown instead of the id.")
    text: str = Field(max_length=2000)
    message_id: str | None = Field(
        default=None, min_length=1, max_length=100, description="Sent again, it is not taken again."
    )
    channel: str = Field(default="", max_length=100, description="Where it was said; replies name it.")


class ChatState(Payload):
    """Whether chat is heard right now; retained."""

    source: str = Field(description="The configured source: none, simulated, …")
    connected: bool
    since: AwareDatetime | None = Field(description="When the present state of `connected` began.")
    reason: Reason | None = Field(default=None, description="Why it is not connected, and what to do.")
    gaps: int = Field(default=0, ge=0, description="How many gaps since the service started.")
    received: int = Field(default=0, ge=0, description="Messages heard since the service started.")
    waiting: int = Field(default=0, ge=0, description="Messages stored and not yet taken by the planner.")
