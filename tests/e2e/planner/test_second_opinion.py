"""OctoPrint's own G-code interpreter, which shares nothing with the planner, measures what the planner emits."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from deploy.simulators.octoprint.environment import find_octoprint
from services.planner.plastic.profile import Profile
from tests.unit.planner.simulator import Simulator
from tests.unit.planner.test_plastic import planned

pytestmark = pytest.mark.octoprint
WITHIN = 0.005
_INTERPRET = """
import json, sys
from octoprint.util.gcodeInterpreter import gcode
read = gcode()
read.load(sys.argv[1])
print(json.dumps({"area": read.printing_area, "filament": read.extrusionAmount[0]}))
"""


@pytest.mark.parametrize("count", [1, 100])
def test_octoprint_finds_the_same_extents_and_the_same_filament(count: int, tmp_path: Path) -> None:
    moves, _ = planned(count)
    # A move begins with pushing back what was pulled back before it.
    lines = ["G90", "M83", "G28", "G0 Z20 F300", f"G1 E-{Profile().retract:g} F1500", *(x for m in moves for x in m)]
    file = tmp_path / "moves.gcode"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    python = find_octoprint().with_name("python")
    found = json.loads(
        subprocess.run([python, "-c", _INTERPRET, file], check=True, capture_output=True, timeout=50).stdout
    )
    printer = Simulator()
    printer.run(line for line in lines if not line.startswith("G1 E-5 "))
    assert found["filament"] == pytest.approx(printer.filament, rel=WITHIN)
    area, mine = found["area"], _extents(lines)
    for key, value in mine.items():
        assert area[key] == pytest.approx(value, rel=WITHIN, abs=0.01), key
    assert mine["maxZ"] >= Profile().layer


def _extents(lines: list[str]) -> dict[str, float]:
    """Of everything that is extruded while it moves."""
    at = {"X": 0.0, "Y": 0.0, "Z": 0.0}
    seen: dict[str, list[float]] = {axis: [] for axis in at}
    for line in lines:
        words = {word[0]: float(word[1:]) for word in line.split()[1:]}
        before = dict(at)
        at.update({axis: value for axis, value in words.items() if axis in at})
        if words.get("E", 0.0) > 0 and "X" in words:
            for axis in at:
                seen[axis] += (before[axis], at[axis])
    return {
        "minX": min(seen["X"]), "maxX": max(seen["X"]), "minY": min(seen["Y"]), "maxY": max(seen["Y"]),
        "maxZ": max(seen["Z"]),
    }  # fmt: skip
