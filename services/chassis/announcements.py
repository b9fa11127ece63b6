"""A transactional outbox for open topics: what a commit says has happened is published at least once.

A state can be announced again on every connect; an event cannot, so it waits here until the broker has taken it.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from itertools import count

from services.chassis import log
from services.chassis.bus.port import Bus
from services.chassis.store import Schema, Store, Unit

_log = log.get(__name__)

SCHEMA = Schema(
    "announcements",
    ["CREATE TABLE announcements (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, payload BLOB NOT NULL);"],
)
KEPT = 5_000
"""So many wait for a broker that is away; then the oldest are dropped and the log says so."""
KEPT_UNWRITTEN = 200
"""The same for those that have no row."""
_TRIM_EVERY = 100
_WINDOW = 200


class Announcements:
    """Events of one service on their way to the broker, in order."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self._store = store
        self._bus = bus
        self._last_sent = 0
        self._unconfirmed: set[int] = set()
        self._confirmed: set[int] = set()
        """Published, and still on the disk: it may be one that takes no deletes just now."""
        self._unwritten: dict[int, tuple[str, bytes]] = {}
        """What has no row, by numbers below those of rows, the newest last."""
        self._numbers = count(-1, -1)

    def start(self) -> None:
        """Send what waits, now and on every connect."""
        self._bus.on_connect(self._reconnected)

    def add(self, unit: Unit, topic: str, payload: bytes) -> None:
        """Publish *payload* on *topic* once *unit* is committed. Raises ValueError for more than the bus carries."""
        if len(payload) > self._bus.capabilities.max_payload:
            raise ValueError(f"an event of {len(payload)} bytes for {topic} is more than the bus carries")
        row_id = unit.execute("INSERT INTO announcements (topic, payload) VALUES (?, ?)", (topic, payload)).lastrowid
        if row_id is not None and row_id % _TRIM_EVERY == 0:
            self._trim(unit)
        unit.after_commit(self._pump)

    def add_unwritten(self, topic: str, payload: bytes) -> None:
        """Publish *payload* on *topic* without a row, for a disk that takes none; a kill loses what still waits."""
        self._unwritten[next(self._numbers)] = (topic, payload)
        if len(self._unwritten) > KEPT_UNWRITTEN:
            oldest = next(iter(self._unwritten))
            del self._unwritten[oldest]
            self._unconfirmed.discard(oldest)
            _log.error("neither disk nor broker take events; the oldest events are dropped", count=1)
        self._pump_unwritten()

    def _reconnected(self) -> None:
        self._forget_confirmed()
        self._last_sent = 0
        self._unconfirmed.clear()
        self._pump()

    def _pump(self) -> None:
        try:
            self._pump_rows()
        finally:  # a disk that cannot be read either keeps nothing else back
            self._pump_unwritten()

    def _pump_rows(self) -> None:
        # Whether there is a connection is not asked: of a split bus it may be the other one's. What this one does not
        # take waits for its connect.
        while len(self._unconfirmed) < _WINDOW:
            rows = self._store.read(
                "SELECT id, topic, payload FROM announcements WHERE id > ? ORDER BY id LIMIT ?",
                (self._last_sent, _WINDOW - len(self._unconfirmed)),
            )
            for row_id, topic, payload in rows:
                self._last_sent = row_id
                if row_id not in self._confirmed:
                    self._unconfirmed.add(row_id)
                    self._bus.publish(topic, payload, delivered=partial(self._delivered, row_id))
            if not rows:
                return

    def _pump_unwritten(self) -> None:
        for number, (topic, payload) in list(self._unwritten.items()):
            if number not in self._unconfirmed:
                self._unconfirmed.add(number)
                self._bus.publish(topic, payload, delivered=partial(self._delivered, number))

    def _delivered(self, row_id: int, ok: bool) -> None:
        if row_id not in self._unconfirmed or not ok:
            return  # of an earlier connection, or lost with this one: sent again on the next connect
        self._unconfirmed.discard(row_id)
        if row_id < 0:
            self._unwritten.pop(row_id, None)
        else:
            self._confirmed.add(row_id)
        # One commit for a burst: a crash in between only says the same events again.
        if not self._unconfirmed or len(self._confirmed) >= 50:
            self._forget_confirmed()
            self._pump()

    def _forget_confirmed(self) -> None:
        if not self._confirmed:
            return
        try:
            with self._store.transaction() as unit:
                for row_id in self._confirmed:
                    unit.execute("DELETE FROM announcements WHERE id = ?", (row_id,))
        except sqlite3.Error as error:
            _log.error("published events could not be deleted; after a restart they are published again",
                       error=str(error))  # fmt: skip
            return
        self._confirmed.clear()

    def _trim(self, unit: Unit) -> None:
        dropped = unit.execute(
            "DELETE FROM announcements WHERE id <= (SELECT id FROM announcements ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (KEPT,),
        ).rowcount
        if dropped > 0:
            unit.after_commit(
                lambda: _log.error("the broker was away for too long; the oldest events are dropped", count=dropped)
            )
