"""What the lines of a reply mean, in every dialect that was seen; what is absent or absurd is None, never an error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from contracts.text import display_text

ABSURD_TEMPERATURE = 1000.0
"""°C. A sensor that is torn off reads as anything."""
_NUMBER = r"-?\d{1,6}(?:\.\d{1,6})?"
_HEATER = re.compile(rf"\b(T0?|B)\s*:\s*({_NUMBER})(?:\s*/\s*({_NUMBER}))?")
_RATIO = re.compile(r"\bbyte\s+(\d{1,15})\s*/\s*(\d{1,15})", re.IGNORECASE)
_LAYER = re.compile(r"\blayer\s*:\s*(\d{1,7})\s*/\s*(\d{1,7})", re.IGNORECASE)


class Activity(StrEnum):
    """What the printer is doing, out of MachineStatus and MoveMode."""

    IDLE = "idle"
    PRINTING = "printing"
    PAUSED = "paused"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def in_print(self) -> bool:
        """Whether a print is under way."""
        return self in (Activity.PRINTING, Activity.PAUSED)


@dataclass(frozen=True)
class Heat:
    """A heater, in °C."""

    actual: float | None = None
    target: float | None = None


@dataclass(frozen=True)
class Temperatures:
    """Reply to M105. The nozzle is T0; further ones are not shown."""

    nozzle: Heat = Heat()
    bed: Heat = Heat()


@dataclass(frozen=True)
class Machine:
    """Reply to M119."""

    activity: Activity
    said: str
    """MachineStatus as it came."""
    job: str | None = None
    light: bool | None = None


@dataclass(frozen=True)
class Progress:
    """Reply to M27. It is progress and not state: it stands still after a cancel and reaches 100 before the end."""

    done: int
    total: int
    layer: int | None = None
    layers: int | None = None

    @property
    def percent(self) -> float | None:
        """0 to 100, None where the printer has no total yet."""
        return round(min(100.0, 100.0 * self.done / self.total), 1) if self.total else None

    @property
    def trusted(self) -> float | None:
        """The same for decisions: None also for "more than all", as said at the very start of a print."""
        return self.percent if self.done <= self.total else None


@dataclass(frozen=True)
class Identity:
    """Reply to M115."""

    model: str | None = None
    name: str | None = None
    firmware: str | None = None
    serial_number: str | None = None


def temperatures(lines: Iterable[str]) -> Temperatures | None:
    """Out of ``T0:52/240 B:46/100``, ``T0:22 /0 B:11/0`` and their like; None if there is no heater in it."""
    found: dict[str, Heat] = {}
    for line in lines:
        for name, actual, target in _HEATER.findall(line):
            found.setdefault(name[0], Heat(_degrees(actual), _degrees(target)))
    return Temperatures(found.get("T", Heat()), found.get("B", Heat())) if found else None


def machine(lines: Iterable[str]) -> Machine | None:
    """Out of ``MachineStatus``, ``MoveMode``, ``LED`` and ``CurrentFile``, in any order; None without the first."""
    fields = _fields(lines)
    said = fields.get("machinestatus", "")
    if not said:
        return None
    light = fields.get("led", "")
    return Machine(
        _activity(said.upper(), fields.get("movemode", "").upper()),
        display_text(said),
        display_text(fields.get("currentfile", "")) or None,
        light != "0" if light.isdecimal() else None,
    )


def progress(lines: Iterable[str]) -> Progress | None:
    """Out of ``SD printing byte 11/100`` and ``Layer: 44/419``; None without the first."""
    text = "\n".join(lines)
    ratio, layer = _RATIO.search(text), _LAYER.search(text)
    if not ratio:
        return None
    # Layers of 0 are what firmware says that does not count them.
    counted = layer is not None and int(layer[2]) > 0
    return Progress(
        int(ratio[1]),
        int(ratio[2]),
        int(layer[1]) if counted and layer else None,
        int(layer[2]) if counted and layer else None,
    )


def identity(lines: Iterable[str]) -> Identity | None:
    """Out of ``Machine Type``, ``Machine Name``, ``Firmware`` and ``SN``; None with none of them."""
    fields = _fields(lines)
    found = Identity(
        *(display_text(fields.get(key, "")) or None for key in ("machine type", "machine name", "firmware", "sn"))
    )
    return found if found != Identity() else None


def _fields(lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip().lower(), value.strip())
    return found


def _activity(status: str, mode: str) -> Activity:
    if "ERROR" in status or "FAIL" in status:
        return Activity.FAILED
    if status == "PAUSED" or (status in ("BUILDING", "BUILDING_FROM_SD") and mode == "PAUSED"):
        return Activity.PAUSED
    known = {
        "READY": Activity.IDLE,
        "IDLE": Activity.IDLE,
        "BUILDING": Activity.PRINTING,
        "BUILDING_FROM_SD": Activity.PRINTING,
        "BUILDING_COMPLETED": Activity.COMPLETED,
        "BUSY": Activity.BUSY,
    }
    return known.get(status, Activity.UNKNOWN)


def _degrees(text: str) -> float | None:
    value = float(text) if text else None
    return value if value is None or abs(value) < ABSURD_TEMPERATURE else None
