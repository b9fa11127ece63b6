"""Where the machine really is, beside where its firmware takes it to be."""

from __future__ import annotations

from dataclasses import dataclass, field

from deploy.simulators.marlin.settings import Settings, Vector

AXES = "XYZ"
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Way:
    """A stretch that was really travelled."""

    start: Point
    end: Point
    known: str
    """Axes whose position the firmware knew, rightly, e.g. "XY"."""
    hit: str
    """Axes that ran into the frame; their motors lost steps."""


@dataclass
class Body:
    """Frame, motors and what the firmware believes of them.

    The firmware counts steps and loses count of nothing that it hears of. What it does not hear of, a reset, a push, a
    frame in the way, leaves `physical` and `steps` apart until the axis is homed.
    """

    settings: Settings
    physical: list[float] = field(default_factory=lambda: [100.0, 100.0, 30.0])
    """X, Y, Z of the nozzle over the bed, in mm; anywhere when the power comes on."""
    steps: list[float] = field(default_factory=lambda: [0.0] * 4)
    """X, Y, Z, E as the firmware counts them, in mm."""
    homed: set[str] = field(default_factory=set)
    """Axes homed since the reset: software endstops hold for them."""
    trusted: set[str] = field(default_factory=set)
    """Axes homed since their motors were last without current."""
    lost: set[str] = field(default_factory=set)
    """Axes that are elsewhere than a trusting firmware takes them to be."""
    powered: set[str] = field(default_factory=set)

    @property
    def point(self) -> Point:
        """Where the nozzle is."""
        return self.physical[0], self.physical[1], self.physical[2]

    @property
    def known(self) -> str:
        """Axes whose position the firmware knows, and rightly."""
        return "".join(axis for axis in AXES if axis in self.trusted and axis not in self.lost)

    def travel(self, delta: Vector, share: float) -> Way:
        """Move by *share* of *delta*."""
        start, known, hit = self.point, self.known, ""
        self.powered.update(AXES[i] for i in range(3) if delta[i])
        for index, axis in enumerate(AXES):
            wanted = self.physical[index] + delta[index] * share
            reach = self.settings.overtravel
            bounded = min(max(wanted, -reach), self.settings.size[index] + reach)
            if abs(bounded - wanted) > 1e-9 and delta[index]:
                hit += axis
                self.lost.add(axis)
            self.physical[index] = bounded
        for index in range(4):
            self.steps[index] += delta[index] * share
        return Way(start, self.point, known, hit)

    def home(self, axis: str) -> None:
        """The axis stands at its switch."""
        index = AXES.index(axis)
        self.physical[index] = self.steps[index] = 0.0
        self.homed.add(axis)
        self.trusted.add(axis)
        self.lost.discard(axis)

    def release(self, axes: str) -> None:
        """No current for the motors of these axes."""
        self.powered.difference_update(axes)
        self.trusted.difference_update(axes)

    def push(self, by: Point) -> None:
        """Somebody moves it by hand."""
        for index, axis in enumerate(AXES):
            if by[index]:
                self.physical[index] += by[index]
                self.lost.add(axis)

    def reset(self) -> None:
        """The firmware starts anew: it counts from 0 wherever the nozzle is."""
        self.steps[:] = [0.0] * 4
        for memory in (self.homed, self.trusted, self.lost, self.powered):
            memory.clear()
