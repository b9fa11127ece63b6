"""What a service says when it is told of a bus that cannot carry what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.simulators.process import ChildProcess, inherited
from deploy.stack import REPOSITORY
from services.chassis import health
from tests.bus.sqs_server import URL, SqsServer
from tests.harness.waiting import wait_until


@pytest.fixture
def sqs(tmp_path: Path) -> Iterator[SqsServer]:
    """An SQS without any queue."""
    made = SqsServer(tmp_path / "sqs")
    made.start()
    yield made
    made.kill()


def run(folder: Path, name: str, word: str, **settings: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """A service's own words, and the seconds it took for them."""
    environment = {"BUS_URL": URL, "DATA_DIR": str(folder / "data"), "LOG_FORMAT": "json"} | settings
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", f"services.{name}", word], cwd=REPOSITORY, capture_output=True, text=True, check=False,
        env=inherited() | {f"BOARDCAST_{key}": value for key, value in environment.items()}, timeout=50,
    )  # fmt: skip
    return done, time.monotonic() - began


@pytest.mark.parametrize("name", ["planner", "octo_bridge", "chat_ingest", "rex_bridge", "notifier"])
def test_a_channel_that_cannot_be_carried_is_named_at_the_start(tmp_path: Path, name: str) -> None:
    done, seconds = run(tmp_path, name, "run")
    print(f"{name} named it in {seconds:.2f} s (aim 2)")  # how long the machine takes is no outcome
    assert done.returncode == 2, done.stderr
    (line,) = [json.loads(text)["event"] for text in done.stderr.splitlines()]
    named = {"planner": "board_state", "octo_bridge": "ender_state", "chat_ingest": "chat_state",
             "rex_bridge": "rex_state", "notifier": "board_event"}[name]  # fmt: skip
    assert named in line
    assert "BOARDCAST_STATE_BUS_URL" in line
    assert not (tmp_path / "data").exists()


def test_check_says_the_same(tmp_path: Path) -> None:
    done, _ = run(tmp_path, "planner", "check")
    assert done.returncode == 1
    assert "missing: SQS cannot carry" in done.stdout


@pytest.mark.timeout(240)
def test_with_none_it_runs_says_so_and_waits_for_queues_that_are_made_later(tmp_path: Path, sqs: SqsServer) -> None:
    settings = {"BUS_URL": URL, "STATE_BUS_URL": "none", "SQS_ENDPOINT": sqs.endpoint, "LOG_FORMAT": "json",
                "DATA_DIR": str(tmp_path / "data")}  # fmt: skip
    environment = {f"BOARDCAST_{key}": value for key, value in settings.items()}
    planner = ChildProcess(
        "planner", [sys.executable, "-m", "services.planner"], tmp_path / "planner.log", environment=environment,
        folder=REPOSITORY,
    )  # fmt: skip
    planner.start()
    try:
        wait_until(lambda: "queues create" in planner.log.read_text(), 40, planner.tail)
        (said,) = [json.loads(line) for line in planner.log.read_text().splitlines() if "is none" in line]
        assert "board_state" in said["not_published"]
        done, _ = run(tmp_path, "planner", "queues", **settings)
        assert done.returncode == 0
        subprocess.run([*planner.command, "queues", "create"], env=inherited() | environment, cwd=REPOSITORY,
                       check=True, capture_output=True)  # fmt: skip
        path = health.path_in(tmp_path / "data", "planner")
        wait_until(lambda: health.read(path).ok, 40, planner.tail)
    finally:
        planner.terminate()
    assert planner.exit_code == 0, planner.tail()
