"""Calls that hang keep nobody waiting, and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pytest

from services.rex_bridge.worker import Worker


class Payload:
    """Something that a call holds."""


def test_calls_that_were_given_up_behind_one_that_hangs_are_let_go() -> None:
    hang, hanging = threading.Event(), threading.Event()
    held: weakref.WeakSet[Payload] = weakref.WeakSet()

    def forever() -> None:
        hanging.set()
        hang.wait(60)

    async def given_up(worker: Worker) -> None:
        payload = Payload()
        held.add(payload)
        with pytest.raises(TimeoutError):
            await worker.call(lambda: payload, 0.0)

    async def main() -> None:
        worker = Worker("test")
        first = asyncio.create_task(worker.call(forever, 60))
        while not hanging.is_set():  # noqa: ASYNC110 - a thread's event
            await asyncio.sleep(0)
        for _ in range(100):
            await given_up(worker)
        gc.collect()
        assert len(held) <= 1
        hang.set()
        await first
        assert await worker.call(lambda: "next", 20) == "next"

    asyncio.run(main())
