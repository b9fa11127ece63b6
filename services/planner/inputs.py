"""What a step of the planner can be fed with. What only the database knows is looked up before and handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contracts.chat import ChatCleared, ChatGap, ChatMessage, MessageDeleted, UserCleared
from contracts.commands import BadCommand, Command
from contracts.plan import JobEnded, JobStarted, MachineNotice, PlanRefused, RevokeTooLate
from services.planner.game import Move
from services.planner.requests import Request

Chat = ChatMessage | UserCleared | MessageDeleted | ChatCleared | ChatGap
Outcome = JobStarted | JobEnded | RevokeTooLate | MachineNotice | PlanRefused


@dataclass(frozen=True, slots=True)
class Started:
    """The planner has started."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The database is a copy from earlier."""


@dataclass(frozen=True, slots=True)
class Requested:
    """A request from MQTT. *earlier* is the move that its request_id already stands for."""

    request: Request
    earlier: Move | None = None


@dataclass(frozen=True, slots=True)
class ChatHeard:
    """From the chat link. *seen* means that this message has been answered already.

    So many messages to the bridge are *untaken*: they have no receipt.
    """

    body: Chat
    seen: bool = False
    untaken: int = 0


@dataclass(frozen=True, slots=True)
class ChatMissed:
    """Something of the chat link can never be taken."""

    reason: str


@dataclass(frozen=True, slots=True)
class OutcomeHeard:
    """From the outcome link."""

    body: Outcome


@dataclass(frozen=True, slots=True)
class OutcomeUnreadable:
    """An outcome in its turn that could not be understood."""

    body: dict[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class OutcomesMissed:
    """Outcomes can never be taken."""

    reason: str


@dataclass(frozen=True, slots=True)
class Commanded:
    """A command to the board, or what could not be understood as one. *untaken* is as in ChatHeard."""

    command: Command | BadCommand
    untaken: int = 0


@dataclass(frozen=True, slots=True)
class DiskMeasured:
    """Free space on the disk with the planner's data, in bytes."""

    free: int


Input = (
    Started
    | Restored
    | Requested
    | ChatHeard
    | ChatMissed
    | OutcomeHeard
    | OutcomeUnreadable
    | OutcomesMissed
    | Commanded
    | DiskMeasured
)
