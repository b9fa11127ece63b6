"""Requests from MQTT, and what every request has in common wherever it comes from."""

from __future__ import annotations

from contracts.moves import MoveState, MoveStatus
from services.planner import cooldown, moderation, queue
from services.planner.effects import Tell
from services.planner.game import Move, User
from services.planner.inputs import Requested
from services.planner.requests import Request
from services.planner.turn import Turn


def requested(turn: Turn, event: Requested) -> None:
    """Take a request in, say why not, or answer again what it has become."""
    request = event.request
    if event.earlier is not None and request.refusal is None:
        turn.tell(turn.game.moves.get(event.earlier.id, event.earlier))
        return
    if request.refusal is not None or request.start is None or request.end is None:
        refuse(turn, request, request.refusal or "not understood")
        return
    reason = admission(turn, request.user)
    if reason is not None:
        refuse(turn, request, reason)
        return
    accept(turn, request.start, request.end, request.user, request_id=request.request_id)


def admission(turn: Turn, user: User, *, bypass: bool = False) -> str | None:
    """Why *user* may not have another move now, None when it may. Moderators *bypass* caps and cool-downs of one."""
    ban = moderation.ban_of(turn.game, user)
    if ban is not None:
        turn.game = turn.game.with_bans(moderation.learnt(turn.game, user, ban))
        return "you may not draw here"
    reason = queue.refusal(turn.game, turn.rules, user, bypass=bypass)
    return reason if reason is not None or bypass else cooldown.refusal(turn.game, turn.rules, user, turn.now.mono)


def accept(
    turn: Turn,
    start: str,
    end: str,
    user: User,
    *,
    request_id: str | None = None,
    channel: str | None = None,
    message_id: str | None = None,
) -> Move:
    """Promise a move: from here on it ends in exactly one way."""
    header = turn.game.header
    move = Move(
        board=header.board,
        number=header.next_number,
        start=start,
        end=end,
        user=user,
        request_id=request_id,
        channel=channel,
        message_id=message_id,
        round=queue.round_for(turn.game, user),
    )
    turn.header(next_number=header.next_number + 1)
    turn.game = cooldown.remember(turn.game, turn.rules, user, turn.now.mono)
    turn.accept(move)
    return move


def refuse(turn: Turn, request: Request, reason: str) -> None:
    """Nothing is promised, and that is said."""
    turn.header(refused=turn.game.header.refused + 1)
    turn.do(
        Tell(
            MoveStatus(
                move_id=None,
                request_id=request.request_id,
                state=MoveState.REFUSED,
                from_square=request.start,
                to_square=request.end,
                user=request.user.ref(),
                reason=reason[:500],
                time=turn.now.wall,
            )
        )
    )
