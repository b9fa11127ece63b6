"""A whole stack over SQS for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.main_road.table import Table
from tests.e2e.sqs.stack import PatientTable, SqsStack
from tests.harness.mqtt_probe import MqttProbe

LONG = ("test_every_accepted_move_exactly_once_over_fifteen_kills", "test_two_hundred_moves")
"""Of the main road's tests, those that run over SQS with `make chaos` only."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The main road's tests keep their own marks; here some are long."""
    for item in items:
        if item.path == Path(__file__).with_name("test_main_road.py") and item.name.startswith(LONG):
            item.add_marker(pytest.mark.chaos)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[SqsStack]:
    """A running stack that hears chat."""
    made = SqsStack(tmp_path / "stack")
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def table(stack: SqsStack) -> Iterator[Table]:
    """The stack with a person at it, who watches over MQTT."""
    probe = MqttProbe(stack.broker.url, f"{stack.root}/v1")
    probe.start()
    yield PatientTable(stack, probe)
    probe.stop()
