"""The two timers that end a long idle time: the motors' (`M84 S`) and the one that halts the printer (`M85 S`).

Both count from `previous_move_ms`, which is not what its name says: it is set anew
- while moves are buffered, but up to 2.0.9 only if the motors' time-out is not 0: `M84 S0` with `M85` kills in motion,
- by waiting for a temperature and by homing,
- by `M85`, but in 2.0.0 not, so `M85` after a long idle time kills at once.
Other commands, `M105` among them, do not set it.
"""

from __future__ import annotations

from enum import Enum, auto

from deploy.simulators.marlin.settings import Settings


class Verdict(Enum):
    """What the timers demand."""

    NOTHING = auto()
    RELEASE = auto()
    KILL = auto()


class Inactivity:
    """Times in s; 0 switches a timer off."""

    def __init__(self, settings: Settings, now: float) -> None:
        self.stepper_timeout_s = settings.stepper_timeout_s
        self.max_idle_s = 0.0
        self._settings = settings
        self._since = now

    def begin(self, now: float) -> None:
        """Count anew."""
        self._since = now

    def moved(self, now: float) -> None:
        """Moves are buffered, or were until now."""
        if self._motion_counts:
            self._since = now

    def set_max_idle(self, seconds: float, now: float) -> None:
        """M85."""
        if self._settings.m85_starts_anew:
            self._since = now
        self.max_idle_s = seconds

    def due(self, *, moving: bool, powered: bool) -> list[float]:
        """When the timers run out, as things are."""
        times = []
        if self.stepper_timeout_s and not moving and powered:
            times.append(self._since + self.stepper_timeout_s)
        if self.max_idle_s and not (moving and self._motion_counts):
            times.append(self._since + self.max_idle_s)
        return times

    def verdict(self, now: float, *, moving: bool, powered: bool) -> Verdict:
        """What has to be done at *now*."""
        # Compared as `due` computes it: the difference of two rounded times can stay short of the time-out for ever.
        if self.max_idle_s and now >= self._since + self.max_idle_s and not (moving and self._motion_counts):
            return Verdict.KILL
        if self.stepper_timeout_s and now >= self._since + self.stepper_timeout_s and powered and not moving:
            return Verdict.RELEASE
        return Verdict.NOTHING

    @property
    def _motion_counts(self) -> bool:
        return self.stepper_timeout_s > 0 or self._settings.motion_always_starts_anew
