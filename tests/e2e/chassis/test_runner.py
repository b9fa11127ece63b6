"""A service as a process: its exit codes, its stop, and a data folder that cannot be used."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.process import ChildProcess
from deploy.simulators.waiting import wait_until
from tests.harness.mqtt_probe import MqttProbe

MODULE = [sys.executable, "-m", "tests.e2e.chassis.sample_service"]
PRESENCE = "service/sample/availability"
STOP_DEADLINE_S = 40
"""What the sample does at its stop takes 60: a stop that waits for it misses this, a slow machine's does not."""


@pytest.fixture
def service(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[ChildProcess]:
    environment = {
        "BOARDCAST_DATA_DIR": str(tmp_path / "data"),
        "BOARDCAST_BUS_URL": mosquitto.url,
        "BOARDCAST_LOG_FORMAT": "json",
    }
    process = ChildProcess("sample", MODULE, tmp_path / "sample.log", environment=environment)
    yield process
    if process.running:
        process.kill()


def _run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {"COLUMNS": "200"} | os.environ | {f"BOARDCAST_{name}": value for name, value in settings.items()}
    return subprocess.run([*MODULE, *words], env=environment, capture_output=True, text=True, timeout=50, check=False)


def _said(service: ChildProcess) -> list[str]:
    return [json.loads(line)["event"] for line in service.log.read_text().splitlines()]


def _up(service: ChildProcess, probe: MqttProbe) -> None:
    mark = probe.mark()  # the word of a process before this one is none of this
    service.start()
    wait_until(lambda: [seen.text for seen in probe.seen(PRESENCE, since=mark)][-1:] == ["online"], 40, service.tail)


@pytest.mark.parametrize("at_stop", ["well", "slow", "raise", "thread", "executor", "library"])
def test_sigterm_ends_a_service_whatever_it_does(service: ChildProcess, probe: MqttProbe, at_stop: str) -> None:
    service.environment["BOARDCAST_AT_STOP"] = at_stop
    _up(service, probe)
    service.terminate(STOP_DEADLINE_S)
    assert service.exit_code == 0, service.tail()
    wait_until(lambda: [seen.text for seen in probe.seen(PRESENCE)] == ["online", "offline"], 40, service.tail)
    said = _said(service)
    assert said[-1] == "stopped"
    assert ("the service did not stop in time; what was in hand goes on at the next start" in said) == (
        at_stop == "slow"
    )
    assert any("a defect while stopping" in line for line in said) == (at_stop == "raise")
    with sqlite3.connect(Path(service.environment["BOARDCAST_DATA_DIR"]) / "sample.sqlite3") as database:
        assert database.execute("SELECT how FROM stopped").fetchall() == [(at_stop,)]
    database.close()


def test_a_stop_while_the_broker_is_frozen_takes_no_longer(
    service: ChildProcess, probe: MqttProbe, mosquitto: Mosquitto
) -> None:
    service.environment["BOARDCAST_AT_STOP"] = "slow"
    _up(service, probe)
    mosquitto.process.freeze()
    try:
        service.terminate(STOP_DEADLINE_S)
    finally:
        mosquitto.process.thaw()


def test_a_stop_without_a_broker(service: ChildProcess, mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    service.start()
    wait_until(lambda: service.log.exists() and "started" in service.log.read_text(), 40, service.tail)
    service.terminate(STOP_DEADLINE_S)
    assert service.exit_code == 0


def test_health_follows_the_service(service: ChildProcess, probe: MqttProbe, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    before = _run("health", DATA_DIR=data)
    assert (before.returncode, "has not started" in before.stdout) == (1, True)
    _up(service, probe)
    wait_until(lambda: _run("health", DATA_DIR=data).stdout == "connected\n", 40, service.tail)
    assert _run("health", DATA_DIR=data).returncode == 0
    service.terminate()
    after = _run("health", DATA_DIR=data)
    assert (after.returncode, after.stdout) == (1, "stopped\n")


def test_a_second_one_on_the_same_folder_is_refused(service: ChildProcess, probe: MqttProbe) -> None:
    _up(service, probe)
    second = _run(DATA_DIR=service.environment["BOARDCAST_DATA_DIR"], LOG_FORMAT="json")
    assert second.returncode == 2
    assert "another sample already uses the data folder" in second.stderr
    service.kill()
    _up(service, probe)  # a dead process holds no lock


def test_a_damaged_database_is_said_without_ending(service: ChildProcess) -> None:
    folder = Path(service.environment["BOARDCAST_DATA_DIR"])
    folder.mkdir()
    (folder / "sample.sqlite3").write_bytes(b"no database" * 500)
    _assert_waits(service, False, "cannot be used (file is not a database): check BOARDCAST_DATA_DIR")


def test_a_folder_that_can_be_used_at_last_is_used(service: ChildProcess, probe: MqttProbe) -> None:
    folder = Path(service.environment["BOARDCAST_DATA_DIR"])
    folder.write_text("in the way")
    service.start()
    wait_until(lambda: "check BOARDCAST_DATA_DIR" in service.tail(), 40, service.tail)
    assert "Traceback" not in service.tail()
    folder.unlink()
    wait_until(lambda: _run("health", DATA_DIR=str(folder)).returncode == 0, 40, service.tail)


@pytest.mark.parametrize(
    ("setting", "value", "well", "text"),
    [
        ("NEEDED", "missing", True, "waits, a setting is missing: BOARDCAST_NEEDED: set it"),
        ("BUS_URL", "nonsense", False, "waits for a setting that can be used: BOARDCAST_BUS_URL"),
    ],
)
def test_what_lacks_a_setting_waits_and_says_so(
    service: ChildProcess, setting: str, value: str, well: bool, text: str
) -> None:
    service.environment[f"BOARDCAST_{setting}"] = value
    _assert_waits(service, well, text)


def test_data_of_a_newer_program_is_refused_without_ending(service: ChildProcess, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with sqlite3.connect(folder / "sample.sqlite3") as database:
        database.execute("CREATE TABLE schema_version (part TEXT PRIMARY KEY, version INTEGER NOT NULL)")
        database.execute("INSERT INTO schema_version VALUES ('stopped', 9)")
    database.close()
    _assert_waits(service, False, "written by a newer Boardcast")


def _assert_waits(service: ChildProcess, well: bool, text: str) -> None:
    """It neither ends nor works, and says the same in its log, once, and in its health."""
    data = service.environment["BOARDCAST_DATA_DIR"]
    service.start()
    wait_until(lambda: text in _run("health", DATA_DIR=data).stdout, 40, service.tail)
    assert _run("health", DATA_DIR=data).returncode == (0 if well else 1)
    assert service.running
    service.terminate(STOP_DEADLINE_S)
    assert service.exit_code == 0
    assert len([line for line in _said(service) if text in line]) == 1, service.tail()


def test_check_prints_settings_masked_and_what_is_missing(tmp_path: Path) -> None:
    found = _run("check", BUS_PASSWORD="hunter2", DATA_DIR=str(tmp_path))
    assert found.returncode == 0
    assert "BOARDCAST_BUS_PASSWORD=********" in found.stdout
    assert "nothing is missing" in found.stdout
    assert "hunter2" not in found.stdout + found.stderr
    assert _run("check", NEEDED="missing").returncode == 1


def test_a_service_has_commands_of_its_own() -> None:
    found = _run("echo", "a", "--b")
    assert (found.returncode, found.stdout) == (7, "a --b\n")
    assert _run("no-such-word").returncode == 2
