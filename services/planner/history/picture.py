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
_AT_ONCE = 400_000
"""Pixels of the picture for which the larger one is there at a time: a whole one for 2000 pixels needs 108 MB."""
_PAPER = (255, 255, 255)
_COLOURS = 64


def draw(lines: Sequence[tuple[Stroke, ...]], geometry: BoardGeometry, width: float, size: int) -> bytes:
    """The PNG, *size* pixels on its longer side; *lines* in the order of drawing, *width* of a bead in mm.

    Memory while it draws, Pillow itself included: 23 MB for 600 pixels, 75 MB for 2000. Raises
    ImportError without Pillow.
    """
    from PIL import Image, ImageDraw

    frame = Frame.around(geometry, (stroke for strokes in lines for stroke in strokes), width)
    scale = size * _FINER / max(frame.width, frame.height)
    columns, rows = (max(1, round(side * scale) // _FINER) for side in (frame.width, frame.height))
    small = Image.new("RGB", (columns, rows), _PAPER)
    thick = max(1, round(width * scale))
    band = max(1, _AT_ONCE // columns)
    for top in range(0, rows, band):
        strip = Image.new("RGB", (columns * _FINER, min(band, rows - top) * _FINER), _PAPER)
        pen = ImageDraw.Draw(strip)
        for place, strokes in enumerate(lines):
            for stroke in strokes:
                points = [
                    ((p.x - frame.left) * scale, (frame.back - p.y) * scale - top * _FINER) for p in stroke.points
                ]
                pen.line(points, fill=colour(place, len(lines)), width=thick)
        small.paste(strip.resize((columns, strip.height // _FINER), Image.Resampling.BOX), (0, top))
    file = io.BytesIO()
    small.quantize(_COLOURS).save(file, "PNG", optimize=True)
    return file.getvalue()
