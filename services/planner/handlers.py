"""The planner's pure core: (state, input, now) -> (state, effects)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from contracts.events import EventKind
from services.chassis.clock import Now
from services.planner import (
    handlers_chat,
    handlers_commands,
    handlers_outcomes,
    handlers_planning,
    handlers_requests,
    handlers_restored,
)
from services.planner.effects import Effect
from services.planner.game import Game, Setup, held_reason
from services.planner.inputs import (
    ChatHeard,
    ChatMissed,
    Commanded,
    DiskMeasured,
    Input,
    OutcomeHeard,
    OutcomesMissed,
    OutcomeUnreadable,
    Requested,
    Restored,
    Started,
)
from services.planner.turn import Turn


def step(setup: Setup, game: Game, event: Input, now: Now) -> tuple[Game, Sequence[Effect]]:
    """Take *event*, then plan whatever can be planned now."""
    turn = Turn(game, setup, now, event.untaken if isinstance(event, ChatHeard | Commanded) else 0)
    _take(turn, event)
    handlers_planning.plan_ahead(turn)
    _say_held(turn, held_reason(game))
    return turn.game, tuple(turn.effects)


def _take(turn: Turn, event: Input) -> None:
    match event:
        case Started():
            _started(turn)
        case Restored():
            handlers_restored.restored(turn)
        case Requested():
            handlers_requests.requested(turn, event)
        case ChatHeard():
            handlers_chat.heard(turn, event)
        case ChatMissed():
            turn.say(EventKind.GAP, event.reason)
        case OutcomeHeard():
            handlers_outcomes.heard(turn, event.body)
        case OutcomeUnreadable():
            handlers_outcomes.unreadable(turn, event)
        case OutcomesMissed():
            handlers_outcomes.missed(turn, event)
        case Commanded():
            handlers_commands.commanded(turn, event.command)
        case DiskMeasured():
            _measured(turn, event.free)


def _started(turn: Turn) -> None:
    header = turn.game.header
    if header.shape == turn.setup.shape:
        return
    turn.header(shape=turn.setup.shape)
    if header.next_ordinal > 1:
        # Nothing that is known of the old board's plastic holds on the new one.
        handlers_commands.close_board(turn)
        turn.say(EventKind.PROBLEM, f"machine or board were changed in the settings: board {header.board} ends")


def _measured(turn: Turn, free: int) -> None:
    least = turn.setup.settings.disk_least_mb
    low = free < least * 1_000_000
    if low and not turn.game.disk_low:
        turn.say(EventKind.PROBLEM, f"less than {least} MB of disk are free: no moves are accepted until there is more")
    elif turn.game.disk_low and not low:
        turn.say(EventKind.RECOVERED, "there is room on the disk again: moves are accepted")
    turn.game = replace(turn.game, disk_low=low)


def _say_held(turn: Turn, before: str | None) -> None:
    after = held_reason(turn.game)
    if after == before:
        return
    if after is None:
        turn.say(EventKind.RELEASED)
    else:
        turn.say(EventKind.HELD, after)
