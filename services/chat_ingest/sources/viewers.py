"""Viewers as a stream has them, made up from a seed: movers, talkers, one who writes nonsense and one who spams.

Pure: the same seed says the same lines in the same order at the same distances.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.chat import ChatUser, Role

_VIEWERS = 40
_FILES = "abcdefgh"
_RANKS = "12345678"
FORMS = ("{} {}", "{} {}", "{} {}", "{}{}", "{}-{}", "!draw {} {}", "from {} to {}", "{}→{}")
CHATTER = (
    "hello from the night shift", "what is this drawing going to be?", "lol", "nice line!", "Nf3 e5 is my opening",
    "first time here, how does this work?", "!help", "!queue", "gg", "is that PLA or PETG?", "beach1 of g8 fame",
)  # fmt: skip
NONSENSE = (
    "a1 a1", "z9 a1", "a11 h88", "!draw a1", "i9 j1", "a1 b2 c3", "😀😀😀", "\u202ea1 h8 hidden", "%s%n$(reboot)",
    "M112", "{\"command\":\"stop\"}", "a̷1̷ ̷h̷8̷", "x" * 400,
)  # fmt: skip
_SPAM = "e2 e4"


@dataclass(frozen=True)
class Line:
    """Something a made-up viewer writes, *after* so many mean distances since the line before."""

    after: float
    user: ChatUser
    text: str


def lines(seed: int) -> Iterator[Line]:
    """Lines without end. About half of them are moves, as in a busy game."""
    dice = random.Random(seed)
    spammer, *viewers = [_viewer(number) for number in range(1, _VIEWERS + 1)]
    while True:
        after = dice.expovariate(1.0)
        kind = dice.random()
        if kind < 0.5:
            yield Line(after, dice.choice(viewers), _move(dice))
        elif kind < 0.8:
            yield Line(after, dice.choice(viewers), dice.choice(CHATTER))
        elif kind < 0.9:
            yield Line(after, dice.choice(viewers), dice.choice(NONSENSE))
        else:
            yield Line(after, spammer, _SPAM)


def _viewer(number: int) -> ChatUser:
    roles = {2: (Role.MODERATOR,), 3: (Role.SUBSCRIBER,), 4: (Role.VIP,)}.get(number, ())
    return ChatUser(id=f"viewer-{number}", name=f"Viewer{number}", roles=roles)


def _move(dice: random.Random) -> str:
    start, end = dice.sample([file + rank for file in _FILES for rank in _RANKS], 2)
    return dice.choice(FORMS).format(start, end)
