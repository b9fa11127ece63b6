"""Notices through a local webhook, with targets beside it that are slow or dead."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.process import ChildProcess
from tests.e2e.rex_bridge.conftest import REPOSITORY
from tests.e2e.rex_bridge.test_api import Api, api, serving
from tests.harness.mqtt_probe import MqttProbe
from tests.harness.waiting import wait_until

__all__ = ["api"]


@pytest.fixture
def slow() -> Iterator[Api]:
    with serving() as server:
        yield server


def url(server: Api) -> str:
    return server.url.replace("http://", "json://")


def notifier(folder: Path, broker: Mosquitto, targets: str, **settings: str) -> ChildProcess:
    environment = {
        "BOARDCAST_BUS_URL": broker.url,
        "BOARDCAST_DATA_DIR": str(folder / "data"),
        "BOARDCAST_NOTIFY_URLS": targets,
        "BOARDCAST_LOG_FORMAT": "json",
        **settings,
    }
    return ChildProcess(
        "notifier",
        [sys.executable, "-m", "services.notifier"],
        folder / "notifier.log",
        environment=environment,
        folder=REPOSITORY,
    )


def event(kind: str, job: str) -> dict[str, str]:
    return {"event": kind, "job": job, "time": "2026-01-02T03:04:05Z"}


def titles(server: Api) -> list[tuple[str, str]]:
    return [(body["title"], body["message"]) for _, _, body in server.got]


def test_events_of_printers_and_board_arrive_whatever_another_target_does(
    tmp_path: Path, mosquitto: Mosquitto, probe: MqttProbe, api: Api, slow: Api
) -> None:
    slow.hang.clear()
    process = notifier(tmp_path, mosquitto, f"{url(slow)}, json://no-such-host.invalid/x, {url(api)}")
    process.start()
    try:
        probe.wait("service/notifier/availability", lambda m: m.text == "online", deadline_s=40)
        for topic, kind in [
            ("printer/rex/event", "finished"), ("printer/ender/event", "problem"), ("board/event", "board_full"),
            ("printer/rex/event", "done"),
        ]:  # fmt: skip
            probe.publish(topic, event(kind, kind))
        probe.publish("printer/rex/event", event("finished", "finished"))  # published twice, told once
        probe.publish("printer/rex/event", "not JSON")
        probe.publish("printer/rex/event", event("failed", "last"))
        wait_until(lambda: len(api.got) >= 4, 40, "four notices")
        assert titles(api) == [
            ("rex: print finished", "finished"), ("ender: problem", "problem"),
            ("board: the board is full", "board_full"), ("rex: print failed", "last"),
        ]  # fmt: skip
        assert process.running
        process.terminate()
    finally:
        process.kill()


def test_too_many_at_once_are_one_summary(tmp_path: Path, mosquitto: Mosquitto, probe: MqttProbe, api: Api) -> None:
    limits = {"BOARDCAST_NOTIFY_BURST": "3", "BOARDCAST_NOTIFY_EVERY": "2"}
    process = notifier(tmp_path, mosquitto, url(api), **limits)
    process.start()
    try:
        probe.wait("service/notifier/availability", lambda m: m.text == "online", deadline_s=40)
        process.freeze()  # all at once is what it then gets, however long they take to be published
        for number in range(20):
            probe.publish("printer/rex/event", event("paused", str(number)))
        process.thaw()
        wait_until(lambda: len(api.got) >= 4, 40, "the summary")
        assert [title for title, _ in titles(api)] == ["rex: print paused"] * 3 + ["more happened"]
        assert titles(api)[-1][1].startswith("17 further notices")
    finally:
        process.kill()


def run(word: str, targets: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.notifier", word],
        env={"BOARDCAST_NOTIFY_URLS": targets, "PATH": ""},
        capture_output=True, text=True, timeout=50, cwd=REPOSITORY, check=False,
    )  # fmt: skip


def test_check_says_which_target_is_not_understood_and_shows_none() -> None:
    found = run("check", "json://localhost, nonsense://secret")
    assert found.returncode == 1
    assert "BOARDCAST_NOTIFY_URLS: number 2 of 2 is not understood" in found.stdout
    assert "secret" not in found.stdout + found.stderr


@pytest.mark.timeout(180)
def test_a_test_message_by_command(api: Api) -> None:
    good = run("test", url(api).replace("json://", "json://user:secret@"))
    assert good.returncode == 0, good.stderr
    assert "delivered" in good.stdout
    assert "secret" not in good.stdout + good.stderr
    assert titles(api)[0][0] == "Boardcast: a test"
    bad = run("test", f"{url(api)}, json://no-such-host.invalid/x")
    assert bad.returncode == 1
    assert "FAILED" in bad.stdout
    assert run("test", "").returncode == 2
