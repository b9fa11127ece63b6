"""One move ahead of the printer: which run the bridge gets next."""

from __future__ import annotations

import math
from dataclasses import replace

from contracts.board import Plate
from contracts.events import EventKind
from contracts.moves import MoveState
from contracts.plan import ControlWord, Run
from services.planner import laying, queue
from services.planner.effects import Forget, Send
from services.planner.game import OUTSTANDING, Game, Move, held_reason
from services.planner.plastic import gcode
from services.planner.plastic.heightmap import HeightMap
from services.planner.plastic.path import plan_line
from services.planner.plastic.purge import plan_purge
from services.planner.plastic.strokes import Path, Stroke
from services.planner.turn import Turn

FULL_AMONG = 20
"""Moves that say whether the board is full."""
_TRUSTED_STALE = 2


def plan_ahead(turn: Turn) -> None:
    """Plan until two runs are with the bridge, or until there is a reason not to."""
    if turn.game.header.closing and not turn.game.outstanding() and not turn.game.uncertain():
        begin_board(turn)
        turn.control(ControlWord.PLATE_UNKNOWN, "new board")
        # The bridge answers with a new epoch. A plate that is confirmed before would be made unknown by that answer.
        turn.header(epoch=None)
    while not turn.game.header.closing and held_reason(turn.game) is None:
        move = _next(turn.game)
        if move is None:
            break
        _plan(turn, move)
    _park_on_a_full_board(turn)


def begin_board(turn: Turn) -> None:
    """The board before is history; what waits goes on to the new one, which a person has to confirm to be empty."""
    header = turn.game.header
    turn.header(board=header.board + 1, closing=False, plate=Plate.UNKNOWN, drawn=0, failed=0, cancelled=0, skipped=0)
    turn.header(full_lines=0, parked=False)
    bare = HeightMap.empty(turn.setup.profile)
    turn.game = replace(turn.game, lines=(), drew=frozenset(), plastic=bare, ahead=bare)
    turn.say(EventKind.BOARD_NEW, f"board {header.board + 1} begins")
    kept = turn.setup.settings.boards_kept
    if kept:
        turn.do(Forget(header.board + 1 - kept))


def _next(game: Game) -> Move | None:
    """The move to be planned now, None when it has to wait.

    Never one before another with a smaller ordinal, and nothing as long as a run is with the bridge that will come
    back stale: it is to be drawn first, and lies on the plate perhaps and in a height that it will not have.
    """
    outstanding = game.outstanding()
    if len(outstanding) >= OUTSTANDING or game.will_come_back():
        return None
    again = [m for m in game.moves.values() if m.state is MoveState.PLANNED and m.job is None]
    if again:
        move = min(again, key=_place)
        return None if any(_place(m) > _place(move) for m in outstanding) else move
    return next(iter(queue.first(game, 1)), None)


def _place(move: Move) -> float:
    """Of a planned move in the order of drawing: last, where a later one was drawn while it was in doubt."""
    return move.ordinal or math.inf


def _plan(turn: Turn, move: Move) -> None:
    if not turn.setup.geometry.has(move.start, move.end):
        turn.end(
            move, MoveState.SKIPPED, f"off the board, which was changed: it goes to {turn.setup.geometry.last} now"
        )
        return
    header = turn.game.header
    ordinal = move.ordinal or header.next_ordinal
    plan = move.plan + 1
    job = f"{header.instance}-{move.id}-{plan}-{turn.setup.process}"
    predecessor = _predecessor(turn.game, move)
    profile = turn.setup.profile
    way = _way(turn, move, predecessor)
    if way is None:
        return
    dry = turn.setup.settings.dry_run
    if move.ordinal is None:
        turn.header(next_ordinal=header.next_ordinal + 1)
        turn.game = queue.begun(turn.game, move)
    turn.header(full_lines=0)
    planned = turn.change(
        move,
        MoveState.PLANNED,
        ordinal=ordinal,
        plan=plan,
        job=job,
        epoch=header.epoch,
        after=predecessor,
        strokes=() if dry else way.strokes,
        share=None if dry else way.share,
    )
    turn.game, keep = laying.planned(turn.game, planned)
    turn.do(keep)
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
                gcode=gcode.rehearse(way, profile) if dry else gcode.write(way, profile),
                dry=dry,
            )
        )
    )


def _way(turn: Turn, move: Move, predecessor: str | None) -> Path | None:
    """The way of *move*, behind a purge where the nozzle needs one; None when it cannot be, which is told."""
    profile, geometry, ahead = turn.setup.profile, turn.setup.geometry, turn.game.ahead
    purge: tuple[Stroke, ...] = ()
    if profile.purge and (predecessor is None or _was_idle(turn)):
        path = plan_purge(ahead, geometry, profile)
        if path is None:
            board_is_full(turn)  # the move waits for the next one
            return None
        purge = path.strokes
        ahead = ahead.may_reach(purge)
    way = plan_line(ahead, geometry.segment(move.start, move.end), profile)
    if way is None:
        _line_is_full(turn, move)
        return None
    return replace(way, strokes=(*purge, *way.strokes))


def _was_idle(turn: Turn) -> bool:
    """Whether the nozzle may have oozed, or stood by colder, since the last move."""
    idle = turn.now.mono - turn.game.moved_at >= turn.setup.profile.purge_after
    return idle and not turn.game.outstanding()


def _line_is_full(turn: Turn, move: Move) -> None:
    """Hardly anything of it could be drawn. A whole series of such moves says that hardly anything can be."""
    turn.header(full_lines=turn.game.header.full_lines + 1)
    turn.end(move, MoveState.SKIPPED, "that line is full: there is too much plastic on its way")
    if turn.game.header.full_lines >= FULL_AMONG:
        board_is_full(turn)


def board_is_full(turn: Turn) -> None:
    """Nothing more is planned on this board; what waits goes on to the next one."""
    header = turn.game.header
    turn.header(plate=Plate.FULL)
    turn.say(EventKind.BOARD_FULL, f"board {header.board} has {len(turn.game.lines)} lines and is full")


def _park_on_a_full_board(turn: Turn) -> None:
    """Once, when what was planned ahead is drawn too: the person who takes the plate off finds the nozzle aside."""
    header = turn.game.header
    if header.plate is Plate.FULL and not header.parked and not turn.game.outstanding():
        turn.header(parked=True)
        turn.control(ControlWord.PARK, "full board")


def _predecessor(game: Game, move: Move) -> str | None:
    """The run that must be drawn before: the one that is with the bridge, or the last one drawn in this epoch."""
    outstanding = game.outstanding()
    if outstanding:
        return outstanding[-1].job
    if move.stale >= _TRUSTED_STALE:
        return None  # the two ends remember different predecessors; with nothing else under way none is needed
    return game.header.drawn_job if game.header.drawn_job_epoch == game.header.epoch else None
