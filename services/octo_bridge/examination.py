"""What the doctor concludes from what OctoPrint and the printer said. Pure: asking is in doctor.py."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from contracts.text import display_text
from services.octo_bridge.settings import VIRTUAL, BridgeSettings, ZHoming

MEGABYTE = 1 << 20
TIGHT, LOW = 1000 * MEGABYTE, 200 * MEGABYTE
CLOCKS_APART = 15.0
"""Seconds; what is compared may be a few seconds old."""
_HOMES_Z = re.compile(r"^\s*G28(?!\s*[XY])|^\s*G28.*Z", re.MULTILINE)
_LOSES_POSITION = re.compile(r"^\s*(M84|M18|G92)\b", re.MULTILINE)
_MOVES = re.compile(r"^\s*G[01]\b", re.MULTILINE)
_WAITS = re.compile(r"^\s*(M109|M190)\b", re.MULTILINE)
_TOUCHES = re.compile(r"^\s*(G27|G29|G30|G34|G38(\.\d)?|M302|M600)\b", re.MULTILINE)
_HEATS = re.compile(r"^\s*(M104|M140)\b.*[SR]0*[1-9]", re.MULTILINE)
_HOMED_AFTER = frozenset({"afterPrintCancelled", "afterPrinterConnected", "beforePrinterDisconnected"})
_HARMLESS = re.compile(
    r"(;.*|\{[%#{].*|G4\b.*|M10[567]\b.*|M11[0578]\b.*|M155\b.*|M22[01]\b.*|M300\b.*|M400\b.*|(M104|M140)\b.*"
    r"|M84\b.*|M18\b.*|G92\b.*)?"
)
"""Lines that neither move nor feed; what heats or loses the position is looked for before."""


class Grade(StrEnum):
    """How it stands; a printer is only armed when nothing has failed."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One line of the doctor: what was found and what to do about it."""

    name: str
    grade: Grade
    text: str


@dataclass(frozen=True)
class Found:
    """What was asked of OctoPrint and, through it, of the printer."""

    port: str
    firmware: str | None
    lines: tuple[str, ...]
    """The terminal after M115 and M118."""
    echo: str
    """What M118 was to say."""
    scripts: Mapping[str, str]
    permissions: frozenset[str]
    logs_jobs: bool | None
    """None: the log's levels, or the log itself, cannot be read."""
    free_there: int | None
    """Bytes at OctoPrint's."""
    free_here: int
    clock_apart: float | None
    """Seconds that OctoPrint's clock is ahead."""


def examine(found: Found, settings: BridgeSettings) -> list[Check]:
    """Every check, in the order in which a person would mend them."""
    return [
        _port(found, settings), _rights(found), _firmware(found), _thermal(found), _homing(found, settings),
        _echo(found), *_scripts(found), _log(found), *_disks(found), _clock(found),
    ]  # fmt: skip


def _port(found: Found, s: BridgeSettings) -> Check:
    if found.port in s.allowed_ports:
        return Check("port", Grade.OK, found.port)
    return Check("port", Grade.FAIL, f"{found.port} is not named in BOARDCAST_PRINTER_PORTS; name it there")


def _rights(found: Found) -> Check:
    if "ADMIN" in found.permissions:
        return Check("key", Grade.OK, "an administrator's")
    todo = "put its user into OctoPrint's group Admins (Settings, Access Control): the log needs it"
    return Check("key", Grade.FAIL, f"not an administrator's; {todo}")


def _firmware(found: Found) -> Check:
    if found.firmware is None:
        return Check("firmware", Grade.FAIL, "no answer to M115; is the printer on, is it the right baud rate?")
    if "marlin" not in found.firmware.lower():
        return Check("firmware", Grade.WARN, f"{found.firmware}: only Marlin is known here; watch the first moves")
    return Check("firmware", Grade.OK, found.firmware)


def _capability(found: Found, name: str) -> bool | None:
    answers = [match[1] for line in found.lines if (match := re.search(rf"Cap:{name}:([01])", line))]
    return answers[-1] == "1" if answers else None


def _thermal(found: Found) -> Check:
    there = _capability(found, "THERMAL_PROTECTION")
    if there:
        return Check("thermal protection", Grade.OK, "the firmware has it")
    if there is False:
        todo = "flash a Marlin with THERMAL_PROTECTION_HOTENDS and _BED; never run this printer unattended"
        return Check("thermal protection", Grade.FAIL, f"the firmware says that it has none; {todo}")
    if found.port == VIRTUAL:
        return Check("thermal protection", Grade.OK, "nothing gets hot")
    todo = "take the thermistor's plug off while it heats a little: it must halt within a minute"
    return Check("thermal protection", Grade.WARN, f"the firmware does not say; {todo}")


def _homing(found: Found, s: BridgeSettings) -> Check:
    probe = _capability(found, "Z_PROBE")
    told = f"BOARDCAST_Z_HOMING is {s.z_homing}"
    if probe is None:
        todo = "look: a switch beside the Z screw is `switch`, a pin or sensor beside the nozzle is `probe`"
        return Check("Z homing", Grade.WARN, f"the firmware does not say, {told}; {todo}")
    if probe is (s.z_homing is ZHoming.PROBE):
        return Check("Z homing", Grade.OK, f"{told}, as the firmware says")
    right = ZHoming.PROBE if probe else ZHoming.SWITCH
    return Check("Z homing", Grade.FAIL, f"{told}, the firmware says {right}; set it so, or homing hits the drawing")


def _echo(found: Found) -> Check:
    # A firmware without M118 repeats the whole line, in quotes.
    if any("Recv:" in line and line.rstrip().endswith(found.echo) for line in found.lines):
        return Check("M118", Grade.OK, "the printer says when a move is over")
    return Check("M118", Grade.WARN, "not echoed; a move's end is known from OctoPrint alone, so more are uncertain")


def _scripts(found: Found) -> list[Check]:
    return [_script(found, name, word) for name, word in (
        ("afterPrintCancelled", "cancel script"), ("afterPrintPaused", "pause script"),
        ("beforePrintResumed", "resume script"), ("afterPrinterConnected", "connect script"),
        ("beforePrinterDisconnected", "disconnect script"),
        ("beforePrintStarted", "start script"), ("afterPrintDone", "end script"),
    )]  # fmt: skip


def _script(found: Found, name: str, word: str) -> Check:
    text = found.scripts.get(name) or ""
    cancel = name == "afterPrintCancelled"
    where = "change it in OctoPrint (Settings, GCODE Scripts)"
    # OctoPrint sends what stands there, and firmware may read small letters too.
    text = text.upper()
    if found_word := _TOUCHES.search(text):
        reason = f"it has {found_word[1]}, which may touch a drawing or feed filament"
        return Check(word, Grade.FAIL, f"{reason}; {where}")
    if _HEATS.search(text):
        return Check(word, Grade.FAIL, f"it heats (M104, M140), which is the bridge's business alone; {where}")
    if _HOMES_Z.search(text):
        return Check(word, Grade.FAIL, f"it homes Z, maybe over a drawing; {where}")
    if _LOSES_POSITION.search(text) and name not in _HOMED_AFTER:
        return Check(word, Grade.FAIL, f"it has M84, M18 or G92, which the bridge does not notice; {where}")
    if _WAITS.search(text):
        return Check(word, Grade.FAIL, f"it waits for a temperature (M109, M190): a stop would wait too; {where}")
    if _MOVES.search(text):
        return Check(word, Grade.WARN, f"it moves; see that it lifts first and comes back, or {where}")
    unknown = next((line for line in map(str.strip, text.splitlines()) if not _HARMLESS.fullmatch(line)), None)
    if unknown is not None:
        name_of = display_text(unknown.split()[0])
        return Check(word, Grade.WARN, f"the doctor does not know {name_of}; see that it moves and heats nothing")
    return Check(word, Grade.OK, "homed again after it" if cancel else "harmless")


def _log(found: Found) -> Check:
    if found.logs_jobs:
        return Check("log", Grade.OK, "OctoPrint writes down when a job starts")
    if found.logs_jobs is None:
        return Check("log", Grade.FAIL, "OctoPrint's log cannot be read; is its plugin Logging on, the key right?")
    todo = "set octoprint.printer.standard.job to INFO (Settings, Logging)"
    return Check("log", Grade.WARN, f"its level hides when a job starts, so more moves are uncertain; {todo}")


def _disks(found: Found) -> list[Check]:
    return [_disk("OctoPrint's disk", found.free_there), _disk("the bridge's disk", found.free_here)]


def _disk(name: str, free: int | None) -> Check:
    if free is None:
        return Check(name, Grade.WARN, "its free space is not said; look yourself")
    text = f"{free // MEGABYTE} MB free"
    if free < LOW:
        return Check(name, Grade.FAIL, f"{text}; a full disk loses evidence: make room")
    return Check(name, Grade.WARN, f"{text}; make room soon") if free < TIGHT else Check(name, Grade.OK, text)


def _clock(found: Found) -> Check:
    if found.clock_apart is None:
        return Check("clock", Grade.WARN, "OctoPrint does not say what time it is")
    if abs(found.clock_apart) > CLOCKS_APART:
        text = (
            f"OctoPrint's is {found.clock_apart:+.0f} s off; switch NTP on at both: nothing is decided by it, but shown"
        )
        return Check("clock", Grade.WARN, text)
    return Check("clock", Grade.OK, "both agree")
