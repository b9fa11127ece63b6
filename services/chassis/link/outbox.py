"""The sender's half of a link on the disk: its epoch, and every message that has no receipt yet."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from pydantic import BaseModel

from contracts.links import START_DIGEST
from services.chassis.link.chain import canonical, digest
from services.chassis.store import Schema, Store, Unit

SCHEMA = Schema(
    "link_outbox",
    [
        """
        CREATE TABLE link_sender (
            link TEXT PRIMARY KEY,
            epoch TEXT NOT NULL,
            next INTEGER NOT NULL,          -- sequence number of the next new message
            tail TEXT NOT NULL,             -- digest of message next-1
            receipted INTEGER NOT NULL,     -- everything up to here is committed at the consumer and pruned here
            receipted_digest TEXT NOT NULL
        );
        CREATE TABLE link_outbox (
            link TEXT NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL,
            PRIMARY KEY (link, seq)
        ) WITHOUT ROWID;
        """
    ],
)


class TooLarge(ValueError):
    """A message that the bus cannot carry."""


@dataclass(frozen=True)
class Head:
    """Where the sender stands."""

    epoch: str
    next: int
    tail: str
    receipted: int
    receipted_digest: str


@dataclass(frozen=True)
class Row:
    """A message that waits for its receipt; *body* is canonical JSON."""

    seq: int
    digest: str
    body: str


class Outbox:
    """The messages of one link that the consumer is not known to have. One Outbox a link and process.

    The head is kept in memory as it was committed, and within a transaction as a draft that is written once: a burst
    of a hundred messages moves it a hundred times.
    """

    def __init__(self, store: Store, link: str) -> None:
        self._store = store
        self._link = link
        self._head: Head | None = None

    def head(self) -> Head:
        """Where this sender stands, as it was committed; begins an epoch when there is none."""
        if self._head is not None:
            return self._head
        with self._store.transaction() as unit:
            rows = self._store.read(
                "SELECT epoch, next, tail, receipted, receipted_digest FROM link_sender WHERE link = ?", (self._link,)
            )
            head = Head(*rows[0]) if rows else Head(uuid.uuid4().hex, 1, START_DIGEST, 0, START_DIGEST)
            self._set(unit, head)
        return head

    def append(self, unit: Unit, body: BaseModel, limit: int | None = None) -> int:
        """Promise *body* within *unit*; its sequence number. Raises TooLarge above *limit* bytes of JSON."""
        head = self._within(unit)
        text = canonical(body.model_dump(mode="json", by_alias=True))
        if limit is not None and (size := len(text.encode())) > limit:
            raise TooLarge(f"a message of {size} bytes does not fit on link {self._link}: at most {limit}")
        new = digest(head.tail, head.epoch, head.next, text)
        unit.execute("INSERT INTO link_outbox VALUES (?, ?, ?, ?)", (self._link, head.next, new, text))
        self._set(unit, Head(head.epoch, head.next + 1, new, head.receipted, head.receipted_digest))
        return head.next

    def rows(self, after: int, limit: int) -> list[Row]:
        """At most *limit* messages behind *after*, in order."""
        return [
            Row(*row)
            for row in self._store.read(
                "SELECT seq, digest, body FROM link_outbox WHERE link = ? AND seq > ? ORDER BY seq LIMIT ?",
                (self._link, after, limit),
            )
        ]

    def digest_of(self, seq: int) -> str | None:
        """Digest of message *seq*, None when it is neither held nor the last one receipted."""
        head = self.head()
        if seq == head.receipted:
            return head.receipted_digest
        rows = self._store.read("SELECT digest FROM link_outbox WHERE link = ? AND seq = ?", (self._link, seq))
        return str(rows[0][0]) if rows else None

    def prune(self, upto: int, upto_digest: str) -> None:
        """The consumer has committed everything up to *upto*."""
        with self._store.transaction() as unit:
            head = self._within(unit)
            unit.execute("DELETE FROM link_outbox WHERE link = ? AND seq <= ?", (self._link, upto))
            self._set(unit, Head(head.epoch, head.next, head.tail, upto, upto_digest))

    def new_epoch(self) -> Head:
        """Begin a new history with what has no receipt as its first messages."""
        epoch, tail = uuid.uuid4().hex, START_DIGEST
        with self._store.transaction() as unit:
            rows = self.rows(self.head().receipted, -1)
            unit.execute("DELETE FROM link_outbox WHERE link = ?", (self._link,))
            for seq, row in enumerate(rows, start=1):
                tail = digest(tail, epoch, seq, row.body)
                unit.execute("INSERT INTO link_outbox VALUES (?, ?, ?, ?)", (self._link, seq, tail, row.body))
            head = Head(epoch, len(rows) + 1, tail, 0, START_DIGEST)
            self._set(unit, head)
        return head

    def _within(self, unit: Unit) -> Head:
        draft: Head | None = unit.draft(self, None)
        return draft or self.head()

    def _set(self, unit: Unit, head: Head) -> None:
        if unit.draft(self, None) is None:
            unit.before_commit(lambda: self._save(unit, unit.draft(self, head)))
            unit.after_commit(lambda: self._adopt(unit.draft(self, head)))
        unit.set_draft(self, head)

    def _adopt(self, head: Head) -> None:
        self._head = head

    def _save(self, unit: Unit, head: Head) -> None:
        if head == self._head:
            return
        unit.execute(
            "INSERT OR REPLACE INTO link_sender VALUES (?, ?, ?, ?, ?, ?)",
            (self._link, head.epoch, head.next, head.tail, head.receipted, head.receipted_digest),
        )
