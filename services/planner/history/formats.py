"""A board as JSON, with everything that is known of it, and as G-code that would draw it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from services.planner.history.archive import PastBoard, PastMove
from services.planner.plastic import gcode
from services.planner.plastic.profile import Profile
from services.planner.plastic.strokes import Path, pack


def as_json(board: PastBoard) -> str:
    """Every move with who, when, from, to, drawn share and end; lengths in mm, points as [x, y, z]."""
    return json.dumps({"board": board.number, "moves": [_move(move) for move in board.moves]}, indent=1) + "\n"


def _move(move: PastMove) -> dict[str, Any]:
    return {
        "move_id": move.id,
        "ordinal": move.ordinal,
        "state": move.state,
        "from": move.start,
        "to": move.end,
        "user": {"source": move.source, "id": move.user_id, "name": move.user_name},
        "share": move.share,
        "reason": move.reason,
        "accepted_at": move.accepted_at,
        "changed_at": move.changed_at,
        "plastic": [{"laid": laying.laid.value, "strokes": pack(laying.strokes)} for laying in move.layings],
    }


def as_gcode(board: PastBoard, profile: Profile) -> str:
    """The lines of every move that was drawn, one after another. Nothing heats or homes: that is not the planner's."""
    return "\n".join(_gcode(board, profile)) + "\n"


def _gcode(board: PastBoard, profile: Profile) -> Iterator[str]:
    yield f"; board {board.number}; heat, home and retract {profile.retract:g} mm before, it neither heats nor homes"
    top = 0.0
    for move in board.drawn():
        yield f"; {move.id}: {move.start} to {move.end}"
        # The way there is not kept. Above everything so far is safe wherever it leads.
        arrive = top + profile.travel_margin
        top = max(top, *(point.z for stroke in move.strokes for point in stroke.points))
        strokes = tuple(replace(stroke, arrive_z=max(arrive, top + profile.hop_margin)) for stroke in move.strokes)
        yield from gcode.write(Path(strokes, move.share or 1.0, top + profile.travel_margin), profile)
