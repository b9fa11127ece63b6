"""``!words`` in chat: what everybody may ask, and what moderators may order."""

from __future__ import annotations

from collections.abc import Callable

from contracts.chat import ChatMessage, Role
from contracts.moves import MoveState
from contracts.plan import ControlWord
from services.planner import handlers_commands, queue
from services.planner.game import User, held_reason
from services.planner.grammar import MODERATORS_WORDS, VIEWERS_WORDS, Word
from services.planner.turn import Turn

_MODERATORS = {Role.BROADCASTER, Role.MODERATOR}
_CONTROLS = {"pause": ControlWord.PAUSE, "resume": ControlWord.RESUME, "stop": ControlWord.STOP}
_SAFER = {ControlWord.PAUSE, ControlWord.STOP}
"""Whatever waits for the bridge, these are added to it."""
_MOST_WORDS = 2


def is_moderator(message: ChatMessage) -> bool:
    """Whether the platform says that the writer may moderate."""
    return not _MODERATORS.isdisjoint(message.user.roles)


def knows(turn: Turn, word: str) -> str | None:
    """The word of ours that *word* is or stands for, None when it is some other bot's."""
    ours = turn.setup.settings.chat_words.get(word, word)
    return ours if ours in VIEWERS_WORDS or ours in MODERATORS_WORDS else None


def answer(turn: Turn, message: ChatMessage, user: User, word: str, said: Word) -> str:
    """Do what *word* says; the reply, which quotes nothing of *said*."""
    if word in _VIEWERS:
        return _VIEWERS[word](turn, user)
    if not is_moderator(message):
        return "only moderators can do that"
    if word in _CONTROLS:
        return _control(turn, _CONTROLS[word], user.name, message.message_id)
    return handlers_commands.obey(turn, word, tuple(said.rest.split()[:_MOST_WORDS]))


def _control(turn: Turn, word: ControlWord, by: str, message_id: str) -> str:
    reason = None if word in _SAFER else turn.refuses_more()
    if reason is not None:
        return reason
    turn.control(word, by, message_id)
    return f"{word.value}: the printer is told"


def _queue(turn: Turn, user: User) -> str:
    waiting = queue.waiting(turn.game)
    mine = [str(place) for place, move in enumerate(waiting, 1) if move.user.key == user.key]
    return f"{len(waiting)} moves wait" + (f", yours are number {', '.join(mine)}" if mine else "")


def _undo(turn: Turn, user: User) -> str:
    mine = [m for m in turn.game.moves.values() if m.user.key == user.key and m.waits and m.revoked is None]
    if not mine:
        return "none of your moves waits"
    move = max(mine, key=lambda m: (m.board, m.number))
    turn.take_out(move, "taken back by its user")
    return f"{move.start} to {move.end} is taken back" + (", unless it has begun" if move.outstanding else "")


def _help(turn: Turn, _: User) -> str:
    example = f"a1 {turn.setup.geometry.last}"
    return f"write two squares, such as {example}, to draw a line; !queue, !undo, !board say and do more"


def _board(turn: Turn, _: User) -> str:
    header = turn.game.header
    printing = next((m for m in turn.game.moves.values() if m.state is MoveState.PRINTING), None)
    parts = [f"board {header.board} has {len(turn.game.lines)} lines"]
    if printing is not None:
        parts.append(f"{printing.start} to {printing.end} is being drawn")
    if header.closing and not turn.game.uncertain():
        parts.append("the board ends as soon as the printer is done")
    elif held_reason(turn.game) is not None:
        parts.append("the printer waits for somebody to look after it")
    return "; ".join(parts)


_VIEWERS: dict[str, Callable[[Turn, User], str]] = {"queue": _queue, "undo": _undo, "help": _help, "board": _board}
