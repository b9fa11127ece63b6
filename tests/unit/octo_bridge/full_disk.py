"""A machine whose disk can fill up, for the tests of what is done then and afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from contracts.commands import parse_command
from contracts.events import Event
from contracts.printers import ENDER_VERBS
from services.chassis import announcements
from services.chassis.actor import Actor
from services.chassis.store import Store, Unit
from services.octo_bridge import events as e
from services.octo_bridge.effects import Announce, Effect, JobAction, SetTargets
from services.octo_bridge.journal import SCHEMA, Journal
from services.octo_bridge.state import Machine
from services.octo_bridge.unwritten import Guarded
from tests.unit.octo_bridge.machine import Rig, answers_to

OFF, CANCEL = SetTargets(0, 0), JobAction("cancel")


class Disk(Store):
    """A store whose commits fail, as on a full disk, as soon as there is anything to write."""

    full = False

    @contextmanager
    def transaction(self) -> Iterator[Unit]:
        with super().transaction() as unit:
            connection = self._open_connection()
            before = connection.total_changes
            yield unit
            if self.full and connection.total_changes != before:
                raise sqlite3.OperationalError("database or disk is full")


class Rim:
    """The rows of the real one; keeps what it was to perform."""

    def __init__(self, store: Store) -> None:
        self._journal = Journal(store)
        self.performed: list[Effect] = []

    def persist(self, unit: Unit, before: Machine, after: Machine, effects: Sequence[Effect]) -> None:
        self._journal.save(unit, before, after)
        for effect in effects:
            if isinstance(effect, Announce):
                unit.execute("INSERT INTO announcements (topic, payload) VALUES ('t', ?)", (effect.event.to_bytes(),))

    def perform(self, state: Machine, effects: Sequence[Effect]) -> None:
        self.performed += effects


class Bench:
    """A machine that draws, ready to lose its disk."""

    def __init__(self, folder: Path) -> None:
        self.disk = Disk(folder, "octo_bridge")
        self.disk.open(SCHEMA, announcements.SCHEMA)
        self.rig = Rig().ready()
        self.job = self.rig.start()
        with self.disk.transaction() as unit:
            Journal(self.disk).save(unit, None, self.rig.machine)
        self.rim = Rim(self.disk)
        self.without_rows: list[Effect] = []
        self.published: list[Event] = []
        actor = Actor(self.disk, self.rig.machine, self.rig.core, self.rim, lambda: self.rig.now)
        self.guarded = Guarded(
            actor, self.rig.core, self.without_rows.append, self.published.append, lambda: None, lambda: self.rig.now
        )
        self.actor = actor

    def feed(self, *inputs: e.Input) -> None:
        for event in inputs:
            with_rows, without = len(self.rim.performed), len(self.without_rows)
            self.guarded.feed(event)
            self.feed(*answers_to([*self.rim.performed[with_rows:], *self.without_rows[without:]]))

    def wait(self, seconds: float, step: float = 1.0) -> None:
        end = self.rig.mono + seconds
        while self.rig.mono < end:
            self.rig.mono += step
            self.rig.machine = self.guarded.state
            self.feed(e.Tick(), self.rig.seen())

    def command(self, word: str) -> None:
        self.feed(e.Commanded(parse_command(word.encode(), ENDER_VERBS)))

    def answers(self) -> list[tuple[str, str | None]]:
        rows = self.disk.read("SELECT payload FROM announcements ORDER BY id")
        said = [Event.model_validate_json(payload) for (payload,) in rows]
        return [(event.event.value, event.command) for event in said if event.command is not None]

    def asked(self) -> list[Effect]:
        return [*self.rim.performed, *self.without_rows]
