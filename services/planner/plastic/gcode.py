"""A path as G-code: absolute positions, relative E; it begins and ends retracted and lifted.

No heating, no homing: those are octo_bridge's, which also checks every line again. Marlin's units are mm and mm/min.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from services.planner.plastic.profile import Profile
from services.planner.plastic.strokes import Path, Stroke, Waypoint

REHEARSAL = 10.0
"""mm above the path, out of reach of anything on the plate."""


def write(path: Path, profile: Profile) -> tuple[str, ...]:
    """The lines of the move, none longer than 100 characters."""
    return tuple(_lines(path, profile, extrude=True))


def rehearse(path: Path, profile: Profile) -> tuple[str, ...]:
    """The same motion REHEARSAL mm higher and without a word about filament: it can be run cold."""
    strokes = tuple(
        replace(
            stroke,
            points=tuple(replace(point, z=round(point.z + REHEARSAL, 3)) for point in stroke.points),
            arrive_z=stroke.arrive_z + REHEARSAL,
        )
        for stroke in path.strokes
    )
    return tuple(_lines(replace(path, strokes=strokes, leave_z=path.leave_z + REHEARSAL), profile, extrude=False))


def _lines(path: Path, profile: Profile, *, extrude: bool) -> Iterator[str]:
    yield "G90"
    if extrude:
        yield "M83"
    before = profile.retract
    for number, stroke in enumerate(path.strokes):
        # From a purge to the board the way is long.
        far = stroke.purge or number == len(path.strokes) - 1
        behind = profile.retract if far else profile.hop_retract
        yield _rise(stroke.arrive_z, profile)
        yield from _stroke(stroke, before, behind, profile) if extrude else _motion(stroke, profile)
        before = behind
    yield _rise(path.leave_z, profile)


def _rise(z: float, profile: Profile) -> str:
    return f"G0 Z{z:.3f} F{_feed(profile.z_speed)}"


def _stroke(stroke: Stroke, before: float, behind: float, profile: Profile) -> Iterator[str]:
    yield from _arrive(stroke, profile)
    yield f"G1 E{before:.3f} F{_feed(profile.retract_speed)}"
    at = stroke.points[0]
    for point in stroke.points[1:]:
        yield _extrude(at, point, profile)
        at = point
    yield f"G1 E{-behind:.3f} F{_feed(profile.retract_speed)}"


def _motion(stroke: Stroke, profile: Profile) -> Iterator[str]:
    yield from _arrive(stroke, profile)
    for point in stroke.points[1:]:
        yield f"G1 X{point.x:.3f} Y{point.y:.3f} Z{point.z:.3f} F{_feed(profile.draw_speed)}"


def _arrive(stroke: Stroke, profile: Profile) -> Iterator[str]:
    first = stroke.points[0]
    yield f"G0 X{first.x:.3f} Y{first.y:.3f} F{_feed(profile.travel_speed)}"
    yield f"G1 Z{first.z:.3f} F{_feed(profile.z_speed)}"


def _extrude(start: Waypoint, end: Waypoint, profile: Profile) -> str:
    length = math.hypot(end.x - start.x, end.y - start.y)
    z = "" if end.z == start.z else f" Z{end.z:.3f}"
    e = length * profile.filament_per_mm
    return f"G1 X{end.x:.3f} Y{end.y:.3f}{z} E{e:.5f} F{_feed(profile.draw_speed)}"


def _feed(speed: float) -> int:
    """mm/s as Marlin's mm/min."""
    return round(speed * 60)
