"""Who is next, and who may wait at all.

Fair over users: a move belongs to a round, and a user has one move in each. Rounds are drawn in their order, within a
round whoever asked first is first, so that nobody's second move comes before another's first.
"""

from __future__ import annotations

import heapq
from dataclasses import replace

from contracts.moves import MoveState
from services.planner.game import Game, Move, User
from services.planner.rules import Rules


def order(move: Move) -> tuple[int, int, int]:
    """What waiting moves are sorted by."""
    return move.round, move.board, move.number


def waiting(game: Game) -> list[Move]:
    """Moves that have no ordinal yet, the next one first."""
    return sorted((m for m in game.moves.values() if m.state is MoveState.ACCEPTED), key=order)


def first(game: Game, count: int) -> list[Move]:
    """The next *count* of them."""
    return heapq.nsmallest(count, (m for m in game.moves.values() if m.state is MoveState.ACCEPTED), key=order)


def position(game: Game, move: Move) -> int | None:
    """Place of *move* among those that wait, 1 is next; None when it does not wait."""
    if move.state is not MoveState.ACCEPTED:
        return None
    mine = order(move)
    return 1 + sum(1 for m in game.moves.values() if m.state is MoveState.ACCEPTED and order(m) < mine)


def round_for(game: Game, user: User) -> int:
    """The round that a new move of *user* belongs to: behind the user's others, and never in one that is over."""
    present = _present_round(game)
    had = present if user.key in game.served else 0
    theirs = max((m.round for m in game.moves.values() if m.user.key == user.key), default=0)
    return max(present, had + 1, theirs + 1)


def begun(game: Game, move: Move) -> Game:
    """*move* gets its ordinal: its round is the one that is being drawn."""
    if move.round <= game.header.round:
        return game
    return replace(game, header=replace(game.header, round=move.round), served=frozenset())


def ended(game: Game, move: Move) -> Game:
    """*move* has ended; who was drawn for has had the one move of this round, unless it was taken back."""
    had = move.ordinal is not None and move.state is not MoveState.SKIPPED and move.round == game.header.round
    return replace(game, served=game.served | {move.user.key}) if had else game


def _present_round(game: Game) -> int:
    """The round that is being drawn: that of the last move that got its ordinal, or of the first that waits."""
    return game.header.round or min((m.round for m in game.moves.values()), default=1)


def refusal(game: Game, rules: Rules, user: User, *, bypass: bool = False) -> str | None:
    """Why no further move of *user* may wait, None when it may."""
    if not game.header.accepting:
        return "no moves are accepted right now"
    if game.disk_low:
        return "no moves are accepted: the planner's disk is nearly full"
    waits = [m for m in game.moves.values() if m.waits]
    if len(waits) >= rules.waiting_total:
        return f"the queue is full: {len(waits)} moves wait"
    mine = sum(1 for m in waits if m.user.key == user.key)
    most = rules.waiting_operator if user.is_operator else rules.waiting_per_user
    if mine >= most and not bypass:
        return f"{mine} of your moves wait already: ask again when one is drawn"
    return None
