"""Moments at which the printer's time can be held, so that something is sure to happen in them."""

from __future__ import annotations

from collections.abc import Callable

from deploy.simulators.marlin.firmware import Firmware

LINE_HEIGHT_MM = 1.0
"""Below it plastic is laid."""
Moment = Callable[[Firmware], float | None]
"""The printer's time to hold at, None while it is not known yet."""


def drawing(firmware: Firmware) -> float | None:
    """The middle of a stretch that leaves plastic."""
    machine = firmware.machine
    under_way = machine.planner.half_way()
    if under_way is None or machine.body.point[2] >= LINE_HEIGHT_MM:
        return None
    block, half = under_way
    x, y, _, e = block.delta
    return max(half, machine.now) if e > 0 and (x or y) else None


def homing(firmware: Firmware) -> float | None:
    """X is homed, Y and Z are not."""
    return firmware.machine.now if firmware.machine.body.known == "X" else None


MOMENTS: dict[str, Moment] = {"drawing": drawing, "homing": homing}
