"""Time as handlers get it: monotonic seconds to decide by, wall time only to show."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Now:
    """One moment. Nothing is ever ordered or timed by *wall*."""

    wall: datetime
    mono: float
    """Seconds on a clock that never jumps and stands still for nobody; comparable within one boot only."""


def now() -> Now:
    """This moment."""
    return Now(datetime.now(UTC), time.monotonic())


def boot_id() -> str | None:
    """An id of this boot of the machine, by which stored monotonic times may be trusted; None where there is none.

    Linux: /proc/sys/kernel/random/boot_id, the host's also within a container.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip() or None
    except OSError:
        return None
