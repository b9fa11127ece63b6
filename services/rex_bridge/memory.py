"""What must outlive the process: which print is under way at each printer, and how far the numbers have come."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from services.chassis import log
from services.chassis.store import Schema, Store, Unit
from services.rex_bridge.prints import Tracker

_log = log.get(__name__)

SCHEMA = Schema("rex_prints", ["CREATE TABLE rex_prints (printer TEXT PRIMARY KEY, tracker TEXT NOT NULL);"])
_TRACKER: TypeAdapter[Tracker] = TypeAdapter(Tracker)


def recall(store: Store, printer: str) -> Tracker:
    """The tracker of *printer* as it was written last, a new one for a new printer."""
    rows = store.read("SELECT tracker FROM rex_prints WHERE printer = ?", (printer,))
    if not rows:
        return Tracker()
    try:
        return _TRACKER.validate_json(rows[0][0])
    except ValidationError as error:
        _log.error("what was known of the print is unreadable; a running one gets a new id",
                   printer=printer, error=str(error))  # fmt: skip
        return Tracker()


def keep(unit: Unit, printer: str, tracker: Tracker) -> None:
    """Write *tracker* within *unit*."""
    unit.execute(
        "INSERT OR REPLACE INTO rex_prints (printer, tracker) VALUES (?, ?)",
        (printer, _TRACKER.dump_json(tracker).decode()),
    )
