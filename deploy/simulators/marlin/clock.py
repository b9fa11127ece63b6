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
        self._stop_at = math.inf

    def now(self) -> float:
        """The printer's time."""
        return min(self._running(), self._stop_at)

    @property
    def stopped(self) -> bool:
        """Whether the moment at which it was to stop has come."""
        return self._running() >= self._stop_at

    def stop_at(self, moment: float) -> None:
        """Do not go beyond *moment*, until `go_on`."""
        self._stop_at = moment

    def go_on(self) -> None:
        """Go on from where it stands."""
        self._skipped -= self._running() - self.now()
        self._stop_at = math.inf

    def skip_to(self, moment: float) -> None:
        """Let it be *moment*, unless it is later already."""
        self._skipped += max(moment - self.now(), 0.0)

    def real_seconds_until(self, moment: float) -> float:
        """How long to wait for *moment*; for ever if the time stops before it."""
        if moment > self._stop_at:
            return math.inf
        return max(moment - self.now(), 0.0) / self._factor

    def _running(self) -> float:
        return (time.monotonic() - self._began) * self._factor + self._skipped
