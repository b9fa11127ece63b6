"""Reads the printer's log: what was really drawn, in which job, where the firmware knew its position and where not.

A job is what lies between two starts of line numbers (`M110`, which OctoPrint sends before each file), resets or marks;
its name is the `M118 E1 move:<id>:a<attempt>:done` that ends it. Records, by `kind`:

- `line`: received; `at`, `known`, `nozzle`, `bed` at that moment; `refused` or `lost` with the reason if not taken
- `move`, `home`: a stretch travelled; `from`, `to`, `known` axes, `e` fed, `e_asked` in mm, `cut` if stopped half-way
- `homed`, `released`, `reset`, `killed`, `hit`, `pushed`, `opened`, `dropped_line`: what happened to the machine
- `dropped`: filament that the firmware refused to feed, and `why`
- `heat`: `nozzle` and `bed` as [actual, target]; `mark`, `fan`, `broken`, `cold_extrusion`

`t` is the printer's time in s, `wall` the real one.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DONE = re.compile(r"move:(?P<move>[^:\s]+):a(?P<attempt>\d+):done$")
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Segment:
    """A straight stretch that the nozzle really travelled. Lengths in mm, times in s, temperature in degC."""

    start: Point
    end: Point
    e: float
    """Filament really fed; negative when pulled back."""
    e_asked: float
    known: str
    nozzle: float
    began: float
    ended: float
    line: str
    homing: bool
    cut: bool

    @property
    def in_plane(self) -> float:
        """Length seen from above."""
        return math.hypot(self.end[0] - self.start[0], self.end[1] - self.start[1])

    @property
    def drawn(self) -> bool:
        """Whether it left plastic."""
        return self.e > 0 and self.in_plane > 0

    @property
    def unknown(self) -> str:
        """Axes that moved although their position was not known."""
        return "".join(
            axis for index, axis in enumerate("XYZ") if self.start[index] != self.end[index] and axis not in self.known
        )


@dataclass(frozen=True)
class Job:
    """What one file, or what was sent between two, really did."""

    segments: tuple[Segment, ...]
    move: str | None = None
    """The move's id; None if the mark that ends its file was never carried out."""
    attempt: int | None = None
    dropped_e: float = 0.0
    """Filament that was asked for and refused, in mm."""

    @property
    def drawn(self) -> tuple[Segment, ...]:
        """The stretches that left plastic."""
        return tuple(segment for segment in self.segments if segment.drawn)


@dataclass(frozen=True)
class Heat:
    """Both heaters at a moment, in degC."""

    t: float
    nozzle: float
    nozzle_target: float
    bed: float
    bed_target: float


class Witness:
    """Reads the log anew at each call; a missing file is an empty log, a last line half written is left out."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def records(self, *kinds: str) -> list[dict[str, Any]]:
        """All records, or those of some kinds, in their order."""
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        found = [json.loads(line) for line in text.split("\n")[:-1]]
        return [record for record in found if not kinds or record["kind"] in kinds]

    def lines(self) -> list[str]:
        """The lines that the firmware took, with numbers and checksums."""
        return [line["line"] for line in self.records("line") if "refused" not in line and "lost" not in line]

    def segments(self) -> list[Segment]:
        """Every stretch travelled."""
        return [_segment(record) for record in self.records("move", "home")]

    def jobs(self) -> list[Job]:
        """What was travelled or refused, grouped; files that did neither are left out."""
        segments: dict[int, list[Segment]] = {}
        dropped: dict[int, float] = {}
        names: dict[int, re.Match[str]] = {}
        for record in self.records("move", "home", "mark", "dropped"):
            file = record["file"]
            if record["kind"] == "mark":
                if match := _DONE.search(record["text"]):
                    names[file] = match
            elif record["kind"] == "dropped":
                dropped[file] = dropped.get(file, 0.0) + max(record["e"], 0.0)
            else:
                segments.setdefault(file, []).append(_segment(record))
        return [
            Job(
                tuple(segments.get(file, ())),
                names[file]["move"] if file in names else None,
                int(names[file]["attempt"]) if file in names else None,
                dropped.get(file, 0.0),
            )
            for file in sorted({*segments, *names, *dropped})
        ]

    def done(self) -> list[str]:
        """The ids of the moves whose file ran to its end, in that order."""
        return [job.move for job in self.jobs() if job.move is not None]

    def heaters(self) -> list[Heat]:
        """The heaters over time, a record for every degree and every new target."""
        return [Heat(record["t"], *record["nozzle"], *record["bed"]) for record in self.records("heat")]

    def moved_unknown(self, axes: str = "XYZ") -> list[Segment]:
        """Moves, homing apart, of one of these axes while its position was not known."""
        return [s for s in self.segments() if not s.homing and not set(axes).isdisjoint(s.unknown)]

    def homings(self) -> list[tuple[str, Point]]:
        """Each axis homed and where the nozzle was when it had found its switch."""
        return [(record["axis"], _point(record["at"])) for record in self.records("homed")]


def _segment(record: dict[str, Any]) -> Segment:
    return Segment(
        start=_point(record["from"]),
        end=_point(record["to"]),
        e=record["e"],
        e_asked=record["e_asked"],
        known=record["known"],
        nozzle=record["nozzle"],
        began=record["began"],
        ended=record["t"],
        line=record["line"],
        homing=record["kind"] == "home",
        cut=record.get("cut", False),
    )


def _point(values: list[float]) -> Point:
    x, y, z = values
    return x, y, z
