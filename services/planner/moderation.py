"""Who may not draw. A ban names a user as people see it (``name``) or as it is (``source:id``).

A name can be changed, so a ban that names one also holds for every id that is known to go by it. Those ids remember
the ban that they belong to, and are free again together with it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from services.planner.game import Game, User

MOST_BANS = 5000
"""That moderators spoke."""
MOST_IDS = 5000
"""That are known to belong to them, which strangers make more of: those must not use up the moderators' bans."""

Bans = Mapping[str, str]
"""What is banned, each with the ban that a moderator spoke."""


def banned(game: Game, written: str) -> Bans:
    """The bans with *written* among them. Raises ValueError when there are too many."""
    ban = key_of(written)
    bans = {**game.bans, ban: ban}
    if sum(1 for key, of in bans.items() if key == of) > MOST_BANS:
        raise ValueError(f"{MOST_BANS} users are banned, which is the most: unban some")
    for source, user_id in sorted(_known_as(game, ban)):
        bans.setdefault(_id_key(source, user_id), ban)
    return _bounded(bans)


def unbanned(game: Game, written: str) -> Bans:
    """The bans without *written*. Raises ValueError when nothing is banned by it."""
    key = key_of(written)
    ban = game.bans.get(key)
    if ban is None:
        raise ValueError("nobody is banned under that name")
    # An id that came in by a name can be freed by itself; a name frees all that came in by it.
    gone = {key} if key != ban else {one for one, of in game.bans.items() if of == ban}
    return {one: of for one, of in game.bans.items() if one not in gone}


def ban_of(game: Game, user: User) -> str | None:
    """The ban that *user* is under, None when moves of *user* are taken."""
    return next((game.bans[key] for key in _keys(user) if key in game.bans), None)


def learnt(game: Game, user: User, ban: str) -> Bans:
    """The bans, with who *user* is: under another name it is still the same."""
    key = _id_key(user.source, user.id)
    return game.bans if key in game.bans else _bounded({**game.bans, key: ban})


def key_of(written: str) -> str:
    """What a moderator means with *written*: a name with or without @, or source:id."""
    return written if ":" in written else _fold(written.removeprefix("@"))


def _bounded(bans: Bans) -> Bans:
    """*bans* with at most MOST_IDS ids. The ban that has the most forgets its oldest, so that no other one does."""
    ids: dict[str, list[str]] = {}
    for key, ban in bans.items():
        if key != ban:
            ids.setdefault(ban, []).append(key)
    surplus = sum(len(keys) for keys in ids.values()) - MOST_IDS
    gone = {max(ids.values(), key=len).pop(0) for _ in range(surplus)}
    return {key: ban for key, ban in bans.items() if key not in gone} if gone else bans


def _keys(user: User) -> tuple[str, ...]:
    key = _id_key(user.source, user.id)
    # The operator's name is nobody's choice, and anybody in chat may be called so too.
    return (key,) if user.is_operator else (key, _fold(user.name))


def _known_as(game: Game, name: str) -> set[tuple[str, str]]:
    """Identities that asked for a move under *name* on this board."""
    asked = {move.user for move in game.moves.values()}
    return {user.key for user in asked | game.drew if not user.is_operator and _fold(user.name) == name}


def _id_key(source: str, user_id: str) -> str:
    return f"{source}:{user_id}"


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()
