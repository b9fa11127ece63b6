"""The last look at a plan: what is hostile or wrong is refused with its line, what a planner makes passes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from services.octo_bridge.validator import last_height, problem
from tests.unit.octo_bridge.machine import LINES, settings

S = settings()
HEAD = ("G90", "M83", "G1 Z5 F300", "G1 X50 Y50 F6000", "G1 Z0.25 F300", "G1 E5 F1500")
TAIL = ("G1 E-5 F1500", "G1 Z5 F300")


def within(*lines: str) -> tuple[str, ...]:
    return (*HEAD, *lines, *TAIL)


def test_an_honest_plan_passes() -> None:
    assert problem(LINES, S) is None
    assert problem(within("G1 X150 Y50 E4.98 F2400", "M106 S255", "M107", "G92 E0"), S) is None
    assert last_height(LINES) == 5


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["M112"], "M112 is not allowed"),
        (["M302 S0"], "M302 is not allowed"),
        (["G91"], "G91 is not allowed"),
        (["G28"], "G28 is not allowed"),
        (["M82"], "M82 is not allowed"),
        (["G20"], "G20 is not allowed"),
        (["M104 S400"], "M104 is not allowed"),
        (["M109 S205"], "M109 is not allowed"),
        (["M18"], "M18 is not allowed"),
        (["M500"], "M500 is not allowed"),
        (["G92 Z10"], "argument Z is not allowed"),
        (["G92 E5"], "only set E to 0"),
        (["G92"], "only set E to 0"),
        (["G1 Z-1"], "outside"),
        (["G1 Z0.1"], "outside"),
        (["G1 X400"], "outside"),
        (["G1 Y-0.1"], "outside"),
        (["G1 X60 E2"], "of filament per mm"),
        (["G1 X60 E100"], "filament"),
        (["G1 E50"], "on the spot"),
        (["G1 E100"], "in one job"),
        (["G1 E-5", "G1 E5", "G1 E4"], "on the spot"),
        (["G1 E-9"], "retraction"),
        (["G1 X150 E10", "G1 X50 E10", "G1 X150 E10", "G1 X50 E10", "G1 X150 E10", "G1 X50 E10", "G1 X150 E10"],
         "in one job"),
        (["G1 X60 F0"], "feed"),
        (["G1 X60 F99999"], "feed"),
        (["G1 X60 X70"], "twice"),
        (["G1 X60 ; M112"], "not a plain command"),
        (["G1 X60\nM112"], "not a plain command"),
        (["G1 X60 M112"], "not an argument|not allowed here|not a plain"),
        (["g1 x60"], "not a plain command"),
        (["G1 X６0"], "not a plain command"),
        (["G1 X"], "not an argument"),
        (["G1 Xnan"], "not a plain command"),
        (["N5 G1 X60*12"], "not a plain command"),
        (["M106 S300"], "S0 to S255"),
        (["G1 X50 Y1 E2", "G1 X1 Y1 E2"], "corner"),
        (["G1 X1 Y50 E2", "G1 X50 Y1 E3"], None),  # passes the corner by
        (["G1 E-5", "G1 X3 Y3 Z0.2", "G1 E5"], "corner"),  # a blob on the spot is plastic too
        (["G1 X60 E0.5", "G1 E-5", "G1 E-5"], "retraction"),
        (["G1 X60 E0.5", "G1 E-2", "G1 E2", "G1 X70 E0.5"], None),  # a hop within a line
        (["G1 X60 E0.5", "G1 E-5", "G1 X70 E0.5"], "drawing while"),
    ],
)  # fmt: skip
def test_lines_within_a_plan(lines: list[str], says: str | None) -> None:
    found = problem(within(*lines), S)
    if says is None:
        assert found is None
        return
    assert found is not None
    assert any(part in found for part in says.split("|"))
    assert found.startswith("line ")


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (("G90", "M83", "G1 E5 F1500"), "extrusion before"),
        (("G90", "M83", "G1 Z5 F300", "G1 X50 Y50 E1"), "extrusion before"),
        (("G90", "M83", "G1 X50 Y50 F600"), "before the plan has said at which height"),
        (("M83", "G1 Z5 F300"), "before G90"),
        (("G90", "G1 Z5 F300", "G1 X50 Y50", "G1 X60 E1"), "before M83"),
        (("G90", "M83", "G1 Z5"), "before any feed"),
        (("G90", "M83", "G1 X50 Y50 Z0.25 F300"), "its first move is Z alone"),
        ((*HEAD[:-1], "G1 X60 E0.5", *TAIL), "drawing before"),
        ((*HEAD[:-1], "G1 E-5 F1500", "G1 Z5 F300"), "retraction"),  # the last plan has pulled it back already
        ((*HEAD, "G1 X60 E0.5", "G1 Z5"), "end retracted"),
        ((*HEAD, "G1 X60 E0.5", "G1 E-0.00001", "G1 Z5"), "end retracted"),
        ((*HEAD, "G1 E-2", "G1 Z5"), "end retracted"),
        ((*HEAD, "G1 X60 E0.5", "G1 E-5"), "end lifted"),
    ],
)
def test_whole_plans(plan: tuple[str, ...], says: str) -> None:
    assert says in (problem(plan, S) or "")


@given(st.lists(st.text(max_size=60), min_size=1, max_size=20))
def test_whatever_text_comes_it_is_judged_and_never_raises(lines: list[str]) -> None:
    problem(lines, S)


PLACES = st.sampled_from([40.0, 60.0, 80.0, 120.0, 160.0, 200.0, 230.0, 13.0, 11.0, 3.0])
HEIGHTS = st.sampled_from([0.25, 0.5, 1.0, 0.1])
SPOT = [-5.0, -2.0, -0.00001, 0.00001, 3.0]
HONEST_HEAD = ("G1 Z5 F300", "G1 X50 Y50 F6000", "G1 Z0.25 F300", "G1 E5 F1500")
HEADS = st.sampled_from([
    HONEST_HEAD, *[(*HONEST_HEAD, "G1 X100 Y100 E2 F2400")] * 12,
    ("G1 Z5 F300", "G1 X20 Y3 F6000", "G1 Z0.5 F300", "G1 E8 F1500"),
    ("G1 Z5 F300", "G1 X3 Y3 F6000", "G1 Z0.25 F300"),
    ("G1 X50 Y50 Z5 F300",),
])  # fmt: skip
TAILS = st.sampled_from([
    *[TAIL] * 12, ("G1 E-3 F1500", "G1 E-2 F1500", "G1 Z2 F300"), ("G1 E-0.00001", "G1 Z5 F300"),
    ("G1 E-5 F1500",), ("G1 Z5 F300",), ("G1 E-8 F1500", "G1 E-8 F1500", "G1 Z5 F300"),
])  # fmt: skip
DRAWN = st.tuples(st.just("draw"), PLACES, PLACES, st.sampled_from([0.0002, 0.01, 0.05, 0.05]))
HOP = st.tuples(st.just("hop"), PLACES, PLACES, st.sampled_from([1.0, 2.0, 5.0, 9.0]))
OTHER = st.one_of(
    st.tuples(st.just("travel"), PLACES, PLACES, st.just(0.0)),
    st.tuples(st.just("height"), HEIGHTS, HEIGHTS, st.just(0.0)),
    st.tuples(st.just("spot"), PLACES, PLACES, st.sampled_from(SPOT)),
)


def _words(kind: str, a: float, b: float, e: float) -> tuple[str, ...]:
    match kind:
        case "draw":  # the longest way there is: E a mm is checked by its own rows
            return (f"G1 X{a:g} Y{b:g} E{e * 20:.5f} F2400",)
        case "hop":
            return (f"G1 E{-e:g} F1500", f"G0 X{a:g} Y{b:g} F6000", f"G1 E{e:g} F1500")
        case "travel":
            return (f"G0 X{a:g} Y{b:g} F6000",)
        case "height":
            return (f"G1 Z{a:g} F300",)
    return (f"G1 E{e:.5f} F1500",)


At = tuple[float, float, float]


def _read(plan: tuple[str, ...]) -> Iterator[tuple[At, At, float]]:
    """From, to and E of each move: a second reading, which shares nothing with the first."""
    at = {"X": math.nan, "Y": math.nan, "Z": math.nan}
    for line in plan:
        word, *rest = line.split()
        if word not in ("G0", "G1"):
            continue
        given_here = {part[0]: float(part[1:]) for part in rest}
        before = (at["X"], at["Y"], at["Z"])
        at |= {axis: value for axis, value in given_here.items() if axis in at}
        yield before, (at["X"], at["Y"], at["Z"]), given_here.get("E", 0.0)


def _along(a: At, b: At) -> Iterator[tuple[float, float]]:
    for i in range(101):
        yield a[0] + (b[0] - a[0]) * i / 100, a[1] + (b[1] - a[1]) * i / 100


@given(HEADS, st.lists(st.one_of(DRAWN, HOP, OTHER), max_size=3), TAILS)
def test_what_passes_stays_within_the_limits(
    head: tuple[str, ...], moves: list[tuple[str, float, float, float]], tail: tuple[str, ...]
) -> None:
    plan = ("G90", "M83", *head, *(line for move in moves for line in _words(*move)), *tail)
    # Only what passes counts: were that rare, hypothesis would say that it filters too much.
    assume(problem(plan, S) is None)
    pushed, pulled, drawn, highest = 0.0, 0.0, False, 0.0
    for start, end, e in _read(plan):
        assert all(math.isnan(value) or 0 <= value <= S.bed_x for value in end[:2])
        assert S.z_least <= end[2] <= S.z_most
        pushed += max(e, 0.0)
        if e > 0:
            assert not any(x < S.z_corner - 0.01 and y < S.z_corner - 0.01 for x, y in _along(start, end))
            highest = max(highest, start[2], end[2])
        if e > 0 and start != end:
            assert e <= math.dist(start, end) * S.filament_per_mm + 1e-6
            assert not drawn or pulled <= 0.02, "drawn in the air"
            drawn, pulled = True, 0.0
        else:
            pulled -= e
            assert pulled <= (S.retract_most if drawn else 0.0) + 1e-4
            assert pulled >= (0.0 if drawn else -S.retract_most) - 1e-4
    event("drawn" if drawn else "nothing drawn")
    assert pushed <= S.filament_per_job + S.retract_most
    if highest:
        assert pulled >= (S.retract_least if drawn else 0.0) - 1e-4
        assert end[2] >= highest + 0.5
