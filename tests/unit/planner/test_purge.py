"""A nozzle that was idle is filled before it draws, beside the board and out of the way of everything else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.board import Plate
from contracts.events import EventKind
from services.planner.effects import Say
from services.planner.plastic import gcode
from services.planner.plastic.geometry import BoardGeometry, Segment
from services.planner.plastic.heightmap import HeightMap
from services.planner.plastic.profile import Profile
from services.planner.plastic.purge import plan_purge, slots
from services.planner.plastic.strokes import Stroke, Waypoint
from tests.unit.planner.bench import Bench
from tests.unit.planner.simulator import Simulator


def purges(lines: tuple[str, ...]) -> bool:
    first = next(float(m[1]) for line in lines if (m := re.match(r"G0 X([\d.]+)", line)))
    return not 17.5 < first < 217.5


def apart(a: Segment, b: Segment) -> float:
    """Between two lines along Y."""
    gap = max(0.0, max(a.y1, b.y1) - min(a.y2, b.y2))
    return float(max(abs(a.x1 - b.x1), gap))


@settings(max_examples=40)
@given(st.floats(180, 210), st.floats(15, 40), st.floats(0, 235), st.floats(0, 235), st.floats(20, 80))
def test_no_purge_is_in_anything_elses_way(size: float, at: float, park_x: float, park_y: float, length: float) -> None:
    board = BoardGeometry(size=min(size, 230 - at), origin_x=at, origin_y=at)
    profile = Profile(park_x=park_x, park_y=park_y, purge=length)
    found = slots(board, profile)
    for slot in found:
        assert not board.origin_x - 2.9 < slot.x1 < board.origin_x + board.size + 2.9, "beside the board"
        assert slot.x1 >= 17.9 or slot.y1 >= 17.9, "where Z homes"
        nearest = min(max(park_y, slot.y1), slot.y2)
        assert max(abs(slot.x1 - park_x), abs(nearest - park_y)) >= 7.9, "where the nozzle parks"
        assert slot.length == pytest.approx(length, abs=0.01)
        assert 2.9 <= slot.x1 <= 232.1
        assert slot.y1 >= 2.9
        assert slot.y2 <= 232.1
    assert all(apart(a, b) >= 2.9 for i, a in enumerate(found) for b in found[:i])


def test_first_comes_the_bare_plate_and_then_what_is_lowest_until_nothing_is_left() -> None:
    board, profile = BoardGeometry(), Profile(purge=90)  # fewer places, the same rule
    plastic, printer, heights = HeightMap.empty(profile), Simulator(), []
    printer.run(["G28", "G0 Z20 F300"])
    while (path := plan_purge(plastic, board, profile)) is not None:
        plastic = plastic.may_reach(path.strokes).surely_drawn(path.strokes)
        heights.append(path.strokes[0].points[0].z)
        printer.run(gcode.write(path, profile))
    count = len(slots(board, profile))
    assert heights[:count] == [0.25] * count
    assert heights == sorted(heights)
    assert len(heights) == 6 * count
    assert (printer.faults, printer.ploughed, printer.scraped) == ([], 0, 0)


def test_the_first_move_purges_and_the_one_behind_it_does_not() -> None:
    bench = Bench().ready()
    for _ in range(4):
        bench.ask("a1 h8")
    bench.draw(2)
    assert [purges(run.gcode) for run in bench.runs()] == [True, False, False, False]
    printer = Simulator()
    printer.run(["G28", "G0 Z20 F300", *(line for run in bench.runs() for line in run.gcode)])
    assert (printer.faults, printer.ploughed, printer.scraped) == ([], 0, 0)


@pytest.mark.parametrize(("seconds", "again"), [(60, False), (120, True)])
def test_after_two_minutes_without_a_move_it_purges_again(seconds: float, again: bool) -> None:
    bench = Bench().ready()
    bench.ask("a1 h8")
    bench.draw()
    bench.seconds += seconds
    bench.ask("a1 h8")
    assert purges(bench.runs()[-1].gcode) is again


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_after_a_move_that_went_wrong_it_purges_again(end: str) -> None:
    bench = Bench().ready()
    bench.ask("a1 h8")
    bench.begin()
    bench.end(end)
    bench.ask("a2 h8")
    assert purges(bench.runs()[-1].gcode)


def test_when_no_place_is_left_the_board_is_full_and_the_move_waits() -> None:
    bench = Bench().ready()
    top = bench.setup.profile.most_height
    for slot in slots(bench.setup.geometry, bench.setup.profile):
        high = Stroke((Waypoint(slot.x1, slot.y1, top), Waypoint(slot.x2, slot.y2, top)), purge=True)
        bench.game = bench.game.with_plastic(bench.game.plastic.may_reach((high,)))
    bench.ask("a1 h8")
    assert not bench.runs()
    assert bench.game.header.plate is Plate.FULL
    assert [e.event.event for e in bench.of(Say)].count(EventKind.BOARD_FULL) == 1
    assert bench.states("1-1") == ["accepted"]


@pytest.mark.parametrize(("rotation", "a1"), [(0, (30, 30)), (90, (205, 30)), (180, (205, 205)), (270, (30, 205))])
def test_a_board_can_be_turned(rotation: int, a1: tuple[float, float]) -> None:
    board = BoardGeometry(rotation=rotation)
    assert board.centre("a1") == a1
    assert len({board.centre(f"{file}{rank}") for file in "abcdefgh" for rank in range(1, 9)}) == 64
    mirrored = BoardGeometry(rotation=rotation, mirrored=True)
    assert mirrored.centre("h1") == a1, "a mirrored board has its last file where the first one was"


def test_the_long_way_from_the_purge_to_the_board_is_gone_fully_retracted() -> None:
    bench = Bench().ready()
    bench.ask("a1 h8")
    pulled = [float(m[1]) for line in bench.runs()[0].gcode if (m := re.fullmatch(r"G1 E([-\d.]+) F\d+", line))]
    assert pulled == [5, -5, 5, -5]
