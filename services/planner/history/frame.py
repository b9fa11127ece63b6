"""The part of the bed that a picture shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.planner.plastic.geometry import BoardGeometry
from services.planner.plastic.strokes import Stroke


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle on the bed in mm."""

    left: float
    front: float
    right: float
    back: float

    @property
    def width(self) -> float:
        """mm."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """mm."""
        return self.back - self.front

    @classmethod
    def around(cls, geometry: BoardGeometry, strokes: Iterable[Stroke], width: float) -> Frame:
        """The board, and lines of *width* beside it: an older board may have lain elsewhere on the bed."""
        half = width / 2
        xs, ys = [geometry.origin_x, geometry.origin_x + geometry.size], [geometry.origin_y]
        ys.append(geometry.origin_y + geometry.size)
        for stroke in strokes:
            for point in stroke.points:
                xs += (point.x - half, point.x + half)
                ys += (point.y - half, point.y + half)
        return cls(min(xs), min(ys), max(xs), max(ys))
