"""The hardware as the firmware drives it: moves and heaters in time, and the truth about both as records."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from deploy.simulators.marlin.body import Body
from deploy.simulators.marlin.motion import constant_block
from deploy.simulators.marlin.planner import Finished, Planner
from deploy.simulators.marlin.settings import Settings, Vector
from deploy.simulators.marlin.thermal import Heater

Record = dict[str, object]
HEATERS = ("nozzle", "bed")


@dataclass
class Machine:
    """Time is given, never taken; `records` grows and is emptied by whoever writes the log."""

    settings: Settings
    now: float = 0.0
    records: list[Record] = field(default_factory=list)
    file: int = 0
    """Counts files: raised by `M110`, a reset and the mark that ends a file."""

    def __post_init__(self) -> None:
        s = self.settings
        self.body = Body(s)
        self.planner = Planner(s)
        self.heaters = {
            "nozzle": Heater(s.ambient_c, s.nozzle_full_power_c, s.nozzle_tau_s, s.ambient_c),
            "bed": Heater(s.ambient_c, s.bed_full_power_c, s.bed_tau_s, s.ambient_c),
        }
        self._logged = dict.fromkeys(HEATERS, -1000.0)

    def to(self, now: float) -> None:
        """Let the heaters go on until *now*; time never runs back."""
        for name, heater in self.heaters.items():
            self.heaters[name] = heater.after(now - self.now)
        self.now = max(self.now, now)

    def record(self, kind: str, **values: object) -> None:
        """Write down what happened."""
        self.records.append({"t": round(self.now, 4), "kind": kind, **values})

    def step(self) -> bool:
        """Carry out what is due of the moves; whether one ended."""
        finished = self.planner.step(self.now)
        if finished is not None:
            self._travelled(finished)
        return finished is not None

    def plan(self, delta: Vector, feed: float, *, e_asked: float, source: str) -> None:
        """Put a move into the buffer."""
        self.planner.plan(delta, feed, e_asked=e_asked, source=source, file=self.file, now=self.now)

    def plan_homing(self, axis: int, by: float, feed: float, source: str) -> None:
        """Put a move of one axis, toward an endstop or away from it, into the buffer."""
        delta = (by if axis == 0 else 0.0, by if axis == 1 else 0.0, by if axis == 2 else 0.0, 0.0)
        if by:
            self.planner.add(constant_block(delta, feed, source, self.file), self.now)

    def stop_motion(self) -> None:
        """Stop dead and forget the buffer."""
        cut = self.planner.abort(self.now)
        if cut is not None:
            self._travelled(cut)

    def set_target(self, name: str, celsius: float) -> None:
        """A heater's target; 0 is off."""
        self.heaters[name] = replace(self.heaters[name], target=celsius)
        self.record_heaters()

    def heat_off(self) -> None:
        """All heaters off."""
        for name in HEATERS:
            self.heaters[name] = replace(self.heaters[name], target=0.0)
        self.record_heaters()

    def break_heater(self, name: str) -> None:
        """A wire comes off: no power reaches the heater. Raises KeyError for an unknown name."""
        self.heaters[name] = replace(self.heaters[name], broken=True)
        self.record("broken", heater=name)

    def set_temperature(self, name: str, celsius: float) -> None:
        """Be at a temperature without waiting for it. Raises KeyError for an unknown name."""
        self.heaters[name] = replace(self.heaters[name], temperature=celsius)
        self.record_heaters()

    def record_heaters(self) -> None:
        """Write down both heaters: [actual, target] in degC."""
        self._logged = {name: heater.temperature for name, heater in self.heaters.items()}
        self.record("heat", **{n: [round(h.temperature, 2), h.target] for n, h in self.heaters.items()})

    def record_heaters_if_changed(self) -> None:
        """Write them down when one is a degree away from what was written last."""
        if any(abs(heater.temperature - self._logged[name]) >= 1 for name, heater in self.heaters.items()):
            self.record_heaters()

    @property
    def heat_moves(self) -> bool:
        """Whether a heater is on, or not yet cold."""
        return any(h.target > 0 or h.temperature - h.ambient > 0.5 for h in self.heaters.values())

    def _travelled(self, finished: Finished) -> None:
        block, share = finished.block, finished.share
        way = self.body.travel(block.delta, share)
        values: Record = {
            "began": round(finished.began, 4),
            "from": [round(v, 4) for v in way.start],
            "to": [round(v, 4) for v in way.end],
            "known": way.known,
            "e": round(block.delta[3] * share, 5),
            "e_asked": round(block.e_asked * share, 5),
            "nozzle": round(self.heaters["nozzle"].temperature, 2),
            "file": block.file,
            "line": block.source,
        }
        if share < 1:
            values["cut"] = True
        self.record(block.tag, **values)
        if way.hit:
            self.record("hit", axes=way.hit, at=values["to"], line=block.source)
