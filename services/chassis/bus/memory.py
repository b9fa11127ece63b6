"""A broker in this process, for tests: real topic matching, retained messages and wills, no sockets.

Delivery is asynchronous like a real broker's: a message is handed over in a later turn of the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.chassis import log
from services.chassis.bus.callbacks import Callbacks, guarded
from services.chassis.bus.port import Capabilities, Delivered, Message, MessageHandler, Presence, matches

_log = log.get(__name__)
MAX_PAYLOAD = 1 << 20


class MemoryBroker:
    """Routes messages between the buses that are connected to it."""

    def __init__(self) -> None:
        self.up = True
        self.retained: dict[str, bytes] = {}
        self._buses: list[MemoryBus] = []

    def attach(self, bus: MemoryBus) -> None:
        """Connect *bus*, now or when the broker is up again."""
        self._buses.append(bus)
        if self.up:
            bus.connection_made()

    def detach(self, bus: MemoryBus) -> None:
        """Forget *bus*."""
        if bus in self._buses:
            self._buses.remove(bus)

    def crash(self) -> None:
        """Lose everything that is not persistent, retained messages included, and every connection."""
        self.up = False
        self.retained.clear()
        for bus in list(self._buses):
            bus.connection_lost("broker is gone")

    def recover(self) -> None:
        """Come back; every bus connects again."""
        self.up = True
        for bus in list(self._buses):
            bus.connection_made()

    def cut(self, bus: MemoryBus) -> None:
        """Cut one bus off without a farewell, so that its will is published, and let it connect again."""
        bus.connection_lost("connection cut")
        if bus.presence is not None:
            self.route(Message(bus.presence.topic, bus.presence.offline), retain=True)
        asyncio.get_running_loop().call_soon(bus.connection_made)

    def route(self, message: Message, *, retain: bool) -> None:
        """Keep *message* if asked to, and hand it to every bus with a matching subscription."""
        if retain:
            if message.payload:
                self.retained[message.topic] = message.payload
            else:
                self.retained.pop(message.topic, None)
        for bus in self._buses:
            bus.deliver(message)


class MemoryBus:
    """A service's connection to a MemoryBroker."""

    def __init__(self, broker: MemoryBroker, presence: Presence | None = None) -> None:
        self.presence = presence
        self._broker = broker
        self._callbacks = Callbacks()
        self._connected = False
        self._connection = 0
        self._stopped = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(retained=True, wills=True, wildcards=True, max_payload=MAX_PAYLOAD, resend_after=1.0)

    @property
    def connected(self) -> bool:
        return self._connected

    async def start(self) -> None:
        asyncio.get_running_loop().call_soon(self._attach)

    def _attach(self) -> None:
        if not self._stopped:
            self._broker.attach(self)

    async def stop(self) -> None:
        self._stopped = True
        if self._connected and self.presence is not None:
            self._broker.route(Message(self.presence.topic, self.presence.offline), retain=True)
        self._connected = False
        self._broker.detach(self)

    def subscribe(self, topic_filter: str, handler: MessageHandler) -> None:
        self._callbacks.subscriptions.append((topic_filter, handler))
        if self._connected:
            self._deliver_retained(topic_filter)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, delivered: Delivered | None = None) -> None:
        taken = self._connected and len(payload) <= MAX_PAYLOAD
        if taken:
            self._broker.route(Message(topic, payload), retain=retain)
        elif self._connected:
            _log.error("a message is too large for this bus; not sent", topic=topic, size=len(payload))
        if delivered is not None:
            asyncio.get_running_loop().call_soon(self._report, delivered, taken)

    def _report(self, delivered: Delivered, taken: bool) -> None:
        if not self._stopped:
            guarded(delivered, taken)

    def on_connect(self, callback: Callable[[], None]) -> None:
        self._callbacks.connect.append(callback)

    def on_disconnect(self, callback: Callable[[str], None]) -> None:
        self._callbacks.disconnect.append(callback)

    def connection_made(self) -> None:
        """The broker took the connection."""
        self._connected = True
        self._connection += 1
        if self.presence is not None:
            self._broker.route(Message(self.presence.topic, self.presence.online), retain=True)
        for topic_filter, _ in self._callbacks.subscriptions:
            self._deliver_retained(topic_filter)
        self._callbacks.connected()

    def connection_lost(self, reason: str) -> None:
        """The broker is out of reach; what was on its way is lost."""
        if self._connected:
            self._connected = False
            self._callbacks.disconnected(reason)

    def deliver(self, message: Message) -> None:
        """Hand *message* over in a later turn, unless the connection is another one by then."""
        if self._connected and any(matches(f, message.topic) for f, _ in self._callbacks.subscriptions):
            asyncio.get_running_loop().call_soon(self._hand_over, message, self._connection)

    def _hand_over(self, message: Message, connection: int) -> None:
        if self._connected and connection == self._connection:
            self._callbacks.message(message)

    def _deliver_retained(self, topic_filter: str) -> None:
        for topic, payload in self._broker.retained.items():
            if matches(topic_filter, topic):
                self.deliver(Message(topic, payload, retained=True))
