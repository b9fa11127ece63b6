"""What chat says: moves, and moderators taking users or messages out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from contracts.chat import ChatCleared, ChatGap, ChatMessage, MessageDeleted, UserCleared
from contracts.events import EventKind
from services.planner import grammar, handlers_words, queue
from services.planner.effects import Seen
from services.planner.game import Move, User
from services.planner.handlers_requests import accept, admission, refuse
from services.planner.inputs import ChatHeard
from services.planner.requests import Request
from services.planner.turn import Turn


def heard(turn: Turn, event: ChatHeard) -> None:
    """Take one body of the chat link."""
    match event.body:
        case ChatMessage() as message:
            if not event.seen:
                _message(turn, message)
        case UserCleared() as user:
            _take_out(turn, lambda m: m.user.key == (user.source, user.user_id), "its user was timed out in chat")
        case MessageDeleted() as deleted:
            _take_out(
                turn,
                lambda m: m.user.source == deleted.source and m.message_id == deleted.message_id,
                "the message that asked for it was deleted",
            )
        case ChatCleared() as cleared:
            _take_out(
                turn, lambda m: (m.user.source, m.channel) == (cleared.source, cleared.channel), "the chat was cleared"
            )
        case ChatGap() as gap:
            missed = "an unknown number of" if gap.missed is None else str(gap.missed)
            turn.say(EventKind.GAP, f"{missed} chat messages were not heard: {gap.reason}")


def _message(turn: Turn, message: ChatMessage) -> None:
    meant = grammar.parse(
        message.text, turn.setup.geometry, prefix_only=turn.rules.prefix_only, words=turn.setup.settings.chat_words
    )
    user = User(message.source, message.user.id, message.user.name or "?")
    if isinstance(meant, grammar.Silence):
        return
    if isinstance(meant, grammar.Word):
        _word(turn, message, user, meant)
        return
    turn.do(Seen(message.source, message.message_id))
    if isinstance(meant, grammar.Refusal):
        _refuse(turn, message, Request(user=user), meant.reason)
        return
    asked = Request(meant.start, meant.end, user=user)
    reason = _too_old(turn, message) or admission(turn, user, bypass=handlers_words.is_moderator(message))
    if reason is not None:
        _refuse(turn, message, asked, reason)
        return
    move = accept(turn, meant.start, meant.end, user, channel=message.channel, message_id=message.message_id)
    if turn.rules.reply_accepted:
        turn.reply_to(move, f"{move.start} to {move.end} is number {queue.position(turn.game, move)} in the queue")


def _word(turn: Turn, message: ChatMessage, user: User, said: grammar.Word) -> None:
    word = handlers_words.knows(turn, said.word)
    if word is None:
        return
    turn.do(Seen(message.source, message.message_id))
    text = _too_old(turn, message) or handlers_words.answer(turn, message, user, word, said)
    turn.reply(text, message.source, message.channel, message.message_id, user.id)


def _too_old(turn: Turn, message: ChatMessage) -> str | None:
    age = turn.now.wall - message.received_at
    limit = timedelta(seconds=turn.setup.settings.chat_too_old)
    return "the message came too late: please ask again" if age > limit else None


def _refuse(turn: Turn, message: ChatMessage, request: Request, reason: str) -> None:
    refuse(turn, request, reason)
    turn.reply(reason, message.source, message.channel, message.message_id, message.user.id)


def _take_out(turn: Turn, which: Callable[[Move], bool], reason: str) -> None:
    for move in [m for m in turn.game.moves.values() if m.waits and which(m)]:
        turn.take_out(move, reason)
