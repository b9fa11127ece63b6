"""What a seed becomes, and that every kind can be struck."""

from __future__ import annotations

import pytest

from tests.chaos.faults import KINDS, sequence
from tests.chaos.strikes import STRIKES


def test_a_seed_repeats_itself() -> None:
    assert sequence(7, 100) == sequence(7, 100)
    assert sequence(7, 100) != sequence(8, 100)


def test_every_kind_and_target_comes_once_before_one_comes_again() -> None:
    every = {f"{kind.name}:{target}" for kind in KINDS.values() for target in kind.targets}
    names = [fault.name for fault in sequence(3, 2 * len(every))]
    assert set(names[: len(every)]) == every == set(names[len(every) :])


def test_kinds_can_be_chosen_and_unknown_ones_are_refused() -> None:
    assert {fault.kind for fault in sequence(1, 20, ["kill", "freeze"])} == {"kill", "freeze"}
    with pytest.raises(KeyError):
        sequence(1, 1, ["earthquake"])


def test_every_kind_has_a_strike() -> None:
    assert set(KINDS) == set(STRIKES)
