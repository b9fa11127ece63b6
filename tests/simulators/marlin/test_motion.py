from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.simulators.marlin.motion import make_block, trapezoid
from deploy.simulators.marlin.planner import Planner
from deploy.simulators.marlin.settings import Settings, Vector
from tests.simulators.marlin.bench import Bench

S = Settings()
LENGTHS = st.floats(0.05, 300)
SPEEDS = st.floats(1, 500)
ACCELERATIONS = st.floats(50, 5000)


def rest_to_rest(distance: float, speed: float, acceleration: float) -> float:
    """Textbook: a triangle if the speed is not reached, else the cruise and one ramp more."""
    if distance < speed**2 / acceleration:
        return 2 * math.sqrt(distance / acceleration)
    return distance / speed + speed / acceleration


def run(planner: Planner) -> float:
    """Seconds until the planner is empty, from the start of its first move."""
    began = end = None
    while (due := planner.next_time()) is not None:
        finished = planner.step(due)
        if finished is not None:
            began = finished.began if began is None else began
            end = finished.ended
    assert began is not None
    assert end is not None
    return end - began


@given(LENGTHS, SPEEDS, ACCELERATIONS)
def test_a_move_from_rest_to_rest_takes_the_textbook_time(distance: float, speed: float, acceleration: float) -> None:
    profile = trapezoid(distance, 0, speed, 0, acceleration)
    assert profile.duration == pytest.approx(rest_to_rest(distance, speed, acceleration), rel=1e-9)


@given(LENGTHS, SPEEDS, ACCELERATIONS, st.floats(0, 1), st.floats(0, 1))
def test_a_profile_covers_its_distance_within_the_acceleration(
    distance: float, speed: float, acceleration: float, entry: float, leave: float
) -> None:
    """Integrated numerically: an independent way to the distance, and to the highest acceleration."""
    first = entry * speed
    reach = math.sqrt(first**2 + 2 * acceleration * distance)
    slowest = math.sqrt(max(first**2 - 2 * acceleration * distance, 0))
    last = slowest + leave * (min(speed, reach) - slowest)
    profile = trapezoid(distance, first, speed, last, acceleration)
    # More pieces, or a smaller noise, and rounding is all that is seen of the shortest moves.
    pieces, noise = 200, 1e-5
    dt = profile.duration / pieces
    way = [profile.travelled(index * dt) * distance for index in range(pieces + 1)]
    speeds = [(b - a) / dt for a, b in pairwise(way)]
    changes = [abs(b - a) / dt for a, b in pairwise(speeds)]
    assert way[0] == 0
    assert way[-1] == pytest.approx(distance)
    assert profile.travelled(profile.duration) == 1
    assert all(v <= max(speed, first) * 1.001 for v in speeds)
    assert all(change <= acceleration * 1.01 + noise / dt for change in changes)
    assert speeds[0] == pytest.approx(first, abs=acceleration * dt + noise)


@given(st.floats(20, 200), st.integers(2, 12), st.floats(5, 200))
def test_a_straight_line_in_pieces_takes_as_long_as_in_one(length: float, pieces: int, feed: float) -> None:
    planner = Planner(S)
    for _ in range(pieces):
        planner.plan((length / pieces, 0.0, 0.0, 0.0), feed, e_asked=0, source="", file=0, now=0.0)
    assert run(planner) == pytest.approx(rest_to_rest(length, feed, 500), rel=1e-6)


TENTHS = st.integers(-300, 300).map(lambda tenths: tenths / 10)


@given(st.lists(st.tuples(TENTHS, TENTHS), min_size=1, max_size=16), st.floats(10, 200))
def test_a_path_takes_no_longer_than_with_a_stop_at_each_corner_and_no_less_than_at_full_speed(
    steps: list[tuple[float, float]], feed: float
) -> None:
    planner = Planner(S)
    stops = cruise = 0.0
    for x, y in steps:
        block = planner.plan((x, y, 0.0, 0.0), feed, e_asked=0, source="", file=0, now=0.0)
        if block is not None:
            stops += rest_to_rest(block.distance, block.nominal, block.acceleration)
            cruise += block.distance / block.nominal
    if cruise:
        assert cruise * (1 - 1e-9) <= run(planner) <= stops * (1 + 1e-9)


@pytest.mark.parametrize(
    ("delta", "speed"),
    [
        ((100.0, 0.0, 0.0, 0.0), 500),
        ((0.0, 0.0, 10.0, 0.0), 5),
        ((0.0, 0.0, 0.0, 5.0), 25),
        ((3.0, 0.0, 4.0, 0.0), 6.25),
    ],
)
def test_no_axis_moves_faster_than_it_can(delta: Vector, speed: float) -> None:
    block = make_block(delta, 1000, S, None)
    assert block is not None
    assert block.nominal == pytest.approx(speed)


def test_z_accelerates_more_slowly() -> None:
    block = make_block((0.0, 0.0, 10.0, 0.0), 5, S, None)
    assert block is not None
    assert block.acceleration == 100


def test_a_corner_is_taken_at_the_speed_of_the_junction_deviation() -> None:
    """A right angle: sin 45 degrees; the axes' limits leave 500 sqrt 2 mm/s2 along the bisector."""
    first = make_block((50.0, 0.0, 0.0, 0.0), 100, S, None)
    second = make_block((0.0, 50.0, 0.0, 0.0), 100, S, first)
    assert second is not None
    half = math.sqrt(0.5)
    assert second.max_entry == pytest.approx(math.sqrt(500 * 0.08 * half / (1 - half)))


def test_turning_back_stops() -> None:
    first = make_block((50.0, 0.0, 0.0, 0.0), 100, S, None)
    second = make_block((-50.0, 0.0, 0.0, 0.0), 100, S, first)
    assert second is not None
    assert second.max_entry == 0


def test_a_move_is_acknowledged_before_it_ends_and_m400_after() -> None:
    bench = Bench()
    bench.send("G91", "G1 X50 F600")
    acknowledged = bench.now
    bench.send("M400")
    assert acknowledged == 5
    assert bench.now == pytest.approx(5 + 0.1 + rest_to_rest(50, 10, 500))


def test_the_seventeenth_move_waits_for_the_first() -> None:
    bench = Bench()
    bench.send("G91", *["G1 X1 F60"] * 16)
    assert bench.now == 5
    bench.send("G1 X1")
    assert bench.now == pytest.approx(5 + 1, abs=0.1)


def test_the_host_is_told_every_two_seconds_that_the_printer_is_busy() -> None:
    bench = Bench()
    replies = bench.send("G4 S9")
    assert replies.count("echo:busy: processing") == 5
