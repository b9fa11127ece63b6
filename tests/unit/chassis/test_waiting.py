"""A service that cannot work yet says why, goes on when it can, and ends when it is told to."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from services.chassis import health, waiting
from services.chassis.health import Health
from tests.unit.chassis.simulated_time import simulate

LACKS = Health(True, "waits, a setting is missing: BOARDCAST_X: set it")


def test_it_goes_on_when_nothing_is_in_its_way(tmp_path: Path) -> None:
    path = tmp_path / "planner.health.json"
    assert waiting.stay_while(lambda: None, path)
    assert not path.exists()


def test_it_says_what_it_lacks_until_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "data" / "planner.health.json"
    answers = iter([LACKS, LACKS, None])
    looks: list[Health] = []

    def look() -> Health | None:
        if path.exists():
            looks.append(health.read(path))
        return next(answers)

    async def scene() -> None:
        assert await waiting._stay_while(look, path)

    simulate(scene)
    assert looks == [LACKS, LACKS]


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "planner.health.json"

    async def scene() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
        assert not await waiting._stay_while(lambda: LACKS, path)

    asyncio.run(scene())
    assert health.read(path) == Health(False, "stopped")
