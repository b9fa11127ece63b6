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


@dataclass(frozen=True, slots=True)
class Path:
    """All strokes of a line in their order, the share of its length that they cover, and the height to leave at."""

    strokes: tuple[Stroke, ...]
    share: float
    leave_z: float


def pack(strokes: Sequence[Stroke]) -> list[list[list[float]]]:
    """Strokes as they are stored, as far as the plate is concerned."""
    return [[[point.x, point.y, point.z] for point in stroke.points] for stroke in strokes]


def unpack(stored: Sequence[Sequence[Sequence[float]]]) -> tuple[Stroke, ...]:
    """The same read again; the heights on the way there are not kept."""
    return tuple(Stroke(tuple(Waypoint(*point) for point in points)) for points in stored)
