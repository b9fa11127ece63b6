"""What one printer is: the numbers of Marlin's configuration for the Ender-3 Pro with its first board, and switches.

Where not said otherwise a value is that of `config/examples/Creality/Ender-3 Pro/CrealityV1` in Marlin's repository of
configurations. Heating rates are measured ones of a stock machine, rounded.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

Vector = tuple[float, float, float, float]
"""A value for each of X, Y, Z and E."""


class Version(StrEnum):
    """Ages of Marlin that differ in the inactivity timers."""

    V2_0_0 = "2.0.0"
    """`M85` does not start the timer anew: set after a long idle time it kills at once. Otherwise as 2.0.9."""
    V2_0_9 = "2.0.9"
    """Motion starts the timer anew only while the steppers' time-out is not 0: `M84 S0` with `M85` kills in motion."""
    V2_1 = "2.1.2"
    """Both put right."""


@dataclass(frozen=True)
class Settings:
    """One printer. Lengths in mm, times in s, speeds in mm/s, temperatures in degC."""

    version: Version = Version.V2_0_9
    reset_on_open: bool = True
    """A reset each time the serial port opens, as the first board has it; the later one (V4.2.2) has not."""
    boot_s: float = 1.0
    """From a reset to the first character; what arrives meanwhile is lost."""
    has_m118: bool = True
    has_leveling: bool = False
    """Whether `M420` exists, with a stored mesh. `G28` switches it off."""
    has_probe: bool = False
    """Z homes over the middle of the bed with a probe; otherwise with a switch, wherever the nozzle is."""
    thermal_protection: bool = True
    ok_after_resend: bool = True

    size: tuple[float, float, float] = (235.0, 235.0, 250.0)
    """What the firmware takes for the travel of X, Y, Z; its software endstops stand there."""
    overtravel: float = 5.0
    """How far the axes can really go beyond their size before they hit the frame."""
    max_feed: Vector = (500.0, 500.0, 5.0, 25.0)
    max_acceleration: Vector = (500.0, 500.0, 100.0, 5000.0)
    acceleration: float = 500.0
    """For printing, travel and retracting alike, in mm/s2."""
    junction_deviation: float = 0.08
    steps_per_mm: Vector = (80.0, 80.0, 400.0, 93.0)
    homing_feed: tuple[float, float, float] = (20.0, 20.0, 4.0)
    homing_bump: tuple[float, float, float] = (5.0, 5.0, 2.0)
    blocks: int = 16
    """Moves that the planner buffers, the one under way included."""
    commands: int = 4
    """Lines that wait to be carried out (BUFSIZE)."""
    first_block_delay_s: float = 0.1
    """How long the first move into an empty buffer waits for more (BLOCK_DELAY_FOR_1ST_MOVE)."""
    stepper_timeout_s: float = 120.0

    extrude_min_c: float = 170.0
    extrude_max_mm: float = 200.0
    ambient_c: float = 21.0
    nozzle_max_c: float = 260.0
    """Highest target: HEATER_0_MAXTEMP less 15."""
    bed_max_c: float = 115.0
    nozzle_full_power_c: float = 450.0
    """Where the nozzle would end at full power; with its time constant 25 to 200 degC in 95 s."""
    nozzle_tau_s: float = 180.0
    bed_full_power_c: float = 140.0
    """The same of the bed: 25 to 60 degC in 3.5 minutes."""
    bed_tau_s: float = 600.0
    residency_s: float = 10.0
    """How long `M109` and `M190` want the temperature to stay within 1 degC."""

    @property
    def m85_starts_anew(self) -> bool:
        """Whether `M85` starts the timer that it sets."""
        return self.version is not Version.V2_0_0

    @property
    def motion_always_starts_anew(self) -> bool:
        """Whether motion starts the timers anew even while the steppers have no time-out."""
        return self.version is Version.V2_1

    def with_text(self, assignments: dict[str, str]) -> Settings:
        """These settings with some replaced by values given as text. Raises ValueError that names the setting."""
        known = {field.name for field in fields(self)}
        changed: dict[str, object] = {}
        for name, text in assignments.items():
            if name not in known:
                raise ValueError(f"no setting {name!r}; there are {', '.join(sorted(known))}")
            changed[name] = _parse(name, text, getattr(self, name))
        values = {field.name: getattr(self, field.name) for field in fields(self)} | changed
        return Settings(**values)


def _parse(name: str, text: str, now: object) -> object:
    try:
        if isinstance(now, Version):
            return Version(text)
        if isinstance(now, bool):
            return {"true": True, "false": False}[text.lower()]
        if isinstance(now, int):
            return int(text)
        if isinstance(now, tuple):
            values = tuple(float(part) for part in text.split(","))
            if len(values) != len(now):
                raise ValueError
            return values
        return float(text)
    except (KeyError, ValueError):
        raise ValueError(f"{name}={text}: not a value like {now}") from None
