"""A service that cannot work yet says why, and stays.

Ending would only make its supervisor start it again and again: a log of restarts in which nobody finds the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from pathlib import Path

from services.chassis import health, log
from services.chassis.health import Health

AGAIN = 2.0
"""Seconds between two looks."""
_log = log.get(__name__)


def stay_while(look: Callable[[], Health | None], path: Path) -> bool:
    """Say in the log and in the health file at *path* what *look* finds, until it finds nothing.

    False when the process was told to end first (SIGTERM, SIGINT).
    """
    return asyncio.run(_stay_while(look, path))


async def _stay_while(look: Callable[[], Health | None], path: Path) -> bool:
    found = look()
    if found is None:
        return True
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    said: Health | None = None
    while found is not None:
        if found != said:
            _log.log(30 if found.ok else 40, found.text)
            said = found
        _write(path, found)
        try:
            await asyncio.wait_for(stop.wait(), AGAIN)
        except TimeoutError:
            found = look()
            continue
        _write(path, Health(False, "stopped"))
        return False
    return True


def _write(path: Path, found: Health) -> None:
    """Where not even this can be written, the log says it, and the file's age that all is not well."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        health.write(path, found)
