"""The remaining time: nothing at first, near the truth soon, never negative, never jumping."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rex_bridge.estimate import LEAST_PERCENT, LEAST_SECONDS, Estimate, observe


def follow(total: float, start: float = 0.0, until: float = 1.0) -> list[tuple[float, float | None]]:
    """(truly remaining, estimate) at every second of a print of *total* seconds that is seen from share *start* on."""
    known, points = Estimate(), []
    for second in range(int(total * (until - start))):
        known = observe(known, float(int(100 * (start + second / total))), float(second))
        points.append((total * (1 - start) - second, known.remaining))
    return points


def test_null_until_it_means_something() -> None:
    points = follow(600)
    first = next(index for index, (_, remaining) in enumerate(points) if remaining is not None)
    # The first percent was under way: 1 % and three more, of 6 s each, and a minute.
    assert first >= LEAST_SECONDS + 6
    assert all(remaining is None for _, remaining in follow(100_000, until=LEAST_PERCENT / 100))


@pytest.mark.parametrize("total", [300.0, 3600.0, 36_000.0])
@pytest.mark.parametrize("start", [0.0, 0.37])
def test_near_the_truth_from_a_tenth_on(total: float, start: float) -> None:
    points = follow(total, start)[int(total * 0.1) + 70 :]
    assert all(r is not None and abs(r - true) <= total * 0.006 for true, r in points)


def test_it_never_jumps() -> None:
    known, values = Estimate(), []
    progress = [second / 10 for second in range(300)] + [30 + second / 60 for second in range(3600)]
    for second, percent in enumerate(progress):
        known = observe(known, float(int(percent)), float(second))
        values.append(known.remaining)
    steps = [b - a for a, b in itertools.pairwise(values) if a is not None and b is not None]
    assert max(steps) < 60
    assert min(steps) > -60


def test_percents_of_unequal_length_do_not_shake_it() -> None:
    known, worst, second = Estimate(), 0.0, 0
    ends = list(itertools.accumulate(2 if percent % 2 else 18 for percent in range(100)))
    for second in range(ends[-1]):
        known = observe(known, float(sum(end <= second for end in ends)), float(second))
        if second > 300 and known.remaining is not None:
            worst = max(worst, abs(known.remaining - (ends[-1] - second)))
    assert worst < 50


def test_a_slower_part_is_noticed() -> None:
    known = Estimate()
    for second in range(3000):
        percent = min(50.0, second / 10) if second < 500 else 50 + (second - 500) / 100
        known = observe(known, float(int(percent)), float(second))
    # 75 % done, 100 s a percent lately; an even average would say 1000 s.
    assert known.remaining is not None
    assert 1400 < known.remaining < 2600


def test_progress_that_falls_begins_again() -> None:
    known = Estimate()
    for second in range(300):
        known = observe(known, float(second // 6), float(second))
    assert known.remaining is not None
    assert observe(known, 0.0, 301.0).remaining is None


def test_no_progress_changes_nothing() -> None:
    known = observe(Estimate(), 5.0, 1.0)
    assert observe(known, None, 2.0) == known


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1e5)), max_size=60))
def test_whatever_is_seen_it_is_never_negative(seen: list[tuple[float, float]]) -> None:
    known, active = Estimate(), 0.0
    for percent, passed in seen:
        active += passed
        known = observe(known, percent, active)
        assert known.remaining is None or known.remaining >= 0
