"""A service's own word on how it is, in a file that the container's health check reads.

The file is rewritten every few seconds by the event loop itself, so that a loop that hangs is seen too.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.chassis import log

_log = log.get(__name__)

EVERY = 2.0
STALE_AFTER = 15.0
"""Seconds."""


@dataclass(frozen=True)
class Health:
    """*ok* false means that a person should look; *text* says why and what to do."""

    ok: bool
    text: str


def path_in(folder: Path, name: str) -> Path:
    """The health file of service *name* in its data folder."""
    return folder / f"{name}.health.json"


def write(path: Path, health: Health) -> None:
    """Replace the file at once, so that no reader sees half of it."""
    temporary = path.with_suffix(".tmp")
    body = {"ok": health.ok, "text": health.text, "mono": time.monotonic(), "pid": os.getpid()}
    temporary.write_text(json.dumps(body), encoding="utf-8")
    temporary.replace(path)


def read(path: Path) -> Health:
    """The last word of the service; not ok when there is none or when it is too old."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        age = time.monotonic() - float(found["mono"])
        health = Health(bool(found["ok"]), str(found["text"]))
    except FileNotFoundError:
        return Health(False, f"no health file at {path}: the service has not started")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Health(False, f"the health file {path} cannot be read: {error}")
    # After a reboot the monotonic clock begins anew: a file from before it is as good as none.
    if not -1.0 <= age <= STALE_AFTER:
        return Health(False, f"the service has said nothing for {abs(age):.0f} s; look at its log and restart it")
    return health


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
