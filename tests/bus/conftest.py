"""The adapters under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bus.adapters import Lab, MemoryLab, MqttLab


@pytest_asyncio.fixture(params=["memory", pytest.param("mqtt", marks=pytest.mark.broker)])
async def lab(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Lab]:
    """Every adapter in turn."""
    made: Lab = MemoryLab() if request.param == "memory" else MqttLab(tmp_path / "mosquitto")
    yield made
    await made.close()


@pytest_asyncio.fixture
async def mqtt(tmp_path: Path) -> AsyncIterator[MqttLab]:
    """For what only a real broker can do."""
    made = MqttLab(tmp_path / "mosquitto")
    yield made
    await made.close()
