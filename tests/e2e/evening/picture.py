"""The plastic of a job, by the serial log, beside the line that the picture of the board shows for it."""

from __future__ import annotations

import math
import re

from contracts.board import DrawnLine
from deploy.simulators.octoprint import Job

NEAR = 0.01
"""mm; the G-code has three digits."""
SHARE = 0.02
_WORD = re.compile(r"([XYE])(-?\d+(?:\.\d+)?)")
Point = tuple[float, float]


def move_of(job: Job) -> str:
    """The move's id in a job's, which is made of the planner's instance, the move and the number of the plan."""
    return "-".join((job.move or "").split("-")[1:3])


def plastic(job: Job) -> list[tuple[Point, Point]]:
    """Every stretch in the plane along which the nozzle pushed filament."""
    at, found = (math.nan, math.nan), []
    for text in job.motion:
        words = {letter: float(value) for letter, value in _WORD.findall(text)}
        to = (words.get("X", at[0]), words.get("Y", at[1]))
        if to != at and words.get("E", 0.0) > 0:
            found.append((at, to))
        at = to
    return found


def is_purge(stretch: tuple[Point, Point]) -> bool:
    """Beside the board, which goes from 17.5 to 217.5 mm: a nozzle that was idle is filled there first."""
    return all(not 17.5 < x < 217.5 for x, _ in stretch)


def check(line: DrawnLine, job: Job) -> None:
    """Raise AssertionError unless the job's plastic is the picture's line, as much of it as the picture says."""
    stretches = [stretch for stretch in plastic(job) if not is_purge(stretch)]
    assert stretches, f"no plastic of {line.move_id}"
    length = math.dist((line.x1, line.y1), (line.x2, line.y2))
    for point in (point for stretch in stretches for point in stretch):
        aside = math.dist(point, (line.x1, line.y1)) + math.dist(point, (line.x2, line.y2)) - length
        assert aside < NEAR, f"{point} of {line.move_id} is not on its line"
    covered = sum(math.dist(*stretch) for stretch in stretches) / length
    assert abs(covered - line.share) < SHARE, f"{line.move_id}: {covered:.3f} is plastic, shown is {line.share:.3f}"
    if line.share == 1.0:
        assert math.dist(stretches[0][0], (line.x1, line.y1)) < NEAR
        assert math.dist(stretches[-1][1], (line.x2, line.y2)) < NEAR
