"""The printer's time: the real one, faster, or with the work left out."""

from __future__ import annotations

import math
import time


class Clock:
    """Seconds since it was made, *speed_up* times as fast as real ones.

    With an infinite factor idle time is real time, and `skip_to` leaves out the time that work would take.
    """

    def __init__(self, speed_up: float) -> None:
        if not speed_up > 0:
            raise ValueError(f"speed-up {speed_up:g}: must be greater than 0")
        self.skips = math.isinf(speed_up)
        self._factor = 1.0 if self.skips else speed_up
        self._began = time.monotonic()
        self._skipped = 0.0

    def now(self) -> float:
        """The printer's time."""
        return (time.monotonic() - self._began) * self._factor + self._skipped

    def skip_to(self, moment: float) -> None:
        """Let it be *moment*, unless it is later already."""
        self._skipped += max(moment - self.now(), 0.0)

    def real_seconds_until(self, moment: float) -> float:
        """How long to wait for *moment*."""
        return max(moment - self.now(), 0.0) / self._factor
