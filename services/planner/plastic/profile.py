"""What the machine, its filament and its speeds are, as far as G-code depends on it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """Lengths in mm, speeds in mm/s. The defaults are an Ender 3 Pro with a 0.4 mm nozzle and PLA."""

    bed_x: float = 235.0
    bed_y: float = 235.0
    layer: float = 0.25
    width: float = 0.48
    filament: float = 1.75
    multiplier: float = 1.0
    draw_speed: float = 40.0
    travel_speed: float = 120.0
    z_speed: float = 5.0
    retract: float = 5.0
    retract_speed: float = 25.0
    hop_retract: float = 1.2
    """Within a line, where the way without extruding is short."""
    travel_margin: float = 0.55
    """Above everything on the plate when the nozzle comes and goes."""
    hop_margin: float = 0.3
    """Above what is passed over within a line."""
    most_height: float = 1.5
    """Nothing is drawn higher than this."""
    homing_corner: float = 15.0
    """Side of the square at (0, 0) in which nothing lies, since Z homes there."""
    park_x: float = 5.0
    park_y: float = 225.0
    """Where the nozzle waits; nothing is drawn below it."""
    purge: float = 40.0
    """Length of a purge beside the board; 0 purges never."""
    purge_after: float = 120.0
    """Seconds without a move after which the nozzle has to be filled again."""

    @property
    def filament_per_mm(self) -> float:
        """Filament in mm for one mm of line: the line's cross section over the filament's.

        A line is taken as a rectangle of width x layer, which is what slicers call the simple flow model.
        """
        return self.width * self.layer / (math.pi * (self.filament / 2) ** 2) * self.multiplier

    @property
    def bore(self) -> float:
        """The nozzle's, as far as the width of its lines tells it, which is 1.2 times as much."""
        return self.width / 1.2

    @property
    def bead(self) -> float:
        """How wide a line may become: it is pressed to one layer, whatever is extruded."""
        return self.width * max(1.0, self.multiplier)
