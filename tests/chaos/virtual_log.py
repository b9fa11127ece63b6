"""What the Virtual Printer received, read as if a real one had obeyed it.

It forgets nothing when its motors are let go or it is reset, and extrudes when cold: whether it knows its place is
reckoned here, as Marlin would.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

_RECORD = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) (<<<|>>>) (.*)")
_NUMBERED = re.compile(r"N(\d+)\s*(.*?)\s*\*\d+")
_WORD = re.compile(r"([A-Z])(-?\d*\.?\d+)")
_AXES = "XYZ"


class VirtualLog:
    """Its serial log, line by line; each further connection within a process writes every line once more."""

    def __init__(self) -> None:
        self._moment, self._same_moment = "", set[str]()
        self._last = 0
        self._file = 0
        self._place = [0.0, 0.0, 0.0]
        self._known = ""
        self._relative = False
        self._targets = {"nozzle": 0.0, "bed": 0.0}

    def records(self, line: bytes) -> Iterator[dict[str, Any]]:
        """What a line says, in the words of the faithful printer's log."""
        match = _RECORD.fullmatch(line.decode(errors="replace").rstrip())
        if match is None or self._repeated(match[1] + match[2], match[0]):
            return
        wall = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").timestamp() + int(match[2]) / 1000
        if match[3] == ">>>":
            if match[4].strip() == "start":
                yield from self._reset(wall)
            return
        text = self._in_turn(match[4].strip())
        if text is not None:
            yield from self._obey(text, wall)

    def _repeated(self, moment: str, record: str) -> bool:
        if moment != self._moment:
            self._moment, self._same_moment = moment, set()
        before = record in self._same_moment
        self._same_moment.add(record)
        return before

    def _in_turn(self, text: str) -> str | None:
        """The command without number and sum; None for one that comes out of turn, which the printer asks for again."""
        match = _NUMBERED.fullmatch(text)
        if match is None:
            return text
        number = int(match[1])
        if match[2].startswith("M110"):
            self._last = number
        elif number != self._last + 1:
            return None
        self._last = number
        return match[2]

    def _reset(self, wall: float) -> Iterator[dict[str, Any]]:
        self._known, self._relative, self._last = "", False, 0
        yield self._heat(wall, nozzle=0.0, bed=0.0)

    def _obey(self, text: str, wall: float) -> Iterator[dict[str, Any]]:
        word, _, rest = text.partition(" ")
        values = {letter: float(value) for letter, value in _WORD.findall(rest)}
        if word in {"G0", "G1"}:
            yield self._move("move", values, wall)
        elif word == "G28":
            axes = "".join(axis for axis in _AXES if axis in rest) or _AXES
            yield self._move("home", dict.fromkeys(axes, 0.0), wall)
            self._known += axes
        elif word in {"G90", "G91"}:
            self._relative = word == "G91"
        elif word == "M110":
            self._file += 1
        elif word in {"M84", "M18"} and "S" not in values:
            self._known = ""
        elif word in {"M104", "M109"}:
            yield self._heat(wall, nozzle=values.get("S", 0.0))
        elif word in {"M140", "M190"}:
            yield self._heat(wall, bed=values.get("S", 0.0))
        elif word == "M118":
            yield {"kind": "mark", "wall": wall, "file": self._file, "text": text}

    def _move(self, kind: str, values: dict[str, float], wall: float) -> dict[str, Any]:
        before = tuple(self._place)
        for index, axis in enumerate(_AXES):
            if axis in values:
                base = self._place[index] if self._relative and kind == "move" else 0.0
                self._place[index] = base + values[axis]
        return {
            "kind": kind, "wall": wall, "file": self._file, "from": before, "to": tuple(self._place),
            "e": values.get("E", 0.0), "known": self._known,
        }  # fmt: skip

    def _heat(self, wall: float, **targets: float) -> dict[str, Any]:
        self._targets |= targets
        nozzle, bed = self._targets["nozzle"], self._targets["bed"]
        return {"kind": "heat", "wall": wall, "nozzle": (nozzle, nozzle), "bed": (bed, bed)}
