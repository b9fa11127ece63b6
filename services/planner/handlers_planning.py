"""One move ahead of the printer: which run the bridge gets next."""

from __future__ import annotations

from contracts.board import Plate
from contracts.events import EventKind
from contracts.moves import MoveState
from contracts.plan import ControlWord, Run
from services.planner import queue
from services.planner.effects import Send
from services.planner.game import OUTSTANDING, Game, Move, held_reason
from services.planner.plastic import gcode, path
from services.planner.turn import Turn

_TRUSTED_STALE = 2


def plan_ahead(turn: Turn) -> None:
    """Plan until two runs are with the bridge, or until there is a reason not to."""
    if turn.game.header.closing and not turn.game.outstanding() and not turn.game.uncertain():
        begin_board(turn)
        turn.control(ControlWord.PLATE_UNKNOWN, "new board")
    while not turn.game.header.closing and held_reason(turn.game) is None:
        move = _next(turn.game)
        if move is None:
            return
        _plan(turn, move)


def begin_board(turn: Turn) -> None:
    """The board before is history; what waits goes on to the new one, which a person has to confirm to be empty."""
    header = turn.game.header
    turn.header(board=header.board + 1, closing=False, plate=Plate.UNKNOWN, drawn=0, failed=0, cancelled=0, skipped=0)
    turn.game = turn.game.with_empty_board()
    turn.say(EventKind.BOARD_NEW, f"board {header.board + 1} begins")


def _next(game: Game) -> Move | None:
    """The move to be planned now, None when it has to wait.

    Never one before another with a smaller ordinal: as long as a run with a greater ordinal, or of an older machine
    epoch, is still with the bridge, it will come back stale, and until then nothing else is planned.
    """
    outstanding = game.outstanding()
    if len(outstanding) >= OUTSTANDING or any(move.epoch != game.header.epoch for move in outstanding):
        return None
    again = [m for m in game.moves.values() if m.state is MoveState.PLANNED and m.job is None]
    if again:
        move = min(again, key=lambda m: m.ordinal or 0)
        return None if any((m.ordinal or 0) > (move.ordinal or 0) for m in outstanding) else move
    return next(iter(queue.first(game, 1)), None)


def _plan(turn: Turn, move: Move) -> None:
    header = turn.game.header
    if move.ordinal is None:
        turn.header(next_ordinal=header.next_ordinal + 1)
    ordinal = move.ordinal or header.next_ordinal
    plan = move.plan + 1
    job = f"{header.instance}-{move.id}-{plan}"
    predecessor = _predecessor(turn.game, move)
    segment = turn.setup.geometry.segment(move.start, move.end)
    lines = gcode.write(path.plan_line(segment, turn.setup.profile), turn.setup.profile)
    planned = turn.change(move, MoveState.PLANNED, ordinal=ordinal, plan=plan, job=job, epoch=header.epoch)
    turn.do(
        Send(
            Run(
                planner=header.instance,
                job_id=job,
                move_id=planned.id,
                ordinal=ordinal,
                board=header.board,
                epoch=header.epoch or 0,
                predecessor=predecessor,
                gcode=lines,
            )
        )
    )


def _predecessor(game: Game, move: Move) -> str | None:
    """The run that must be drawn before: the one that is with the bridge, or the last one drawn in this epoch."""
    outstanding = game.outstanding()
    if outstanding:
        return outstanding[-1].job
    if move.stale >= _TRUSTED_STALE:
        return None  # the two ends remember different predecessors; with nothing else under way none is needed
    return game.header.drawn_job if game.header.drawn_job_epoch == game.header.epoch else None
