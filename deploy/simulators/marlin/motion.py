"""Kinematics of one move as Marlin's planner has them: limits, junctions by deviation, trapezoidal speed profiles."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from deploy.simulators.marlin.settings import Settings, Vector

_STRAIGHT = 0.999999
_SMALL_SEGMENT_MM = 1.0
_SMALL_SEGMENT_ANGLE = math.radians(135)


@dataclass(frozen=True)
class Profile:
    """Speed over time: from `entry` up to `peak`, along, and down to `exit`. Lengths in mm, speeds in mm/s."""

    distance: float
    entry: float
    peak: float
    exit: float
    acceleration: float

    @property
    def duration(self) -> float:
        """Seconds for the whole distance."""
        return self._rise_s + self._cruise_s + (self.peak - self.exit) / self.acceleration

    def travelled(self, elapsed: float) -> float:
        """The share of the distance, 0 to 1, that is behind after *elapsed* seconds."""
        if elapsed >= self.duration:
            return 1.0
        if elapsed <= 0:
            return 0.0
        rise = min(elapsed, self._rise_s)
        way = self.entry * rise + self.acceleration * rise * rise / 2
        cruise = min(max(elapsed - self._rise_s, 0.0), self._cruise_s)
        way += self.peak * cruise
        fall = max(elapsed - self._rise_s - self._cruise_s, 0.0)
        way += self.peak * fall - self.acceleration * fall * fall / 2
        return min(way / self.distance, 1.0)

    @property
    def _rise_s(self) -> float:
        return (self.peak - self.entry) / self.acceleration

    @property
    def _cruise_s(self) -> float:
        ramps = (2 * self.peak**2 - self.entry**2 - self.exit**2) / (2 * self.acceleration)
        return max(self.distance - ramps, 0.0) / self.peak


def trapezoid(distance: float, entry: float, nominal: float, exit_speed: float, acceleration: float) -> Profile:
    """The fastest profile of a move. *exit_speed* must be within reach of *entry* over the distance."""
    reachable = math.sqrt(acceleration * distance + (entry**2 + exit_speed**2) / 2)
    peak = max(min(nominal, reachable), entry, exit_speed)
    return Profile(distance, entry, peak, exit_speed, acceleration)


@dataclass(frozen=True)
class Block:
    """One planned move, as a difference of native positions."""

    delta: Vector
    distance: float
    nominal: float
    acceleration: float
    max_entry: float
    unit: Vector
    e_asked: float = 0.0
    """Filament asked for; `delta` has what is really fed."""
    source: str = ""
    file: int = 0
    tag: str = field(default="move")


def make_block(
    delta: Vector,
    feed: float,
    settings: Settings,
    previous: Block | None,
    *,
    e_asked: float | None = None,
    source: str = "",
    file: int = 0,
) -> Block | None:
    """A move of *delta* at *feed*, slowed to the axes' limits; None when nothing moves.

    *previous* is the move right before it, None when the machine stands still.
    """
    asked = delta[3] if e_asked is None else e_asked
    distance = math.sqrt(sum(d * d for d in delta[:3])) or abs(delta[3])
    if distance == 0:
        return None
    unit: Vector = (delta[0] / distance, delta[1] / distance, delta[2] / distance, delta[3] / distance)
    nominal = min([feed, *(limit / abs(u) for limit, u in zip(settings.max_feed, unit, strict=True) if u)])
    acceleration = _limited(settings.acceleration, unit, settings)
    entry = _junction(previous, unit, distance, nominal, acceleration, settings) if previous else 0.0
    return Block(delta, distance, nominal, acceleration, entry, unit, asked, source, file)


def constant_block(delta: Vector, feed: float, source: str, file: int) -> Block:
    """A move toward an endstop: its speed is kept, its short ramps are left out."""
    distance = math.sqrt(sum(d * d for d in delta[:3]))
    unit: Vector = (delta[0] / distance, delta[1] / distance, delta[2] / distance, 0.0)
    return Block(delta, distance, feed, 1e9, 0.0, unit, 0.0, source, file, tag="home")


def _limited(acceleration: float, unit: Vector, settings: Settings) -> float:
    limits = (limit / abs(u) for limit, u in zip(settings.max_acceleration, unit, strict=True) if u)
    return min([acceleration, *limits])


def _junction(
    previous: Block, unit: Vector, distance: float, nominal: float, acceleration: float, settings: Settings
) -> float:
    """Speed at a corner: that of a circle which leaves the corner by the junction deviation.

    v^2 = a d sin(t/2) / (1 - sin(t/2)), t the angle between the moves, 180 degrees for a straight line; after
    https://onehossshay.wordpress.com/2011/09/24/improving_grbl_cornering_algorithm/ as Marlin has it.
    """
    ours, before = _normalized(unit), _normalized(previous.unit)
    cosine = -sum(a * b for a, b in zip(ours, before, strict=True))
    if cosine > _STRAIGHT:
        return 0.0
    top = min(nominal, previous.nominal)
    if cosine < -_STRAIGHT:
        return top
    half_sine = math.sqrt((1 - cosine) / 2)
    change = _normalized((ours[0] - before[0], ours[1] - before[1], ours[2] - before[2], ours[3] - before[3]))
    limit = _limited(acceleration, change, settings)
    squared = limit * settings.junction_deviation * half_sine / (1 - half_sine)
    angle = math.acos(cosine)
    if distance < _SMALL_SEGMENT_MM and angle > _SMALL_SEGMENT_ANGLE:
        squared = min(squared, distance / (math.pi - angle) * limit)
    return min(top, math.sqrt(squared))


def _normalized(vector: Vector) -> Vector:
    length = math.sqrt(sum(v * v for v in vector))
    return (vector[0] / length, vector[1] / length, vector[2] / length, vector[3] / length)
