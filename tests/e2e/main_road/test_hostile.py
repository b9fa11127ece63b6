"""Two thousand payloads of somebody who wants to break it, on every inbound topic."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest

from contracts import channels
from contracts.channels import Kind
from tests.e2e.main_road.hostile import payloads
from tests.e2e.main_road.table import ENDS, Table, squares
from tests.harness.waiting import wait_until

INBOUND = [
    channel
    for channel in channels.CHANNELS
    if channel.kind in (Kind.REQUEST, Kind.COMMAND, Kind.LINK, Kind.RECEIPT) and not channel.parameters
]
COUNT = 2_000


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [1])
def test_hostile_payloads_stop_no_service_and_lose_no_move(table: Table, seed: int) -> None:
    table.ready()
    pids = {name: process.pid for name, process in table.stack.services.items()}
    good = squares(seed, 10)
    for number, move in enumerate(good[:5]):
        table.insist(move, f"before{number}")
    table.wait_ended(5, 60)
    epochs = sorted({epoch for seen in table.probe.seen() if "link/" in seen.topic for epoch in _epoch(seen.payload)})
    assert len(epochs) >= 2, "the links' real epochs, which anybody can read here"
    for channel in INBOUND:
        table.probe.publish_all(channel.address, payloads(seed, COUNT, epochs))
    # Some of it was a command by chance: a person puts the machine back as it was.
    for word in ("resume", "arm"):
        table.answer(channels.ENDER_COMMAND, word, "done", deadline_s=120)
    table.answer(channels.BOARD_COMMAND, "accept on", "done", deadline_s=120)
    with contextlib.suppress(AssertionError):
        table.answer(channels.BOARD_COMMAND, "confirm_empty", "done", deadline_s=20)
    # A forged history of the bridge makes the planner doubt what was under way, and it says so; a person settles it.
    table.resolves = True
    for number, move in enumerate(good[5:]):
        table.insist(move, f"after{number}", 120)

    def mine() -> list[list[dict[str, Any]]]:
        table.tend()
        told = table.statuses().values()
        return [statuses for statuses in told if str(statuses[0]["request_id"]).startswith(("before", "after"))]

    wait_until(lambda: sum(told[-1]["state"] in ENDS for told in mine()) == 10, 180, table.summary, poll_s=0.3)
    assert {name: process.pid for name, process in table.stack.services.items()} == pids
    assert all(process.running for process in table.stack.services.values()), table.summary()
    # Fifty lines from a1 to h8 were asked for by chance: where they are too high nothing more is drawn, with a reason.
    assert all(told[-1]["state"] == "drawn" or "full" in told[-1]["reason"] for told in mine()), table.summary()
    sent = [line.text for line in table.stack.octoprint.serial_log.lines()]
    assert not [text for text in sent if text.startswith(("M112", "M302", "G91")) and "X400" in text]
    assert "M112" not in sent
    answered = len(table.probe.seen("printer/ender/event"))
    assert answered >= COUNT, "every command is answered"


def _epoch(payload: bytes) -> list[str]:
    return re.findall(r'"epoch":"([0-9a-f]{32})"', payload.decode("utf-8", "replace"))
