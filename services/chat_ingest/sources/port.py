"""The seam between a chat and the service: nothing else of the service knows where messages come from.

A source lives on the event loop. It hands over what it hears without awaiting, in the order of the chat, and the
service stores it; two messages must never overtake each other in a source's own tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.chat import ChatCleared, ChatMessage, ChatReply, MessageDeleted, UserCleared

Said = ChatMessage | UserCleared | MessageDeleted | ChatCleared
"""What a source can hear; gaps are the service's to tell."""


class Ear(Protocol):
    """The service, as a source sees it. No call blocks or raises."""

    def heard(self, body: Said) -> None:
        """Something was said; it is stored within 20 ms."""

    def connected(self) -> None:
        """From now on everything is heard. Said again while connected it changes nothing."""

    def deaf(self, reason: str, since: datetime | None = None, *, missed: bool = True) -> None:
        """Nothing is heard, *since* then or from now on; *reason* says why, and what a person can do.

        *missed* false: nothing is missed by that, because nothing is wanted at present.
        """


@dataclass(frozen=True)
class Posted:
    """What became of a reply. *retry_after*: not sent yet, may be tried again after so many seconds."""

    sent: bool
    reason: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True)
class Pace:
    """How much a chat takes: *messages* within *window* seconds, *spacing* seconds apart, of *longest* characters.

    The same text again within *same_after* seconds would be dropped by it.
    """

    messages: int
    window: float
    spacing: float
    longest: int
    same_after: float


UNHURRIED = Pace(messages=1_000_000, window=1.0, spacing=0.0, longest=500, same_after=0.0)
"""Of a chat that takes everything."""


class Source(Protocol):
    """One chat."""

    @property
    def name(self) -> str:
        """The platform that user ids belong to, as it stands in every body."""
        ...

    @property
    def misses(self) -> bool:
        """Whether this chat goes on while nobody listens, so that a time without connection is a gap."""
        ...

    @property
    def pace(self) -> Pace:
        """What may be posted at present."""
        ...

    async def run(self, ear: Ear) -> None:
        """Listen until cancelled. Returns only when this chat has ended for good; may raise what it cannot repair,
        and is then run again after a while."""

    async def post(self, reply: ChatReply) -> Posted:
        """Post *reply* in the chat. Raises nothing for what a chat can do wrong."""
        ...
