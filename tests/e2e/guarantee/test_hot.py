"""Whoever dies, the bridge's own timers make a hot machine safe; after a reboot nothing heats by itself."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from contracts import channels
from services.chassis.store import Store
from tests.e2e.guarantee.floor import Floor
from tests.harness.waiting import wait_until

QUICK = {"standby_after": "3", "heaters_off_after": "6"}


def targets(floor: Floor, since: float = 0.0) -> list[tuple[float, float]]:
    """The targets of nozzle and bed, in order, as the printer had them."""
    return [(heat.nozzle_target, heat.bed_target) for heat in floor.printer.witness.heaters() if heat.t >= since]


def hot(floor: Floor) -> None:
    """A move was drawn, and the machine waits for the next."""
    floor.table.insist(("a1", "h8"), "first")
    floor.table.wait_ended(1, 60)


def paused(floor: Floor) -> None:
    """Nothing may be sent, and a move waits."""
    hot(floor)
    floor.table.answer(channels.ENDER_COMMAND, "pause", "done")
    floor.table.insist(("a8", "h1"), "waits")


def paused_in_mid_move(floor: Floor) -> None:
    """OctoPrint holds half a move."""
    with floor.mid_move(("a1", "h8"), "first"):
        floor.stack.octoprint.request("POST", "/api/job", {"command": "pause", "action": "pause"})
        wait_until(lambda: floor.ender()["latch"] == "foreign", 40, "the latch")


def uncertain(floor: Floor) -> None:
    """Nobody knows what became of a move, and somebody has heated by hand since."""
    with floor.mid_move(("a1", "h8"), "first"):
        floor.stack.octoprint.kill()
    floor.stack.octoprint.start()
    floor.probe.wait("board/state", lambda m: m.json["counts"]["uncertain"] == 1, deadline_s=60)
    since = floor.printer.status()["t"]
    floor.stack.octoprint.command("M104 S205", "M140 S60")
    wait_until(lambda: (205, 60) in targets(floor, since), 40, "the heaters to be on")


@pytest.mark.parametrize("state", [hot, paused, paused_in_mid_move, uncertain])
def test_without_a_planner_the_machine_goes_to_standby_and_then_off(
    floor: Floor, state: Callable[[Floor], None]
) -> None:
    floor.start(**QUICK)
    state(floor)
    floor.stack.services["planner"].kill()
    wait_until(lambda: targets(floor)[-1] == (0, 0), 40, lambda: f"the heaters to be off; {floor.table.summary()}")
    if state is not uncertain:  # there the heaters were off, and heated by hand stays so until the last timer
        # By the printer's log: whoever looks for the three seconds themselves may be too late.
        standby = [bed for nozzle, bed in targets(floor) if nozzle == 150]
        assert standby, floor.table.summary()
        assert set(standby) == {60}, "cooling would release the drawing"


def test_after_a_reboot_nothing_heats_until_somebody_arms(floor: Floor) -> None:
    floor.start()
    hot(floor)
    bridge = floor.stack.services["octo_bridge"]
    bridge.kill()
    # What another boot looks like from here: arming carries the id of the boot in which it was given.
    database = Store(floor.stack.data("octo_bridge"), "octo_bridge").path
    with closing(sqlite3.connect(database)) as connection, connection:
        kept = json.loads(connection.execute("SELECT kept FROM machine").fetchone()[0])
        kept["armed"]["boot"] = "the boot before"
        connection.execute("UPDATE machine SET kept = ?", (json.dumps(kept),))
    floor.printer.reset()
    since = floor.probe.mark()
    bridge.start()
    floor.table.insist(("a8", "h1"), "second")
    floor.probe.wait("printer/ender/state", lambda m: m.json["waiting_jobs"] == 1, since=since, deadline_s=30)
    state = floor.wait_ender(lambda s: "not armed" in (s["reason"] or ""), "the reason")
    assert not state["armed"]
    assert (floor.heat().nozzle_target, floor.heat().bed_target) == (0, 0)
    assert floor.drawn() == ["1-1"]
    floor.table.answer(channels.ENDER_COMMAND, "arm", "done")
    wait_until(lambda: floor.drawn() == ["1-1", "1-2"], 60, lambda: f"the second move; {floor.table.summary()}")
