"""A service's word on itself, and what counts as silence."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from structlog.testing import LogCapture

from services.chassis import health
from services.chassis.health import Health
from tests.unit.chassis.simulated_time import simulate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return health.path_in(tmp_path, "planner")


def test_what_is_written_is_read(path: Path) -> None:
    health.write(path, Health(True, "fine"))
    assert health.read(path) == Health(True, "fine")
    health.write(path, Health(False, "no broker"))
    assert health.read(path) == Health(False, "no broker")
    assert [p.name for p in path.parent.iterdir()] == ["planner.health.json"]


def test_no_file_is_not_well(path: Path) -> None:
    assert health.read(path) == Health(False, f"no health file at {path}: the service has not started")


@pytest.mark.parametrize("age", [health.STALE_AFTER + 1, -3600.0])
def test_an_old_word_is_not_well(path: Path, age: float) -> None:
    path.write_text(json.dumps({"ok": True, "text": "fine", "mono": time.monotonic() - age}))
    found = health.read(path)
    assert not found.ok
    assert "look at its log" in found.text


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"ok":true}', '{"ok":true,"text":"","mono":"x"}', "\x00"])
def test_a_damaged_file_is_not_well(path: Path, content: str) -> None:
    path.write_text(content)
    assert not health.read(path).ok


def test_nothing_that_goes_wrong_with_it_ends_the_service(path: Path, logged: LogCapture) -> None:
    words: list[Health | Exception] = [
        Health(True, "first"),
        OSError("disk full"),
        KeyError("defect"),
        Health(True, "last"),
    ]

    def word() -> Health:
        found = words.pop(0) if len(words) > 1 else words[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def scene() -> None:
        keeper = asyncio.create_task(health.keep(path, word))
        await asyncio.sleep(1)
        assert health.read(path).text == "first"
        await asyncio.sleep(20)
        assert health.read(path).text == "last"
        assert not keeper.done()
        keeper.cancel()

    simulate(scene)
    assert [entry["event"] for entry in logged.entries] == ["health cannot be written; the service goes on"]
