"""The taking ends of the planner's two incoming links: from link to actor, within the link's transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contracts.chat import ChatMessage
from services.chassis.actor import Actor
from services.chassis.store import Unit
from services.planner.effects import Effect
from services.planner.game import Game
from services.planner.inputs import (
    Chat,
    ChatHeard,
    ChatMissed,
    Input,
    Outcome,
    OutcomeHeard,
    OutcomesMissed,
    OutcomeUnreadable,
)
from services.planner.persistence import Rows


class ChatReader:
    """Takes chat. What is missing of it is said and goes on missing."""

    def __init__(self, actor: Actor[Game, Input, Effect], rows: Rows, untaken: Callable[[], int]) -> None:
        self._actor = actor
        self._rows = rows
        self._untaken = untaken

    def take(self, unit: Unit, body: Chat) -> None:
        """One body, with whether it was answered before."""
        seen = isinstance(body, ChatMessage) and self._rows.seen(body.source, body.message_id)
        self._actor.feed_within(unit, ChatHeard(body, seen, self._untaken()))

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        """It is shown as a dead letter too."""
        self._actor.feed_within(unit, ChatMissed(f"something from chat could not be understood: {reason}"))

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        """chat_ingest no longer has them."""
        self._actor.feed_within(unit, ChatMissed(f"{last - first + 1} chat messages are lost for good"))

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        """chat_ingest, or this planner, began anew."""
        self._actor.feed_within(unit, ChatMissed("chat_ingest or this planner lost its data; chat may be missing"))


class OutcomeReader:
    """Takes outcomes. Whatever is missing of them leaves runs in doubt."""

    def __init__(self, actor: Actor[Game, Input, Effect]) -> None:
        self._actor = actor

    def take(self, unit: Unit, body: Outcome) -> None:
        """One outcome."""
        self._actor.feed_within(unit, OutcomeHeard(body))

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        """It is shown as a dead letter too."""
        self._actor.feed_within(unit, OutcomeUnreadable(body, reason))

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        """The bridge no longer has them."""
        self._actor.feed_within(unit, OutcomesMissed(f"{last - first + 1} outcomes are lost for good"))

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        """The bridge began anew; where this planner did, it has no runs that could be in doubt."""
        self._actor.feed_within(unit, OutcomesMissed("the printer's bridge lost its data, or was restored"))
