"""What the faithful printer really did, read from its log as it grows. What anybody says of it does not matter here."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.story import File, Hot

_DONE = re.compile(r"move:([^:\s]+):a(\d+):done$")
_WORTH_TELLING_S = 10.0


@dataclass
class _File:
    began: float
    ended: float
    job: str | None = None
    plastic: float = 0.0
    dropped: float = 0.0
    blind: bool = False


class Truth:
    """`update` reads what is new. Times are of the machine's wall clock."""

    def __init__(
        self, path: Path, records: Callable[[bytes], Iterable[dict[str, Any]]] = lambda x: [json.loads(x)]
    ) -> None:
        """*records*: what a line of the log says, in the words of the faithful printer."""
        self._records = records
        self._path = path
        self._offset = 0
        self._files: dict[int, _File] = {}
        self._hot: list[Hot] = []
        self._still_since: float | None = None
        self.drawn: list[tuple[float, str]] = []
        """When each whole file with plastic was done, and its job."""
        self.moved_at = 0.0
        self.heated: list[float] = []
        """When the target of a heater was raised."""
        self._targets = (0.0, 0.0)

    def update(self) -> None:
        """Read on."""
        if not self._path.exists():
            return
        with self._path.open("rb") as log:
            log.seek(self._offset)
            data = log.read()
        whole = data.rfind(b"\n") + 1
        self._offset += whole
        for line in data[:whole].splitlines():
            for record in self._records(line):
                self._take(record)

    def files(self) -> list[File]:
        """Files in which something moved or a mark came, in their order."""
        return [File(f.began, f.ended, f.job, f.plastic, f.dropped, f.blind) for _, f in sorted(self._files.items())]

    def hot(self, now: float) -> list[Hot]:
        """Spans of some length in which a heater was on and nothing moved."""
        still = [Hot(self._still_since, now)] if self._still_since is not None else []
        return [span for span in (*self._hot, *still) if span.ended - span.began > _WORTH_TELLING_S]

    def whole(self, move: str, since: float = 0.0) -> bool:
        """Whether a whole file of this move was drawn, *since* the last planner began to count."""
        return any(f"-{move}-" in job and at > since for at, job in self.drawn)

    def _take(self, record: dict[str, Any]) -> None:
        kind, wall = record["kind"], record["wall"]
        if kind in {"move", "home"}:
            self._move(record, wall)
        elif kind == "heat":
            self._heat((record["nozzle"][1], record["bed"][1]), wall)
        elif kind == "dropped":
            self._file(record, wall).dropped += max(record["e"], 0.0)
        elif kind == "mark" and (match := _DONE.search(record["text"])):
            file = self._file(record, wall)
            file.job, file.ended = match[1], wall
            if file.plastic > 0:
                self.drawn.append((wall, match[1]))

    def _move(self, record: dict[str, Any], wall: float) -> None:
        file = self._file(record, wall)
        file.ended = self.moved_at = wall
        if self._still_since is not None:
            self._hot.append(Hot(self._still_since, wall))
            self._still_since = wall
        (x1, y1, _), (x2, y2, _) = record["from"], record["to"]
        if record["kind"] == "move" and (
            (x1 != x2 and "X" not in record["known"]) or (y1 != y2 and "Y" not in record["known"])
        ):
            file.blind = True
        if record["e"] > 0:
            file.plastic += math.hypot(x2 - x1, y2 - y1)

    def _heat(self, targets: tuple[float, float], wall: float) -> None:
        if any(now > before for now, before in zip(targets, self._targets, strict=True)):
            self.heated.append(wall)
        self._targets, target = targets, max(targets)
        if target > 0 and self._still_since is None:
            self._still_since = wall
        elif target <= 0 and self._still_since is not None:
            self._hot.append(Hot(self._still_since, wall))
            self._still_since = None

    def _file(self, record: dict[str, Any], wall: float) -> _File:
        return self._files.setdefault(record["file"], _File(wall, wall))
