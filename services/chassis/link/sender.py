"""The sender of a link: hands the outbox to the bus, as often as it takes.

Nothing but a hello is sent before the consumer has said where it stands. From then on a window of messages is on its
way; a gap or silence goes back to the last receipt, and while nothing is receipted only the head is sent, less and
less often.
"""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from contracts.links import CONSUMER_FRAME, START_DIGEST, Hello, Lost, Position, Receipt
from services.chassis import log
from services.chassis.bus.port import Bus, Message
from services.chassis.dead_letters import DeadLetters
from services.chassis.link.frames import ENVELOPE, batch_frame, data_frame, in_batches
from services.chassis.link.outbox import Outbox
from services.chassis.store import Unit

_log = log.get(__name__)

WINDOW = 400
"""Below Mosquitto's default queue of 1000 messages, beyond which it drops silently."""
BACK_OFF_MOST = 60.0
PRUNE_AFTER = 0.5
"""Seconds without a transaction of ours that takes the receipted rows along."""
DOUBT_FIRST = 0.5
DOUBT_LATER = 10.0
"""Base time-outs during which nothing but contradictions comes before a new history begins: at the first handshake of a
process, and after it, when a restored data folder is no longer a likely cause."""


@dataclass(frozen=True)
class LinkTopics:
    """The two topics of a link and the name it is stored under."""

    name: str
    frames: str
    receipts: str


class LinkSender:
    """One link's sending end."""

    def __init__(self, outbox: Outbox, bus: Bus, topics: LinkTopics, dead_letters: DeadLetters) -> None:
        self._outbox = outbox
        self._bus = bus
        self._topics = topics
        self._dead_letters = dead_letters
        self._agreed = False  # the consumer's position is known on this connection
        self._agreed_ever = False  # … or was on an earlier one of this process
        self._stopped = False
        self._doubt_since: float | None = None  # the consumer claims a history that this outbox does not have
        self._asked_at = -1.0
        self._receipted = 0  # ahead of what the outbox has pruned by at most PRUNE_AFTER
        self._receipted_digest = START_DIGEST
        self._cursor = 0  # sent on this connection up to here
        self._highest = 0  # ever sent in this epoch by this process
        self._probing = False
        self._wait = bus.capabilities.resend_after
        self._timer: asyncio.TimerHandle | None = None
        self._prune_timer: asyncio.TimerHandle | None = None
        self._receipted_at_arming = 0
        self._gap_seen = (-1, -1.0)

    def start(self) -> None:
        """Listen for receipts, and introduce the outbox on every connect."""
        head = self._outbox.head()
        self._receipted, self._receipted_digest = head.receipted, head.receipted_digest
        self._bus.subscribe(self._topics.receipts, self._on_frame)
        self._bus.on_connect(self._greet)
        self._bus.on_disconnect(lambda _: self._rest())

    def stop(self) -> None:
        """Send nothing any more; what has no receipt waits in the outbox."""
        self._stopped = True
        self._rest()
        self._prune()

    def append(self, unit: Unit, body: BaseModel) -> int:
        """Promise *body* within *unit*: it is sent after the commit until the consumer has it.

        Raises TooLarge for what the bus could never carry: once in the outbox, it would hold up the link for ever.
        """
        seq = self._outbox.append(unit, body, self._bus.capabilities.max_payload - ENVELOPE)
        if not unit.draft((self, "appended"), False):
            unit.set_draft((self, "appended"), True)
            if self._prune_timer is not None:
                self._outbox.prune(self._receipted, self._receipted_digest)
                unit.after_commit(self._forget_pruning)
            unit.after_commit(self._pump)
        return seq

    @property
    def waiting(self) -> int:
        """How many messages have no receipt."""
        return self._outbox.head().next - 1 - self._receipted

    def _greet(self) -> None:
        if self._stopped:
            return
        self._agreed = self._probing = False
        self._wait = self._bus.capabilities.resend_after
        self._say_hello()
        self._arm()

    def _rest(self) -> None:
        self._agreed = False
        self._disarm()

    def _say_hello(self) -> None:
        head = self._outbox.head()
        hello = Hello(epoch=head.epoch, first=self._receipted + 1, next=head.next, before=self._receipted_digest)
        self._send(hello.to_bytes())

    def _send(self, frame: bytes) -> None:
        self._bus.publish(self._topics.frames, frame)

    # --- what the consumer says ------------------------------------------------------------------------------------

    def _on_frame(self, message: Message) -> None:
        if self._stopped:
            return
        try:
            frame = CONSUMER_FRAME.validate_json(message.payload)
        except ValidationError as error:
            self._refuse(message, f"not a receipt: {error.errors(include_url=False)[0]['msg']}")
            return
        if message.retained:
            self._refuse(message, "a receipt is never retained")
        elif frame.epoch != self._outbox.head().epoch:
            # Of another history, or from a consumer that knows none: our hello tells it of ours.
            if isinstance(frame, Position):
                self._ask()
        elif isinstance(frame, Position):
            self._on_position(message, frame)
        else:
            self._on_receipt(message, frame)

    def _ask(self) -> None:
        """A hello, which the consumer answers with its position. Not for every frame: a flood must not be doubled."""
        now = asyncio.get_running_loop().time()
        if now - self._asked_at >= self._bus.capabilities.resend_after / 10:
            self._asked_at = now
            self._say_hello()

    def _on_position(self, message: Message, frame: Position) -> None:
        behind = frame.last < self._receipted
        if not behind and self._digest_of(frame.last) != frame.digest:
            self._on_contradiction(message, frame)
            return
        if behind:
            self._say_lost(frame.last + 1)
        elif frame.last > self._receipted:
            self._take_receipt(frame.last, frame.digest)
        if self._agreed:
            self._go_back(self._receipted)
        else:
            self._cursor = self._receipted
        self._agreed = self._agreed_ever = True
        self._doubt_since = None
        self._probing = False
        self._highest = max(self._highest, self._cursor)
        self._pump()

    def _say_lost(self, first: int) -> None:
        """The consumer was restored from an older copy of its data, and what it asks for was pruned long ago."""
        _log.error(
            "messages of a link are gone for good: its consumer is older than what it had confirmed",
            link=self._topics.name, first=first, last=self._receipted,
        )  # fmt: skip
        epoch = self._outbox.head().epoch
        self._send(Lost(epoch=epoch, first=first, last=self._receipted, digest=self._receipted_digest).to_bytes())

    def _on_contradiction(self, message: Message, frame: Position | Receipt) -> None:
        """The consumer claims what this outbox never sent: a forgery, or this data folder is older than it.

        A true consumer answers the hello; if it agrees, the other voice was a forger's. If for a while nobody agrees,
        what has no receipt begins a new history, because a link that stands still for ever is worse than a message
        that the consumer may know already.
        """
        now = asyncio.get_running_loop().time()
        patience = (DOUBT_LATER if self._agreed_ever else DOUBT_FIRST) * self._bus.capabilities.resend_after
        if self._doubt_since is None:
            self._doubt_since = now
        elif isinstance(frame, Position) and now - self._doubt_since >= patience:
            self._begin_new_history(frame.last)
            return
        if self._agreed_ever or isinstance(frame, Receipt):
            self._refuse(message, f"a {frame.kind} in a history that was never sent")
        self._ask()

    def _begin_new_history(self, consumer_at: int) -> None:
        self._prune()
        head = self._outbox.new_epoch()
        self._highest = self._cursor = self._receipted = 0
        self._receipted_digest = START_DIGEST
        self._agreed = self._probing = False
        self._doubt_since = None
        _log.error(
            "this outbox is older than what its consumer has taken (restored from a backup?); a new history begins, "
            "and what has no receipt is sent again",
            link=self._topics.name, consumer_at=consumer_at, again=head.next - 1,
        )  # fmt: skip
        self._say_hello()
        self._arm()

    def _on_receipt(self, message: Message, frame: Receipt) -> None:
        if not self._agreed:
            return  # overtaken: the consumer's position says more
        if frame.upto < self._receipted:
            if frame.gap:
                self._ask()  # a consumer older than its receipts, which has missed what was lost
            return
        if frame.upto > self._highest or self._digest_of(frame.upto) != frame.digest:
            self._on_contradiction(message, frame)
            return
        if frame.upto > self._receipted:
            self._take_receipt(frame.upto, frame.digest)
        if frame.gap:
            self._go_back(frame.upto)
        self._pump()

    def _digest_of(self, seq: int) -> str | None:
        return self._receipted_digest if seq == self._receipted else self._outbox.digest_of(seq)

    def _take_receipt(self, upto: int, digest: str) -> None:
        """Everything up to *upto* is safe at the consumer: patience begins anew, and the rows may go, soon.

        Not at once: a commit a receipt would cost more than the message. After a crash in between, the consumer's
        position says the same again.
        """
        self._receipted, self._receipted_digest = upto, digest
        self._doubt_since = None
        self._cursor = max(self._cursor, upto)
        self._wait = self._bus.capabilities.resend_after
        self._probing = False
        self._disarm()
        if self._prune_timer is None:
            self._prune_timer = asyncio.get_running_loop().call_later(PRUNE_AFTER, self._prune)

    def _forget_pruning(self) -> None:
        if self._prune_timer is not None:
            self._prune_timer.cancel()
            self._prune_timer = None

    def _prune(self) -> None:
        if self._prune_timer is not None:
            self._forget_pruning()
            try:
                self._outbox.prune(self._receipted, self._receipted_digest)
            except sqlite3.Error as error:
                # The rows only stay longer; the next receipt takes them along.
                _log.error("receipted messages could not be pruned", link=self._topics.name, error=str(error))

    def _go_back(self, upto: int) -> None:
        # Everything that was on its way behind a gap reports the same gap: going back once is enough.
        now = asyncio.get_running_loop().time()
        last_upto, last_time = self._gap_seen
        if upto == last_upto and now - last_time < self._bus.capabilities.resend_after / 4:
            return
        self._gap_seen = (upto, now)
        self._cursor = upto

    def _refuse(self, message: Message, reason: str) -> None:
        self._dead_letters.add(message.topic, reason, message.payload)

    # --- sending ---------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        if not self._agreed or self._probing:
            return
        room = self._receipted + WINDOW - self._cursor
        if room > 0:
            epoch = self._outbox.head().epoch
            for rows in in_batches(self._outbox.rows(self._cursor, room)):
                self._send(data_frame(epoch, rows[0]) if len(rows) == 1 else batch_frame(epoch, rows))
                self._cursor = rows[-1].seq
            self._highest = max(self._highest, self._cursor)
        self._arm()

    def _arm(self) -> None:
        """Wait for progress, if any is to be expected."""
        if self._timer is None and self._bus.connected and not self._settled():
            self._timer = asyncio.get_running_loop().call_later(self._wait, self._no_progress)
            self._receipted_at_arming = self._receipted

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _settled(self) -> bool:
        return self._agreed and self.waiting == 0

    def _no_progress(self) -> None:
        self._timer = None
        if not self._bus.connected or self._settled():
            return
        if not self._agreed:
            self._say_hello()
        elif self._receipted == self._receipted_at_arming:
            self._probe()
        self._wait = min(self._wait * 2, BACK_OFF_MOST)
        self._arm()

    def _probe(self) -> None:
        """Send the head alone: a consumer that is away must not be sent a whole window again and again."""
        self._probing = True
        epoch = self._outbox.head().epoch
        for row in self._outbox.rows(self._receipted, 1):
            self._send(data_frame(epoch, row))
            self._cursor = row.seq
            self._highest = max(self._highest, row.seq)
