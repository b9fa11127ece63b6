"""Wait for a condition with a deadline, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.02


class DeadlineExceeded(AssertionError):
    """A condition did not come true in time; an assertion, so that a test reports it as its own failure."""


def wait_until(
    condition: Callable[[], T],
    deadline_s: float,
    what: str | Callable[[], str],
    *,
    ignore: tuple[type[Exception], ...] = (),
    poll_s: float = POLL_S,
) -> T:
    """Return the first truthy value of `condition`; raise DeadlineExceeded after `deadline_s` seconds.

    `what` completes "waited 5 s for …" and may be a function, for a text that is only known at the end (a log's tail).
    Exceptions of the `ignore` types count as "not yet"; the last one is named in the failure. Any other passes through.
    """
    end = time.monotonic() + deadline_s
    while True:
        last: object
        try:
            value = condition()
        except ignore as error:
            last = error
        else:
            if value:
                return value
            last = value
        if time.monotonic() >= end:
            text = what() if callable(what) else what
            raise DeadlineExceeded(f"waited {deadline_s:g} s for {text}; last seen: {last!r}")
        time.sleep(poll_s)  # between two looks; the end is the condition, or the deadline
