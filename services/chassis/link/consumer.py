"""The consumer of a link: takes the message after its last, once, and says so after the commit.

Frames that arrive together are taken in one transaction (at most 20 ms of them), so that a burst costs one commit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from contracts.links import SENDER_FRAME, START_DIGEST, Batch, Data, Hello, Lost, Position, Receipt
from services.chassis import log
from services.chassis.bus.port import Bus, Message
from services.chassis.dead_letters import DeadLetters
from services.chassis.link.chain import canonical, digest
from services.chassis.link.positions import Place, Positions
from services.chassis.link.sender import LinkTopics
from services.chassis.store import Store, Unit, is_store_failure

_log = log.get(__name__)
B = TypeVar("B")
B_contra = TypeVar("B_contra", contravariant=True)

BATCH_SECONDS = 0.02
PENDING_MOST = 2000
"""Frames that wait for their transaction: more than any honest sender's window."""
PENDING_BYTES = 16 << 20
"""And so much of them: a broker lets through far larger frames than a sender makes."""
REPEAT_AFTER = 0.25
"""Seconds between two answers that would make the sender send the same again."""

Receipts = dict[str, tuple[Place, bool]]
"""By epoch: what is to be said after the commit, and whether there is a gap behind it."""


class Reader(Protocol[B_contra]):
    """What a service does with a link. Every call is within the transaction that moves the position.

    What is raised here is taken for a defect, unless it is the store's: the call is undone and the link goes on.
    """

    def take(self, unit: Unit, body: B_contra) -> None:
        """One message, exactly once and in order."""

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        """A message in its turn whose body could not be understood: it is consumed, and must be answered."""

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        """These messages will never come."""

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        """The sender began a new history at *first*; *known*: this consumer had taken from another one before."""


class LinkConsumer(Generic[B]):
    """One link's taking end."""

    def __init__(
        self, store: Store, bus: Bus, topics: LinkTopics, bodies: TypeAdapter[B], reader: Reader[B], dead: DeadLetters
    ) -> None:
        self._store = store
        self._positions = Positions(store, topics.name)
        self._bus = bus
        self._topics = topics
        self._bodies = bodies
        self._reader = reader
        self._dead_letters = dead
        self._pending: deque[Message] = deque()
        self._pending_bytes = 0
        self._scheduled = False
        self._stopped = False
        self._answered: dict[tuple[str, int], float] = {}

    def start(self) -> None:
        """Listen, and say on every connect where this consumer stands."""
        self._bus.subscribe(self._topics.frames, self._on_message)
        self._bus.on_connect(self._say_position)

    def stop(self) -> None:
        """Take nothing any more: what has not been taken is sent again."""
        self._stopped = True
        self._pending.clear()
        self._pending_bytes = 0

    def _say_position(self) -> None:
        if self._stopped:
            return
        place = self._positions.current()
        frame = (
            Position(epoch=None, last=0, digest=START_DIGEST)
            if place is None
            else Position(epoch=place.epoch, last=place.last, digest=place.digest)
        )
        self._bus.publish(self._topics.receipts, frame.to_bytes())

    def _on_message(self, message: Message) -> None:
        if self._stopped:
            return
        size = self._pending_bytes + len(message.payload)
        if self._pending and (len(self._pending) >= PENDING_MOST or size > PENDING_BYTES):
            return  # nothing is lost: the sender sends again what has no receipt
        self._pending.append(message)
        self._pending_bytes = size
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        self._scheduled = False
        if self._stopped:
            return
        loop = asyncio.get_running_loop()
        receipts: Receipts = {}
        try:
            with self._store.transaction() as unit:
                deadline = loop.time() + BATCH_SECONDS
                while self._pending and loop.time() < deadline:
                    message = self._pending.popleft()
                    self._pending_bytes -= len(message.payload)
                    self._take_safely(unit, message, receipts)
        except Exception as error:
            # The disk is full or the database is damaged: nothing of the batch was taken, the sender sends it again.
            _log.exception("a batch of a link could not be committed", link=self._topics.name, error=str(error))
            receipts.clear()
        for place, gap in receipts.values():
            receipt = Receipt(epoch=place.epoch, upto=place.last, digest=place.digest, gap=gap)
            self._bus.publish(self._topics.receipts, receipt.to_bytes())
        if self._pending and not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._drain)

    def _take_safely(self, unit: Unit, message: Message, receipts: Receipts) -> None:
        """What a stranger can put into one frame must not undo the batch that it came in."""
        try:
            self._take(unit, message, receipts)
        except Exception as error:
            if is_store_failure(error):
                raise
            _log.exception("a frame of a link met a defect", link=self._topics.name)
            self._refuse(message, f"defect: {type(error).__name__}")

    def _take(self, unit: Unit, message: Message, receipts: Receipts) -> None:
        if message.retained:
            self._refuse(message, "a frame of a link is never retained")
            return
        try:
            frame = SENDER_FRAME.validate_json(message.payload)
        except ValidationError as error:
            self._refuse(message, f"not a frame of a link: {error.errors(include_url=False)[0]['msg']}")
            return
        if isinstance(frame, Batch):
            for data in frame.frames:
                self._take_frame(unit, message, data, receipts)
        else:
            self._take_frame(unit, message, frame, receipts)

    def _take_frame(self, unit: Unit, message: Message, frame: Hello | Data | Lost, receipts: Receipts) -> None:
        if isinstance(frame, Hello):
            self._take_hello(unit, frame)
        elif (place := self._positions.of(unit, frame.epoch)) is None:
            # Its sender's hello was lost, or it is a forgery; a real sender answers with its hello.
            if self._may_repeat("", -1):
                self._answer(unit, Position(epoch=None, last=0, digest=START_DIGEST))
        elif isinstance(frame, Data):
            self._take_data(unit, message, frame, place, receipts)
        else:
            self._take_lost(unit, message, frame, place, receipts)

    def _take_hello(self, unit: Unit, frame: Hello) -> None:
        place, current = self._positions.of(unit, frame.epoch), self._positions.current()
        if place is None:
            place = Place(frame.epoch, max(frame.first - 1, 0), frame.before)
            self._positions.adopt(unit, place)
            if current is not None or frame.first > 1:
                self._say_new_history(unit, current is not None, frame, frame.first)
        elif current is None or place.epoch != current.epoch:
            # Known from before the present one: the sender was restored, and what it had promised since is gone.
            self._positions.readopt(unit, place)
            self._say_new_history(unit, True, frame, place.last + 1)
        self._answer(unit, Position(epoch=place.epoch, last=place.last, digest=place.digest))

    def _say_new_history(self, unit: Unit, known: bool, frame: Hello, first: int) -> None:
        _log.error(
            "a link begins another history: the sender or this service lost its data, or was restored from a backup",
            link=self._topics.name, first=first, next=frame.next,
        )  # fmt: skip
        self._call(unit, partial(self._reader.take_new_history, unit, known, first))

    def _take_data(self, unit: Unit, message: Message, frame: Data, place: Place, receipts: Receipts) -> None:
        if frame.seq <= place.last:
            if frame.seq == place.last and frame.digest != place.digest:
                self._refuse(message, f"message {frame.seq} was taken with another digest")
            receipts.setdefault(place.epoch, (place, False))
            return
        if frame.seq > place.last + 1:
            if self._may_repeat(frame.epoch, place.last):
                receipts[place.epoch] = (place, True)
            return
        if frame.digest != digest(place.digest, frame.epoch, frame.seq, canonical(frame.body)):
            self._refuse(message, f"message {frame.seq} does not continue what was taken")
            if self._may_repeat(frame.epoch, place.last):
                self._answer(unit, Position(epoch=place.epoch, last=place.last, digest=place.digest))
            return
        self._hand_over(unit, message, frame.body)
        place = Place(frame.epoch, frame.seq, frame.digest)
        self._positions.advance(unit, place)
        receipts[place.epoch] = (place, False)

    def _take_lost(self, unit: Unit, message: Message, frame: Lost, place: Place, receipts: Receipts) -> None:
        if frame.first != place.last + 1 or frame.last < frame.first:
            self._refuse(message, "a loss that does not begin behind what was taken")
            return
        _log.error("messages of a link are lost for good", link=self._topics.name, first=frame.first, last=frame.last)
        self._call(unit, partial(self._reader.take_lost, unit, frame.first, frame.last))
        place = Place(frame.epoch, frame.last, frame.digest)
        self._positions.advance(unit, place)
        receipts[place.epoch] = (place, False)

    def _hand_over(self, unit: Unit, message: Message, body: dict[str, Any]) -> None:
        try:
            parsed = self._bodies.validate_python(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            reason = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:300]
            self._refuse(message, f"body not understood: {reason}")
            self._call(unit, partial(self._reader.take_bad, unit, body, reason))
            return
        defect = self._call(unit, partial(self._reader.take, unit, parsed))
        if defect is not None:
            self._refuse(message, f"defect: {defect}")
            self._call(unit, partial(self._reader.take_bad, unit, body, f"internal error: {defect}"))

    def _call(self, unit: Unit, call: Callable[[], None]) -> str | None:
        """Have the service do *call*; the name of the defect that it met, after undoing what it had done.

        Doing it again would meet the defect again, for ever, and hold up everything behind it. A store that fails is
        no defect: that is raised, and the whole batch comes again.
        """
        try:
            with unit.part():
                call()
        except Exception as error:
            if is_store_failure(error):
                raise
            _log.exception("a service's handler met a defect; the link goes on behind it", link=self._topics.name)
            return type(error).__name__
        return None

    def _answer(self, unit: Unit, position: Position) -> None:
        """Only what is committed may be said."""
        unit.after_commit(lambda: self._bus.publish(self._topics.receipts, position.to_bytes()))

    def _may_repeat(self, epoch: str, last: int) -> bool:
        """Whether the sender may be asked again to go back to *last*, so that a burst does not ask a hundred times."""
        now = asyncio.get_running_loop().time()
        if now - self._answered.get((epoch, last), -REPEAT_AFTER) < REPEAT_AFTER:
            return False
        self._answered = {key: at for key, at in self._answered.items() if now - at < REPEAT_AFTER}
        self._answered[(epoch, last)] = now
        return True

    def _refuse(self, message: Message, reason: str) -> None:
        self._dead_letters.add(message.topic, reason, message.payload)
