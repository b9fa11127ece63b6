"""The printer behind a real OctoPrint, which behaves toward it as `facts` of real printers say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.simulators.marlin import MarlinPrinter
from deploy.simulators.marlin.behind import attach
from deploy.simulators.octoprint import OctoPrint
from deploy.simulators.waiting import wait_until

pytestmark = pytest.mark.octoprint
DEADLINE_S = 20


@pytest.fixture
def printer(tmp_path: Path) -> Iterator[MarlinPrinter]:
    machine = MarlinPrinter(tmp_path / "printer", speed_up=50)
    machine.start()
    yield machine
    machine.stop()


@pytest.fixture
def host(octoprint: OctoPrint, printer: MarlinPrinter) -> OctoPrint:
    attach(octoprint, printer)
    return octoprint


def job(name: str, feed: int = 1800) -> str:
    drawing = ["G1 E5 F1500", f"G1 X120 Y50 E5 F{feed}", "G1 X120 Y120 E3.5", "G1 E-5 F1500", "G1 Z5 F300"]
    lines = ["G90", "M83", "G1 Z5 F300", "G1 X20 Y50 F7200", "G1 Z0.25 F300", *drawing, "M400"]
    return "\n".join([*lines, f"M118 E1 move:{name}:a1:done", ""])


def heat_and_home(host: OctoPrint, printer: MarlinPrinter) -> None:
    host.command("M104 S200", "G28")
    wait_until(
        lambda: printer.status()["nozzle"][0] >= 199 and printer.status()["known"] == "XYZ", DEADLINE_S, "hot and homed"
    )


def history(host: OctoPrint, name: str) -> dict[str, Any]:
    files = host.request("GET", "/api/files/local?force=true")["files"]
    prints: dict[str, Any] = next(file for file in files if file["name"] == name).get("prints", {})
    return prints


def test_a_job_is_drawn_and_the_witness_has_it(host: OctoPrint, printer: MarlinPrinter) -> None:
    heat_and_home(host, printer)
    assert host.upload("a.gcode", job("1-1"), start=True)
    wait_until(lambda: printer.witness.done() == ["1-1"], DEADLINE_S, "the job's end")
    drawn = printer.witness.jobs()[-1].drawn
    assert [(segment.start, segment.end, segment.e) for segment in drawn] == [
        ((20, 50, 0.25), (120, 50, 0.25), 5),
        ((120, 50, 0.25), (120, 120, 0.25), 3.5),
    ]
    assert printer.witness.moved_unknown() == []
    wait_until(lambda: history(host, "a.gcode").get("success") == 1, DEADLINE_S, "OctoPrint's history")


def test_a_cold_nozzle_draws_nothing_and_octoprint_calls_it_a_success(host: OctoPrint, printer: MarlinPrinter) -> None:
    host.command("G28")
    assert host.upload("a.gcode", job("1-1"), start=True)
    wait_until(lambda: history(host, "a.gcode").get("success") == 1, DEADLINE_S, "OctoPrint's history")
    done = printer.witness.jobs()[-1]
    assert (done.move, done.drawn, done.dropped_e) == ("1-1", (), 13.5)
    assert any(segment.end[:2] == (120, 120) for segment in done.segments)


def test_a_reset_in_mid_job_fails_it_and_octoprint_is_operational_again(
    host: OctoPrint, printer: MarlinPrinter
) -> None:
    heat_and_home(host, printer)
    assert host.upload("a.gcode", job("1-1", feed=60), start=True)
    wait_until(lambda: printer.status()["at"][0] > 21 and printer.status()["at"][2] < 1, DEADLINE_S, "the drawing")
    printer.reset()
    wait_until(lambda: history(host, "a.gcode").get("failure") == 1, DEADLINE_S, "OctoPrint's history")
    wait_until(lambda: host.state() == "Operational", DEADLINE_S, "OctoPrint to be operational")
    cut = next(job for job in printer.witness.jobs() if job.drawn)
    assert (cut.move, cut.drawn[-1].cut) == (None, True)
    assert printer.status()["known"] == ""
    assert printer.witness.done() == []


def test_an_error_in_mid_job_takes_octoprint_offline_and_a_connect_resets_the_printer(
    host: OctoPrint, printer: MarlinPrinter
) -> None:
    heat_and_home(host, printer)
    assert host.upload("a.gcode", job("1-1", feed=60), start=True)
    wait_until(lambda: host.state() == "Printing", DEADLINE_S, "the print")
    printer.tell("kill")
    wait_until(lambda: host.state().startswith(("Offline", "Error")), DEADLINE_S, "OctoPrint to give up")
    wait_until(lambda: history(host, "a.gcode").get("failure") == 1, DEADLINE_S, "OctoPrint's history")
    host.connect()
    wait_until(lambda: host.state() == "Operational", DEADLINE_S, "OctoPrint to be operational")
    assert (printer.status()["halted"], printer.status()["known"]) == (False, "")


def test_a_dropped_line_takes_octoprint_offline_and_it_finds_the_port_again(
    host: OctoPrint, printer: MarlinPrinter
) -> None:
    printer.drop()
    wait_until(lambda: host.state().startswith(("Offline", "Error")), DEADLINE_S, "OctoPrint to notice")
    host.connect()
    wait_until(lambda: host.state() == "Operational", DEADLINE_S, "OctoPrint to be operational")


def test_damaged_lines_are_sent_again_and_drawn_once(host: OctoPrint, printer: MarlinPrinter) -> None:
    heat_and_home(host, printer)
    printer.tell("corrupt 3")
    assert host.upload("a.gcode", job("1-1"), start=True)
    wait_until(lambda: printer.witness.done() == ["1-1"], DEADLINE_S, "the job's end")
    assert len(printer.witness.jobs()[-1].drawn) == 2
    assert sum("refused" in line for line in printer.witness.records("line")) >= 3


def test_a_cancel_releases_the_motors_by_the_default_script(host: OctoPrint, printer: MarlinPrinter) -> None:
    heat_and_home(host, printer)
    assert host.upload("a.gcode", job("1-1", feed=600), start=True)
    wait_until(lambda: printer.status()["at"][0] > 30, DEADLINE_S, "the drawing")
    host.request("POST", "/api/job", {"command": "cancel"})
    wait_until(lambda: printer.status()["known"] == "", DEADLINE_S, "the motors to be released")
    assert printer.status()["nozzle"][1] == 0
