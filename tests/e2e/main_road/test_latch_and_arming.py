"""Nothing heats or moves unless a person armed it, and a pause holds whatever happens."""

from __future__ import annotations

import re

from contracts import channels
from tests.e2e.main_road.table import Table, squares
from tests.harness.waiting import wait_until

OFF = re.compile(r"M1(04|40) (T0 )?S0(\.0)?")
"""A heater switched off: octo_bridge does that whenever it meets a machine, armed or not."""


def moves_and_heat(table: Table) -> list[str]:
    """Everything in the serial log that moves an axis or heats."""
    wanted = ("G0 ", "G1 ", "G28", "M104 S", "M140 S", "M109", "M190")
    lines = [line.text for line in table.stack.octoprint.serial_log.lines()]
    return [text for text in lines if text.startswith(wanted) and not OFF.fullmatch(text)]


def state(table: Table) -> dict[str, object]:
    found = table.probe.last("printer/ender/state")
    assert found is not None
    value: dict[str, object] = found.json
    return value


def test_without_arming_nothing_heats_or_moves(table: Table) -> None:
    table.answer(channels.BOARD_COMMAND, "confirm_empty", "done")
    table.insist(("a1", "h8"), "unarmed")
    wait_until(lambda: state(table)["waiting_jobs"] == 1, 30, lambda: f"the plan to wait: {table.summary()}")
    wait_until(lambda: "arm" in str(state(table)["reason"]), 30, lambda: f"the reason to be said: {table.summary()}")
    assert moves_and_heat(table) == []
    table.answer(channels.ENDER_COMMAND, "arm", "done")
    table.wait_ended(1, 60)
    assert table.drawn_moves() == ["1-1"]


def test_without_a_confirmed_plate_nothing_is_planned(table: Table) -> None:
    table.answer(channels.ENDER_COMMAND, "arm", "done")
    table.insist(("a1", "h8"), "no-plate")
    table.probe.wait("board/state", lambda m: m.json["counts"]["waiting"] == 1 and m.json["plate"] == "unknown")
    assert table.started_jobs() == []
    table.answer(channels.BOARD_COMMAND, "confirm_empty", "done")
    table.wait_ended(1, 60)


def test_a_pause_between_two_jobs_holds_over_a_kill_of_the_bridge(table: Table) -> None:
    table.ready()
    table.insist(("a1", "b1"), "first")
    table.wait_ended(1, 60)
    table.answer(channels.ENDER_COMMAND, "pause", "done")
    for number, move in enumerate(squares(3, 3)):
        table.insist(move, f"held{number}")
    bridge = table.stack.services["octo_bridge"]
    bridge.kill()
    mark = table.probe.mark()
    bridge.start()
    table.probe.wait("printer/ender/state", lambda m: m.json["latch"] == "pause", since=mark)
    table.answer(channels.ENDER_COMMAND, "arm", "done")  # arming takes no latch off
    assert len(table.started_jobs()) == 1
    assert state(table)["latch"] == "pause"
    table.answer(channels.ENDER_COMMAND, "resume", "done")
    table.wait_ended(4, 60)
    assert len(table.drawn_jobs()) == 4


def test_a_retained_pause_at_start_does_nothing_and_is_said(table: Table) -> None:
    # Published while the bridge is away: to one that listens, the broker gives it as any other command.
    bridge = table.stack.service("octo_bridge")
    bridge.kill()
    table.probe.publish("printer/ender/command", "pause", retain=True)
    bridge.start()
    table.probe.wait(
        "printer/ender/event", lambda m: m.json["event"] == "refused" and "retained" in m.json["reason"], deadline_s=20
    )
    table.ready()
    assert state(table)["latch"] == "none"
    table.insist(("a1", "h8"), "after")
    table.wait_ended(1, 60)
