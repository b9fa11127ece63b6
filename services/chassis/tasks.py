"""Work that goes on beside everything else and must not end in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.chassis import log

_log = log.get(__name__)

AGAIN_FIRST, AGAIN_MOST = 0.1, 10.0
"""Seconds before work that met a defect is begun again: more every time, until it has lasted for the longest."""


async def forever(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do *work* until this is cancelled. A defect is logged under *name*, and the work is begun again."""
    loop, pause = asyncio.get_running_loop(), AGAIN_FIRST
    while True:
        began = loop.time()
        try:
            await work()
        except Exception:
            _log.exception("work in the background met a defect; it is begun again", work=name, after=pause)
        else:
            _log.error("work in the background came to an end; it is begun again", work=name, after=pause)
        if loop.time() - began > AGAIN_MOST:
            pause = AGAIN_FIRST
        await asyncio.sleep(pause)
        pause = min(pause * 2, AGAIN_MOST)
