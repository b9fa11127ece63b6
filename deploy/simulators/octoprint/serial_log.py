"""What the Virtual Printer received and when: the independent witness of what was drawn.

A line of its log is `2026-01-31 12:00:00,123 <<< N5 G1 X1 Y2*53`, where `<<<` marks what the printer received and `>>>`
what it answered. Within one OctoPrint process every further connection writes each line once more, in the same
millisecond, so equal lines of the same millisecond count once; that an answer given twice within a millisecond is lost
does not matter here. A line sent again on the printer's request counts once too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_RECORD = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) (<<<|>>>) (.*)")
_NUMBERED = re.compile(r"N(\d+)\s+(.*?)\s*\*\d+")
_JOB_STARTS = re.compile(r"M110\b")
_JOB_ENDS = re.compile(r"M118 E1 move:(?P<move>[^:\s]+):a(?P<attempt>\d+):done")
_MOTION = re.compile(r"G[01]\b")
_WORD = re.compile(r"([A-Z])(-?\d*\.?\d+)")


@dataclass(frozen=True)
class Line:
    """A command as the printer received it, without line number and checksum."""

    time: datetime
    text: str
    number: int | None = None
    acknowledged: datetime | None = None
    """When the printer answered the first "ok" at or after `time`."""

    @property
    def draws(self) -> bool:
        """Whether it moves in the plane while it pushes filament (relative extrusion)."""
        if not _MOTION.match(self.text):
            return False
        words = {letter: float(value) for letter, value in _WORD.findall(self.text)}
        return words.get("E", 0) > 0 and not words.keys().isdisjoint("XY")


@dataclass(frozen=True)
class Job:
    """The commands of one file, from its first to the line that says that it is done."""

    lines: tuple[Line, ...]
    move: str | None = None
    """The move's id; None when the line that ends every file never came."""
    attempt: int | None = None

    @property
    def motion(self) -> tuple[str, ...]:
        """All G0 and G1 commands, in their order."""
        return tuple(line.text for line in self.lines if _MOTION.match(line.text))

    @property
    def drawn(self) -> tuple[str, ...]:
        """The G1 commands that leave plastic."""
        return tuple(line.text for line in self.lines if line.draws)

    @property
    def started(self) -> datetime:
        """When the printer received the first command."""
        return self.lines[0].time

    @property
    def finished(self) -> datetime | None:
        """When the printer acknowledged the last command."""
        return self.lines[-1].acknowledged


class SerialLog:
    """Reads the log anew at each call; a missing file is an empty log."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[Line]:
        """Every command that the printer received, in order, each once."""
        text = self.path.read_text(errors="replace") if self.path.exists() else ""
        return list(_without_repeats(_commands(text.splitlines())))

    def jobs(self) -> list[Job]:
        """The commands grouped by file. What runs outside of a file belongs to none, and neither does homing by API."""
        return list(_jobs(self.lines()))

    def drawn(self) -> list[str]:
        """The ids of the moves whose file ran to its end, in that order."""
        return [job.move for job in self.jobs() if job.move is not None]


def _commands(records: Iterable[str]) -> Iterator[Line]:
    """Received commands with the time of their acknowledgement; equal records of a millisecond count once."""
    seen: set[str] = set()
    waiting: list[Line] = []
    for record in records:
        match = _RECORD.fullmatch(record)
        if match is None or record in seen:
            continue
        seen.add(record)
        time, direction, text = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S,%f"), match[2], match[3].strip()
        if direction == "<<<":
            waiting.extend(_parse(time, text))
        elif text.startswith("ok"):
            # Host and Virtual Printer keep one line under way, so the answer is to all that wait.
            for line in waiting:
                yield Line(line.time, line.text, line.number, acknowledged=max(time, line.time))
            waiting.clear()
    yield from waiting


def _parse(time: datetime, text: str) -> Iterator[Line]:
    numbered = _NUMBERED.fullmatch(text)
    if numbered is not None:
        yield Line(time, numbered[2], int(numbered[1]))
    elif text and "*" not in text:
        # Otherwise it is the rest of a line that was written in pieces and logged as a whole before.
        yield Line(time, text)


def _without_repeats(lines: Iterable[Line]) -> Iterator[Line]:
    """Leave out a numbered line that was sent again; M110 starts the numbers anew."""
    numbers: set[int] = set()
    for line in lines:
        if _JOB_STARTS.match(line.text):
            numbers.clear()
        elif line.number is not None:
            if line.number in numbers:
                continue
            numbers.add(line.number)
        yield line


def _jobs(lines: Iterable[Line]) -> Iterator[Job]:
    """OctoPrint resets the line numbers with M110 before each file, and numbers only what belongs to a file."""
    inside: list[Line] = []
    for line in lines:
        if _JOB_STARTS.match(line.text):
            yield from _unfinished(inside)
            inside = []
        elif line.number is not None:
            inside.append(line)
            if end := _JOB_ENDS.fullmatch(line.text):
                yield Job(tuple(inside), end["move"], int(end["attempt"]))
                inside = []
    yield from _unfinished(inside)


def _unfinished(lines: list[Line]) -> Iterator[Job]:
    # What follows a finished file, and a greeting after a connect, moves nothing.
    if any(_MOTION.match(line.text) for line in lines):
        yield Job(tuple(lines))
