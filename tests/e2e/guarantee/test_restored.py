"""Data folders restored from an older backup: nothing is swallowed, and it goes on when a person has looked."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from contracts import channels
from deploy.stack import REPOSITORY
from tests.e2e.guarantee.floor import BOARD, Floor
from tests.harness.waiting import wait_until


def call(floor: Floor, service: str, word: str, file: Path) -> None:
    """`backup FILE` or `restore FILE`, as a person does."""
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}", word, str(file)], cwd=REPOSITORY, capture_output=True, text=True,
        env={"PATH": ""} | floor.stack.environment(service), timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(150)
def test_a_bridge_restored_from_before_draws_nothing_again_and_asks_for_a_look(floor: Floor, tmp_path: Path) -> None:
    floor.start(dead_man="0")
    floor.table.insist(("a1", "h8"), "before")
    floor.table.wait_ended(1, 60)
    call(floor, "octo_bridge", "backup", tmp_path / "copy")
    floor.table.insist(("a8", "h1"), "since")
    floor.table.wait_ended(2, 60)
    bridge = floor.stack.services["octo_bridge"]
    bridge.terminate()
    call(floor, "octo_bridge", "restore", tmp_path / "copy")
    since = floor.probe.mark()
    bridge.start()
    said = floor.probe.wait("printer/ender/event", lambda m: "restored from a backup" in (m.json["reason"] or ""),
                            since=since, deadline_s=30)  # fmt: skip
    assert said.json["event"] == "problem"
    state = floor.wait_asked_to_look()
    assert not state["armed"]
    floor.probe.wait(BOARD, lambda m: m.json["held"], since=since, deadline_s=30)
    floor.table.insist(("c3", "f3"), "after")
    floor.look_at_the_plate()
    # OctoPrint may still speak of the job that was forgotten; to this bridge it is somebody else's.
    floor.table.answer(channels.ENDER_COMMAND, "resume", "done")
    wait_until(lambda: sum(s == "drawn" for s in floor.moves().values()) == 3, 60,
               lambda: f"the move after it; {floor.table.summary()}")  # fmt: skip
    assert set(Counter(floor.drawn()).values()) == {1}, floor.drawn()
    assert len(floor.drawn()) == 3


def restore(floor: Floor, copies: dict[str, Path]) -> int:
    """Put these back, and start the services again; a mark before all that is said from then on."""
    for service in copies:
        floor.stack.services[service].terminate()
    since = floor.probe.mark()
    for service, copy in copies.items():
        call(floor, service, "restore", copy)
        floor.stack.services[service].start()
    return since


@pytest.mark.timeout(150)
@pytest.mark.parametrize("services", [("planner",), ("planner", "octo_bridge")], ids=" and ".join)
def test_a_planner_restored_from_before_draws_nothing_again_and_goes_on_after_a_look(
    floor: Floor, tmp_path: Path, services: tuple[str, ...]
) -> None:
    floor.start(dead_man="0")
    floor.table.insist(("a1", "h8"), "before")
    floor.table.wait_ended(1, 60)
    copies = {service: tmp_path / service for service in services}
    for service, copy in copies.items():
        call(floor, service, "backup", copy)
    for number, move in enumerate([("a8", "h1"), ("c1", "c8")]):
        floor.table.insist(move, f"since{number}")
    floor.table.wait_ended(3, 60)
    since = restore(floor, copies)
    floor.probe.wait("board/event", lambda m: m.json["event"] == "problem" and "restored" in m.json["reason"],
                     since=since, deadline_s=30)  # fmt: skip
    floor.probe.wait(BOARD, lambda m: m.json["held"] and m.json["plate"] == "unknown", since=since, deadline_s=30)
    floor.wait_asked_to_look()
    floor.table.insist(("f1", "f8"), "after")
    assert len(floor.drawn()) == 3
    floor.look_at_the_plate()
    floor.table.answer(channels.ENDER_COMMAND, "resume", "done")
    after = floor.probe.wait("move/status", lambda m: m.json["request_id"] == "after", since=since).json["move_id"]
    wait_until(lambda: floor.moves()[after] == "drawn", 60, lambda: f"the move after it; {floor.table.summary()}")
    assert len(floor.drawn()) == 4
    assert set(Counter(floor.drawn()).values()) == {1}, floor.drawn()
