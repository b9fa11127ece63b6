"""A printer that knows nothing but G-code, with a height field of its own, finer than the planner's.

It shares no code with the planner. Two heights a cell, in steps of 0.025 mm: what the nozzle can touch (every bead as
high as the nozzle was), and what carries (a bead falls onto what is below it, by more than its layer if it must).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

CELL = 0.25
UNIT = 0.025
BED = 235.0
LAYER = 0.25
FLAT = 0.5
"""Radius of the nozzle's flat tip in mm."""
FILAMENT_PER_MM = 0.48 * 0.25 / (math.pi * 0.875**2)
BEHIND = 0.8
"""mm behind the nozzle, plastic is soft and its own."""
_N = int(BED / CELL)
_LAYER_UNITS = round(LAYER / UNIT)
_PAD = 3 * _N
"""Cells before and behind the bed, so that the tip's circle never leaves the field."""
_ROWS = [(dy * _N, int(math.sqrt(max(0.0, (FLAT / CELL) ** 2 - dy * dy)))) for dy in range(-2, 3)]
_SPANS = tuple((at - half, at + half + 1) for at, half in _ROWS)


@dataclass
class Simulator:
    """Runs lines; what went wrong is in *faults*, lengths in mm, time in s."""

    touch: bytearray = field(default_factory=lambda: bytearray(_N * _N + 2 * _PAD))
    carry: bytearray = field(default_factory=lambda: bytearray(_N * _N + 2 * _PAD))
    faults: list[str] = field(default_factory=list)
    drawn: float = 0.0
    aired: float = 0.0
    ploughed: float = 0.0
    scraped: float = 0.0
    filament: float = 0.0
    seconds: float = 0.0
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    homed: bool = False
    absolute: bool = True
    relative_e: bool = False
    retracted: float = 5.0

    def __post_init__(self) -> None:
        self._fresh: list[tuple[float, float, float]] = []
        self._highest = 0
        self._line = 0.0  # length of the polyline under way, for its time

    def run(self, lines: Iterable[str]) -> None:
        """Every line, one after another."""
        for line in lines:
            word, *rest = line.split()
            values = {part[0]: float(part[1:]) for part in rest}
            if word == "G28":
                self.homed = True
            elif word == "G90":
                self.absolute = True
            elif word in ("M82", "M83"):
                self.relative_e = word == "M83"
            elif word in ("G0", "G1"):
                self._move(values)
            else:
                self.faults.append(f"unknown {word}")
        self._end_line()

    def _move(self, values: dict[str, float]) -> None:
        x, y, z = values.get("X", self.x), values.get("Y", self.y), values.get("Z", self.z)
        e = values.get("E", 0.0)
        if not (0 <= x <= BED and 0 <= y <= BED):
            self.faults.append("out of bed")
            return
        if z < LAYER - 1e-9:
            self.faults.append("below one layer")
        if not self.homed:
            self.faults.append("not homed")
        if e and not self.relative_e:
            self.faults.append("absolute E")
        flat = math.hypot(x - self.x, y - self.y)
        speed = values.get("F", 3000.0) / 60
        if flat and e:
            self._extrude(x, y, z, flat, e, speed)
        else:
            self._end_line()
            self._travel(x, y, z, flat, e, speed)
        self.x, self.y, self.z = x, y, z

    def _extrude(self, x: float, y: float, z: float, flat: float, e: float, speed: float) -> None:
        if abs(e / flat - FILAMENT_PER_MM) > 0.01 * FILAMENT_PER_MM:
            self.faults.append(f"{e / flat:.4f} mm of filament a mm")
        if self.retracted:
            self.faults.append("extrudes retracted")
        if abs(z - self.z) / flat * speed > 5.0 + 1e-6:
            self.faults.append("Z too fast")
        self.drawn += flat
        self.filament += e
        self.seconds += flat / speed
        self._line = speed
        steps = max(1, math.ceil(flat / CELL))
        for i in range(1, steps + 1):
            t = i / steps
            px, py, pz = self.x + (x - self.x) * t, self.y + (y - self.y) * t, self.z + (z - self.z) * t
            if self._touches(px, py, pz):
                self.ploughed += flat / steps
            cell = _cell(px, py)
            if pz - LAYER - self.carry[cell] * UNIT > LAYER + UNIT:
                self.aired += flat / steps
            self._fresh.append((px, py, pz))
            while math.dist(self._fresh[0][:2], (px, py)) > BEHIND:
                self._set(self._fresh.pop(0))

    def _travel(self, x: float, y: float, z: float, flat: float, e: float, speed: float) -> None:
        self.retracted = max(0.0, self.retracted - e)
        length = math.hypot(flat, z - self.z) or abs(e)
        # From rest to rest at 500 mm/s2, Z and E without a run-up worth counting.
        self.seconds += length / speed if not flat else _trapezoid(length, speed)
        if flat and not self.retracted:
            self.faults.append("travels unretracted")
        for i in range(1, math.ceil(flat / CELL) + 1):
            t = i / math.ceil(flat / CELL)
            if self._touches(self.x + (x - self.x) * t, self.y + (y - self.y) * t, self.z + (z - self.z) * t):
                self.scraped += CELL
        if not flat and z < self.z and self._touches(x, y, z):
            self.scraped += self.z - z

    def _end_line(self) -> None:
        """What was drawn last is hard; the nozzle has come to rest."""
        for bead in self._fresh:
            self._set(bead)
        self._fresh.clear()
        self.seconds += self._line / 500
        self._line = 0.0

    def _touches(self, x: float, y: float, z: float) -> bool:
        limit = z / UNIT + 0.5
        if self._highest <= limit:
            return False
        cell, touch = _cell(x, y), self.touch
        return max(b"".join([touch[cell + first : cell + end] for first, end in _SPANS])) > limit

    def _set(self, bead: tuple[float, float, float]) -> None:
        x, y, z = bead
        top = round(z / UNIT)
        self._highest = max(self._highest, top)
        centre, touch, carry = _cell(x, y), self.touch, self.carry
        for cell in (centre, centre - 1, centre + 1, centre - _N, centre + _N):
            if touch[cell] < top:
                touch[cell] = top
            if carry[cell] < top:
                carry[cell] = min(top, carry[cell] + _LAYER_UNITS)


def _cell(x: float, y: float) -> int:
    return _PAD + int(y / CELL) * _N + int(x / CELL)


def _trapezoid(length: float, speed: float, acceleration: float = 500.0) -> float:
    if length * acceleration < speed * speed:
        return 2 * math.sqrt(length / acceleration)
    return length / speed + speed / acceleration
