"""A database that was put back from a backup: what was accepted, drawn and laid since then is known to nobody."""

from __future__ import annotations

from contracts.board import Plate
from contracts.events import EventKind
from contracts.moves import MoveState
from contracts.plan import ControlWord
from services.planner import queue
from services.planner.handlers_outcomes import in_doubt
from services.planner.turn import Turn

AHEAD = 1000
"""More moves than are asked for between two backups: an id that people have seen must not come again for another."""
REASON = "the planner's data was restored from a backup"


def restored(turn: Turn) -> None:
    """Nothing is drawn that may have been drawn since, or over plastic that the stored heights do not know.

    Runs that were with the bridge are uncertain. What waited is skipped, with an ordinal or without: it would be drawn
    a second time. The bridge is told that the plate has to be looked at, and nothing is planned before it has answered.
    """
    in_doubt(turn, REASON)
    # Also what has an ordinal and no run just then: stale, given back, or to be drawn again by somebody's word.
    waiting = sorted((m for m in turn.game.moves.values() if m.waits and not m.outstanding), key=queue.order)
    for move in waiting:
        turn.end(move, MoveState.SKIPPED, f"{REASON}, and it may have been drawn since: ask again")
    header = turn.game.header
    turn.header(next_number=header.next_number + AHEAD, next_ordinal=header.next_ordinal + AHEAD)
    turn.header(plate=Plate.UNKNOWN, epoch=None)
    turn.control(ControlWord.PLATE_UNKNOWN, "planner restored")
    turn.say(
        EventKind.PROBLEM,
        f"{REASON}: what was asked for and drawn since then is not known here; {len(waiting)} moves that waited are "
        "skipped; look at the plate, then say `confirm_empty`",
    )
