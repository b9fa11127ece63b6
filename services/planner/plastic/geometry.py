"""Where the squares of the board lie on the bed."""

from __future__ import annotations

import math
from dataclasses import dataclass


class OffTheBoard(ValueError):
    """A square that this board does not have."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A straight line on the bed, in mm, in the direction in which it is drawn."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def length(self) -> float:
        """Length in mm."""
        return math.hypot(self.x2 - self.x1, self.y2 - self.y1)


@dataclass(frozen=True, slots=True)
class BoardGeometry:
    """A board of squares x squares, *size* mm wide, whose front left corner lies at (origin_x, origin_y) on the bed."""

    squares: int = 8
    size: float = 200.0
    origin_x: float = 17.5
    origin_y: float = 17.5
    end_gap: float = 2.0
    """So far before a square's centre a line ends: the ends of many lines must not pile up."""
    rotation: int = 0
    """Degrees by which the board is turned counterclockwise: at 0 a1 is front left, at 90 front right."""
    mirrored: bool = False
    """Files run from right to left, before it is turned."""

    def __post_init__(self) -> None:
        if not 2 <= self.squares <= 26:
            raise ValueError(f"a board has 2 to 26 squares a side, not {self.squares}")
        if self.size / self.squares <= 2 * self.end_gap + 1:
            raise ValueError(
                f"squares of {self.size / self.squares:g} mm leave no line between ends {self.end_gap:g} mm short of "
                "their centres; make the board larger, or its squares fewer"
            )

    def has(self, *squares: str) -> bool:
        """Whether all *squares*, such as ``e4``, are on this board."""
        return all(self._has(square) for square in squares)

    def _has(self, square: str) -> bool:
        rank = square[1:]
        return (
            len(square) >= 2
            and 0 <= ord(square[0]) - ord("a") < self.squares
            and rank.isascii()
            and rank.isdigit()
            and rank[0] != "0"
            and int(rank) <= self.squares
        )

    @property
    def last(self) -> str:
        """The square that is farthest from a1."""
        return f"{chr(ord('a') + self.squares - 1)}{self.squares}"

    def centre(self, square: str) -> tuple[float, float]:
        """Centre of *square* on the bed in mm. Raises OffTheBoard."""
        if not self.has(square):
            raise OffTheBoard(f"{square} is off the board: it goes from a1 to {self.last}")
        side = self.size / self.squares
        file, rank = self._turned(ord(square[0]) - ord("a"), int(square[1:]) - 1)
        return self.origin_x + (file + 0.5) * side, self.origin_y + (rank + 0.5) * side

    def _turned(self, file: int, rank: int) -> tuple[int, int]:
        """Column and row on the bed, from front left."""
        last = self.squares - 1
        if self.mirrored:
            file = last - file
        for _ in range(self.rotation // 90):
            file, rank = last - rank, file
        return file, rank

    def segment(self, start: str, end: str) -> Segment:
        """The line from *start* to *end*. Raises OffTheBoard, or ValueError when both are the same square."""
        (x1, y1), (x2, y2) = self.centre(start), self.centre(end)
        length = math.hypot(x2 - x1, y2 - y1)
        if length == 0:
            raise ValueError(f"{start} to {end} is no line")
        dx, dy = (x2 - x1) / length * self.end_gap, (y2 - y1) / length * self.end_gap
        return Segment(x1 + dx, y1 + dy, x2 - dx, y2 - dy)

    def covers(self, x: float, y: float) -> bool:
        """Whether (x, y), in mm on the bed, is within the board, its edge not counted."""
        return 0 < x - self.origin_x < self.size and 0 < y - self.origin_y < self.size

    def check_on_bed(self, bed_x: float, bed_y: float) -> None:
        """Raise ValueError when a part of the board lies beside a bed of bed_x x bed_y mm."""
        inside = (
            self.origin_x >= 0
            and self.origin_y >= 0
            and self.origin_x + self.size <= bed_x
            and self.origin_y + self.size <= bed_y
        )
        if not inside:
            raise ValueError(
                f"a board of {self.size:g} mm at ({self.origin_x:g}, {self.origin_y:g}) does not fit on a bed of "
                f"{bed_x:g} x {bed_y:g} mm; set its size or origin"
            )
