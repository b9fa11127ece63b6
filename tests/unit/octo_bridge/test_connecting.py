"""Which port is connected, when, and what happened while nobody looked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.board import Plate
from contracts.plan import MachineNotice
from contracts.printers import Latch, Link
from services.octo_bridge import events as e
from services.octo_bridge.effects import Connect, JobAction, ReadLog, SendLines, SetTargets, Submit, Tell
from services.octo_bridge.octolog import Slice
from services.octo_bridge.state import Printer
from tests.unit.octo_bridge.machine import Rig, run

HOMED = "Send: N9 M84 S7200*1"
CANCEL = JobAction("cancel")


def test_on_a_real_port_nothing_else_is_ever_asked() -> None:
    rig = Rig().ready()
    rig.feed(rig.seen(port="/dev/ttyUSB0"))
    rig.effects.clear()
    for word in ("arm", "home", "park", "cancel", "pause", "resume"):
        rig.command(word)
    rig.feed(e.RunTaken(run(1)))
    rig.wait(60)
    asked = [x for x in rig.effects if isinstance(x, Submit | SetTargets | SendLines | JobAction | Connect | ReadLog)]
    assert asked == []


def test_offline_without_a_virtual_port_is_never_connected() -> None:
    rig = Rig()
    rig.feed(rig.seen(printer=Printer.OFFLINE, port=None, offers=()))
    rig.wait(60, watched=False)
    assert rig.machine.octo.link is Link.REFUSED_PORT
    assert not rig.of(Connect)


def test_a_lost_printer_is_connected_with_longer_and_longer_pauses() -> None:
    rig = Rig().ready()
    rig.feed(rig.seen(printer=Printer.ERROR, port=None, error="Heating failed"))
    assert rig.machine.octo.link is Link.PRINTER_ERROR
    assert "Heating failed" in (rig.machine.octo.reason or "")
    rig.effects.clear()
    rig.wait(100, watched=False)
    assert 3 <= len(rig.of(Connect)) <= 7


def test_octoprints_script_after_a_connect_is_no_foreign_hand() -> None:
    rig = Rig().ready()
    rig.feed(rig.seen(printer=Printer.OFFLINE, port=None))
    rig.mono += 10
    rig.feed(rig.seen(printer=Printer.OPERATIONAL), e.Logged("Send: G28"))
    assert rig.latch() is Latch.NONE


@pytest.mark.parametrize(
    ("since", "first", "raises", "plate"),
    [
        (Slice(whole=True), True, False, Plate.KNOWN),
        (Slice(whole=True, started=("boardcast/x/a-a1.gcode",)), True, False, Plate.KNOWN),
        (Slice(whole=True, started=("boardcast/x/b-a1.gcode",)), True, True, Plate.UNKNOWN),
        (Slice(whole=True, started=("other.gcode",)), True, True, Plate.UNKNOWN),
        (Slice(whole=True, started=("other.gcode",)), False, True, Plate.UNKNOWN),
        (Slice(whole=True, restarted=True), True, True, Plate.KNOWN),
        (Slice(whole=True, reconnected=True), False, True, Plate.KNOWN),
        (Slice(whole=False), False, True, Plate.KNOWN),
        (Slice(whole=False), True, True, Plate.UNKNOWN),
        (None, True, True, Plate.UNKNOWN),
    ],
)
def test_what_the_log_says_of_the_time_away(since: Slice | None, first: bool, raises: bool, plate: Plate) -> None:
    rig = Rig().ready()
    epoch = rig.machine.kept.epoch
    rig.machine = replace(rig.machine.see(caught_up=False), accounted=("boardcast/x/a-a1.gcode",))
    object.__setattr__(rig.machine, "first_contact", first)
    rig.feed(e.LogRead("mark-2", since))
    assert (rig.machine.kept.epoch > epoch) is raises
    assert rig.plate() is plate
    notices = [tell.body for tell in rig.of(Tell) if isinstance(tell.body, MachineNotice)]
    assert bool(notices) is raises
