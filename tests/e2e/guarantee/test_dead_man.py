"""The firmware's own idle limit, on the printer that has one."""

from __future__ import annotations

import pytest

from deploy.simulators.marlin import MarlinPrinter, Version
from tests.e2e.guarantee.floor import Floor
from tests.harness.waiting import wait_until

QUICK = {"standby_after": "1", "heaters_off_after": "2"}


def words(floor: Floor) -> list[str]:
    """The M85 lines that the firmware took, in order, without numbers and checksums."""
    return [line[line.index("M85") :].partition("*")[0] for line in floor.printer.witness.lines() if "M85" in line]


@pytest.mark.timeout(150)
@pytest.mark.parametrize("version", [Version.V2_0_0, Version.V2_1])
def test_a_cold_machine_is_not_halted_and_draws_again(floor: Floor, printer: MarlinPrinter, version: Version) -> None:
    printer.stop()
    printer.settings["version"] = version.value
    printer.start()
    floor.start(**QUICK, dead_man="900")  # of the printer's seconds: 15 of ours
    floor.table.insist(("a1", "h8"), "first")
    floor.table.wait_ended(1, 60)
    wait_until(lambda: words(floor)[-1:] == ["M85 S0"], 30, "the limit to go with the heat")
    assert "M85 S900" in words(floor)
    assert not printer.status()["halted"]
    since = printer.status()["t"]
    wait_until(lambda: printer.status()["t"] > since + 1000, 90, "more than the limit to go by")
    assert not printer.status()["halted"]
    floor.table.insist(("a8", "h1"), "second")
    floor.table.wait_ended(2, 60)
    assert floor.drawn() == ["1-1", "1-2"]


@pytest.mark.timeout(150)
def test_a_host_that_dies_while_it_is_hot_is_halted_by_the_firmware(floor: Floor, printer: MarlinPrinter) -> None:
    floor.start(dead_man="900")
    floor.table.insist(("a1", "h8"), "first")
    floor.table.wait_ended(1, 60)
    assert floor.heat().nozzle_target > 0
    for part in floor.stack.services.values():
        part.kill()
    floor.stack.octoprint.kill()
    wait_until(lambda: printer.status()["halted"], 90, "the firmware's own halt")
    assert (floor.heat().nozzle_target, floor.heat().bed_target) == (0, 0)
