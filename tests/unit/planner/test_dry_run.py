"""A dry run moves as a real one would, 10 mm higher and without filament, and leaves no trace on any map."""

from __future__ import annotations

import re

import pytest

from contracts.moves import MoveState
from services.planner.effects import Keep, KeepPlan
from services.planner.plastic.heightmap import HeightMap
from tests.unit.planner.bench import Bench


def places(lines: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [m.groups() for line in lines if (m := re.search(r"X([\d.]+) Y([\d.]+)", line))]


def heights(lines: tuple[str, ...]) -> list[float]:
    return [float(z) for line in lines for z in re.findall(r"Z([\d.]+)", line)]


def test_the_motion_is_the_same_ten_millimetres_higher_without_a_word_of_filament() -> None:
    dry, real = Bench(dry_run=True).ready(), Bench().ready()
    for bench in (dry, real):
        bench.ask("a1 h8")
    rehearsed, run = dry.runs()[0], real.runs()[0]
    assert (rehearsed.dry, run.dry) == (True, False)
    assert places(rehearsed.gcode) == places(run.gcode)
    assert min(heights(rehearsed.gcode)) == pytest.approx(10.25)
    assert max(heights(rehearsed.gcode)) == pytest.approx(max(heights(run.gcode)) + 10)
    assert not re.search("[EM]", " ".join(rehearsed.gcode))


def test_nothing_counts_as_drawn() -> None:
    bench = Bench(dry_run=True).ready()
    bare = HeightMap.empty(bench.setup.profile)
    for _ in range(3):
        bench.ask("a1 h8")
        bench.begin()
        assert bench.game.ahead == bare
        bench.end("drawn")
    assert bench.game.plastic == bench.game.ahead == bare
    assert bench.game.lines == ()
    assert bench.states("1-1")[-1] == "drawn"
    kept = [e.move for e in bench.of(Keep) if e.move.state is MoveState.DRAWN]
    assert {(m.drawn_on, m.reason) for m in kept} == {(None, "a dry run: nothing lies on the plate")}
    assert all(e.move.strokes == () for e in bench.of(KeepPlan))


def test_a_failed_rehearsal_is_told_and_leaves_nothing() -> None:
    bench = Bench(dry_run=True).ready()
    bench.ask("a1 h8")
    bench.begin()
    bench.end("failed")
    assert bench.states("1-1")[-1] == "failed"
    assert bench.game.plastic == HeightMap.empty(bench.setup.profile)


def test_a_real_run_that_ends_after_the_switch_to_rehearsing_is_on_the_map() -> None:
    bench = Bench().ready()
    bench.ask("a1 h8")
    bench.begin()
    bench.setup = Bench(dry_run=True).setup
    bench.end("drawn")
    assert len(bench.game.lines) == 1
    assert bench.game.plastic.peak == 1
