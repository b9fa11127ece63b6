"""Whatever line is drawn: its G-code stays on the bed, at or above one layer, and extrudes what was configured."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.planner.plastic import gcode
from services.planner.plastic.geometry import BoardGeometry, OffTheBoard
from services.planner.plastic.heightmap import HeightMap
from services.planner.plastic.path import plan_line
from services.planner.plastic.profile import Profile

PROFILE = Profile()
WORD = re.compile(r"([A-Z])(-?\d+(?:\.\d+)?)")

boards = st.builds(
    BoardGeometry,
    squares=st.integers(2, 26),
    size=st.just(200.0),
    origin_x=st.floats(0, 35),
    origin_y=st.floats(0, 35),
    end_gap=st.floats(0, 3),
)


def square(board: BoardGeometry, file: int, rank: int) -> str:
    return f"{chr(97 + file % board.squares)}{rank % board.squares + 1}"


@given(boards, *[st.integers(0, 25)] * 4)
def test_every_line_stays_within_its_bounds(board: BoardGeometry, f1: int, r1: int, f2: int, r2: int) -> None:
    start, end = square(board, f1, r1), square(board, f2, r2)
    assume(start != end)
    segment = board.segment(start, end)
    way = plan_line(HeightMap.empty(PROFILE), segment, PROFILE)
    assert way is not None
    lines = gcode.write(way, PROFILE)
    assert lines[:2] == ("G90", "M83")
    x = y = z = math.nan  # unknown
    drawn = filament = 0.0
    for line in lines[2:]:
        assert len(line) <= 100
        words = dict(WORD.findall(line))
        to_x, to_y, to_z = (float(words.get(axis, at)) for axis, at in (("X", x), ("Y", y), ("Z", z)))
        if "X" in words:
            assert 0 <= to_x <= PROFILE.bed_x
            assert 0 <= to_y <= PROFILE.bed_y
        if "E" in words and "X" in words:
            drawn += math.hypot(to_x - x, to_y - y)
            filament += float(words["E"])
        elif "X" in words:
            assert z >= PROFILE.travel_margin, "travels lifted"
        assert not to_z < PROFILE.layer
        x, y, z = to_x, to_y, to_z
    assert drawn == pytest.approx(segment.length, abs=0.01)
    assert filament == pytest.approx(drawn * PROFILE.filament_per_mm, rel=1e-3)
    retracts = [float(WORD.findall(line)[1][1]) for line in lines if re.match(r"G1 E", line)]
    assert sum(retracts) == 0, "begins and ends retracted"


@pytest.mark.parametrize("layer", [0.25, 0.6, 1.0])
def test_the_way_to_a_bare_plate_is_never_below_a_thick_layer(layer: float) -> None:
    profile = Profile(layer=layer, width=1.2)
    way = plan_line(HeightMap.empty(profile), BoardGeometry().segment("a1", "h8"), profile)
    assert way is not None
    heights = [float(z) for line in gcode.write(way, profile) for z in re.findall(r"Z([\d.]+)", line)]
    assert min(heights) >= layer


def test_extrusion_is_the_cross_section_of_the_line() -> None:
    assert Profile().filament_per_mm == pytest.approx(0.04989, abs=1e-5)


def test_the_default_board_is_where_it_should_be() -> None:
    board = BoardGeometry()
    assert board.centre("a1") == (30.0, 30.0)
    assert board.centre("h8") == (205.0, 205.0)
    segment = board.segment("a1", "a3")
    assert (segment.x1, segment.y1, segment.x2, segment.y2) == (30.0, 32.0, 30.0, 78.0)
    with pytest.raises(OffTheBoard):
        board.centre("i1")


@pytest.mark.parametrize("wrong", [{"squares": 1}, {"squares": 27}, {"squares": 26, "size": 100.0}])
def test_impossible_boards_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="board"):
        BoardGeometry(**wrong)  # type: ignore[arg-type]  # kinds differ by key
    with pytest.raises(ValueError, match="does not fit"):
        BoardGeometry(origin_x=40).check_on_bed(235, 235)
