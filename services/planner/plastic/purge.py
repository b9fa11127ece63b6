"""Where a nozzle that was idle is filled again: beside the board, and out of everything else's way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from services.planner.plastic.geometry import BoardGeometry, Segment
from services.planner.plastic.heightmap import HeightMap
from services.planner.plastic.path import plan_line
from services.planner.plastic.profile import Profile
from services.planner.plastic.strokes import Path

_APART = 3.0
"""mm between two purges, to the board, and to the edge of the bed: the widest nozzle clears less on either side."""
_PARKED = 8.0
"""mm around the park position: what oozes there must not meet anything."""
_WHOLE = 0.99


def slots(geometry: BoardGeometry, profile: Profile) -> tuple[Segment, ...]:
    """Every place for a purge, the farthest from the park position last."""
    return tuple(slot for slot in _slots(geometry, profile) if _is_free(slot, profile))


def plan_purge(plastic: HeightMap, geometry: BoardGeometry, profile: Profile) -> Path | None:
    """A purge on the barest place that there is; None when all are used up."""
    found: list[tuple[float, Path]] = []
    for slot in slots(geometry, profile):
        path = plan_line(plastic, slot, profile)
        if path is None or path.share < _WHOLE:
            continue
        height = max(point.z for stroke in path.strokes for point in stroke.points)
        found.append((height, path))
        if height <= profile.layer:
            break  # nothing is barer than the plate
    if not found:
        return None
    _, path = min(found, key=lambda candidate: candidate[0])
    return replace(path, strokes=tuple(replace(stroke, purge=True) for stroke in path.strokes))


def _slots(geometry: BoardGeometry, profile: Profile) -> Iterator[Segment]:
    """Lines from front to back, right of the board and left of it, one behind the other."""
    left, right = geometry.origin_x, geometry.origin_x + geometry.size
    columns = [*_steps(right + _APART, profile.bed_x - _APART, _APART), *_steps(_APART, left - _APART, _APART)]
    for x in columns:
        for y in _steps(_APART, profile.bed_y - _APART - profile.purge, profile.purge + _APART):
            yield Segment(x, y, x, y + profile.purge)


def _steps(first: float, last: float, step: float) -> Iterator[float]:
    while first <= last + 1e-9:
        yield round(first, 3)
        first += step


def _is_free(slot: Segment, profile: Profile) -> bool:
    corner = profile.homing_corner + _APART
    if slot.x1 < corner and slot.y1 < corner:
        return False
    beside = abs(slot.x1 - profile.park_x) >= _PARKED
    return beside or slot.y2 + _PARKED <= profile.park_y or slot.y1 - _PARKED >= profile.park_y
