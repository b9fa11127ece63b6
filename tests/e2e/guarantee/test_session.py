"""A session from a cold printer over standby, waking and making safe: every line that reached the printer."""

from __future__ import annotations

import re

import pytest

from deploy.simulators.marlin import MarlinPrinter
from tests.e2e.guarantee.floor import Floor
from tests.harness.waiting import wait_until

HOSTS_OWN = re.compile(r"(M105|M110|M115|M113|M155|M21|M20|M27|T0)\b|N\d+ M110\b")
"""What OctoPrint asks for itself; none of it moves, feeds or heats."""
MOTION = re.compile(r"G[01]( [XYZEF]-?\d+(\.\d+)?)+")
RECOVERY = [
    "G91", "G1 Z10 F300", "G90", "G28 X Y", "G28 Z", "M211 S1", "G1 Z10 F300", "M84 S7200", "G90", "M83", "G92 E0",
]  # fmt: skip
OFF, HOT, STANDBY = ("M104 S0", "M140 S0"), ("M104 S205", "M140 S60"), ("M104 S150", "M140 S60")


def lines(printer: MarlinPrinter) -> list[str]:
    """Every line of the session that is not the host's own, without its number and checksum."""
    plain = [re.sub(r"^N\d+ |\*\d+$", "", line).strip() for line in printer.witness.lines()]
    return [re.sub(r"^(M104|M140) T0 ", r"\1 ", line) for line in plain if line and not HOSTS_OWN.match(line)]


def heats(found: list[str]) -> list[str]:
    """The changes of the heaters' targets, in order; the bridge says the same again until the printer shows it."""
    told = [line.removesuffix(".0") for line in found if line.startswith(("M104", "M140", "M109", "M190"))]
    return [line for index, line in enumerate(told) if line not in told[max(0, index - 2) : index]]


def files(found: list[str]) -> list[list[str]]:
    """The lines of each file, its mark included: from `G90` on."""
    jobs: list[list[str]] = []
    current: list[str] = []
    for line in found:
        if line.startswith(("M104", "M140")) or (line == "M400" and not current):
            continue  # OctoPrint waits for the end of the motion behind a file too
        current.append(line)
        if line.startswith("M118 E1 move:"):
            jobs.append(current)
            current = []
    assert current == [], f"lines outside of every file: {current}"
    return jobs


@pytest.mark.timeout(150)
def test_every_line_of_a_session_is_what_it_should_be(floor: Floor, printer: MarlinPrinter) -> None:
    floor.start(standby_after="4", heaters_off_after="20", dead_man="0")
    began = len(lines(printer))
    # From standby to off there is time for everything that is done and looked at in between, on a slow machine too.
    floor.table.insist(("a1", "b1"), "cold")
    floor.table.wait_ended(1, 60)
    wait_until(lambda: floor.heat().nozzle_target == 150, 30, "standby")
    assert floor.heat().bed_target == 60, "cooling would release the drawing"
    # At sixty times the speed a reading is minutes old: the bridge must have seen how cold it has become.
    floor.wait_ender(lambda state: (state["nozzle_actual"] or 0) < 190, "a nozzle that has cooled")
    floor.table.insist(("a2", "b2"), "woken")
    floor.table.wait_ended(2, 60)
    wait_until(lambda: floor.heat().nozzle_target == 150, 30, "standby again")
    wait_until(lambda: (floor.heat().nozzle_target, floor.heat().bed_target) == (0, 0), 60, "everything off")
    assert floor.drawn() == ["1-1", "1-2"]

    found = lines(printer)[began:]
    first, second = files(found)
    assert first[: len(RECOVERY)] == RECOVERY, "lift, home X and Y, home Z in its corner, then the file's own modes"
    assert "G28" not in " ".join(second), "nothing was lost meanwhile: it is not homed again"
    for job in (first[len(RECOVERY) :], second):
        *body, wait, mark = job
        assert wait == "M400", "its last motion has ended when its end is told"
        assert re.fullmatch(r"M118 E1 move:[a-z0-9-]+:a1:done", mark)
        modes = [line for line in body if not MOTION.fullmatch(line)]
        assert set(modes) <= {"G90", "M83", "G92 E0"}, modes
        assert body[:2] == ["G90", "M83"]
    expected = [*HOT, STANDBY[0], HOT[0], STANDBY[0], *OFF]
    assert heats(found) == expected, f"{heats(found)}: hot, standby, hot, standby, off; the bed only ever hot or off"
    drawn = [segment for job in printer.witness.jobs() for segment in job.drawn]
    assert min(segment.nozzle for segment in drawn) >= 200
    assert printer.witness.moved_unknown("XY") == []
