"""What the ends of runs mean for the plastic on the plate.

A plan may be there from the moment that the bridge has it; it is there for certain only when it was drawn, and it is
certainly not there when the bridge gave it back.
"""

from __future__ import annotations

from dataclasses import replace

from services.planner.effects import KeepPlan, Laid
from services.planner.game import Game, Move


def planned(game: Game, move: Move) -> tuple[Game, KeepPlan]:
    """The bridge is given *move*; the game holds it already."""
    return replace(game, ahead=game.ahead.may_reach(move.strokes)), KeepPlan(move, game.header.board, Laid.MAYBE)


def began(game: Game, move: Move) -> Game:
    """The run of *move* is over, and nobody knows how much of it lies there."""
    return game.with_plastic(game.plastic.may_reach(move.strokes))


def drawn(game: Game, move: Move) -> tuple[Game, KeepPlan]:
    """*move* lies there, in the heights since its run was over."""
    plastic = game.plastic.may_reach(move.strokes).surely_drawn(move.strokes)
    return game.with_plastic(plastic), KeepPlan(move, game.header.board, Laid.SURELY)


def given_back(game: Game, move: Move) -> tuple[Game, KeepPlan]:
    """Nothing of *move* was drawn; the game holds it without its run."""
    return game.with_plastic(game.plastic), KeepPlan(move, game.header.board, Laid.NOT)
