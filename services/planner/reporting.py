"""What the planner shows: the status of a move, the state of the board, the lines on it."""

from __future__ import annotations

from collections import Counter

from contracts.board import BoardDrawing, BoardMove, BoardState, Counts
from contracts.moves import MoveState, MoveStatus
from services.chassis.clock import Now
from services.planner import queue
from services.planner.game import Game, Move, Setup, held_reason

STATE_BYTES = 4096
DRAWING_BYTES = 200_000
"""Below what any bus carries in one message."""
_SHOWN = 10
_REASON = 300


def status(move: Move, position: int | None, now: Now) -> MoveStatus:
    """Where *move* stands."""
    return MoveStatus(
        move_id=move.id,
        request_id=move.request_id,
        ordinal=move.ordinal,
        state=move.state,
        from_square=move.start,
        to_square=move.end,
        user=move.user.ref(),
        position=position,
        reason=move.reason,
        time=now.wall,
    )


def board_state(game: Game, setup: Setup) -> bytes:
    """The board in at most STATE_BYTES: as many of the waiting moves as there is room for."""
    held = held_reason(game)
    rules = setup.rules.with_changes(dict(game.header.changes))
    current = next((m for m in game.outstanding() if m.state is MoveState.PRINTING), None)
    state = BoardState(
        board=game.header.board,
        plate=game.header.plate,
        accepting=game.header.accepting and not game.disk_low,
        held=held is not None,
        held_reason=None if held is None else held[:_REASON],
        counts=_counts(game),
        cooldown_user=rules.cooldown_user,
        cooldown_all=rules.cooldown_all,
        current=None if current is None else _short(current),
        last=None if game.last is None else _short(game.last),
        waiting=tuple(_short(move) for move in queue.first(game, _SHOWN)),
    )
    payload = state.to_bytes()
    while len(payload) > STATE_BYTES and state.waiting:
        state = state.model_copy(update={"waiting": state.waiting[:-1]})
        payload = state.to_bytes()
    return payload


def board_drawing(game: Game, setup: Setup, now: Now) -> bytes:
    """The lines that are drawn on this board, the oldest left out and counted where a bus could not carry them all."""
    drawing = BoardDrawing(
        board=game.header.board,
        squares=setup.geometry.squares,
        bed_x=setup.profile.bed_x,
        bed_y=setup.profile.bed_y,
        lines=game.lines,
        time=now.wall,
    )
    payload = drawing.to_bytes()
    while len(payload) > DRAWING_BYTES:
        drop = max(1, len(drawing.lines) - len(drawing.lines) * DRAWING_BYTES // len(payload))
        drawing = drawing.model_copy(update={"lines": drawing.lines[drop:], "omitted": drawing.omitted + drop})
        payload = drawing.to_bytes()
    return payload


def _counts(game: Game) -> Counts:
    by_state = Counter(move.state for move in game.moves.values())
    header = game.header
    return Counts(
        waiting=by_state[MoveState.ACCEPTED],
        planned=by_state[MoveState.PLANNED],
        printing=by_state[MoveState.PRINTING],
        uncertain=by_state[MoveState.UNCERTAIN],
        drawn=header.drawn,
        failed=header.failed,
        cancelled=header.cancelled,
        skipped=header.skipped,
        refused=header.refused,
    )


def _short(move: Move) -> BoardMove:
    return BoardMove(
        move_id=move.id,
        ordinal=move.ordinal,
        state=move.state,
        from_square=move.start,
        to_square=move.end,
        user=move.user.ref(),
    )
