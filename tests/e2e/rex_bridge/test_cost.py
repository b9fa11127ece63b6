"""What the bridge costs while it prints and while it waits."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from deploy.simulators.flashforge.child import FlashforgeSimulator
from tests.e2e.rex_bridge.conftest import Bridge
from tests.e2e.rex_bridge.test_api import Api, api
from tests.e2e.rex_bridge.test_print import amid_a_print, commands
from tests.harness.waiting import wait_until

__all__ = ["api"]

LOOKS = 30
CORE_PRINTING = 0.05
CORE_IDLE = 0.01
MEGABYTES = 45


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """Its own memory, and its share of what it shares with other processes (Pss)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def share_of_a_core(pid: int, rex: FlashforgeSimulator, looks: int) -> float:
    before, began, seen = cpu_seconds(pid), time.monotonic(), len(commands(rex, "M119"))
    wait_until(lambda: len(commands(rex, "M119")) >= seen + looks, 60, f"{looks} looks", poll_s=0.5)
    return (cpu_seconds(pid) - before) / (time.monotonic() - began)


@pytest.mark.chaos
@pytest.mark.timeout(120)
def test_printing_with_the_api(bridge: Bridge, rex: FlashforgeSimulator, api: Api) -> None:
    amid_a_print(bridge, rex, rex_api_url=api.url)
    assert share_of_a_core(bridge.process.pid, rex, LOOKS) < CORE_PRINTING
    assert megabytes(bridge.process.pid) < MEGABYTES


@pytest.mark.chaos
def test_idle(bridge: Bridge, rex: FlashforgeSimulator) -> None:
    bridge.start(rex_idle_interval="5")
    bridge.state("idle")
    # Six times as often as it looks by default.
    assert share_of_a_core(bridge.process.pid, rex, 3) < CORE_IDLE
