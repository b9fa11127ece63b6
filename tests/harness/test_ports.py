"""A port that was given is nobody else's, also while nothing listens on it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy.simulators.ports import claim, free_port

REPOSITORY = Path(__file__).resolve().parents[2]


def claimed_elsewhere(port: int) -> str:
    """What another process is told."""
    code = f"from deploy.simulators.ports import claim; print(claim({port}))"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=50
    ).stdout.strip()


def test_a_port_is_one_process_s_until_that_has_ended() -> None:
    port = free_port()

    assert claimed_elsewhere(port) == "False"
    other = next(other for other in range(12_000, 13_000) if claimed_elsewhere(other) == "True")
    assert claim(other)  # that process has ended


def test_a_process_is_given_no_port_twice() -> None:
    ports = [free_port() for _ in range(50)]

    assert len(set(ports)) == 50
