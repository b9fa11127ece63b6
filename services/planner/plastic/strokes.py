"""Where the nozzle's tip goes while plastic comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A place of the nozzle's tip in mm."""

    x: float
    y: float
    z: float


@dataclass(frozen=True, slots=True)
class Stroke:
    """A polyline that is drawn without a break."""

    points: tuple[Waypoint, ...]
    arrive_z: float = field(default=0.0, compare=False)
    """Height in mm at which the nozzle comes to the first point; it leaves nothing on the plate."""
    purge: bool = False
    """Beside the board, to fill a nozzle that was idle; no part of any line."""


@dataclass(frozen=True, slots=True)
class Path:
    """All strokes of a line in their order, the share of its length that they cover, and the height to leave at."""

    strokes: tuple[Stroke, ...]
    share: float
    leave_z: float


Packed = list[list[float]] | dict[str, list[list[float]]]
"""Points as [x, y, z], those of a purge under that key."""


def pack(strokes: Sequence[Stroke]) -> list[Packed]:
    """Strokes as they are stored, as far as the plate is concerned."""
    return [{"purge": _points(stroke)} if stroke.purge else _points(stroke) for stroke in strokes]


def unpack(stored: Sequence[Packed]) -> tuple[Stroke, ...]:
    """The same read again; the heights on the way there are not kept."""
    return tuple(
        _stroke(packed["purge"], purge=True) if isinstance(packed, dict) else _stroke(packed, purge=False)
        for packed in stored
    )


def _points(stroke: Stroke) -> list[list[float]]:
    return [[point.x, point.y, point.z] for point in stroke.points]


def _stroke(points: Sequence[Sequence[float]], *, purge: bool) -> Stroke:
    return Stroke(tuple(Waypoint(*point) for point in points), purge=purge)
