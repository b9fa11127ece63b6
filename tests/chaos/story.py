"""What was seen from outside during a campaign. The checker reads nothing else, so that a planted story can test it.

All times are seconds of one clock, the campaign's own.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Struck:
    """A fault as it really happened."""

    kind: str
    target: str
    began: float
    ended: float
    doubt: bool = False
    """Whether a move in hand may honestly be uncertain after it."""
    copied: float | None = None
    """When the copy was made that a database was put back to."""


@dataclass(frozen=True)
class Said:
    """One message on `move/status`, a state's or an event's topic, or a link between planner and bridge."""

    t: float
    topic: str
    body: dict[str, Any]


@dataclass(frozen=True)
class File:
    """What one file did at the printer, by the printer's own log."""

    began: float
    ended: float
    job: str | None
    """From the mark that ends every file; None when the mark was never carried out."""
    plastic: float
    """Millimetres of travel that left plastic."""
    dropped: float = 0.0
    """Millimetres of filament that the firmware refused to feed."""
    blind: bool = False
    """Whether X or Y moved, homing apart, while its position was not known."""


@dataclass(frozen=True)
class Hot:
    """From *began* to *ended* a heater had a target above 0 and nothing moved."""

    began: float
    ended: float


@dataclass(frozen=True)
class Word:
    """Something the person said: `resolve drawn`, `pause`, `stop`, …; *answered* is None without an answer."""

    said: float
    answered: float | None
    word: str
    move: str | None = None


@dataclass
class Story:
    """Everything of one piece of a campaign."""

    began: float = 0.0
    ended: float = 0.0
    said: list[Said] = field(default_factory=list)
    struck: list[Struck] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    hot: list[Hot] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    export: list[dict[str, Any]] = field(default_factory=list)
    """Every move of every board, as `board export --json` writes it."""
    heaters_off_after: float = 60.0
    heated: list[float] = field(default_factory=list)
    """When the target of a heater was raised."""

    def write(self, path: Path) -> None:
        """Keep it."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> Story:
        """What was kept."""
        raw = json.loads(path.read_text())
        return cls(
            raw["began"], raw["ended"], [Said(**x) for x in raw["said"]], [Struck(**x) for x in raw["struck"]],
            [File(**x) for x in raw["files"]], [Hot(**x) for x in raw["hot"]], [Word(**x) for x in raw["words"]],
            raw["export"], raw["heaters_off_after"], raw["heated"],
        )  # fmt: skip
