"""A planner that dies at a chosen commit, as by kill -9: the disk stays as it is then, and nothing more gets out."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.chassis.store import Store, Unit
from tests.unit.planner.stack import DEADLINE, Stack


class Killed(BaseException):
    """Nothing of the program catches it, as nothing catches a kill."""


@dataclass
class Death:
    """It comes with commit number *at* of the planner, just before it or just after it."""

    at: int
    after: bool
    commits: int = 0
    dead: bool = False

    def comes(self) -> bool:
        """Whether it comes with the commit that is about to be made."""
        self.commits += 1
        return self.commits == self.at


class MortalStore(Store):
    """Counts the commits of all its lives in *death*, and calls *die* in the middle of one."""

    def __init__(self, folder: Path, death: Death, die: Callable[[], None]) -> None:
        super().__init__(folder, "planner")
        self._death = death
        self._die = die
        self._nested = False

    @contextmanager
    def transaction(self) -> Iterator[Unit]:
        if self._death.dead:
            raise sqlite3.OperationalError("the process is dead")
        if self._nested:
            with super().transaction() as unit:
                yield unit
            return
        self._nested = True
        try:
            with super().transaction() as unit:
                comes = self._death.comes()
                if comes and self._death.after:
                    unit.after_commit(self._kill)  # the first of all that would be done then
                yield unit
                if comes and not self._death.after:
                    unit.before_commit(self._kill)
        finally:
            self._nested = False

    def _kill(self) -> None:
        self._death.dead = True
        self._die()
        raise Killed


class MortalStack(Stack):
    """Everything of a Stack; its planner dies once and is started again from what the disk held in that moment."""

    def __init__(self, folder: Path, death: Death, **settings: Any) -> None:
        super().__init__(folder, **settings)
        self.death = death
        self.deaths = 0

    async def start(self) -> None:
        asyncio.get_running_loop().set_exception_handler(_but_kills)
        await super().start()

    async def start_planner(self) -> None:
        with suppress(Killed):
            await super().start_planner()
        await self.revive()

    async def revive(self) -> None:
        """Start the planner again if it is dead."""
        if not self.death.dead:
            return
        if hasattr(self, "planner"):  # it may die before there is one
            await self.planner.stop()
        self._store.close()
        self.folder = self.folder.with_name(f"{self.folder.name}x")
        self.death.dead = False
        self.deaths += 1
        await self.start_planner()

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait for *condition*, reviving the planner as often as it takes."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + DEADLINE
        while self.death.dead or not condition():
            assert loop.time() < give_up, f"never came: {what}"
            await self.revive()
            await asyncio.sleep(0)

    def quiet(self) -> bool:
        """Whether every link's every message has its receipt, and every event is out."""
        senders = (self._chat, self.bridge._sender, self.planner._plan)
        return not any(sender.waiting for sender in senders) and not self._store.read("SELECT 1 FROM announcements")

    def _new_store(self) -> Store:
        return MortalStore(self.folder, self.death, self._die)

    def _die(self) -> None:
        self.broker.detach(self._planner_bus)
        self._planner_bus.connection_lost("killed")
        remains = self.folder.with_name(f"{self.folder.name}x")
        shutil.copytree(self.folder, remains, ignore=shutil.ignore_patterns("bridge", "chat", "*.lock", "*-shm"))


def _but_kills(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)
