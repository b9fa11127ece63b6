"""Child processes are ended in each way, and say what happened."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from deploy.simulators.process import ChildProcess
from tests.harness.waiting import DeadlineExceeded, wait_until

STUBBORN = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
POLITE = "import signal; print('up', flush=True); signal.pause()"


def python(code: str, folder: Path) -> ChildProcess:
    process = ChildProcess("sample", [sys.executable, "-c", code], folder / "sample.log")
    process.start()
    wait_until(lambda: "up" in process.tail().splitlines(), 40, "the sample to run")
    return process


def test_terminate_is_timed(tmp_path: Path) -> None:
    process = python(POLITE, tmp_path)

    process.terminate()
    assert process.exit_code == -signal.SIGTERM


def test_what_ignores_terminate_is_reported_with_its_log_and_is_dead(tmp_path: Path) -> None:
    process = python(STUBBORN, tmp_path)

    with pytest.raises(DeadlineExceeded, match=r"(?s)sample to end.*\nup\n"):
        process.terminate(0.1)
    assert process.exit_code == -signal.SIGKILL


def test_kill_and_start_again_append_to_one_log(tmp_path: Path) -> None:
    process = python(POLITE, tmp_path)
    process.kill()
    assert process.exit_code == -signal.SIGKILL

    process.start()
    wait_until(lambda: process.log.read_text() == "up\nup\n", 40, "a second line")
    with pytest.raises(RuntimeError, match="runs already"):
        process.start()
    process.kill()


def test_frozen_process_is_there_and_does_not_end_until_thawed(tmp_path: Path) -> None:
    process = python(POLITE, tmp_path)

    process.freeze()
    with pytest.raises(DeadlineExceeded):
        wait_until(lambda: not process.running, 0.1, "the process to end")
    process.thaw()
    process.terminate()


def test_settings_of_the_person_do_not_reach_a_child_and_its_own_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOARDCAST_TOPIC_ROOT", "mine")
    code = "import os; print(sorted(name for name in os.environ if name.startswith('BOARDCAST_')))"
    process = ChildProcess(
        "sample", [sys.executable, "-c", code], tmp_path / "sample.log", environment={"BOARDCAST_BUS_URL": "mqtt://b"}
    )

    process.start()
    wait_until(lambda: not process.running, 40, "the sample to end")
    assert process.log.read_text() == "['BOARDCAST_BUS_URL']\n"
