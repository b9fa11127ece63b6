"""A service's own word on how it is, in a file that the container's health check reads.

The file is rewritten every few seconds by the event loop itself, so that a loop that hangs is seen too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from services.chassis import log
from services.chassis.health_file import STALE_AFTER, Health, path_in, read, write

__all__ = ["EVERY", "STALE_AFTER", "Health", "keep", "path_in", "read", "write"]

_log = log.get(__name__)

EVERY = 2.0
"""Seconds."""


async def keep(path: Path, health: Callable[[], Health]) -> None:
    """Write the present health every few seconds until cancelled.

    Nothing that goes wrong here ends the service: on a full disk it is still needed to switch heaters off, and a file
    that is not rewritten says "not well" by its age.
    """
    failing = False
    while True:
        try:
            write(path, health())
            failing = False
        except Exception as error:
            if not failing:
                _log.error("health cannot be written; the service goes on", path=str(path), error=str(error))
            failing = True
        await asyncio.sleep(EVERY)
