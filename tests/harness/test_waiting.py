"""The waiting helpers: what they return, and what a failure says."""

from __future__ import annotations

import itertools

import pytest

from tests.harness.waiting import DeadlineExceeded, eventually, wait_until


def test_returns_the_first_truthy_value() -> None:
    numbers = itertools.count()

    assert wait_until(lambda: next(numbers), 5, "a number above 0", poll_s=0) == 1


def test_failure_says_what_was_waited_for_and_what_was_seen() -> None:
    with pytest.raises(DeadlineExceeded, match=r"waited 0 s for the sky to fall; last seen: \[\]"):
        wait_until(list, 0, "the sky to fall")


def test_named_exceptions_count_as_not_yet() -> None:
    answers = iter([ConnectionRefusedError, ConnectionRefusedError, None])

    def ask() -> bool:
        if error := next(answers):
            raise error
        return True

    assert wait_until(ask, 5, "an answer", ignore=(ConnectionError,), poll_s=0)


def test_other_exceptions_pass_through() -> None:
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 / 0, 5, "a quotient", ignore=(ConnectionError,))


async def test_eventually_lets_the_loop_go_on_and_gives_up_in_time() -> None:
    numbers = itertools.count()

    assert await eventually(lambda: next(numbers), 5, "a number above 0", poll_s=0) == 1
    with pytest.raises(DeadlineExceeded, match="the sky to fall"):
        await eventually(list, 0, "the sky to fall")
