"""What the planner emits is run by a printer that shares no code with it: nothing is ploughed, nothing hangs."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planner.plastic import gcode
from services.planner.plastic.geometry import BoardGeometry, Segment
from services.planner.plastic.heightmap import CELL, CLEARANCE, HeightMap
from services.planner.plastic.path import plan_line
from services.planner.plastic.profile import Profile
from services.planner.plastic.strokes import Stroke, Waypoint, pack, unpack
from tests.unit.planner.evening import seeded
from tests.unit.planner.simulator import Simulator

BOARD, PROFILE = BoardGeometry(), Profile()
Lines = tuple[str, ...]


@cache
def planned(count: int) -> tuple[tuple[Lines, ...], tuple[float, ...]]:
    """G-code of *count* moves one after another, and the share of each that is drawn."""
    plastic = HeightMap.empty(PROFILE)
    moves: list[Lines] = []
    shares: list[float] = []
    for start, end in seeded(count):
        path = plan_line(plastic, BOARD.segment(start, end), PROFILE)
        if path is None:
            shares.append(0.0)
            continue
        plastic = plastic.may_reach(path.strokes).surely_drawn(path.strokes)
        shares.append(path.share)
        moves.append(gcode.write(path, PROFILE))
    return tuple(moves), tuple(shares)


def simulate(moves: tuple[Lines, ...]) -> Simulator:
    printer = Simulator()
    printer.run(["G28", "G0 Z20 F300"])
    for lines in moves:
        printer.run(lines)
    return printer


def assert_well_drawn(printer: Simulator) -> None:
    assert printer.faults == []
    assert printer.ploughed == 0
    assert printer.scraped == 0
    assert printer.aired / printer.drawn < 0.03


def test_three_hundred_moves_plough_nothing_and_hardly_hang() -> None:
    assert_well_drawn(simulate(planned(300)[0]))


def _replaced(pattern: str, by: str) -> Callable[[Lines], Lines]:
    return lambda lines: tuple(re.sub(pattern, by, line) for line in lines)


MUTANTS: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "flat Z": (_replaced(r"(G1 X.*) Z[\d.]+|G1 Z[\d.]+", r"\1 Z0.25"), "ploughed"),
    "missing M83": (lambda lines: tuple(line for line in lines if line != "M83"), "absolute E"),
    "out of bed": (_replaced(r"X1\d\d", "X310"), "out of bed"),
    "dive": (_replaced(r"Z0.250", "Z0.100"), "below one layer"),
    "thick line": (_replaced(r"(X.*) E(\d+)\.", r"\1 E1\2."), "filament"),
    "no lift": (_replaced(r"G0 Z[\d.]+", "G0 Z0.25"), "scraped"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_simulator_catches(name: str) -> None:
    mutate, sign = MUTANTS[name]
    moves, _ = planned(300)
    printer = simulate(tuple(mutate(lines) for lines in moves[:60]))
    found = " ".join(printer.faults)
    if printer.ploughed:
        found += " ploughed"
    if printer.scraped:
        found += " scraped"
    assert sign in found


def test_the_simulator_catches_a_missing_home() -> None:
    printer = Simulator()
    printer.run(planned(300)[0][0])
    assert "not homed" in printer.faults


def test_the_same_line_again_and_again_is_full_at_last() -> None:
    plastic = HeightMap.empty(PROFILE)
    segment = BOARD.segment("a1", "h8")
    heights = []
    while (path := plan_line(plastic, segment, PROFILE)) is not None:
        heights.append(max(point.z for stroke in path.strokes for point in stroke.points))
        plastic = plastic.may_reach(path.strokes).surely_drawn(path.strokes)
    assert heights == [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]


def test_over_plastic_that_may_not_be_there_only_one_layer_is_ventured() -> None:
    plastic = HeightMap.empty(PROFILE)
    segment = BOARD.segment("a1", "a8")
    for _ in range(2):
        path = plan_line(plastic, segment, PROFILE)
        assert path is not None
        plastic = plastic.may_reach(path.strokes)  # failed, twice
    assert plan_line(plastic, segment, PROFILE) is None


@pytest.mark.parametrize(("width", "multiplier"), [(0.48, 1.0), (0.48, 1.4), (1.2, 1.0), (2.0, 1.0), (2.0, 1.4)])
def test_a_wider_nozzle_keeps_its_flat_above_wider_beads_beside_it(width: float, multiplier: float) -> None:
    profile = Profile(width=width, multiplier=multiplier)
    there = plan_line(HeightMap.empty(profile), Segment(50, 50, 51, 120), profile)
    assert there is not None
    plastic = HeightMap.empty(profile).may_reach(there.strokes).surely_drawn(there.strokes)
    # A nozzle's tip is flat for 0.3 mm around its bore, and lines are 1.2 times as wide as that.
    reach = width / 1.2 / 2 + 0.3 + width * multiplier / 2
    for part in (0.4, 0.7, 0.98):
        for y in (50.0, 50.13, 50.29):  # wherever in their cells both lie
            path = plan_line(plastic, Segment(50 + part * reach, y, 51 + part * reach, y + 70), profile)
            assert path is None or min(p.z for stroke in path.strokes for p in stroke.points) >= 2 * profile.layer


def test_strokes_are_stored_and_read_again() -> None:
    path = plan_line(HeightMap.empty(PROFILE), BOARD.segment("a1", "h8"), PROFILE)
    assert path is not None
    assert unpack(pack(path.strokes)) == path.strokes


coordinates = st.floats(2, 233)


@settings(max_examples=30)
@given(coordinates, coordinates, coordinates, coordinates)
def test_every_cell_within_reach_of_a_stroke_is_raised(x1: float, y1: float, x2: float, y2: float) -> None:
    stroke = Stroke((Waypoint(x1, y1, 0.5), Waypoint(x2, y2, 0.5)))
    plastic = HeightMap.empty(PROFILE).may_reach((stroke,)).surely_drawn((stroke,))
    segment = Segment(x1, y1, x2, y2)
    raised = {i for i, height in enumerate(plastic.may) if height}
    assert all(_distance(segment, cell, plastic.columns) <= CLEARANCE + 1e-6 for cell in raised)
    for i in range(11):
        px, py = x1 + (x2 - x1) * i / 10, y1 + (y2 - y1) * i / 10
        cell = int(py / CELL) * plastic.columns + int(px / CELL)
        assert plastic.sure[cell] == 1, "a bead falls onto the plate, it does not hang at 0.5 mm"
        for near in (cell, cell + 1, cell - 1, cell + plastic.columns, cell - plastic.columns):
            if _distance(segment, near, plastic.columns) < CLEARANCE - 1e-6:
                assert plastic.may[near] == 2


def _distance(segment: Segment, cell: int, columns: int) -> float:
    """From a cell's centre to the segment, by the text-book."""
    cx, cy = (cell % columns + 0.5) * CELL, (cell // columns + 0.5) * CELL
    dx, dy = segment.x2 - segment.x1, segment.y2 - segment.y1
    square = dx * dx + dy * dy
    t = 0.0 if square == 0 else max(0.0, min(1.0, ((cx - segment.x1) * dx + (cy - segment.y1) * dy) / square))
    return Segment(cx, cy, segment.x1 + t * dx, segment.y1 + t * dy).length
