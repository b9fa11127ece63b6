"""The chat of an evening, made up from a seed: what two hundred viewers write, and what moderators do about them.

It has the shape of a recording, so that the `file` source can say it. What a platform would keep back is not in it:
whoever was banned is not heard again, and whoever was timed out not for ten minutes. Pure: a seed is an evening.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contracts.chat import ChatCleared, ChatMessage, ChatUser, MessageDeleted, Role, UserCleared
from services.chat_ingest.sources.port import Said
from services.chat_ingest.sources.viewers import CHATTER, FORMS, NONSENSE

CHANNEL = "ada_draws"
BEGAN = datetime(2026, 1, 2, 19, tzinfo=UTC)
LENGTH = timedelta(hours=4)
TIMED_OUT = timedelta(minutes=10)
VIEWERS, SPAMMERS = 200, 4
RECENT = 12
"""Moderators act on one of the last so many who asked for a move."""
MODERATOR = ChatUser(id="v0", name="Viewer0", roles=(Role.MODERATOR,))
SQUARES = [f"{file}{rank}" for file in "abcdefgh" for rank in range(1, 9)]


@dataclass
class Evening:
    """Everything that is said and done, and to whom."""

    said: list[Said] = field(default_factory=list)
    shut_out: dict[str, int] = field(default_factory=dict)
    """Users whom the moderators told the game to refuse, by the place of the order in *said*."""


def evening(seed: int, count: int) -> Evening:
    """*count* things said and done over four hours; the last one is that a moderator clears the chat."""
    return _Room(seed, count).evening()


def write(evening: Evening, path: Path) -> None:
    """As a recording, one JSON body a line."""
    path.write_bytes(b"".join(body.to_bytes() + b"\n" for body in evening.said))


class _Room:
    def __init__(self, seed: int, count: int) -> None:
        self._dice = random.Random(seed)
        self._count = count
        self._now = BEGAN
        self._evening = Evening()
        self._viewers = [ChatUser(id=f"v{n}", name=f"Viewer{n}") for n in range(1, VIEWERS + 1)]
        self._spammers = self._viewers[:SPAMMERS]
        self._silent: dict[str, datetime] = {}
        self._recent: deque[ChatMessage] = deque(maxlen=RECENT)

    def evening(self) -> Evening:
        while len(self._evening.said) < self._count - 1:
            self._now += LENGTH / self._count * self._dice.expovariate(1.0)
            self._next()
        self._add(ChatCleared(source="recorded", channel=CHANNEL, received_at=self._now))
        return self._evening

    def _next(self) -> None:
        kind = self._dice.random()
        if kind < 0.50:
            self._ask(self._anybody(self._viewers))
        elif kind < 0.62:
            self._ask(self._anybody(self._spammers), "e2 e4")
        elif kind < 0.85:
            self._say(self._anybody(self._viewers), self._dice.choice(CHATTER))
        elif kind < 0.93:
            self._say(self._anybody(self._viewers), self._dice.choice(NONSENSE))
        elif kind < 0.98:
            self._say(self._anybody(self._viewers), self._dice.choice(("!queue", "!undo", "!help", "!board")))
        elif self._recent:
            self._moderate(self._recent.pop())

    def _moderate(self, about: ChatMessage) -> None:
        user, kind = about.user, self._dice.random()
        if kind < 0.4:
            deleted = MessageDeleted(source="recorded", channel=CHANNEL, message_id=about.message_id, user_id=user.id,
                                     received_at=self._now)  # fmt: skip
            self._add(deleted)
        elif kind < 0.9:
            forever = kind < 0.55
            self._silent[user.id] = datetime.max.replace(tzinfo=UTC) if forever else self._now + TIMED_OUT
            self._add(UserCleared(source="recorded", channel=CHANNEL, user_id=user.id, received_at=self._now))
        else:
            self._evening.shut_out.setdefault(user.id, len(self._evening.said))
            self._say(MODERATOR, f"!ban @{user.name}")

    def _anybody(self, among: list[ChatUser]) -> ChatUser:
        """One of *among* whom the platform lets write; a new face where it lets none of them."""
        there = [user for user in among if self._silent.get(user.id, BEGAN) <= self._now]
        return self._dice.choice(there or self._viewers_left())

    def _viewers_left(self) -> list[ChatUser]:
        new = ChatUser(id=f"v{len(self._viewers) + 1}", name=f"Viewer{len(self._viewers) + 1}")
        self._viewers.append(new)
        return [new]

    def _ask(self, user: ChatUser, text: str | None = None) -> None:
        move = text or self._dice.choice(FORMS).format(*self._dice.sample(SQUARES, 2))
        self._recent.append(self._say(user, move))

    def _say(self, user: ChatUser, text: str) -> ChatMessage:
        message = ChatMessage(source="recorded", channel=CHANNEL, message_id=f"m{len(self._evening.said)}", user=user,
                              text=text, received_at=self._now)  # fmt: skip
        self._add(message)
        return message

    def _add(self, body: Said) -> None:
        self._evening.said.append(body)
