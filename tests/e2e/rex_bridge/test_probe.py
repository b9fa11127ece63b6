"""The probe: what a printer says, without what identifies this one machine."""

from __future__ import annotations

import subprocess
import sys

from deploy.simulators.flashforge.child import FlashforgeSimulator
from tests.e2e.rex_bridge.conftest import REPOSITORY
from tests.harness.waiting import wait_until


def probe(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.rex_bridge", "probe", *arguments],
        capture_output=True, text=True, timeout=50, cwd=REPOSITORY, check=False,
    )  # fmt: skip


def test_it_shows_raw_replies_and_what_is_understood(rex: FlashforgeSimulator) -> None:
    rex.do("start", share=0.25, hot=True)
    found = probe(rex.address)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "| T0:220/220 B:60/60" in found.stdout
    assert "'done': 25, 'total': 100" in found.stdout
    assert "SNSIM0001" not in found.stdout
    assert "88:A9" not in found.stdout
    wait_until(lambda: rex.view()["visits"][0]["closed"], 40, "the printer to hear of the end")


def test_it_takes_control_only_where_nothing_is_answered_without(rex: FlashforgeSimulator) -> None:
    assert "M601" not in probe(rex.address).stdout
    rex.do("dialect", name="trex")
    found = probe(rex.address)
    assert found.returncode == 0, found.stdout
    assert "~M602" in found.stdout
    assert not rex.view()["controlled"]


def test_it_says_why_there_is_nothing(rex: FlashforgeSimulator) -> None:
    rex.do("faults", second_client="error")
    rex.do("slicer", on=True)
    found = probe(rex.address)
    assert found.returncode == 1
    assert "have been connected" in found.stdout
    rex.do("faults", second_client="refuse")
    assert "refuses the connection" in probe(rex.address).stdout
    assert probe().returncode == 2
    assert probe("not an address").returncode == 2
