"""The first 100 moves on a plate, by the simulated printer with its acceleration: how quickly, and how much of them.

The bound is every line whole at the drawing speed and straight travel at the travel speed, without lifts and without
acceleration. What is left out of a line because plastic lies there takes no time, so the time over that bound and the
share that was drawn belong together; the time over the bound for what was drawn is the stricter figure.
"""

from __future__ import annotations

import statistics

from tests.bench.figures import Figure
from tests.unit.planner.pace import measure

SEEDS = range(1, 9)
AIM_RATIO = 1.5
AIM_SHARE = 0.85


def run() -> list[Figure]:
    """Means over the seeds."""
    paces = [measure(100, seed) for seed in SEEDS]
    ratio = statistics.mean(pace.to_the_bound for pace in paces)
    length = statistics.mean(pace.share_of_length for pace in paces)
    moves = statistics.mean(pace.share_of_moves for pace in paces)
    strict = statistics.mean(pace.to_the_bound_of_drawn for pace in paces)
    seconds = statistics.mean(pace.seconds / pace.moves for pace in paces)
    bound = statistics.mean(pace.bound / pace.moves for pace in paces)
    return [
        Figure("a move takes", f"{seconds:.2f} s"),
        Figure("the bound for it", f"{bound:.2f} s"),
        Figure("time to the bound", f"{ratio:.2f}", f"at most {AIM_RATIO:g}", ratio <= AIM_RATIO),
        Figure("share of the length drawn", f"{length:.1%}", f"at least {AIM_SHARE:.0%}", length >= AIM_SHARE),
        Figure("share of a move drawn, mean", f"{moves:.1%}", f"at least {AIM_SHARE:.0%}", moves >= AIM_SHARE),
        Figure("time to the bound for what was drawn", f"{strict:.2f}"),
    ]
