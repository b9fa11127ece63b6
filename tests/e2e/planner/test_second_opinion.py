"""Two interpreters that share nothing with the planner measure what it emits: OctoPrint's own, and Printrun's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.simulators.octoprint.environment import find_octoprint
from deploy.stack import REPOSITORY
from services.planner.plastic.profile import Profile
from tests.unit.planner.simulator import Simulator
from tests.unit.planner.test_plastic import planned

pytestmark = pytest.mark.octoprint
WITHIN = 0.005
PRINTRUN = REPOSITORY / ".printrun"
_OCTOPRINT = """
import json, sys
from octoprint.util.gcodeInterpreter import gcode
read = gcode()
read.load(sys.argv[1])
print(json.dumps(read.printing_area | {"filament": read.extrusionAmount[0]}))
"""
_PRINTRUN = """
import json, sys
from printrun.gcoder import GCode
read = GCode(open(sys.argv[1]).read().splitlines())
print(json.dumps({"minX": read.xmin, "maxX": read.xmax, "minY": read.ymin, "maxY": read.ymax, "maxZ": read.zmax,
                  "filament": read.filament_length}))
"""


def octoprint(file: Path) -> dict[str, Any]:
    """What OctoPrint says of *file*."""
    return _read(find_octoprint().with_name("python"), _OCTOPRINT, file)


def printrun(file: Path) -> dict[str, Any]:
    """What Printrun says of *file*. Raises AssertionError without one: `make printrun`."""
    assert PRINTRUN.exists(), "Printrun is not there: make printrun"
    return _read(Path(sys.executable), _PRINTRUN, file, PYTHONPATH=str(PRINTRUN))


def _read(python: Path, program: str, file: Path, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-c", program, file], check=True, capture_output=True, timeout=50, env=os.environ | environment
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("read", [octoprint, printrun])
@pytest.mark.parametrize("count", [1, 100])
def test_another_interpreter_finds_the_same_extents_and_the_same_filament(
    count: int, read: Callable[[Path], dict[str, Any]], tmp_path: Path
) -> None:
    moves, _ = planned(count)
    # A move begins with pushing back what was pulled back before it.
    lines = ["G90", "M83", "G28", "G0 Z20 F300", f"G1 E-{Profile().retract:g} F1500", *(x for m in moves for x in m)]
    file = tmp_path / "moves.gcode"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = read(file)
    printer = Simulator()
    printer.run(line for line in lines if not line.startswith("G1 E-5 "))
    assert found["filament"] == pytest.approx(printer.filament, rel=WITHIN)
    mine = _extents(lines)
    for key, value in mine.items():
        assert found[key] == pytest.approx(value, rel=WITHIN, abs=0.01), key
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
