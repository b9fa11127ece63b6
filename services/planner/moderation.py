"""Who may not draw. A ban names a user as people see it (``name``) or as it is (``source:id``)."""

from __future__ import annotations

import unicodedata

from services.planner.game import Game, User

MOST_BANS = 5000


def keys(user: User) -> frozenset[str]:
    """What a ban of *user* may be written as."""
    return frozenset({_fold(user.name), f"{user.source}:{user.id}"})


def key_of(written: str) -> str:
    """The ban that a moderator means with *written*: a name with or without @, or source:id."""
    return written if ":" in written else _fold(written.removeprefix("@"))


def is_banned(game: Game, user: User) -> bool:
    """Whether moves of *user* are refused."""
    return not game.banned.isdisjoint(keys(user))


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()
