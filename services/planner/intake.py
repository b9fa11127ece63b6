"""Requests and commands from the broker: in the order in which they came, those that came together in one transaction.

A commit waits for the disk: with one for each of them, a flood of requests would hold up all that comes behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from contracts.commands import BadCommand, Command
from services.chassis import log
from services.chassis.store import Store, Unit, is_store_failure
from services.planner.requests import Request

_log = log.get(__name__)
TOGETHER = 100
"""So many at most: the others of a flood wait in the bus's inbox, which is bounded and counts what it drops."""

Asked = Request | Command | BadCommand


class Intake:
    """*take* is called within the transaction, *failed* behind it for what could not be taken."""

    def __init__(self, store: Store, take: Callable[[Unit, Asked], None], failed: Callable[[Asked], None]) -> None:
        self._store = store
        self._take = take
        self._failed = failed
        self._waiting: list[Asked] = []
        self._stopped = False

    def put(self, asked: Asked) -> None:
        """Have *asked* taken, in a moment, with what comes until then."""
        self._waiting.append(asked)
        if self._stopped or len(self._waiting) >= TOGETHER:
            self._commit()
        elif len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._commit)

    def stop(self) -> None:
        """Take what has come; nothing waits any more."""
        self._stopped = True
        self._commit()

    def _commit(self) -> None:
        asked, self._waiting = self._waiting, []
        if not asked:
            return
        try:
            with self._store.transaction() as unit:
                failed = [one for one in asked if not self._taken(unit, one)]
        except Exception:
            _log.exception("requests and commands could not be committed", count=len(asked))
            failed = asked
        for one in failed:
            self._failed(one)

    def _taken(self, unit: Unit, asked: Asked) -> bool:
        """Whether it was; a defect that one meets undoes that one alone."""
        try:
            with unit.part():
                self._take(unit, asked)
        except Exception as error:
            if is_store_failure(error):
                raise
            _log.exception("a request or a command met a defect")
            return False
        return True
