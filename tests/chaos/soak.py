"""Endurance: many moves over several boards without any fault; what grows, and whether it gets slower."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.campaign import Campaign
from tests.chaos.checker import Verdict, check
from tests.chaos.faults import SERVICES

EVERY_S = 2.0
STUCK_S = 120.0


@dataclass(frozen=True)
class Sample:
    """One look at one service."""

    moves: int
    resident_kb: int
    files: int
    database_kb: int


@dataclass
class Endurance:
    """What was seen."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    drawn_at: list[float] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    boards: int = 0

    def slope(self, service: str, what: str) -> float:
        """How much *what* grows a move, by least squares over the second half: the first one warms up."""
        half = self.samples[service][len(self.samples[service]) // 2 :]
        moves = [float(sample.moves) for sample in half]
        return statistics.linear_regression(moves, [float(getattr(sample, what)) for sample in half]).slope

    def seconds(self, part: int) -> tuple[float, float]:
        """How long the first *part* moves took, and the last."""
        return self.drawn_at[part] - self.drawn_at[0], self.drawn_at[-1] - self.drawn_at[-1 - part]


class Soak(Campaign):
    """A campaign without faults."""

    def endure(self, moves: int) -> Endurance:
        """Draw so many, and look at the services meanwhile. Raises AssertionError when nothing is drawn any more."""
        seen = Endurance({name: [] for name in SERVICES})
        began = time.time()
        try:
            self.world.start()
            self.probe.start()
            while len(self.truth.drawn) < moves:
                self._go_on()
                for name in SERVICES:
                    seen.samples[name].append(self._look(name))
            self.finish()
            story = self.story(began)
        finally:
            self.probe.stop()
            self.world.stop()
        seen.drawn_at = [at for at, _ in self.truth.drawn]
        seen.verdicts = check(story)
        seen.boards = len({str(move["move_id"]).split("-")[0] for move in story.export})
        return seen

    def _go_on(self) -> None:
        before = len(self.truth.drawn)
        self._for(EVERY_S)
        if len(self.truth.drawn) == before:
            assert self._until(lambda: len(self.truth.drawn) > before, STUCK_S), self.person.board

    def _look(self, name: str) -> Sample:
        process = Path(f"/proc/{self.world.service(name).pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        files = len(list((process / "fd").iterdir()))
        size = sum(path.stat().st_size for path in self.world.stack.data(name).glob("*.sqlite3*"))
        return Sample(len(self.truth.drawn), int(status["VmRSS"].split()[0]), files, size // 1024)
