"""The last look at a plan: what is hostile or wrong is refused with its line, what a planner makes passes."""

from __future__ import annotations

import pytest
from hypothesis import given
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
        ((*HEAD, "G1 X60 E0.5", "G1 Z5"), "end retracted"),
        ((*HEAD, "G1 X60 E0.5", "G1 E-5"), "end lifted"),
    ],
)
def test_whole_plans(plan: tuple[str, ...], says: str) -> None:
    assert says in (problem(plan, S) or "")


@given(st.lists(st.text(max_size=60), min_size=1, max_size=20))
def test_whatever_text_comes_it_is_judged_and_never_raises(lines: list[str]) -> None:
    problem(lines, S)


ARGUMENTS = st.lists(
    st.tuples(st.sampled_from("XYZEF"), st.floats(-500, 5000, allow_nan=False)), min_size=1, max_size=5
)


@given(st.lists(st.tuples(st.sampled_from(["G0", "G1"]), ARGUMENTS), max_size=12))
def test_what_passes_stays_within_the_limits(moves: list[tuple[str, list[tuple[str, float]]]]) -> None:
    lines = [f"{word} " + " ".join(f"{letter}{value:.3f}" for letter, value in rest) for word, rest in moves]
    plan = within(*lines)
    if problem(plan, S) is not None:
        return
    total = 0.0
    for line in plan:
        for part in line.split()[1:]:
            letter, value = part[0], float(part[1:])
            if letter in "XYZ":
                low, high = {"X": (0, S.bed_x), "Y": (0, S.bed_y), "Z": (S.z_least, S.z_most)}[letter]
                assert low <= value <= high
            if letter == "E":
                total += max(value, 0)
    assert total <= S.filament_per_job + S.retract_most
