"""What Home Assistant was told last, and what has to be taken out of it.

It is kept because settings change while a service is down, and Home Assistant never forgets by itself.
"""

from __future__ import annotations

import json

from services.chassis.discovery.payload import Payload
from services.chassis.store import Schema, Store, Unit

SCHEMA = Schema(
    "discovery",
    [
        """
        CREATE TABLE discovered (topic TEXT PRIMARY KEY, payload TEXT NOT NULL);
        CREATE TABLE discovery_gone (topic TEXT PRIMARY KEY, payload TEXT NOT NULL);
        """
    ],
)


def told(store: Store) -> dict[str, Payload]:
    """Topic and payload of every device that the broker is known to have."""
    return _read(store, "SELECT topic, payload FROM discovered")


def tell(unit: Unit, topic: str, payload: Payload | None) -> None:
    """The broker has *payload* on *topic*, None for nothing any more."""
    if payload is None:
        unit.execute("DELETE FROM discovered WHERE topic = ?", (topic,))
    else:
        unit.execute("INSERT OR REPLACE INTO discovered VALUES (?, ?)", (topic, json.dumps(payload)))


def gone(store: Store) -> dict[str, Payload]:
    """Topic and payload of what was taken out and perhaps not seen to go, because Home Assistant was not running."""
    return _read(store, "SELECT topic, payload FROM discovery_gone")


def bury(unit: Unit, topic: str, payload: Payload) -> None:
    """Something of *payload* was taken out."""
    unit.execute("INSERT OR REPLACE INTO discovery_gone VALUES (?, ?)", (topic, json.dumps(payload)))


def rest(unit: Unit) -> None:
    """Home Assistant was there and has let go of everything that was taken out."""
    unit.execute("DELETE FROM discovery_gone")


def _read(store: Store, query: str) -> dict[str, Payload]:
    return {topic: json.loads(text) for topic, text in store.read(query)}
