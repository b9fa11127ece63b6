"""The whole stack on the printer that is faithful to Marlin: what it drew is known whatever anybody says of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.simulators.marlin import MarlinPrinter
from tests.e2e.guarantee.floor import SPEED_UP, Floor


@pytest.fixture
def printer(tmp_path: Path) -> Iterator[MarlinPrinter]:
    """The printer, switched on; a minute of it takes a second or less."""
    machine = MarlinPrinter(tmp_path / "printer", speed_up=SPEED_UP)
    machine.start()
    yield machine
    machine.stop()


@pytest.fixture
def floor(tmp_path: Path, printer: MarlinPrinter) -> Iterator[Floor]:
    """Stack, printer and a person; not started, so that a test can change settings first."""
    made = Floor(tmp_path, printer)
    try:
        yield made
    finally:
        made.stop()
