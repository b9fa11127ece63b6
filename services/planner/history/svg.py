"""A board as SVG, true to scale: one millimetre of the plate is one unit and one millimetre on paper.

Only what was really drawn, each line as wide as its bead, gaps left open, later lines above earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from contracts.text import display_text
from services.planner.history.archive import PastBoard, PastMove
from services.planner.history.colours import css
from services.planner.history.frame import Frame
from services.planner.plastic.geometry import BoardGeometry
from services.planner.plastic.strokes import Stroke


def write(board: PastBoard, geometry: BoardGeometry, width: float) -> str:
    """The whole file; *width* of a bead in mm."""
    return "\n".join(_lines(board, geometry, width)) + "\n"


def _lines(board: PastBoard, geometry: BoardGeometry, width: float) -> Iterator[str]:
    drawn = board.drawn()
    frame = Frame.around(geometry, (stroke for move in drawn for stroke in move.strokes), width)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{frame.width:g}mm" height="{frame.height:g}mm" '
        f'viewBox="0 0 {frame.width:g} {frame.height:g}">'
    )
    yield f"<title>Board {board.number}</title>"
    users = len({(move.source, move.user_id) for move in drawn})
    yield f"<desc>{len(drawn)} lines by {users} people, in the order in which they were drawn.</desc>"
    yield f'<g fill="none" stroke-width="{width:g}" stroke-linecap="round" stroke-linejoin="round">'
    for place, move in enumerate(drawn):
        yield from _move(move, css(place, len(drawn)), frame)
    yield "</g>"
    yield "</svg>"


def _move(move: PastMove, colour: str, frame: Frame) -> Iterator[str]:
    who = display_text(move.user_name)
    share = 1.0 if move.share is None else move.share
    data = {"move": move.id, "order": str(move.ordinal), "from": move.start, "to": move.end, "user": who}
    attributes = " ".join(f"data-{key}={quoteattr(value)}" for key, value in data.items())
    yield f'<g stroke="{colour}" {attributes} data-share="{share:.3f}">'
    yield f"<title>{escape(f'{move.id}: {move.start} to {move.end} by {who}')}</title>"
    for stroke in move.strokes:
        yield f'<path d="{_path(stroke, frame)}"/>'
    yield "</g>"


def _path(stroke: Stroke, frame: Frame) -> str:
    """SVG's Y goes down, the bed's goes to the back."""
    places = (f"{p.x - frame.left:.3f} {frame.back - p.y:.3f}" for p in stroke.points)
    return "M" + " L".join(places)
