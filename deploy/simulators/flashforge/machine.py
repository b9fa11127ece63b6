"""The printer itself: heaters that warm up and cool down, and a print that goes on while nobody pauses it.

Time comes from outside, so that tests can run ten minutes in none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

AMBIENT = 22.0
"""°C."""
NOZZLE_RISE = 3.0
BED_RISE = 0.8
"""°C a second at full power."""
COOLING = 1 / 120
"""Share of the difference to the room that is lost in a second."""
NOZZLE_MAX = 265.0
"""°C at which the firmware clamps."""


@dataclass
class Heater:
    """A heater, in °C."""

    rise: float
    actual: float = AMBIENT
    target: float = 0.0

    def pass_time(self, seconds: float) -> None:
        """Heat or cool for so long."""
        if self.actual < self.target:
            self.actual = min(self.target, self.actual + self.rise * seconds)
        else:
            cooled = AMBIENT + (self.actual - AMBIENT) * math.exp(-COOLING * seconds)
            self.actual = max(self.target, cooled)

    @property
    def reached(self) -> bool:
        """Whether it is as hot as it should be."""
        return self.actual >= self.target - 2


@dataclass
class Job:
    """A file being printed; *seconds* is how long it takes, once hot."""

    file: str
    seconds: float
    layers: int
    nozzle: float = 220.0
    bed: float = 60.0
    done: float = 0.0

    @property
    def share(self) -> float:
        """0 to 1."""
        return min(1.0, self.done / self.seconds)


@dataclass
class Machine:
    """A printer. *pause_takes*: simulated seconds from M25 to standing still."""

    pause_takes: float = 0.3
    stop_takes: float = 0.3
    nozzle: Heater = field(default_factory=lambda: Heater(NOZZLE_RISE))
    bed: Heater = field(default_factory=lambda: Heater(BED_RISE))
    job: Job | None = None
    light: bool = False
    paused: bool = False
    completed: bool = False
    failed: bool = False
    deaf: bool = False
    """Takes orders and does nothing of what they say."""
    _pausing: float | None = None
    _stopping: float | None = None

    @property
    def heating(self) -> bool:
        """Whether a print waits for its temperatures."""
        return self.job is not None and not (self.nozzle.reached and self.bed.reached)

    @property
    def stopping(self) -> bool:
        """Whether a print is being cleared away."""
        return self._stopping is not None

    def pass_time(self, seconds: float) -> None:
        """Let *seconds* go by, in steps that heaters and prints do not notice."""
        while seconds > 0:
            part = min(1.0, seconds)
            seconds -= part
            self._step(part)

    def start(self, job: Job) -> None:
        """Print *job*, whatever was printed before."""
        self.job, self.paused, self.completed, self.failed = job, False, False, False
        self._pausing = self._stopping = None
        self.nozzle.target, self.bed.target = job.nozzle, job.bed

    def pause(self) -> None:
        """M25, or the button on the printer."""
        if self.job is not None and not self.paused and not self.deaf and not self.completed:
            self._pausing = self.pause_takes

    def resume(self) -> None:
        """M24, or the button on the printer."""
        if not self.deaf:
            self.paused = False
            self._pausing = None

    def cancel(self) -> None:
        """M26, or the button on the printer."""
        if self.job is not None and not self.deaf:
            self._stopping = self.stop_takes

    def complete(self) -> None:
        """Finish the print now; the printer asks for an OK that nobody gives."""
        self.completed, self.paused = True, False
        self.nozzle.target = self.bed.target = 0.0

    def confirm(self) -> None:
        """Somebody presses OK on the printer."""
        self._clear()

    def fail(self) -> None:
        """End the print with an error."""
        self._clear()
        self.failed = True

    def lose_power(self) -> None:
        """Forget the print, as a printer without power-loss recovery does."""
        self._clear()
        self.failed = False

    def set_nozzle(self, target: float) -> None:
        """M104."""
        if not self.deaf:
            self.nozzle.target = min(NOZZLE_MAX, target)

    def set_bed(self, target: float) -> None:
        """M140."""
        if not self.deaf:
            self.bed.target = target

    def _clear(self) -> None:
        self.job, self.paused, self.completed = None, False, False
        self._pausing = self._stopping = None
        self.nozzle.target = self.bed.target = 0.0

    def _step(self, seconds: float) -> None:
        self.nozzle.pass_time(seconds)
        self.bed.pass_time(seconds)
        if self._stopping is not None:
            self._stopping -= seconds
            if self._stopping <= 0:
                self._clear()
        elif self._pausing is not None:
            self._pausing -= seconds
            if self._pausing <= 0:
                self._pausing, self.paused = None, True
        if self.job is not None and not (self.paused or self.completed or self.heating or self.stopping):
            self.job.done += seconds
            if self.job.share >= 1:
                self.complete()
