"""How long it took until something was drawn again."""

from __future__ import annotations

from dataclasses import replace

from tests.chaos.planted import good
from tests.chaos.recovery import by_kind, samples
from tests.chaos.story import Struck


def test_recovery_is_the_time_from_the_end_of_a_fault_to_the_next_drawn_move() -> None:
    story = replace(good(), struck=[Struck("kill", "planner", 3.5, 4), Struck("kill", "broker", 5.5, 6)])
    assert samples(story) == [("kill:planner", 1.0), ("kill:broker", 3.0)]
    assert [(one.kind, one.median) for one in by_kind(samples(story))] == [("kill:broker", 3.0), ("kill:planner", 1.0)]


def test_a_fault_that_another_one_followed_before_the_recovery_says_nothing() -> None:
    story = replace(good(), struck=[Struck("kill", "planner", 5.2, 5.5), Struck("kill", "broker", 6, 7)])
    assert samples(story) == [("kill:broker", 2.0)]
