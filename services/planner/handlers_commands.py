"""Words to the board. Each is answered exactly once."""

from __future__ import annotations

from collections.abc import Callable

from contracts.board import BOARD_VERBS, Plate
from contracts.commands import BadCommand, Command
from contracts.events import EventKind
from contracts.moves import MoveState
from contracts.plan import ControlWord
from services.planner import moderation, queue
from services.planner.game import Move
from services.planner.handlers_planning import begin_board
from services.planner.turn import Turn

_BY = "board command"


class Refused(Exception):
    """The command is not obeyed; the text says why."""


def commanded(turn: Turn, command: Command | BadCommand) -> None:
    """Obey and say ``done``, or say ``refused`` and why."""
    if isinstance(command, BadCommand):
        turn.say(EventKind.REFUSED, str(command), command=command.word, id=command.command_id)
        return
    handler = _HANDLERS[command.command]
    try:
        done = handler(turn, command.arguments)
    except Refused as refused:
        turn.say(EventKind.REFUSED, str(refused), command=command.command, id=command.id)
    else:
        turn.say(EventKind.DONE, done, command=command.command, id=command.id)


def obey(turn: Turn, word: str, arguments: tuple[str, ...]) -> str:
    """A command from chat: what became of it, in words."""
    verb = BOARD_VERBS[word]
    if not verb.least <= len(arguments) <= verb.most:
        return f"usage: {verb.usage}"
    try:
        return _HANDLERS[word](turn, arguments)
    except Refused as refused:
        return str(refused)


def _accept(turn: Turn, arguments: tuple[str, ...]) -> str:
    word = arguments[0].lower()
    if word not in ("on", "off"):
        raise Refused("usage: accept on|off")
    turn.header(accepting=word == "on")
    if word == "on":
        turn.header(refusals=0, refusal=None)
        for move in [m for m in turn.game.moves.values() if m.stale]:
            turn.change(move, stale=0)
    return "moves are accepted" if word == "on" else "moves are refused; those that wait stay"


def _skip(turn: Turn, _: tuple[str, ...]) -> str:
    planned = [m for m in _planned(turn) if m.revoked is None]
    move = next(iter(planned), None) or next(iter(queue.first(turn.game, 1)), None)
    if move is None:
        raise Refused("no move waits")
    return _out(turn, move, "skipped by a command")


def _undo(turn: Turn, arguments: tuple[str, ...]) -> str:
    if arguments:
        return _out(turn, _waiting_move(turn, arguments[0]), "undone by a command")
    waiting = [m for m in turn.game.moves.values() if m.waits and m.revoked is None]
    if not waiting:
        raise Refused("no move waits")
    return _out(turn, max(waiting, key=lambda m: (m.board, m.number)), "undone by a command")


def _clear(turn: Turn, _: tuple[str, ...]) -> str:
    moves = [*_planned(turn), *queue.waiting(turn.game)]
    for move in moves:
        turn.take_out(move, "cleared by a command")
    return f"{len(moves)} moves are taken out; one that has just begun is still drawn"


def _new_board(turn: Turn, _: tuple[str, ...]) -> str:
    uncertain = turn.game.uncertain()
    if uncertain:
        raise Refused(f"{uncertain[0].id} is uncertain: settle it with `resolve` first")
    _bridge_takes(turn)
    close_board(turn)
    outstanding = turn.game.outstanding()
    if outstanding:
        return f"board {turn.game.header.board} ends as soon as the printer is done with {outstanding[0].id}"
    return f"board {turn.game.header.board} is archived: clear the plate, then say `confirm_empty`"


def close_board(turn: Turn) -> None:
    """The board ends with what has begun; what has not is taken back, and is planned for the next one."""
    turn.header(closing=True)
    for move in turn.game.outstanding():
        if move.state is MoveState.PLANNED:
            turn.recall(move, "the board ends")


def _confirm_empty(turn: Turn, _: tuple[str, ...]) -> str:
    header = turn.game.header
    if header.epoch is None:
        raise Refused(
            "the printer's bridge has not been heard yet: start octo_bridge, look at the plate and say it again"
        )
    outstanding = turn.game.outstanding()
    begun = any(move.state is not MoveState.PLANNED for move in outstanding)
    if outstanding and not begun and not turn.game.uncertain() and header.plate is not Plate.KNOWN:
        # They wait for this very word at a bridge that knows the plate no better, and were planned for what lay there.
        for move in outstanding:
            turn.recall(move, "the plate is looked at again")
        raise Refused("lines that were planned before are taken back first: say it again in a moment")
    if outstanding or turn.game.uncertain():
        raise Refused("a move is under way: wait for it, or settle it with `resolve`, and look at the plate again")
    if turn.game.lines and header.plate is Plate.KNOWN:
        raise Refused(f"{len(turn.game.lines)} lines are on board {header.board}: say `new_board` first")
    _bridge_takes(turn)
    if turn.game.lines or turn.game.plastic.peak:
        begin_board(turn)
    turn.header(plate=Plate.KNOWN)
    turn.control(ControlWord.CONFIRM_EMPTY, _BY)
    return f"board {turn.game.header.board} is empty"


def _resolve(turn: Turn, arguments: tuple[str, ...]) -> str:
    way = arguments[0].lower()
    if way not in ("drawn", "redraw", "skip"):
        raise Refused("usage: resolve drawn|redraw|skip [MOVE]")
    uncertain = turn.game.uncertain()
    if not uncertain:
        raise Refused("no move is uncertain")
    move = next((m for m in uncertain if m.id == arguments[1]), None) if len(arguments) > 1 else uncertain[0]
    if move is None:
        raise Refused(f"that move is not uncertain; uncertain: {', '.join(m.id for m in uncertain)}")
    if way == "drawn":
        turn.end(move, MoveState.DRAWN, "said to be drawn by a person")
    elif way == "skip":
        turn.end(move, MoveState.SKIPPED, "uncertain, skipped by a person")
    else:
        turn.plan_again(move, stale=0, reason="drawn again by a person's word")
    return f"{move.id}: {way}"


def _ban(turn: Turn, arguments: tuple[str, ...]) -> str:
    try:
        turn.game = turn.game.with_bans(moderation.banned(turn.game, arguments[0]))
    except ValueError as error:
        raise Refused(str(error)) from error
    for move in [m for m in turn.game.moves.values() if m.waits and moderation.ban_of(turn.game, m.user) is not None]:
        turn.take_out(move, "its user was banned")
    return "banned"


def _unban(turn: Turn, arguments: tuple[str, ...]) -> str:
    try:
        turn.game = turn.game.with_bans(moderation.unbanned(turn.game, arguments[0]))
    except ValueError as error:
        raise Refused(str(error)) from error
    return "unbanned"


def _set(turn: Turn, arguments: tuple[str, ...]) -> str:
    key, value = arguments
    try:
        turn.rules.changed(key, value)
    except ValueError as error:
        raise Refused(str(error)) from error
    changes = dict(turn.game.header.changes) | {key: value}
    turn.header(changes=tuple(sorted(changes.items())))
    return f"{key} is {value}"


def _bridge_takes(turn: Turn) -> None:
    reason = turn.refuses_more()
    if reason is not None:
        raise Refused(reason)


def _out(turn: Turn, move: Move, reason: str) -> str:
    turn.take_out(move, reason)
    return f"{move.id} is taken back from the printer, unless it has begun" if move.outstanding else f"{move.id} is out"


def _planned(turn: Turn) -> list[Move]:
    planned = [m for m in turn.game.moves.values() if m.state is MoveState.PLANNED]
    return sorted(planned, key=lambda m: m.ordinal or 0)


def _waiting_move(turn: Turn, move_id: str) -> Move:
    move = turn.game.moves.get(move_id)
    if move is None:
        raise Refused("there is no such move that waits")
    if not move.waits:
        raise Refused(f"{move.id} is {move.state.value} already")
    return move


_HANDLERS: dict[str, Callable[[Turn, tuple[str, ...]], str]] = {
    "accept": _accept,
    "skip": _skip,
    "undo": _undo,
    "clear": _clear,
    "new_board": _new_board,
    "confirm_empty": _confirm_empty,
    "resolve": _resolve,
    "ban": _ban,
    "unban": _unban,
    "set": _set,
}
