"""What the doctor concludes, and that a real printer is armed for its word only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from contracts.board import Plate
from services.octo_bridge import approval
from services.octo_bridge import events as e
from services.octo_bridge.approval import Approval
from services.octo_bridge.effects import AskFirmware, SetTargets, Submit
from services.octo_bridge.examination import Found, Grade, examine
from services.octo_bridge.settings import ZHoming
from services.octo_bridge.state import Printer
from tests.unit.octo_bridge.machine import Rig, run, settings

PORT = "/dev/ttyUSB0"
MARLIN = "Marlin 2.0.9"
GIGABYTES = 9 << 30
CANCEL = "; disable motors\nM84\n\nM104 T0 S0\nM140 S0\nM106 S0"
WELL = Found(
    port=PORT, firmware=MARLIN, echo="token", scripts={"afterPrintCancelled": CANCEL},
    lines=("Send: M115", "Recv: Cap:THERMAL_PROTECTION:1", "Recv: Cap:Z_PROBE:0", "Send: M118 E1 token",
           "Recv: echo:token"),
    permissions=frozenset({"ADMIN"}), logs_jobs=True, free_there=GIGABYTES, free_here=GIGABYTES, clock_apart=1.0,
)  # fmt: skip


def grades(found: Found, **more: object) -> dict[str, Grade]:
    """What is not ok, by name."""
    checks = examine(found, settings(**({"printer_ports": PORT} | more)))
    assert all(check.text for check in checks)
    return {check.name: check.grade for check in checks if check.grade is not Grade.OK}


def test_a_printer_in_order_passes_whole() -> None:
    assert grades(WELL) == {}


@pytest.mark.parametrize(
    ("found", "name", "grade"),
    [
        (replace(WELL, port="/dev/ttyACM0"), "port", Grade.FAIL),
        (replace(WELL, permissions=frozenset({"STATUS"})), "key", Grade.FAIL),
        (replace(WELL, firmware=None), "firmware", Grade.FAIL),
        (replace(WELL, firmware="Klipper"), "firmware", Grade.WARN),
        (replace(WELL, lines=(*WELL.lines, "Recv: Cap:THERMAL_PROTECTION:0")), "thermal protection", Grade.FAIL),
        (replace(WELL, lines=(*WELL.lines, "Recv: Cap:Z_PROBE:1")), "Z homing", Grade.FAIL),
        (replace(WELL, lines=tuple(s for s in WELL.lines if "Z_PROBE" not in s)), "Z homing", Grade.WARN),
        (replace(WELL, lines=tuple(s for s in WELL.lines if "Recv: echo" not in s)), "M118", Grade.WARN),
        (replace(WELL, lines=(*WELL.lines[:4], 'Recv: echo:Unknown command: "M118 E1 token"')), "M118", Grade.WARN),
        (replace(WELL, scripts={"afterPrintCancelled": "G28"}), "cancel script", Grade.FAIL),
        (replace(WELL, scripts={"afterPrintCancelled": "G28 X Y\nG28 Z"}), "cancel script", Grade.FAIL),
        (replace(WELL, scripts={"afterPrintPaused": "M84"}), "pause script", Grade.FAIL),
        (replace(WELL, scripts={"afterPrintPaused": "G91\nG1 Z10"}), "pause script", Grade.WARN),
        (replace(WELL, scripts={"beforePrintResumed": "M109 S200"}), "resume script", Grade.FAIL),
        (replace(WELL, scripts={"beforePrinterDisconnected": "G28"}), "disconnect script", Grade.FAIL),
        *(
            (replace(WELL, scripts={"afterPrintPaused": line}), "pause script", Grade.FAIL)
            for line in ("G29", "G30", "G34", "G38.2 Z0", "G27", "M302 P1", "M600", "M104 S205", "M140 T0 R60", "g28")
        ),
        (replace(WELL, scripts={"afterPrintPaused": "G29\nM84"}), "pause script", Grade.FAIL),
        (replace(WELL, scripts={"afterPrintPaused": "M117 wait\nG2 X1"}), "pause script", Grade.WARN),
        (replace(WELL, scripts={"afterPrintPaused": "@pause"}), "pause script", Grade.WARN),
        (replace(WELL, logs_jobs=False), "log", Grade.WARN),
        (replace(WELL, logs_jobs=None), "log", Grade.FAIL),
        (replace(WELL, free_there=1 << 20), "OctoPrint's disk", Grade.FAIL),
        (replace(WELL, free_here=500 << 20), "the bridge's disk", Grade.WARN),
        (replace(WELL, clock_apart=-3600.0), "clock", Grade.WARN),
    ],
)
def test_what_is_wrong_is_said(found: Found, name: str, grade: Grade) -> None:
    assert grades(found) == {name: grade}


def test_a_probe_that_is_told_of_is_right() -> None:
    assert grades(replace(WELL, lines=(*WELL.lines, "Recv: Cap:Z_PROBE:1")), z_homing=ZHoming.PROBE) == {}


def test_the_word_is_kept_and_taken_back(tmp_path: Path) -> None:
    word = Approval("http://octoprint", PORT, MARLIN)
    assert approval.read(tmp_path) is None
    approval.write(tmp_path, word)
    assert approval.read(tmp_path) == word
    approval.path_in(tmp_path).write_text("{")
    assert approval.read(tmp_path) is None
    approval.withdraw(tmp_path)
    approval.withdraw(tmp_path)


class Real(Rig):
    """A real printer with its plate confirmed."""

    def __init__(self, word: Approval | None, firmware: str | None = MARLIN) -> None:
        super().__init__(printer_ports=PORT)
        self.feed(e.ApprovalRead(word), e.PushChanged(True), self.seen(printer=Printer.OPERATIONAL, port=PORT))
        if firmware is not None:
            self.feed(e.FirmwareNamed(firmware))
        self.feed(e.LogRead("mark-1", None))
        self.machine = self.machine.keep(plate=Plate.KNOWN)


RIGHT = Approval("http://octoprint", PORT, MARLIN)


def test_a_printer_that_the_doctor_passed_is_armed() -> None:
    rig = Real(RIGHT)
    rig.command("arm")
    assert rig.machine.kept.armed is not None
    rig.feed(e.RunTaken(run(epoch=rig.machine.kept.epoch)))
    rig.hot()
    assert rig.of(Submit)


@pytest.mark.parametrize(
    "word",
    [
        None,
        replace(RIGHT, url="http://other"),
        replace(RIGHT, port="/dev/ttyUSB1"),
        replace(RIGHT, firmware="Marlin 1"),
    ],
)
def test_any_other_is_not(word: Approval | None) -> None:
    rig = Real(word)
    rig.command("arm")
    assert rig.machine.kept.armed is None
    assert "doctor" in [a.event.reason or "" for a in rig.effects if hasattr(a, "event")][-1]


def test_a_printer_that_comes_after_arming_is_not_heated_before_the_doctor_saw_it() -> None:
    rig = Real(RIGHT)
    rig.command("arm")
    rig.feed(e.FirmwareNamed("Marlin 1"))
    rig.effects.clear()
    rig.feed(e.RunTaken(run(epoch=rig.machine.kept.epoch)))
    rig.hot()
    rig.wait(30)
    assert not rig.of(Submit)
    assert [asked for asked in rig.of(SetTargets) if asked != SetTargets(0, 0)] == []


def test_the_firmware_is_asked_for_where_nobody_said_it() -> None:
    rig = Real(RIGHT, firmware=None)
    assert rig.of(AskFirmware)
    rig.command("arm")
    assert rig.machine.kept.armed is None
    rig.feed(e.FirmwareNamed(MARLIN))
    rig.command("arm")
    assert rig.machine.kept.armed is not None


def test_a_script_of_known_words_alone_is_harmless() -> None:
    found = replace(WELL, scripts={"afterPrintPaused": "; a word\nM117 wait\nM106 S0\nM104 T0 S0\n{% if a %}"})
    (pause,) = [check for check in examine(found, settings()) if check.name == "pause script"]
    assert pause.grade is Grade.OK, pause.text
