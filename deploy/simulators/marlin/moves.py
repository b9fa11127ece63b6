"""The commands that move the machine or say where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.simulators.marlin.body import AXES
from deploy.simulators.marlin.waits import DRAINED, SPACE, Handler
from deploy.simulators.marlin.words import Command

if TYPE_CHECKING:
    from deploy.simulators.marlin.firmware import Firmware


def move(firmware: Firmware, command: Command) -> Handler:
    """G0, G1: over, and so acknowledged, as soon as it is in the planner's buffer."""
    modes = firmware.modes
    feed = command.number("F")
    if feed is not None and feed > 0:
        modes.feed = feed / 60
    target = _bounded(firmware, _target(firmware, command))
    if target == modes.native:
        return
    yield SPACE
    _plan(firmware, target, command.text)


def _target(firmware: Firmware, command: Command) -> list[float]:
    modes = firmware.modes
    target = list(modes.native)
    for index, axis in enumerate(AXES):
        value = command.number(axis)
        if value is not None:
            target[index] = modes.native[index] + value if modes.relative else value - modes.shift[index]
    extruder = command.number("E")
    if extruder is not None:
        target[3] = modes.native[3] + extruder if modes.e_relative else extruder
    return target


def _bounded(firmware: Firmware, target: list[float]) -> list[float]:
    """Software endstops hold for axes that were homed since the reset, whether or not the motors lost current."""
    if not firmware.modes.soft_endstops:
        return target
    for index, axis in enumerate(AXES):
        if axis in firmware.machine.body.homed:
            target[index] = min(max(target[index], 0.0), firmware.settings.size[index])
    return target


def _plan(firmware: Firmware, target: list[float], source: str) -> None:
    modes, machine = firmware.modes, firmware.machine
    delta = [new - old for new, old in zip(target, modes.native, strict=True)]
    asked = delta[3] * modes.flow_percent / 100
    fed = asked if asked and _may_extrude(firmware, asked, source) else 0.0
    modes.native = target
    # The percentage is for moves of the axes, not for the extruder alone.
    feed = modes.feed * (modes.feed_percent / 100 if any(delta[:3]) else 1)
    machine.plan((delta[0], delta[1], delta[2], fed), feed, e_asked=asked, source=source)


def _may_extrude(firmware: Firmware, asked: float, source: str) -> bool:
    """Refused filament is left out of the move, which takes place otherwise, and counts as fed."""
    nozzle = firmware.machine.heaters["nozzle"].temperature
    if nozzle < firmware.modes.extrude_min_c:
        why = "cold extrusion prevented"
    elif abs(asked) > firmware.settings.extrude_max_mm:
        why = "too long extrusion prevented"
    else:
        return True
    firmware.reply(f"echo: {why}")
    firmware.machine.record(
        "dropped", why=why, e=asked, nozzle=round(nozzle, 2), file=firmware.machine.file, line=source
    )
    return False


def home(firmware: Firmware, command: Command) -> Handler:
    """G28: each axis to its switch, back, and there again at half the speed. There is no lift before it."""
    yield DRAINED
    firmware.modes.leveling = False
    for axis in [axis for axis in AXES if command.has(axis)] or AXES:
        if axis == "Z" and firmware.settings.has_probe:
            if not {"X", "Y"} <= firmware.machine.body.homed:
                firmware.reply("echo:Home XY first")
                return
            yield from _to_middle(firmware, command.text)
        yield from _home_axis(firmware, axis, command.text)
    firmware.keep_awake()


def _to_middle(firmware: Firmware, source: str) -> Handler:
    x, y, _ = firmware.settings.size
    _plan(firmware, [x / 2, y / 2, *firmware.modes.native[2:]], source)
    yield DRAINED


def _home_axis(firmware: Firmware, axis: str, source: str) -> Handler:
    machine, settings, index = firmware.machine, firmware.settings, AXES.index(axis)
    speed, bump = settings.homing_feed[index], settings.homing_bump[index]
    machine.plan_homing(index, -machine.body.physical[index], speed, source)
    machine.plan_homing(index, bump, speed, source)
    machine.plan_homing(index, -bump, speed / 2, source)
    yield DRAINED
    machine.body.home(axis)
    firmware.modes.native[index] = firmware.modes.shift[index] = 0.0
    machine.record("homed", axis=axis, at=[round(value, 4) for value in machine.body.point])


def set_position(firmware: Firmware, command: Command) -> None:
    """G92: nothing moves; X, Y, Z get an offset, the extruder's count is set."""
    modes = firmware.modes
    every = not any(command.has(axis) for axis in "XYZE")
    for index, axis in enumerate(AXES):
        if every or command.has(axis):
            modes.shift[index] = (command.number(axis) or 0.0) - modes.native[index]
    if every or command.has("E"):
        value = command.number("E") or 0.0
        firmware.machine.body.steps[3] += value - modes.native[3]
        modes.native[3] = value
