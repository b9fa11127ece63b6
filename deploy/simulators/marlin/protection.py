"""Thermal runaway protection as Marlin has it, set as `Configuration_adv.h` of the Ender-3 Pro does."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.simulators.marlin.settings import Settings
from deploy.simulators.marlin.thermal import Heater


@dataclass(frozen=True)
class Limits:
    """Heating must gain `rise_c` every `watch_s`; once hot, not be `hysteresis_c` below target for `period_s`."""

    ident: str
    watch_s: float
    rise_c: float
    period_s: float
    hysteresis_c: float


LIMITS = {"nozzle": Limits("E0", 40, 2, 40, 4), "bed": Limits("bed", 60, 2, 20, 2)}


class Protection:
    """Asked about once a second; says what Marlin says before it halts."""

    def __init__(self, settings: Settings) -> None:
        self._on = settings.thermal_protection
        self._watch: dict[str, tuple[float, float]] = {}
        self._hot: dict[str, float] = {}
        self._cold_since: dict[str, float] = {}

    def retarget(self, name: str, heater: Heater, now: float) -> None:
        """The target changed: watch the heating anew."""
        self._hot.pop(name, None)
        self._cold_since.pop(name, None)
        self._start_watch(name, heater, now)

    def check(self, heaters: dict[str, Heater], now: float) -> str:
        """What is wrong, empty when nothing is."""
        if not self._on:
            return ""
        for name, heater in heaters.items():
            if error := self._check(name, heater, now):
                return f"{error}, system stopped! Heater_ID: {LIMITS[name].ident}"
        return ""

    def _check(self, name: str, heater: Heater, now: float) -> str:
        limits = LIMITS[name]
        if name in self._watch:
            deadline, wanted = self._watch[name]
            if now >= deadline:
                if heater.temperature < wanted:
                    return "Heating failed"
                self._start_watch(name, heater, now)
        if heater.target <= 0:
            return ""
        if heater.temperature >= heater.target:
            self._hot[name] = heater.target
        if name not in self._hot or heater.temperature >= heater.target - limits.hysteresis_c:
            self._cold_since.pop(name, None)
            return ""
        since = self._cold_since.setdefault(name, now)
        return "Thermal Runaway" if now - since >= limits.period_s else ""

    def _start_watch(self, name: str, heater: Heater, now: float) -> None:
        limits = LIMITS[name]
        self._watch.pop(name, None)
        if heater.target > 0 and heater.temperature < heater.target - limits.rise_c - limits.hysteresis_c - 1:
            self._watch[name] = (now + limits.watch_s, heater.temperature + limits.rise_c)
