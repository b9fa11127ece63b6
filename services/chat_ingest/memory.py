"""The one row that chat_ingest keeps beside the link: since when it hears nothing, or stores nothing."""

from __future__ import annotations

import json
from datetime import datetime

from services.chassis.store import Schema, Store, Unit
from services.chat_ingest.handlers import Memory, Outage

SCHEMA = Schema(
    "chat_ingest",
    ["CREATE TABLE chat_memory (only INTEGER PRIMARY KEY CHECK (only = 1), body TEXT NOT NULL);"],
)


def save(unit: Unit, memory: Memory) -> None:
    """Write *memory* within *unit*."""
    choke = memory.choke
    body = {
        "heard_until": memory.heard_until and memory.heard_until.isoformat(),
        "choke": choke and {"since": choke.since.isoformat(), "reason": choke.reason, "missed": choke.missed},
    }
    unit.execute("INSERT OR REPLACE INTO chat_memory VALUES (1, ?)", (json.dumps(body),))


def load(store: Store) -> Memory:
    """What was written last; nothing in a fresh data folder."""
    rows = store.read("SELECT body FROM chat_memory")
    if not rows:
        return Memory()
    body = json.loads(rows[0][0])
    until, choke = body["heard_until"], body["choke"]
    return Memory(
        heard_until=datetime.fromisoformat(until) if until else None,
        choke=Outage(datetime.fromisoformat(choke["since"]), choke["reason"], choke["missed"]) if choke else None,
    )
