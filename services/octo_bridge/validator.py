"""The last look at every line of a plan: a modal simulation, a whitelist of words, limits that no plan can widen.

Whatever a plan says, a line that is not understood whole is refused whole. A plan never homes, heats or waits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.octo_bridge.settings import BridgeSettings

_LINE = re.compile(r"(?P<word>[GM][0-9]{1,4})(?P<rest>( [A-Z]-?[0-9]{0,6}(\.[0-9]{1,6})?)*)", re.ASCII)
_ARGUMENT = re.compile(r"([A-Z])(-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+))", re.ASCII)
_ALLOWED = {"G0": "XYZF", "G1": "XYZEF", "G90": "", "M83": "", "G92": "E", "M106": "S", "M107": ""}
_LIFTED = 0.5
"""mm that a plan must end above its last plastic."""
_TINY = 1e-6
_STILL_PULLED = 0.01
"""mm of filament that rounding may leave pulled back."""


class Unsafe(ValueError):
    """A line that must not reach the printer; ``args[0]`` says which and why."""


@dataclass
class _Tool:
    """Where the tool is, as far as the plan itself has said; E is counted, not placed."""

    at: dict[str, float] = field(default_factory=dict)
    absolute: bool = False
    relative_e: bool = False
    feed: float | None = None
    extruded: float = 0.0
    pulled: float = 0.0
    """mm of filament pulled back and not pushed forward again; before the first drawing the most there can be."""
    drawing: bool = False
    """The plan has pushed back what the last one pulled, and drawn."""
    plastic_z: float | None = None


def check(lines: Iterable[str], settings: BridgeSettings) -> None:
    """Simulate the plan. Raises Unsafe with the line's number, what is wrong and the limit."""
    tool = _Tool(pulled=settings.retract_most)
    for number, line in enumerate(lines, start=1):
        try:
            _line(tool, line, settings)
        except Unsafe as error:
            raise Unsafe(f"line {number}: {error}") from None
    if tool.plastic_z is None:
        return
    # Where nothing was drawn, all that was pushed has to come back: how much the last plan pulled is not known here.
    demanded = settings.retract_least if tool.drawing else settings.retract_most
    if tool.pulled < demanded - _TINY:
        raise Unsafe(
            f"the plan does not end retracted: {settings.retract_least:g} mm have to be pulled back, or the nozzle "
            "oozes over the board"
        )
    if tool.at["Z"] < tool.plastic_z + _LIFTED:
        raise Unsafe("the plan does not end lifted above its plastic")


def problem(lines: Iterable[str], settings: BridgeSettings) -> str | None:
    """Why the plan must not be run, None when it may."""
    try:
        check(lines, settings)
    except Unsafe as error:
        return str(error)
    return None


def extrudes(lines: Iterable[str]) -> bool:
    """Whether a checked plan moves filament at all."""
    return any(letter == "E" for line in lines for letter, _ in _ARGUMENT.findall(line))


def last_height(lines: Iterable[str]) -> float | None:
    """Z (mm) that a checked plan ends at."""
    height = None
    for line in lines:
        for letter, value in _ARGUMENT.findall(line):
            if letter == "Z":
                height = float(value)
    return height


def _line(tool: _Tool, line: str, s: BridgeSettings) -> None:
    found = _LINE.fullmatch(line)
    if found is None:
        raise Unsafe(f"'{line[:40]!a}' is not a plain command")
    word = found["word"]
    if word not in _ALLOWED:
        raise Unsafe(f"{word} is not allowed in a plan; allowed: {', '.join(_ALLOWED)}")
    arguments = _arguments(found["rest"], _ALLOWED[word])
    if word in ("G0", "G1"):
        _move(tool, arguments, s)
    elif word == "G90":
        tool.absolute = True
    elif word == "M83":
        tool.relative_e = True
    elif word == "G92":
        if arguments != {"E": 0.0}:
            raise Unsafe("G92 may only set E to 0")
    elif word == "M106" and not 0 <= arguments.get("S", 255) <= 255:
        raise Unsafe("a fan has S0 to S255")


def _arguments(text: str, allowed: str) -> dict[str, float]:
    arguments: dict[str, float] = {}
    for part in text.split():
        match = _ARGUMENT.fullmatch(part)
        if match is None:
            raise Unsafe(f"'{part}' is not an argument with a number")
        letter = match[1]
        if letter not in allowed:
            raise Unsafe(f"the argument {letter} is not allowed here")
        if letter in arguments:
            raise Unsafe(f"the argument {letter} stands twice")
        arguments[letter] = float(match[2])
    return arguments


def _move(tool: _Tool, arguments: dict[str, float], s: BridgeSettings) -> None:
    if not tool.absolute:
        raise Unsafe("a move before G90: it could be relative")
    if "E" in arguments and not tool.relative_e:
        raise Unsafe("E before M83: it could be absolute")
    _feed(tool, arguments, s)
    before = dict(tool.at)
    axes = {axis: value for axis, value in arguments.items() if axis in "XYZ"}
    _bounds(axes, s)
    if ("X" in axes or "Y" in axes) and "Z" not in before:
        # Z in the same line is too late: the way there would lead down through what is drawn.
        raise Unsafe("travel before the plan has said at which height; its first move is Z alone")
    tool.at.update(axes)
    if "E" in arguments:
        _extrude(tool, before, arguments["E"], s)


def _feed(tool: _Tool, arguments: dict[str, float], s: BridgeSettings) -> None:
    if "F" in arguments:
        if not 0 < arguments["F"] <= s.speed_most * 60:
            raise Unsafe(f"feed F{arguments['F']:g} is outside 0 to {s.speed_most * 60:g} mm/min")
        tool.feed = arguments["F"]
    elif tool.feed is None:
        raise Unsafe("a move before any feed was stated")


def _bounds(axes: dict[str, float], s: BridgeSettings) -> None:
    limits = {"X": (0.0, s.bed_x), "Y": (0.0, s.bed_y), "Z": (s.z_least, s.z_most)}
    for axis, value in axes.items():
        low, high = limits[axis]
        if not low <= value <= high:
            raise Unsafe(f"{axis}{value:g} is outside {low:g} to {high:g} mm")


def _extrude(tool: _Tool, before: dict[str, float], e: float, s: BridgeSettings) -> None:
    if len(tool.at) < 3 or len(before) < 3:
        raise Unsafe("extrusion before the plan has said where the nozzle is in X, Y and Z")
    if e < 0:
        _pull(tool, -e, s)
    elif e > 0:
        _push(tool, before, e, s)


def _pull(tool: _Tool, e: float, s: BridgeSettings) -> None:
    tool.pulled += e
    if tool.pulled > s.retract_most + _TINY:
        raise Unsafe(
            f"a retraction of {e:g} mm makes {tool.pulled:g} mm, more than {s.retract_most:g} mm: it would pull the "
            "filament out of the hot end"
        )


def _push(tool: _Tool, before: dict[str, float], e: float, s: BridgeSettings) -> None:
    tool.extruded += e
    if tool.extruded > s.filament_per_job + s.retract_most:
        raise Unsafe(f"more than {s.filament_per_job:g} mm of filament in one job")
    travel = math.dist([before[a] for a in "XYZ"], [tool.at[a] for a in "XYZ"])
    if travel == 0:
        if e > tool.pulled + _TINY:
            raise Unsafe(f"{e:g} mm of filament on the spot, where {tool.pulled:g} mm were pulled back")
        tool.pulled = max(tool.pulled - e, 0.0)
    else:
        if e > travel * s.filament_per_mm + _TINY:
            raise Unsafe(f"{e / travel:.3f} mm of filament per mm of travel is more than {s.filament_per_mm:g}")
        _flows(tool, s)
    # On the spot too: what was pulled back may be pushed further than to the tip.
    _keep_clear(before, tool.at, s)
    tool.plastic_z = max(tool.at["Z"], before["Z"], tool.plastic_z or 0.0)


def _flows(tool: _Tool, s: BridgeSettings) -> None:
    """A line that is drawn with the filament pulled back is drawn in the air, and nobody would know."""
    if not tool.drawing:
        if s.retract_most - tool.pulled < s.retract_least - _TINY:
            raise Unsafe(f"drawing before {s.retract_least:g} mm of filament were pushed forward again")
        tool.drawing, tool.pulled = True, 0.0
    elif tool.pulled > _STILL_PULLED:
        raise Unsafe(f"drawing while {tool.pulled:g} mm of filament are pulled back")


def _keep_clear(a: dict[str, float], b: dict[str, float], s: BridgeSettings) -> None:
    """No plastic where Z is homed: the segment must not enter the square at (0, 0)."""
    low, high = 0.0, 1.0
    for axis in "XY":
        start, delta = a[axis], b[axis] - a[axis]
        if delta == 0:
            if start >= s.z_corner:
                return
            continue
        crossing = (s.z_corner - start) / delta
        low, high = (low, min(high, crossing)) if delta > 0 else (max(low, crossing), high)
    if low < high:
        raise Unsafe(f"plastic in the corner of {s.z_corner:g} mm at (0, 0), where Z is homed")
