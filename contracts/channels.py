"""The one table of topics: address, payload, kind, retained or not, who publishes and who reads.

No other file of the project holds a topic string. An address is relative to ``<root>/v1/``; a part in braces is a
parameter, filled by :meth:`Channel.topic` or widened to ``+`` by :meth:`Channel.filter`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from contracts import board, chat, commands, events, links, moves, plan, presence, printers

VERSION = "v1"
DEFAULT_ROOT = "boardcast"
JSON = "application/json"
_ROOT = re.compile(r"[a-z0-9_-]+(/[a-z0-9_-]+)*")
_NAME = re.compile(r"[a-z0-9_-]+")


class Kind(StrEnum):
    """What a reader may expect of a channel."""

    REQUEST = "request"  # asks for a move; text or JSON; a retained one is ignored
    COMMAND = "command"  # one word; text or JSON; answered once on the event channel beside it
    EVENT = "event"  # happened once; not retained
    STATE = "state"  # retained, the newest says all
    PRESENCE = "presence"  # retained plain text, by will
    LINK = "link"  # sender's frames of a durable link
    RECEIPT = "receipt"  # consumer's frames of a durable link
    DEAD_LETTER = "dead_letter"


class Party(StrEnum):
    """Who may be at an end of a channel. One credential each."""

    CHAT_INGEST = "chat_ingest"
    PLANNER = "planner"
    OCTO_BRIDGE = "octo_bridge"
    REX_BRIDGE = "rex_bridge"
    NOTIFIER = "notifier"
    OPERATOR = "operator"  # Home Assistant and the MQTT command line
    VIEWER = "viewer"  # read-only


SERVICES = (Party.CHAT_INGEST, Party.PLANNER, Party.OCTO_BRIDGE, Party.REX_BRIDGE, Party.NOTIFIER)
_EVERYONE = (Party.OPERATOR, Party.VIEWER)


@dataclass(frozen=True)
class Channel:
    """One row of the table. *payload* is a model, a union of models, or an enum that is sent as plain text."""

    name: str
    address: str
    payload: Any
    kind: Kind
    publishers: tuple[Party, ...]
    readers: tuple[Party, ...]
    meaning: str
    body: Any = None  # links only: what `data.body` holds
    text: str | None = None  # the plain text form, where there is one
    verbs: commands.Verbs | None = None
    content_type: str = JSON  # of anything else the payload is the schema of how JSON would show it

    @property
    def retained(self) -> bool:
        """Whether the broker keeps the newest payload for whoever subscribes later."""
        return self.kind in (Kind.STATE, Kind.PRESENCE)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parts of the address that are to be filled."""
        return tuple(re.findall(r"{(\w+)}", self.address))

    def topic(self, root: str = DEFAULT_ROOT, **parameters: str) -> str:
        """The exact topic below *root*. Raises ValueError for a root or parameter outside [a-z0-9_-]."""
        check_root(root)
        for name, value in parameters.items():
            if not _NAME.fullmatch(value):
                raise ValueError(f"{name} '{value}' cannot stand in a topic: use a-z, 0-9, '_' and '-'")
        return f"{root}/{VERSION}/{self.address.format(**parameters)}"

    def filter(self, root: str = DEFAULT_ROOT) -> str:
        """The subscription that covers every value of the parameters."""
        check_root(root)
        return f"{root}/{VERSION}/{re.sub(r'{[^}]*}', '+', self.address)}"


@dataclass(frozen=True)
class DurableLink:
    """The two channels of a durable link. Each end keeps its half in its store under *name*."""

    name: str
    frames: Channel
    receipts: Channel

    def addresses(self, root: str) -> tuple[str, str, str]:
        """Name, topic of the sender's frames and topic of the consumer's, below *root*."""
        return self.name, self.frames.topic(root), self.receipts.topic(root)


def check_root(root: str) -> str:
    """*root* if it can stand before the version in a topic on every supported broker; ValueError otherwise."""
    if not _ROOT.fullmatch(root):
        raise ValueError(f"topic root '{root}' is not allowed: use a-z, 0-9, '_', '-' and '/' between parts")
    return root


MOVE_REQUEST = Channel(
    "move_request", "move/request", moves.MoveRequest, Kind.REQUEST, (Party.OPERATOR,), (Party.PLANNER,),
    "Ask for a move.", text="a1 h8",
)  # fmt: skip
MOVE_STATUS = Channel(
    "move_status", "move/status", moves.MoveStatus, Kind.EVENT, (Party.PLANNER,), _EVERYONE,
    "Each step of each move; a request is accepted only when this says so.",
)  # fmt: skip
BOARD_STATE = Channel(
    "board_state", "board/state", board.BoardState, Kind.STATE, (Party.PLANNER,), (*_EVERYONE, Party.NOTIFIER),
    "The board in at most 4 KB.",
)  # fmt: skip
BOARD_DRAWING = Channel(
    "board_drawing", "board/drawing", board.BoardDrawing, Kind.STATE, (Party.PLANNER,), _EVERYONE,
    "The lines that are drawn.",
)  # fmt: skip
BOARD_IMAGE = Channel(
    "board_image", "board/image", board.BoardImage, Kind.STATE, (Party.PLANNER,), _EVERYONE,
    "The board as a picture, at most every two seconds.", content_type="image/png",
)  # fmt: skip
BOARD_COMMAND = Channel(
    "board_command", "board/command", commands.Command, Kind.COMMAND, (Party.OPERATOR,), (Party.PLANNER,),
    "Steer the board.", text="accept off", verbs=board.BOARD_VERBS,
)  # fmt: skip
BOARD_EVENT = Channel(
    "board_event", "board/event", events.Event, Kind.EVENT, (Party.PLANNER,), (*_EVERYONE, Party.NOTIFIER),
    "What happened on the board, and the one answer to every board command.",
)  # fmt: skip
ENDER_COMMAND = Channel(
    "ender_command", "printer/ender/command", commands.Command, Kind.COMMAND, (Party.OPERATOR,), (Party.OCTO_BRIDGE,),
    "Steer the Ender.", text="arm 2", verbs=printers.ENDER_VERBS,
)  # fmt: skip
ENDER_EVENT = Channel(
    "ender_event", "printer/ender/event", events.Event, Kind.EVENT, (Party.OCTO_BRIDGE,), (*_EVERYONE, Party.NOTIFIER),
    "What happened at the Ender, and the one answer to every command to it.",
)  # fmt: skip
ENDER_STATE = Channel(
    "ender_state", "printer/ender/state", printers.EnderState, Kind.STATE, (Party.OCTO_BRIDGE,),
    (*_EVERYONE, Party.NOTIFIER), "The Ender, at most twice a second.",
)  # fmt: skip
ENDER_AVAILABILITY = Channel(
    "ender_availability", "printer/ender/availability", presence.Availability, Kind.PRESENCE, (Party.OCTO_BRIDGE,),
    (*_EVERYONE, Party.NOTIFIER), "Whether the Ender can be reached through OctoPrint.",
)  # fmt: skip
REX_COMMAND = Channel(
    "rex_command", "printer/{printer}/command", commands.Command, Kind.COMMAND, (Party.OPERATOR,), (Party.REX_BRIDGE,),
    "Steer a REX.", text="pause", verbs=printers.REX_VERBS,
)  # fmt: skip
REX_EVENT = Channel(
    "rex_event", "printer/{printer}/event", printers.RexEvent, Kind.EVENT, (Party.REX_BRIDGE,),
    (*_EVERYONE, Party.NOTIFIER), "What happened at a REX, and the one answer to every command to it.",
)  # fmt: skip
REX_STATE = Channel(
    "rex_state", "printer/{printer}/state", printers.RexState, Kind.STATE, (Party.REX_BRIDGE,),
    (*_EVERYONE, Party.NOTIFIER), "A REX as it was last seen.",
)  # fmt: skip
REX_AVAILABILITY = Channel(
    "rex_availability", "printer/{printer}/availability", presence.Availability, Kind.PRESENCE, (Party.REX_BRIDGE,),
    (*_EVERYONE, Party.NOTIFIER), "Whether a REX can be reached.",
)  # fmt: skip
SERVICE_AVAILABILITY = Channel(
    "service_availability", "service/{service}/availability", presence.Availability, Kind.PRESENCE, SERVICES,
    (*_EVERYONE, Party.NOTIFIER), "Whether a service runs; `offline` is its will.",
)  # fmt: skip
CHAT_STATE = Channel(
    "chat_state", "chat/state", chat.ChatState, Kind.STATE, (Party.CHAT_INGEST,), (*_EVERYONE, Party.NOTIFIER),
    "Whether chat is heard.",
)  # fmt: skip
CHAT_MESSAGE = Channel(
    "chat_message", "chat/message", chat.ChatLine, Kind.EVENT, (Party.OPERATOR,), (Party.CHAT_INGEST,),
    "What another bot heard in its chat; taken where BOARDCAST_CHAT_SOURCE is mqtt.",
)  # fmt: skip
CHAT_REPLY = Channel(
    "chat_reply", "chat/reply", chat.ChatReply, Kind.EVENT, (Party.PLANNER,), (Party.CHAT_INGEST, Party.OPERATOR),
    "An answer to be posted in chat.",
)  # fmt: skip
LINK_CHAT = Channel(
    "link_chat", "link/chat", links.SenderFrame, Kind.LINK, (Party.CHAT_INGEST,), (Party.PLANNER,),
    "What was said in chat, durably.", body=chat.ChatBody,
)  # fmt: skip
LINK_CHAT_RECEIPT = Channel(
    "link_chat_receipt", "link/chat/receipt", links.ConsumerFrame, Kind.RECEIPT, (Party.PLANNER,), (Party.CHAT_INGEST,),
    "How far link/chat was taken.",
)  # fmt: skip
LINK_PLAN = Channel(
    "link_plan", "link/plan", links.SenderFrame, Kind.LINK, (Party.PLANNER,), (Party.OCTO_BRIDGE,),
    "What is to be drawn, revoked, steered, durably.", body=plan.PlanBody,
)  # fmt: skip
LINK_PLAN_RECEIPT = Channel(
    "link_plan_receipt", "link/plan/receipt", links.ConsumerFrame, Kind.RECEIPT, (Party.OCTO_BRIDGE,), (Party.PLANNER,),
    "How far link/plan was taken.",
)  # fmt: skip
LINK_OUTCOME = Channel(
    "link_outcome", "link/outcome", links.SenderFrame, Kind.LINK, (Party.OCTO_BRIDGE,), (Party.PLANNER,),
    "What became of it, durably.", body=plan.OutcomeBody,
)  # fmt: skip
LINK_OUTCOME_RECEIPT = Channel(
    "link_outcome_receipt", "link/outcome/receipt", links.ConsumerFrame, Kind.RECEIPT, (Party.PLANNER,),
    (Party.OCTO_BRIDGE,), "How far link/outcome was taken.",
)  # fmt: skip
DEAD_LETTER = Channel(
    "dead_letter", "dead_letter/{service}", presence.DeadLetter, Kind.DEAD_LETTER, SERVICES, (Party.OPERATOR,),
    "What could not be understood on a link.",
)  # fmt: skip

CHAT_LINK = DurableLink("chat", LINK_CHAT, LINK_CHAT_RECEIPT)
PLAN_LINK = DurableLink("plan", LINK_PLAN, LINK_PLAN_RECEIPT)
OUTCOME_LINK = DurableLink("outcome", LINK_OUTCOME, LINK_OUTCOME_RECEIPT)

CHANNELS: tuple[Channel, ...] = (
    MOVE_REQUEST, MOVE_STATUS, BOARD_STATE, BOARD_DRAWING, BOARD_IMAGE, BOARD_COMMAND, BOARD_EVENT,
    ENDER_COMMAND, ENDER_EVENT, ENDER_STATE, ENDER_AVAILABILITY,
    REX_COMMAND, REX_EVENT, REX_STATE, REX_AVAILABILITY,
    SERVICE_AVAILABILITY, CHAT_STATE, CHAT_MESSAGE, CHAT_REPLY,
    LINK_CHAT, LINK_CHAT_RECEIPT, LINK_PLAN, LINK_PLAN_RECEIPT, LINK_OUTCOME, LINK_OUTCOME_RECEIPT,
    DEAD_LETTER,
)  # fmt: skip
BY_NAME = {channel.name: channel for channel in CHANNELS}
