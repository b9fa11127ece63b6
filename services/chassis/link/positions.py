"""The consumer's half of a link on the disk: how far it has come in each history that it ever took from."""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.store import Schema, Store, Unit

SCHEMA = Schema(
    "link_positions",
    [
        """
        CREATE TABLE link_position (
            link TEXT NOT NULL, epoch TEXT NOT NULL,
            base INTEGER NOT NULL,      -- where it was adopted; last > base means that something was taken
            last INTEGER NOT NULL, digest TEXT NOT NULL,
            adopted INTEGER NOT NULL,   -- order of adoption on this link, the highest is the present history
            PRIMARY KEY (link, epoch)
        ) WITHOUT ROWID;
        """
    ],
)
_UNUSED_KEPT = 50


@dataclass(frozen=True)
class Place:
    """Everything up to *last* of *epoch* is committed; *digest* is that of message *last*."""

    epoch: str
    last: int
    digest: str


class Positions:
    """Places of one consumer. A history that it took from is never forgotten: its messages must not be taken twice.

    Within a transaction the places are drafts, each written once before the commit: a burst of a hundred messages
    moves a place a hundred times.
    """

    def __init__(self, store: Store, link: str) -> None:
        self._store = store
        self._link = link

    def current(self) -> Place | None:
        """The place in the history adopted last, as it was committed."""
        rows = self._store.read(
            "SELECT epoch, last, digest FROM link_position WHERE link = ? ORDER BY adopted DESC LIMIT 1", (self._link,)
        )
        return Place(*rows[0]) if rows else None

    def of(self, unit: Unit, epoch: str) -> Place | None:
        """The place in *epoch* as *unit* has it, None if it was never adopted."""
        draft: Place | None = unit.draft((self, epoch), None)
        if draft is not None:
            return draft
        rows = self._store.read(
            "SELECT epoch, last, digest FROM link_position WHERE link = ? AND epoch = ?", (self._link, epoch)
        )
        return Place(*rows[0]) if rows else None

    def adopt(self, unit: Unit, place: Place) -> None:
        """Go on from *place* in a history that is new here."""
        unit.execute(
            "INSERT INTO link_position SELECT ?1, ?2, ?3, ?3, ?4, coalesce(max(adopted), 0) + 1 FROM link_position "
            "WHERE link = ?1",
            (self._link, place.epoch, place.last, place.digest),
        )
        # The drafts say which histories gave a message within this very transaction.
        for epoch in unit.draft(self, frozenset[str]()):
            self._write(unit, unit.draft((self, epoch), place))
        # Histories that never gave a message are what a forger could fill the disk with.
        unit.execute(
            "DELETE FROM link_position WHERE link = ?1 AND last = base AND adopted <= "
            "(SELECT max(adopted) FROM link_position WHERE link = ?1) - ?2",
            (self._link, _UNUSED_KEPT),
        )

    def readopt(self, unit: Unit, place: Place) -> None:
        """The sender is back in the history of *place*, which becomes the present one."""
        unit.execute(
            "UPDATE link_position SET adopted = (SELECT max(adopted) + 1 FROM link_position WHERE link = ?1) "
            "WHERE link = ?1 AND epoch = ?2",
            (self._link, place.epoch),
        )

    def advance(self, unit: Unit, place: Place) -> None:
        """Everything up to *place* is committed with *unit*."""
        key = (self, place.epoch)
        if unit.draft(key, None) is None:
            unit.before_commit(lambda: self._write(unit, unit.draft(key, place)))
            unit.set_draft(self, unit.draft(self, frozenset[str]()) | {place.epoch})
        unit.set_draft(key, place)

    def _write(self, unit: Unit, place: Place) -> None:
        unit.execute(
            "UPDATE link_position SET last = ?, digest = ? WHERE link = ? AND epoch = ?",
            (place.last, place.digest, self._link, place.epoch),
        )
