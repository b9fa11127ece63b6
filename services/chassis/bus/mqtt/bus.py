"""One connection after the other, and what the service hears of them.

A new client is made for every connection, because the durable links know better than paho's queue what is to be sent
again after a loss.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable

from services.chassis import log
from services.chassis.bus.address import Address
from services.chassis.bus.callbacks import Callbacks
from services.chassis.bus.inbox import Inbox
from services.chassis.bus.mqtt.connection import Connection
from services.chassis.bus.mqtt.options import MqttOptions
from services.chassis.bus.port import Capabilities, Delivered, Message, MessageHandler

_log = log.get(__name__)

STEADY_AFTER = 3.0
"""Seconds that a connection has to last before the back-off begins anew."""
MAX_PAYLOAD = 1 << 18


class MqttBus:
    """A connection to the first broker of the list that answers, rebuilt for ever."""

    def __init__(self, options: MqttOptions) -> None:
        self._options = options
        self._callbacks = Callbacks()
        self.inbox = Inbox()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._serving: Connection | None = None  # the one that the thread tries or has
        self._connection: Connection | None = None  # the same once its subscriptions are in force
        self._connected = False
        self._since = 0.0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(retained=True, wills=True, wildcards=True, max_payload=MAX_PAYLOAD, resend_after=1.0)

    @property
    def connected(self) -> bool:
        return self._connected

    async def start(self) -> None:
        self.inbox.open(asyncio.get_running_loop())
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        with self._lock:
            self._stopping.set()
            serving = self._serving
        connection, self._connection = self._connection, None
        presence = self._options.presence
        if connection is not None and self._connected and presence is not None:
            farewell = asyncio.Event()
            connection.publish(presence.topic, presence.offline, True, lambda _: farewell.set())
            try:
                await asyncio.wait_for(farewell.wait(), 0.7)
            except TimeoutError:
                _log.warning("the broker did not confirm the farewell; its will says offline instead")
        self._connected = False
        if serving is not None:
            serving.close()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 0.3)
        self.inbox.close()

    def subscribe(self, topic_filter: str, handler: MessageHandler) -> None:
        self._callbacks.subscriptions.append((topic_filter, handler))
        if self._connection is not None:
            self._connection.subscribe([topic_filter])

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, delivered: Delivered | None = None) -> None:
        if len(payload) > MAX_PAYLOAD:
            _log.error("a message is too large for this bus; not sent", topic=topic, size=len(payload))
        elif self._connection is not None and self._connected:
            self._connection.publish(topic, payload, retain, delivered)
            return
        if delivered is not None:
            refused = delivered
            self.inbox.post(lambda: refused(False))

    def on_connect(self, callback: Callable[[], None]) -> None:
        self._callbacks.connect.append(callback)

    def on_disconnect(self, callback: Callable[[str], None]) -> None:
        self._callbacks.disconnect.append(callback)

    # --- on the thread of paho -------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Try one address after the other for ever; after a whole round without success wait, longer every time."""
        delay = self._options.back_off_first
        while not self._stopping.is_set():
            for address in self._options.addresses:
                if self._stopping.is_set():
                    return
                if self._serve(address):
                    delay = self._options.back_off_first
            # Jitter, so that the services of a stack do not all knock at a returning broker in the same instant.
            self._stopping.wait(delay * random.uniform(0.5, 1.0))
            delay = min(delay * 2, self._options.back_off_most)

    def _serve(self, address: Address) -> bool:
        """Be connected to *address* for as long as it lasts. Returns whether that was of use."""
        connection = Connection(self, self._options, address)
        with self._lock:
            if self._stopping.is_set():
                return True
            self._serving = connection
        began = time.monotonic()
        established = connection.serve()
        with self._lock:
            self._serving = None
        # A connection that is lost at once is no success: two services under one client id throw each other out, and
        # would do so several times a second.
        return established and time.monotonic() - began >= STEADY_AFTER

    # --- on the event loop -----------------------------------------------------------------------------------------

    def established(self, connection: Connection) -> None:
        """All subscriptions are in force on *connection*: announce presence, then tell everybody."""
        if self._stopping.is_set():
            return
        self._connection, self._connected, self._since = connection, True, time.monotonic()
        _log.info("connected to the broker", address=str(connection.address), client_id=self._options.client_id)
        # What was subscribed between the CONNACK and now is not in force yet.
        known = connection.asked
        connection.subscribe([f for f, _ in self._callbacks.subscriptions if f not in known])
        if self._options.presence is not None:
            connection.publish(self._options.presence.topic, self._options.presence.online, True, None)
        self._callbacks.connected()

    def lost(self, connection: Connection, reason: str) -> None:
        """*connection* is gone; every unconfirmed message of it is reported as not delivered."""
        connection.fail_outstanding()
        if connection is self._connection:
            self._connection, self._connected = None, False
            if time.monotonic() - self._since < STEADY_AFTER:
                reason += f"; if this goes on, look for another service with the client id {self._options.client_id}"
            _log.warning("connection to the broker lost; trying again", address=str(connection.address), reason=reason)
            self._callbacks.disconnected(reason)
        elif not self._stopping.is_set():
            _log.warning("no connection to the broker; trying again", address=str(connection.address), reason=reason)

    def arrived(self, message: Message) -> None:
        """A message for the subscriptions."""
        if not self._stopping.is_set():
            self._callbacks.message(message)

    @property
    def filters(self) -> list[str]:
        """Every subscription made so far."""
        return [topic_filter for topic_filter, _ in self._callbacks.subscriptions]
