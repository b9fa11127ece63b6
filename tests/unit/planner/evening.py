"""An evening at the board: the planner's core plans, a simulated printer runs its G-code, and things go wrong."""

from __future__ import annotations

import random
import re
from collections import Counter
from enum import Enum
from itertools import cycle

from contracts.moves import MoveState
from contracts.plan import JobEnd, Run
from tests.unit.planner.bench import Bench
from tests.unit.planner.simulator import Simulator

SQUARES = [f"{file}{rank}" for file in "abcdefgh" for rank in range(1, 9)]
_DRAWS = re.compile(r"G1 X([\d.]+) Y([\d.]+)(?: Z([\d.]+))? E([\d.]+) F\d+")
_SAFE = ["G28", "G0 Z20 F300"]
"""What the bridge does before the next move once a machine's place is not known any more."""


def seeded(count: int, repeated: float = 0.2, seed: int = 1) -> list[tuple[str, str]]:
    """Moves from square to square; so many of them ask for a line that was asked for before."""
    rng = random.Random(seed)
    moves: list[tuple[str, str]] = []
    while len(moves) < count:
        again = moves and rng.random() < repeated
        first, second = rng.choice(moves) if again else tuple(rng.sample(SQUARES, 2))
        moves.append((first, second))
    return moves


class Trouble(Enum):
    """What happens to a move: how it ends, how much of it was really drawn, and what a person says then."""

    CANCELLED = (JobEnd.CANCELLED, "half", None)
    DOUBTFUL_AND_THERE = (JobEnd.UNCERTAIN, "whole", "drawn")
    DOUBTFUL_AND_NOT_THERE = (JobEnd.UNCERTAIN, "none", "redraw")
    FAILED = (JobEnd.FAILED, "half", None)
    DOUBTFUL_AND_HALF_THERE = (JobEnd.UNCERTAIN, "half", "redraw")
    DRAWN_TWICE_BY_A_PERSONS_WORD = (JobEnd.UNCERTAIN, "whole", "redraw")
    DOUBTFUL_AND_LEFT = (JobEnd.UNCERTAIN, "half", "skip")


class Evening:
    """*printer* holds what was done, *troubles* what went wrong."""

    def __init__(self, wrong_every: int, seed: int = 1) -> None:
        self.printer = Simulator()
        self.bench = Bench(board_full_below=0).ready()
        self.troubles: Counter[Trouble] = Counter()
        self._wrong_every = wrong_every
        self._kinds = cycle(Trouble)
        self._rng = random.Random(seed)
        self.printer.run(_SAFE)

    def spend(self, moves: list[tuple[str, str]]) -> None:
        """Draw *moves*; one more always waits, so that it is planned ahead."""
        begun = 0
        asked = iter(moves)
        while True:
            while len(self.bench.game.moves) < 3 and (move := next(asked, None)) is not None:
                self.bench.ask(" ".join(move))
            if not self.bench.game.moves:
                return
            self.bench.begin()
            begun += 1
            run = self.bench.bridge.running
            assert run is not None
            if begun % self._wrong_every:
                self.printer.run(run.gcode)
                self.bench.end("drawn")
            else:
                self._go_wrong(run, next(self._kinds))

    def ends(self) -> Counter[MoveState]:
        """How many moves ended how."""
        header = self.bench.game.header
        names = (MoveState.DRAWN, MoveState.FAILED, MoveState.CANCELLED, MoveState.SKIPPED)
        return Counter({state: getattr(header, state.value) for state in names})

    def _go_wrong(self, run: Run, trouble: Trouble) -> None:
        end, really, answer = trouble.value
        self.troubles[trouble] += 1
        if really != "none":
            self.printer.run(run.gcode if really == "whole" else self._half(run.gcode))
        self.printer.retracted = 5.0
        self.printer.run(_SAFE)
        self.bench.end(end.value)
        if answer is not None:
            assert self.bench.command(f"resolve {answer}").event == "done"

    def _half(self, lines: tuple[str, ...]) -> list[str]:
        """*lines* up to the middle of one that draws."""
        at = self._rng.choice([i for i, line in enumerate(lines) if _DRAWS.fullmatch(line)])
        kept = list(lines[:at])
        words = " ".join(kept)
        part = self._rng.uniform(0.1, 0.9)
        match = _DRAWS.fullmatch(lines[at])
        assert match is not None
        x, y, z, e = match.groups()

        def between(axis: str, end: str) -> float:
            before = float(re.findall(rf"{axis}([\d.]+)", words)[-1])
            return before + (float(end) - before) * part

        height = f" Z{between('Z', z):.3f}" if z else ""
        kept.append(f"G1 X{between('X', x):.3f} Y{between('Y', y):.3f}{height} E{float(e) * part:.5f} F2400")
        return [*kept, "G0 Z20 F300"]
