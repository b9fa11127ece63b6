"""The bus over SQS: a FIFO queue for each channel and reader, found again for ever after every loss.

It carries what has one reader (links, requests, commands) and declares what it cannot: retained messages, wills and
wildcards. Calls block, so they are made on threads, which only hand over to the event loop.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from services.chassis import log
from services.chassis.bus import routes
from services.chassis.bus.callbacks import Callbacks
from services.chassis.bus.inbox import Inbox
from services.chassis.bus.port import Capabilities, Delivered, Message, MessageHandler, matches
from services.chassis.bus.routes import Route
from services.chassis.bus.sqs import wire
from services.chassis.bus.sqs.address import SqsAddress
from services.chassis.bus.sqs.client import Client, Denied, Entry, Found, QueueMissing, Received, SqsError
from services.chassis.bus.sqs.poller import Poller, Reading, Undeleted
from services.chassis.bus.sqs.sender import Outgoing, Sender

_log = log.get(__name__)
VISIBILITY = 10.0
RESEND_AFTER = 1.5 * VISIBILITY
"""Above the visibility: what a killed reader had in hand comes back by itself, and must not be there twice by then."""
STEADY_AFTER = 3.0
"""Seconds that a connection has to last before the back-off begins anew."""
WAIT = 20
"""Seconds of a long poll: the most that SQS allows, and so the fewest calls."""


@dataclass(frozen=True)
class SqsOptions:
    """Where the queues are, who reads, and which there are. Times in seconds."""

    address: SqsAddress
    reader: str
    routes: Sequence[Route]
    endpoint: str | None = None
    wait: int = WAIT
    visibility: float = VISIBILITY
    back_off_first: float = 0.2
    back_off_most: float = 30.0
    reach_every: float = 30.0
    """How often a bus that reads nothing looks whether SQS is there."""


class SqsBus:
    """One service's queues."""

    def __init__(self, options: SqsOptions) -> None:
        self._options = options
        self._callbacks = Callbacks()
        self.inbox = Inbox()
        self._epoch = uuid.uuid4().hex[:12]
        self._numbers = itertools.count(1)
        self._stopping = threading.Event()
        self.undeleted = Undeleted()
        self._connection: _Connection | None = None

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            retained=False, wills=False, wildcards=False, max_payload=wire.MAX_PAYLOAD, resend_after=RESEND_AFTER
        )

    @property
    def connected(self) -> bool:
        return self._connection is not None

    async def start(self) -> None:
        self.inbox.open(asyncio.get_running_loop())
        threading.Thread(target=self._run, name="sqs", daemon=True).start()

    async def stop(self) -> None:
        self._stopping.set()
        self.inbox.close()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.fail("stopped")

    def subscribe(self, topic_filter: str, handler: MessageHandler) -> None:
        if "+" in topic_filter or "#" in topic_filter:
            raise ValueError(f"SQS has no wildcards and {topic_filter} is one; subscribe to exact topics")
        queue = self._queue_read(topic_filter)
        self._callbacks.subscriptions.append((topic_filter, handler))
        if self._connection is not None:
            self._connection.listen(queue)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, delivered: Delivered | None = None) -> None:
        found = routes.to(topic, self._options.routes)
        if retain:
            _log.error("SQS keeps no retained message; not sent", topic=topic)
        elif len(payload) > wire.MAX_PAYLOAD:
            _log.error("a message is too large for this bus; not sent", topic=topic, size=len(payload))
        elif not found:
            _log.error("no queue carries this topic; not sent", topic=topic)
        elif self._connection is not None:
            self._send(self._connection, topic, payload, found, delivered)
            return
        if delivered is not None:
            refused = delivered
            self.inbox.post(lambda: refused(False))

    def on_connect(self, callback: Callable[[], None]) -> None:
        self._callbacks.connect.append(callback)

    def on_disconnect(self, callback: Callable[[str], None]) -> None:
        self._callbacks.disconnect.append(callback)

    def _send(
        self,
        connection: _Connection,
        topic: str,
        payload: bytes,
        found: Sequence[Route],
        delivered: Delivered | None,
    ) -> None:
        identity = wire.deduplication_id(topic, self._epoch, next(self._numbers))
        entry = Entry(wire.encode(payload), topic, identity)
        told = None if delivered is None else _together(delivered, len(found))
        for route in found:
            connection.sender.put(Outgoing(self._options.address.queue(route.filter, route.reader), entry, told))

    def _queue_read(self, topic: str) -> str:
        """The queue through which this service gets *topic*. Raises ValueError if there is none."""
        route = self._route_read(topic)
        if route is None:
            raise ValueError(f"the table of channels has no queue by which {self._options.reader} reads {topic}")
        return self._options.address.queue(route.filter, route.reader)

    def _route_read(self, topic: str) -> Route | None:
        own = [route for route in self._options.routes if route.reader == self._options.reader]
        return next(iter(routes.to(topic, own)), None)

    # --- on the supervising thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        """Find the queues, stay while they can be used, and find them again for ever."""
        delay = self._options.back_off_first
        while not self._stopping.is_set():
            client = Client(self._options.address.region, self._options.endpoint, self._options.wait)
            connection = _Connection(self, self._options, client)
            try:
                client.open()
                connection.find({self._queue_read(topic) for topic, _ in list(self._callbacks.subscriptions)})
            except SqsError as error:
                _log.warning("SQS cannot be used; trying again", region=self._options.address.region, reason=str(error))
            except Exception:  # a defect must not end the thread, or the service would stay away for ever
                _log.exception("connecting to SQS met a defect; trying again")
            else:
                began = time.monotonic()
                self.inbox.post(partial(self._established, connection))
                connection.serve()
                self.inbox.post(partial(self._lost, connection))
                # A connection that is lost at once is no success: a queue that is found and may not be read would have
                # every state announced again several times a second, and every call cost money.
                if time.monotonic() - began >= STEADY_AFTER:
                    delay = self._options.back_off_first
            client.close()
            self._stopping.wait(delay * random.uniform(0.5, 1.0))
            delay = min(delay * 2, self._options.back_off_most)

    # --- on the event loop -----------------------------------------------------------------------------------------

    def _established(self, connection: _Connection) -> None:
        if self._stopping.is_set() or connection.over:
            return
        self._connection = connection
        _log.info("connected to SQS", region=self._options.address.region, queues=len(connection.found))
        for topic, _ in self._callbacks.subscriptions:
            connection.listen(self._queue_read(topic))
        self._callbacks.connected()

    def _lost(self, connection: _Connection) -> None:
        if connection is self._connection:
            self._connection = None
            _log.warning("SQS is lost; trying again", reason=connection.reason)
            self._callbacks.disconnected(connection.reason)

    def arrived(self, received: Received, connected_at: float) -> None:
        """A message for the subscriptions, on the loop's thread."""
        topic = self._topic(received)
        if self._stopping.is_set() or topic is None:
            return
        try:
            payload = wire.decode(received.body)
        except wire.BadBody as error:
            _log.error("a message cannot be read; dropped", topic=topic, reason=str(error))
            return
        route = self._route_read(topic)
        # The queue kept it from before: an old `arm` must not fire when the service starts. A link knows what is old.
        old = route is not None and route.asks and received.sent_at < connected_at
        self._callbacks.message(Message(topic, payload, retained=old))

    def _topic(self, received: Received) -> str | None:
        topic = received.stream
        if any(matches(wanted, topic) for wanted, _ in self._callbacks.subscriptions):
            return topic
        _log.error("a message names no topic that is read here in its MessageGroupId; dropped", stream=topic)
        return None


class _Connection:
    """The queues from being found to the first call that fails."""

    def __init__(self, bus: SqsBus, options: SqsOptions, client: Client) -> None:
        self.found: dict[str, Found] = {}
        self.reason = ""
        self._bus = bus
        self._options = options
        self._client = client
        self._over = threading.Event()
        self._pollers: dict[str, Poller] = {}
        self._lock = threading.Lock()  # a queue may be subscribed on the loop while the supervisor closes them all
        self.sender = Sender(client, bus.inbox, self.fail)

    @property
    def over(self) -> bool:
        """Whether a call has failed."""
        return self._over.is_set()

    def find(self, names: set[str]) -> None:
        """Find every queue that is read. Raises SqsError."""
        for name in sorted(names):
            try:
                self.found[name] = self._client.find(name)
            except QueueMissing as error:
                raise SqsError(f"there is no queue {name}; make it with the subcommand `queues create`") from error
        if not names:
            self._reach()

    def serve(self) -> None:
        """Send and read until a call fails."""
        self.sender.start()
        while not self._over.wait(self._options.reach_every):
            if not self._pollers:
                try:
                    self._reach()
                except SqsError as error:
                    self.fail(str(error))
        self.sender.close()
        with self._lock:
            for poller in self._pollers.values():
                poller.close()

    def fail(self, reason: str) -> None:
        """End it; the first reason counts."""
        if not self._over.is_set():
            self.reason = reason
            self._over.set()

    def listen(self, name: str) -> None:
        """Read the queue called *name*, on the event loop; a queue is read once, whatever is subscribed in it."""
        found = self.found.get(name)
        if found is None:
            threading.Thread(target=self._find_late, args=[name], name="sqs-find", daemon=True).start()
            return
        with self._lock:
            if name not in self._pollers and not self.over:
                reading = Reading(name, found.url, self._options.visibility)
                hand_over = partial(self._bus.arrived, connected_at=found.at)
                self._pollers[name] = Poller(
                    self._client, self._bus.inbox, reading, hand_over, self.fail, undeleted=self._bus.undeleted
                )
                self._pollers[name].start()

    def _find_late(self, name: str) -> None:
        """For what is subscribed after the connect."""
        try:
            self.find({name})
        except SqsError as error:
            self.fail(str(error))
            return
        self._bus.inbox.post(lambda: self.listen(name))

    def _reach(self) -> None:
        """Whether SQS answers at all; that a queue is missing, or none of this service's business, is an answer."""
        try:
            self._client.find(self._options.address.queue("reach", self._options.reader))
        except (QueueMissing, Denied):
            return


def _together(delivered: Delivered, count: int) -> Delivered:
    """One answer for *count* queues: yes when all have it."""
    answers: list[bool] = []

    def told(ok: bool) -> None:
        answers.append(ok)
        if len(answers) == count:
            delivered(all(answers))

    return told
