"""From a thread to the event loop: in order, and never so much at once that timers have to wait."""

from __future__ import annotations

import asyncio
import time

import pytest
from structlog.testing import LogCapture

from services.chassis.bus import inbox
from services.chassis.bus.inbox import Inbox


async def test_a_flood_leaves_the_loop_its_timers() -> None:
    box, taken = Inbox(), list[int]()

    def take(number: int) -> None:
        taken.append(number)
        busy = time.monotonic() + 0.002
        while time.monotonic() < busy:
            pass

    for number in range(200):
        box.post(lambda n=number: take(n), size=1)  # type: ignore[misc]  # n is bound
    all_taken = asyncio.Event()
    box.post(all_taken.set)
    box.open(asyncio.get_running_loop())
    await asyncio.sleep(inbox.SLICE)
    assert 0 < len(taken) < 100, "a timer had its turn in between"
    await asyncio.wait_for(all_taken.wait(), 10)
    assert taken == list(range(200))


async def test_what_waits_is_bounded_until_it_is_taken() -> None:
    box, taken = Inbox(), list[int]()
    box.open(asyncio.get_running_loop())
    for number in range(inbox.MESSAGES + 10):
        box.post(lambda n=number: taken.append(n), size=1)  # type: ignore[misc]  # n is bound
    told = asyncio.Event()
    box.post(told.set)  # what must not be dropped is not
    await asyncio.wait_for(told.wait(), 10)
    assert taken == list(range(inbox.MESSAGES))


async def test_what_is_posted_by_a_callback_is_called_too() -> None:
    box, done = Inbox(), asyncio.Event()
    box.open(asyncio.get_running_loop())
    box.post(lambda: box.post(done.set))
    await asyncio.wait_for(done.wait(), 5)


async def test_what_is_dropped_while_the_loop_takes_is_said_although_nothing_comes_behind_it(
    logged: LogCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a flood ends just then; a count that waited for the next message might be said tomorrow."""
    monkeypatch.setattr(inbox, "MESSAGES", 5)
    box, taken, done = Inbox(), list[int](), asyncio.Event()
    box.open(asyncio.get_running_loop())

    def flood() -> None:
        for number in range(8):
            box.post(lambda n=number: taken.append(n), size=1)  # type: ignore[misc]  # n is bound
        box.post(done.set)

    box.post(flood)
    await asyncio.wait_for(done.wait(), 10)
    await asyncio.sleep(0)
    assert taken == list(range(5))
    assert [entry["count"] for entry in logged.entries] == [3]
