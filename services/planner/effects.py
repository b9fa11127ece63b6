"""What a step of the planner can ask of its rim."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contracts.chat import ChatReply
from contracts.events import Event
from contracts.moves import MoveStatus
from contracts.plan import Control, Revoke, Run
from services.planner.game import Move


@dataclass(frozen=True, slots=True)
class Keep:
    """Store *move* as it is now."""

    move: Move


class Laid(StrEnum):
    """What is known of the plastic of a plan."""

    MAYBE = "maybe"
    SURELY = "surely"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class KeepPlan:
    """Store what the present plan of *move* has put on *board*."""

    move: Move
    board: int
    laid: Laid


@dataclass(frozen=True, slots=True)
class Forget:
    """Boards before *board* are no longer kept."""

    board: int


@dataclass(frozen=True, slots=True)
class Seen:
    """Remember that this chat message was answered."""

    source: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Publish the state of a move, durably."""

    status: MoveStatus


@dataclass(frozen=True, slots=True)
class Say:
    """Publish an event of the board, durably."""

    event: Event


@dataclass(frozen=True, slots=True)
class Send:
    """Promise *body* to the bridge."""

    body: Run | Revoke | Control


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer in chat, if chat can be reached right now: an answer an hour later helps nobody."""

    reply: ChatReply


Effect = Keep | KeepPlan | Forget | Seen | Tell | Say | Send | Reply
