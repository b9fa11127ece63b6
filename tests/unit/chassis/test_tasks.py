"""Work in the background: a defect is said and the work begun again; only its owner ends it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from services.chassis import tasks


async def test_work_that_meets_a_defect_or_ends_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_FIRST", 0.0)
    begun, third = list[int](), asyncio.Event()

    async def work() -> None:
        begun.append(len(begun))
        if len(begun) == 1:
            raise AttributeError("an odd answer")
        if len(begun) == 3:
            third.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(tasks.forever("work", work))
    await asyncio.wait_for(third.wait(), 5)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert begun == [0, 1, 2]
