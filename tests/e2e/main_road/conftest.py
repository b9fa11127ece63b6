"""A whole stack for each test: Mosquitto, OctoPrint and the three services of the main road."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.stack import Stack
from tests.e2e.main_road.table import Table
from tests.harness.mqtt_probe import MqttProbe


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A running stack without chat."""
    made = Stack(tmp_path / "stack", settings={"BOARDCAST_LOG_LEVEL": "info"})
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def table(stack: Stack) -> Iterator[Table]:
    """The stack with a person at it."""
    probe = MqttProbe(stack.broker.url, f"{stack.root}/v1")
    probe.start()
    yield Table(stack, probe)
    probe.stop()
