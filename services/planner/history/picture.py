"""A board as PNG. Pillow is imported only when a picture is drawn: without pictures it needs no memory."""

from __future__ import annotations

import io
from collections.abc import Sequence

from services.planner.history.colours import colour
from services.planner.history.frame import Frame
from services.planner.plastic.geometry import BoardGeometry
from services.planner.plastic.strokes import Stroke

_FINER = 3
"""Drawn so many times larger and scaled down: Pillow's lines are not smooth by themselves."""
_PAPER = (255, 255, 255)
_COLOURS = 64


def draw(lines: Sequence[tuple[Stroke, ...]], geometry: BoardGeometry, width: float, size: int) -> bytes:
    """The PNG, *size* pixels on its longer side; *lines* in the order of drawing, *width* of a bead in mm.

    Memory while it draws, Pillow itself included: 23 MB for 600 pixels. Raises ImportError without Pillow.
    """
    from PIL import Image, ImageDraw

    frame = Frame.around(geometry, (stroke for strokes in lines for stroke in strokes), width)
    scale = size * _FINER / max(frame.width, frame.height)
    whole = Image.new("RGB", (round(frame.width * scale), round(frame.height * scale)), _PAPER)
    pen = ImageDraw.Draw(whole)
    thick = max(1, round(width * scale))
    for place, strokes in enumerate(lines):
        for stroke in strokes:
            points = [((p.x - frame.left) * scale, (frame.back - p.y) * scale) for p in stroke.points]
            pen.line(points, fill=colour(place, len(lines)), width=thick)
    small = whole.resize((max(1, whole.width // _FINER), max(1, whole.height // _FINER)), Image.Resampling.BOX)
    file = io.BytesIO()
    small.quantize(_COLOURS).save(file, "PNG", optimize=True)
    return file.getvalue()
