"""OctoPrint and its Virtual Printer do what the tests of the bridge take for granted."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from deploy.simulators.octoprint import OctoPrint, OctoPrintMissing
from tests.harness.waiting import wait_until

LINE = ["G1 X10 Y10 F6000", "G1 Z0.25 F300", "G1 E5 F1500", "G1 X200 Y200 E13 F2400", "G1 E-5 F1500", "G1 Z5 F300"]


def gcode(move: str, lines: int = 1) -> str:
    return "\n".join(["G21", "G90", "M83", "G1 Z5 F300", *LINE * lines, "M400", f"M118 E1 move:{move}:a1:done", ""])


def draw(octoprint: OctoPrint, move: str) -> None:
    assert octoprint.upload(f"{move}.gcode", gcode(move), start=True)
    wait_until(lambda: move in octoprint.serial_log.drawn(), 40, f"move {move} in the serial log")
    wait_until(lambda: octoprint.state() == "Operational", 40, "the end of the job")


def test_drawn_jobs_are_in_the_serial_log_once_over_reconnects_and_restarts(octoprint: OctoPrint) -> None:
    draw(octoprint, "1-1")
    octoprint.disconnect()
    octoprint.connect()
    wait_until(lambda: octoprint.state() == "Operational", 40, "the printer to be connected again")
    draw(octoprint, "1-2")
    octoprint.kill()
    assert octoprint.state() == ""
    octoprint.start()
    draw(octoprint, "1-3")

    assert octoprint.serial_log.drawn() == ["1-1", "1-2", "1-3"]
    assert [job.drawn for job in octoprint.serial_log.jobs()] == [("G1 X200 Y200 E13 F2400",)] * 3


def test_it_is_warm_at_once_and_moves_take_no_time(octoprint: OctoPrint) -> None:
    octoprint.request("POST", "/api/printer/tool", {"command": "target", "targets": {"tool0": 200}})
    octoprint.request("POST", "/api/printer/bed", {"command": "target", "target": 60})

    def temperature(heater: str) -> float:
        return float(octoprint.request("GET", "/api/printer")["temperature"][heater]["actual"])

    wait_until(lambda: temperature("tool0") >= 195, 30, "a hot nozzle", ignore=(KeyError, TypeError))
    assert temperature("bed") >= 55
    # 40 diagonals at 40 mm/s would take more than three minutes.
    octoprint.upload("long.gcode", gcode("1-1", lines=40), start=True)
    wait_until(lambda: octoprint.serial_log.drawn() == ["1-1"], 30, "the end of a long job")


def test_only_the_key_opens_the_api(octoprint: OctoPrint) -> None:
    key = (octoprint.basedir / "api-key").read_text()

    def status(key: str) -> int:
        request = urllib.request.Request(f"{octoprint.url}/api/job", headers={"X-Api-Key": key})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return refusal.code

    assert (status(key), status("wrong")) == (200, 403)


def test_failures_of_the_printer_can_be_had(octoprint: OctoPrint) -> None:
    octoprint.misbehave("trigger_fatal_error_marlin")
    wait_until(lambda: octoprint.state() == "Offline after error", 40, "the printer to be offline")

    octoprint.connect()
    wait_until(lambda: octoprint.state() == "Operational", 40, "the printer to be back")


def test_missing_octoprint_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(OctoPrintMissing, match="make octoprint"):
        OctoPrint(tmp_path, environment=tmp_path / "none").start()
