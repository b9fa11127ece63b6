"""How quickly moves are drawn, and how much of them: by the simulated printer, against a bound that nothing beats."""

from __future__ import annotations

from dataclasses import dataclass

from services.planner.plastic import gcode
from services.planner.plastic.geometry import BoardGeometry, Segment
from services.planner.plastic.heightmap import HeightMap
from services.planner.plastic.path import plan_line
from services.planner.plastic.profile import Profile
from tests.unit.planner.evening import seeded
from tests.unit.planner.simulator import Simulator


@dataclass(frozen=True)
class Pace:
    """Of a series of moves: lengths in mm, times in s."""

    moves: int
    asked: float
    """Length of all lines that were asked for."""
    drawn: float
    """Length of plastic."""
    shares: tuple[float, ...]
    """Of each move, 0 where its line was full."""
    seconds: float
    bound: float
    """Every line whole at the drawing speed, straight travel at the travel speed; no lifts, no acceleration."""
    bound_of_drawn: float
    """The same with only as much of each line as was drawn."""

    @property
    def share_of_moves(self) -> float:
        """Mean of the moves' shares."""
        return sum(self.shares) / self.moves

    @property
    def share_of_length(self) -> float:
        """Of what was asked for: long lines cross more and weigh more here."""
        return self.drawn / self.asked

    @property
    def to_the_bound(self) -> float:
        """Time over the bound for the whole lines: it flatters, because what was left out took no time."""
        return self.seconds / self.bound

    @property
    def to_the_bound_of_drawn(self) -> float:
        """Time over the bound for what was drawn."""
        return self.seconds / self.bound_of_drawn


def measure(count: int, seed: int = 1) -> Pace:
    """Plan and simulate *count* moves of *seed* on a bare plate, a fifth of which ask for a line again."""
    board, profile = BoardGeometry(), Profile()
    plastic, printer = HeightMap.empty(profile), Simulator()
    printer.run(["G28", "G0 Z20 F300"])
    began, asked, travelled, shares = printer.seconds, 0.0, 0.0, []
    x = y = 0.0
    for start, end in seeded(count, seed=seed):
        segment = board.segment(start, end)
        asked += segment.length
        travelled += Segment(x, y, segment.x1, segment.y1).length
        x, y = segment.x2, segment.y2
        path = plan_line(plastic, segment, profile)
        shares.append(path.share if path is not None else 0.0)
        if path is not None:
            plastic = plastic.may_reach(path.strokes).surely_drawn(path.strokes)
            printer.run(gcode.write(path, profile))
    travel = travelled / profile.travel_speed
    return Pace(
        moves=count,
        asked=asked,
        drawn=printer.drawn,
        shares=tuple(shares),
        seconds=printer.seconds - began,
        bound=travel + asked / profile.draw_speed,
        bound_of_drawn=travel + printer.drawn / profile.draw_speed,
    )
