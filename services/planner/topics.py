"""The channels that the planner reads and writes, under one topic root."""

from __future__ import annotations

from dataclasses import dataclass

from contracts import channels
from services.chassis.link.sender import LinkTopics

NAME = "planner"


@dataclass(frozen=True)
class Topics:
    """Full topics below a root."""

    root: str

    def of(self, channel: channels.Channel) -> str:
        """The topic of a channel without parameters."""
        return channel.topic(self.root)

    @property
    def availability(self) -> str:
        """Where this service's presence is."""
        return channels.SERVICE_AVAILABILITY.topic(self.root, service=NAME)

    @property
    def dead_letters(self) -> str:
        """Where this service shows what it could not understand."""
        return channels.DEAD_LETTER.topic(self.root, service=NAME)

    @property
    def chat(self) -> LinkTopics:
        """The link that it takes chat from."""
        return LinkTopics(*channels.CHAT_LINK.addresses(self.root))

    @property
    def plan(self) -> LinkTopics:
        """The link that it gives plans to."""
        return LinkTopics(*channels.PLAN_LINK.addresses(self.root))

    @property
    def outcome(self) -> LinkTopics:
        """The link that it takes outcomes from."""
        return LinkTopics(*channels.OUTCOME_LINK.addresses(self.root))
