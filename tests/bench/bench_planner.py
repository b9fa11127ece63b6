"""Planning one move on a crowded board: path over the height map, G-code, and the map raised by it."""

from __future__ import annotations

import random
import statistics
import time
import tracemalloc

from services.planner.plastic import gcode
from services.planner.plastic.geometry import BoardGeometry
from services.planner.plastic.heightmap import HeightMap
from services.planner.plastic.path import plan_line
from services.planner.plastic.profile import Profile
from tests.bench.figures import Figure

LYING = 100
MEASURED = 200
AIM_MEDIAN_MS = 1.0
AIM_WORST_MS = 5.0
BOARD, PROFILE = BoardGeometry(), Profile()


def run() -> list[Figure]:
    """Moves of one seed; each of the measured ones is planned over the same 100."""
    rng = random.Random(1)
    squares = [f"{file}{rank}" for file in "abcdefgh" for rank in range(1, 9)]
    tracemalloc.start()
    plastic = HeightMap.empty(PROFILE)
    for _ in range(LYING):
        path = plan_line(plastic, BOARD.segment(*rng.sample(squares, 2)), PROFILE)
        if path is not None:
            plastic = plastic.may_reach(path.strokes).surely_drawn(path.strokes)
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    takes = sorted(_milliseconds(plastic, *rng.sample(squares, 2)) for _ in range(MEASURED))
    median, worst = statistics.median(takes), takes[-1]
    return [
        Figure("a move planned, median", f"{median:.2f} ms", f"under {AIM_MEDIAN_MS:g} ms", median < AIM_MEDIAN_MS),
        Figure("a move planned, worst", f"{worst:.2f} ms", f"under {AIM_WORST_MS:g} ms", worst < AIM_WORST_MS),
        Figure("the height map", f"{memory / 1e6:.2f} MB"),
    ]


def _milliseconds(plastic: HeightMap, start: str, end: str) -> float:
    """Processor time: what else the machine does is not the planner's."""
    began = time.process_time()
    path = plan_line(plastic, BOARD.segment(start, end), PROFILE)
    if path is not None:
        gcode.write(path, PROFILE)
        plastic.may_reach(path.strokes)
    return (time.process_time() - began) * 1000
