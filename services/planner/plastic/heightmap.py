"""What lies on the plate: two heights for every cell of the bed, in whole layers.

``may`` is the height that the nozzle has to clear: whatever was ever planned and not certainly left undrawn, already
widened by what the nozzle needs around its centre. ``sure`` is the height that can carry a line: only what was drawn,
and never more than one layer more than what carried it.

A map is immutable; raising it makes another one. Runs of cells are raised by one table look-up each
(bytes.translate), which is what keeps this fast without anything but the standard library.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.planner.plastic.profile import Profile
from services.planner.plastic.strokes import Stroke, Waypoint

CELL = 0.5
"""mm."""
CLEARANCE = 1.1
"""mm around the nozzle's centre: 0.5 of its flat, 0.24 of half a bead, 0.35 of where in its cell a bead may lie.

That of a nozzle of 0.4 mm, and the least there is: a wider bead comes from a nozzle with a wider flat.
"""
_WALL = 0.3
"""mm between a nozzle's bore and the edge of its flat."""
_IN_CELL = CELL / math.sqrt(2)
_SUPPORT = 0.36
"""mm: every cell that the middle of a bead passes through, half the diagonal of a cell."""
_MOST = 250

_AT_LEAST = [bytes(max(v, h) for v in range(256)) for h in range(_MOST + 1)]
_ONE_MORE = [bytes(v + 1 if v < h else v for v in range(256)) for h in range(_MOST + 1)]


@dataclass(frozen=True, slots=True)
class HeightMap:
    """Cells row by row from the bed's front left corner."""

    columns: int
    rows: int
    layer: float
    may: bytes
    sure: bytes
    peak: int = 0
    """Highest cell of ``may`` in layers."""
    clearance: float = CLEARANCE

    @classmethod
    def empty(cls, profile: Profile) -> HeightMap:
        """A bare plate."""
        columns, rows = math.ceil(profile.bed_x / CELL), math.ceil(profile.bed_y / CELL)
        clearance = max(CLEARANCE, profile.bore / 2 + _WALL + profile.bead / 2 + _IN_CELL)
        bare = bytes(columns * rows)
        return cls(columns, rows, profile.layer, bare, bare, clearance=clearance)

    def may_reach(self, strokes: tuple[Stroke, ...]) -> HeightMap:
        """With *strokes* perhaps there."""
        may, peak = bytearray(self.may), self.peak
        for start, end in _pieces(strokes):
            height = min(_MOST, math.ceil(max(start.z, end.z) / self.layer - 1e-6))
            peak = max(peak, height)
            table = _AT_LEAST[height]
            for first, last in self._spans(start, end, self.clearance):
                may[first:last] = may[first:last].translate(table)
        return replace(self, may=bytes(may), peak=peak)

    def surely_drawn(self, strokes: tuple[Stroke, ...]) -> HeightMap:
        """With *strokes* there for certain."""
        sure = bytearray(self.sure)
        for start, end in _pieces(strokes):
            table = _ONE_MORE[min(_MOST, math.floor(min(start.z, end.z) / self.layer + 1e-6))]
            for first, last in self._spans(start, end, _SUPPORT):
                # From what was there before this move: where two pieces of it meet it lies only once.
                before, now = self.sure[first:last], sure[first:last]
                raised = before.translate(table)
                sure[first:last] = raised if now == before else bytes(map(max, now, raised))
        return replace(self, sure=bytes(sure))

    def _spans(self, start: Waypoint, end: Waypoint, radius: float) -> Iterator[tuple[int, int]]:
        """Runs of cells, first and behind the last, whose centres are within *radius* of the line start to end."""
        x1, y1, x2, y2 = start.x / CELL - 0.5, start.y / CELL - 0.5, end.x / CELL - 0.5, end.y / CELL - 0.5
        if y1 > y2:
            x1, y1, x2, y2 = x2, y2, x1, y1
        r = radius / CELL
        dx, dy = x2 - x1, y2 - y1
        length = math.hypot(dx, dy) or 1e-9
        ux, uy = dx / length, dy / length
        for row in range(max(0, math.ceil(y1 - r)), min(self.rows - 1, math.floor(y2 + r)) + 1):
            low, high = _row_interval(row, x1, y1, x2, y2, ux, uy, length, r)
            if low > high:
                continue
            first, last = max(0, math.ceil(low)), min(self.columns - 1, math.floor(high))
            if first <= last:
                yield row * self.columns + first, row * self.columns + last + 1


def _row_interval(
    row: int, x1: float, y1: float, x2: float, y2: float, ux: float, uy: float, length: float, r: float
) -> tuple[float, float]:
    """Where a row crosses the capsule of radius r around the line; the capsule is convex, so it is one interval."""
    low, high = math.inf, -math.inf
    for cx, cy in ((x1, y1), (x2, y2)):
        d = row - cy
        if -r <= d <= r:
            w = math.sqrt(r * r - d * d)
            low, high = min(low, cx - w), max(high, cx + w)
    if uy > 1e-9:
        # The straight part: within r beside the line, and between its ends.
        d = row - y1
        middle, half = x1 + d * ux / uy, r / uy
        left, right = middle - half, middle + half
        if abs(ux) > 1e-9:
            a, b = x1 - d * uy / ux, x1 + (length - d * uy) / ux
            left, right = max(left, min(a, b)), min(right, max(a, b))
        elif not 0 <= d <= length:
            return low, high
        if left <= right:
            low, high = min(low, left), max(high, right)
    elif abs(row - y1) <= r:
        low, high = min(low, x1, x2), max(high, x1, x2)
    return low, high


def _pieces(strokes: tuple[Stroke, ...]) -> Iterator[tuple[Waypoint, Waypoint]]:
    for stroke in strokes:
        yield from zip(stroke.points, stroke.points[1:], strict=False)
