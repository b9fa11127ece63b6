"""Where the nozzle goes for one line, and where plastic comes out: here on one flat layer."""

from __future__ import annotations

from dataclasses import dataclass

from services.planner.plastic.geometry import Segment
from services.planner.plastic.profile import Profile


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


@dataclass(frozen=True, slots=True)
class Path:
    """All strokes of a line in their order, and how much of its length they cover."""

    strokes: tuple[Stroke, ...]
    share: float
    travel_z: float
    """Height in mm at which the nozzle passes over everything that lies on the way to and between the strokes."""


def plan_line(segment: Segment, profile: Profile) -> Path:
    """The path that draws *segment* on the bare plate."""
    ends = (Waypoint(segment.x1, segment.y1, profile.layer), Waypoint(segment.x2, segment.y2, profile.layer))
    return Path((Stroke(ends),), 1.0, profile.lift)
