"""A heater of first order under an ideal regulator: full power up to the target, then exactly that."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

_REACHED_C = 1e-6


@dataclass(frozen=True)
class Heater:
    """Temperatures in degC, times in s.

    Heating follows T(t) = F + (T0 - F) exp(-t/tau) with the full power's final temperature F, cooling the same with the
    ambient one; both are exact for any step. A `broken` heater gets no power.
    """

    temperature: float
    full_power: float
    tau: float
    ambient: float
    target: float = 0.0
    broken: bool = False

    def after(self, dt: float) -> Heater:
        """The heater *dt* seconds later."""
        if dt <= 0:
            return self
        decay = math.exp(-dt / self.tau)
        if self._powered and self.target > self.temperature:
            heated = self.full_power + (self.temperature - self.full_power) * decay
            return replace(self, temperature=min(self.target, heated))
        floor = self.target if self._powered else self.ambient
        cooled = self.ambient + (self.temperature - self.ambient) * decay
        return replace(self, temperature=max(min(floor, self.temperature), cooled))

    def seconds_to_target(self) -> float | None:
        """How long until the target is reached; 0 when it is, None when it never is."""
        if self.target <= 0:
            return None
        if abs(self.temperature - self.target) <= _REACHED_C:
            return None if self.broken else 0.0
        end = self.full_power if self.target > self.temperature else self.ambient
        share = (self.target - end) / (self.temperature - end) if self.temperature != end else 0.0
        if not self._powered or not 0 < share < 1:
            return None
        return -self.tau * math.log(share)

    @property
    def _powered(self) -> bool:
        return self.target > self.ambient and not self.broken
