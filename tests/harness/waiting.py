"""Wait for a condition with a deadline: what the demo uses, and the same for a test that runs in an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from deploy.simulators.waiting import POLL_S, DeadlineExceeded, wait_until

__all__ = ["DeadlineExceeded", "eventually", "wait_until"]

T = TypeVar("T")


async def eventually(condition: Callable[[], T], deadline_s: float, what: str, *, poll_s: float = POLL_S) -> T:
    """Return the first truthy value of `condition`; raise DeadlineExceeded after `deadline_s` seconds.

    The event loop goes on meanwhile. `what` completes "waited 5 s for …".
    """
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() >= end:
            raise DeadlineExceeded(f"waited {deadline_s:g} s for {what}; last seen: {value!r}")
        await asyncio.sleep(poll_s)
    return value
