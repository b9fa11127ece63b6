"""The doctor beside a running bridge, against a real OctoPrint; a real printer is armed for its word only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.simulators.marlin import MarlinPrinter
from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.octoprint import OctoPrint, Simulation
from tests.e2e.octo_bridge.conftest import Bench
from tests.e2e.octo_bridge.fake_planner import FakePlanner
from tests.harness.mqtt_probe import MqttProbe


@pytest.fixture
def printer(tmp_path: Path) -> Iterator[MarlinPrinter]:
    machine = MarlinPrinter(tmp_path / "printer", speed_up=60, settings={"has_m118": "false"})
    machine.start()
    yield machine
    machine.stop()


@pytest.fixture
async def real(tmp_path: Path, mosquitto: Mosquitto, probe: MqttProbe, printer: MarlinPrinter) -> AsyncIterator[Bench]:
    """A bridge beside the faithful printer; `bench` has the Virtual one."""
    octoprint = OctoPrint(tmp_path / "octoprint", simulation=Simulation(serial_port=str(printer.port)))
    octoprint.start()
    bench = Bench(tmp_path, mosquitto, octoprint, probe, FakePlanner(tmp_path / "planner", mosquitto.url))
    bench.settings["printer_ports"] = str(printer.port)
    yield bench
    if bench.process is not None:
        bench.process.kill()
    octoprint.stop()


def doctor(bench: Bench, **settings: str) -> tuple[int, dict[str, str], str]:
    """Exit code, grade of each check, and everything that was printed."""
    assert bench.process is not None
    told = bench.process.environment | {f"BOARDCAST_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "services.octo_bridge", "doctor"]
    done = subprocess.run(command, env=dict(os.environ) | told, capture_output=True, text=True, timeout=60, check=False)
    lines = [line for line in done.stdout.splitlines() if ": " in line and line[:5].strip() in ("ok", "warn", "fail")]
    grades = {line[6:].partition(":")[0]: line[:5].strip() for line in lines}
    return done.returncode, grades, done.stdout + done.stderr


async def test_a_real_printer_is_armed_only_after_the_doctor_passed_beside_the_running_bridge(real: Bench) -> None:
    real.start_bridge()
    await real.state(lambda s: s["link"] == "ok", "the bridge to reach the printer")
    refusal = await real.command("arm")
    assert refusal["event"] == "refused"
    assert "doctor" in refusal["reason"]

    code, grades, text = doctor(real)
    assert code == 0, text
    assert (grades["firmware"], grades["thermal protection"], grades["key"], grades["log"]) == ("ok",) * 4, text
    assert (grades["M118"], grades["Z homing"], grades["clock"]) == ("warn", "warn", "ok"), text
    await real.state(lambda s: "doctor" not in (s["reason"] or ""), "the doctor's word to be heard")
    assert (await real.command("arm"))["event"] == "done"
    state = await real.state(lambda s: s["armed"], "arming")
    assert state["latch"] == "none", "what the doctor sends is nobody's jog"


async def test_what_fails_takes_the_word_back(real: Bench) -> None:
    real.start_bridge()
    await real.state(lambda s: s["link"] == "ok", "the bridge to reach the printer")
    assert doctor(real)[0] == 0
    scripts = {"scripts": {"gcode": {"afterPrintPaused": "G28"}}}
    real.octoprint.request("POST", "/api/settings", scripts)
    code, grades, text = doctor(real)
    assert (code, grades["pause script"]) == (1, "fail"), text
    assert (await real.command("arm"))["event"] == "refused"


async def test_another_firmware_is_another_printer(real: Bench, printer: MarlinPrinter) -> None:
    real.start_bridge()
    await real.state(lambda s: s["link"] == "ok", "the bridge to reach the printer")
    assert doctor(real)[0] == 0
    word = real.folder / "bridge" / "octo_bridge.doctor.json"
    word.write_text(json.dumps(json.loads(word.read_text()) | {"firmware": "Marlin 1.0"}))
    refusal = await real.command("arm")
    assert "Marlin 1.0" in refusal["reason"]


async def test_the_virtual_printer_passes_too_and_a_wrong_key_is_said(bench: Bench) -> None:
    bench.start_bridge()
    await bench.state(lambda s: s["link"] == "ok", "the bridge to reach the printer")
    code, grades, text = doctor(bench)
    assert code == 0, text
    assert (grades["port"], grades["M118"]) == ("ok", "ok"), text
    code, _, text = doctor(bench, octoprint_api_key="0" * 32)
    assert code == 1
    assert "BOARDCAST_OCTOPRINT_API_KEY" in text
