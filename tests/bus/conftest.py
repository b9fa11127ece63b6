"""The adapters under test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bus.adapters import Lab, MemoryLab, MqttLab, SqsLab


@pytest_asyncio.fixture(params=["memory", pytest.param("mqtt", marks=pytest.mark.broker), "sqs"])
async def lab(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Lab]:
    """Every adapter in turn."""
    makers: dict[str, Callable[[], Lab]] = {
        "memory": MemoryLab,
        "mqtt": lambda: MqttLab(tmp_path / "mosquitto"),
        "sqs": lambda: SqsLab(tmp_path / "sqs"),
    }
    made = makers[request.param]()
    yield made
    await made.close()


@pytest_asyncio.fixture
async def mqtt(tmp_path: Path) -> AsyncIterator[MqttLab]:
    """For what only a real broker can do."""
    made = MqttLab(tmp_path / "mosquitto")
    yield made
    await made.close()


@pytest_asyncio.fixture
async def sqs(tmp_path: Path) -> AsyncIterator[SqsLab]:
    """For what only SQS can do."""
    made = SqsLab(tmp_path / "sqs")
    yield made
    await made.close()
