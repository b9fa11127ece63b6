"""Whole evenings of the planner's core and a simulated printer: longer than a unit test may take."""

from __future__ import annotations

import statistics

from contracts.moves import MoveState
from tests.unit.planner.evening import Evening, Trouble, seeded
from tests.unit.planner.pace import measure
from tests.unit.planner.test_plastic import assert_well_drawn


def test_three_hundred_moves_with_every_tenth_in_trouble_plough_nothing_and_hardly_hang() -> None:
    evening = Evening(wrong_every=10)
    evening.spend(seeded(300))
    assert_well_drawn(evening.printer)
    assert min(evening.troubles[trouble] for trouble in Trouble) >= 3
    ends = evening.ends()
    assert sum(ends.values()) == 300
    assert ends[MoveState.DRAWN] > 200


def test_the_first_hundred_moves_are_drawn_and_drawn_quickly() -> None:
    paces = [measure(100, seed) for seed in (1, 2)]
    assert statistics.mean(pace.share_of_moves for pace in paces) >= 0.85
    assert statistics.mean(pace.share_of_length for pace in paces) >= 0.85
    assert statistics.mean(pace.to_the_bound for pace in paces) <= 1.5
