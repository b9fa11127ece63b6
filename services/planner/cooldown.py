"""Time between moves: of one viewer, and of all together. The operator has none."""

from __future__ import annotations

import math
from dataclasses import replace

from services.planner.game import Game, User
from services.planner.rules import Rules

_MOST = 5000
"""Viewers remembered; among more than these at once, the cool-down of the oldest is forgotten."""


def refusal(game: Game, rules: Rules, user: User, mono: float) -> str | None:
    """Why *user* has to wait, None when not."""
    if user.is_operator:
        return None
    mine = game.asked.get(user.key, -math.inf) + rules.cooldown_user - mono
    if mine > 0:
        return f"you can ask again in {math.ceil(mine)} s"
    anybodys = max(game.asked.values(), default=-math.inf) + rules.cooldown_all - mono if rules.cooldown_all else 0.0
    return f"somebody was faster: ask again in {math.ceil(anybodys)} s" if anybodys > 0 else None


def longest(rules: Rules) -> int:
    """Seconds after which nobody has to be remembered any more."""
    return max(rules.cooldown_user, rules.cooldown_all)


def remember(game: Game, rules: Rules, user: User, mono: float) -> Game:
    """*user* was given a move now."""
    if user.is_operator or not longest(rules):
        return game
    asked = {key: at for key, at in game.asked.items() if mono - at < longest(rules) and key != user.key}
    asked[user.key] = mono
    while len(asked) > _MOST:
        del asked[next(iter(asked))]
    return replace(game, asked=asked)
