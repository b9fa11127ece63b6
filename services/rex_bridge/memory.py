"""What must outlive the process: which print is under way at each printer, how far the numbers have come, and who waits
for an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from services.chassis import log
from services.chassis.store import Schema, Store, Unit, is_store_failure
from services.rex_bridge import prints
from services.rex_bridge.control import Order
from services.rex_bridge.prints import Tracker

_log = log.get(__name__)

SCHEMA = Schema(
    "rex_prints",
    [
        "CREATE TABLE rex_prints (printer TEXT PRIMARY KEY, tracker TEXT NOT NULL);",
        "CREATE TABLE rex_orders (printer TEXT PRIMARY KEY, orders TEXT NOT NULL);",
    ],
)
_TRACKER: TypeAdapter[Tracker] = TypeAdapter(Tracker)


def recall(store: Store, printer: str, wall: datetime) -> Tracker:
    """The tracker of *printer* as it was written last, a new one for a new printer."""
    rows = store.read("SELECT tracker FROM rex_prints WHERE printer = ?", (printer,))
    if not rows:
        return _new(wall)
    try:
        tracker = _TRACKER.validate_json(rows[0][0])
    except ValidationError as error:
        _log.error("what was known of the print is unreadable; a running one gets a new id",
                   printer=printer, error=str(error))  # fmt: skip
        return _new(wall)
    return prints.restored(tracker) if store.restored() else tracker


def _new(wall: datetime) -> Tracker:
    """Nobody knows how many prints there were today, but it was not one a second: no id is given twice."""
    return Tracker(wall.hour * 3600 + wall.minute * 60 + wall.second)


def settle_restored(store: Store, wall: datetime) -> None:
    """Draw the consequences of a backup that was put back, once and for all printers.

    Where nothing can be written they are drawn again at every start, which is no worse.
    """
    if not store.restored():
        return
    _log.warning("the data folder was put back from a backup; how a print of then has ended is not told")
    try:
        with store.transaction() as unit:
            for (printer,) in store.read("SELECT printer FROM rex_prints"):
                keep(unit, printer, recall(store, printer, wall))
            unit.execute("DELETE FROM rex_orders")  # of then, and answered since
            store.forget_restored(unit)
    except Exception as error:
        if not is_store_failure(error):
            raise
        _log.error("nothing can be written; the backup is remembered", error=str(error))


def keep(unit: Unit, printer: str, tracker: Tracker) -> None:
    """Write *tracker* within *unit*."""
    unit.execute(
        "INSERT OR REPLACE INTO rex_prints (printer, tracker) VALUES (?, ?)",
        (printer, _TRACKER.dump_json(tracker).decode()),
    )


def keep_orders(unit: Unit, printer: str, waiting: Iterable[Order]) -> None:
    """Write within *unit* which orders are yet to be answered."""
    told = [(order.verb, order.command_id) for order in waiting]
    unit.execute("INSERT OR REPLACE INTO rex_orders (printer, orders) VALUES (?, ?)", (printer, json.dumps(told)))


def unanswered(store: Store, printer: str) -> list[Order]:
    """The orders that the process before this one left without an answer."""
    rows = store.read("SELECT orders FROM rex_orders WHERE printer = ?", (printer,))
    return [Order(verb, command_id=command_id) for row in rows for verb, command_id in json.loads(row[0])]
