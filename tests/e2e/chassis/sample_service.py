"""The smallest service, run as a process by the tests of the runner: `python -m tests.e2e.chassis.sample_service`."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import Field

from services.chassis.bus.port import Presence
from services.chassis.health import Health
from services.chassis.runner import Command, Definition, main
from services.chassis.service import Parts
from services.chassis.settings import ChassisSettings
from services.chassis.store import Schema

NAME = "sample"
STOPPED = Schema("stopped", ["CREATE TABLE stopped (how TEXT)"])


class Settings(ChassisSettings):
    """How it is to behave."""

    at_stop: str = Field(default="well", description="well, slow, raise, thread, executor or library.")
    needed: str = Field(default="here", description="`missing` is as if it was not set.")

    def missing(self) -> list[str]:
        return ["BOARDCAST_NEEDED: set it"] if self.needed == "missing" else []


class Sample:
    """Does nothing, and ends in different ways."""

    def __init__(self, parts: Parts[Settings]) -> None:
        self._parts = parts

    async def start(self) -> None:
        if self._parts.settings.at_stop == "thread":
            threading.Thread(target=time.sleep, args=(60,)).start()
        if self._parts.settings.at_stop == "executor":
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)
            ThreadPoolExecutor().submit(time.sleep, 60)
        if self._parts.settings.at_stop == "library":
            # What a daemon begins is a daemon too, an executor's threads among it.
            daemon = threading.Thread(target=lambda: ThreadPoolExecutor().submit(time.sleep, 60).result(), daemon=True)
            daemon.start()

    async def stop(self) -> None:
        with self._parts.store.transaction() as unit:
            unit.execute("INSERT INTO stopped VALUES (?)", (self._parts.settings.at_stop,))
        if self._parts.settings.at_stop == "slow":
            await asyncio.sleep(60)
        if self._parts.settings.at_stop == "raise":
            raise KeyError("defect")

    def health(self) -> Health:
        return Health(self._parts.bus.connected, "connected" if self._parts.bus.connected else "no broker")


def _echo(_: Settings, words: Sequence[str]) -> int:
    print(*words)
    return 7


DEFINITION: Definition[Settings] = Definition(
    name=NAME,
    about="A sample.",
    settings=Settings,
    schemas=[STOPPED],
    presence=lambda settings: Presence(f"{settings.topic_root}/v1/service/{NAME}/availability"),
    build=Sample,
    commands={"echo": Command("say the words", _echo)},
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
