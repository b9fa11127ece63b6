"""The bus over MQTT 3.1.1 (paho-mqtt): the one file that knows paho.

paho runs on a thread of its own and only hands things over; a new client is made for every connection, because the
durable links know better than paho's queue what is to be sent again after a loss.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from services.chassis import log
from services.chassis.bus.address import Address
from services.chassis.bus.callbacks import Callbacks, guarded
from services.chassis.bus.inbox import Inbox
from services.chassis.bus.port import Capabilities, Delivered, Message, MessageHandler, Presence

_log = log.get(__name__)

CONNECT_TIMEOUT = 5.0
STEADY_AFTER = 3.0
"""Seconds that a connection has to last before the back-off begins anew."""
MAX_PAYLOAD = 1 << 18


@dataclass(frozen=True)
class MqttOptions:
    """Where to connect and as whom. Times in seconds."""

    addresses: tuple[Address, ...]
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    presence: Presence | None = None
    keepalive: int = 10
    subscribed_within: float = 20.0
    """As long as a broker that answers pings may take to confirm the subscriptions."""
    confirmed_within: float = 60.0
    """As long as it may confirm none of the messages that wait for it."""
    back_off_first: float = 0.2
    back_off_most: float = 30.0


class MqttBus:
    """A connection to the first broker of the list that answers, rebuilt for ever."""

    def __init__(self, options: MqttOptions) -> None:
        self._options = options
        self._callbacks = Callbacks()
        self.inbox = Inbox()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._serving: _Connection | None = None  # the one that the thread tries or has
        self._connection: _Connection | None = None  # the same once its subscriptions are in force
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
        connection = _Connection(self, self._options, address)
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

    def established(self, connection: _Connection) -> None:
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

    def lost(self, connection: _Connection, reason: str) -> None:
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


class _Connection:
    """One paho client from connect to disconnect."""

    def __init__(self, bus: MqttBus, options: MqttOptions, address: Address) -> None:
        self.address = address
        self.asked: set[str] = set()
        self._bus = bus
        self._options = options
        self._reason = "connection closed"
        self._closing = threading.Event()
        self._established = False
        self._waiting_for: int | None = None
        self._patience: threading.Timer | None = None
        self._asked_by_mid: dict[int, list[str]] = {}
        self._asking = threading.Lock()  # a SUBACK may come before subscribe() has returned on the event loop
        # By paho's message id. Touched on the event loop only: a PUBACK comes through the inbox and so never before
        # publish() has returned there.
        self._outstanding: dict[int, Delivered] = {}
        self._awaited = 0  # how many of them; read by paho's thread, which posts no confirmation that nobody awaits
        self._sent = self._confirmed_count = 0
        self._progress_at = 0.0  # when the last confirmation came, or the first message went out that waits for one
        self._client = self._make_client()

    def _make_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._options.client_id,
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT
        client.max_inflight_messages_set(100)
        client.max_queued_messages_set(0)
        if self._options.username is not None:
            client.username_pw_set(self._options.username, self._options.password)
        if self._options.presence is not None:
            client.will_set(self._options.presence.topic, self._options.presence.offline, qos=1, retain=True)
        client.on_socket_open = _no_delay
        # paho's publish() writes to the socket itself unless this is set, and its own thread does so as well: two
        # writers swap packets, or mix them up once the socket is full. Like this the thread is the only one.
        client.on_socket_register_write = _leave_it_to_the_thread
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def serve(self) -> bool:
        """Connect and stay until the connection is gone. Returns whether it had been of use."""
        try:
            if self.address.tls:
                self._client.tls_set(ca_certs=self._options.ca_file)
            self._client.connect(self.address.host, self.address.port, self._options.keepalive)
            if self._closing.is_set():  # close() came while there was nothing to be closed yet
                self._client.disconnect()
            # Only loop() makes the socket pair by which publish() wakes this thread; without it a message may wait
            # for the whole time-out of loop_forever().
            self._client.loop(timeout=0.0)
            self._client.loop_forever(timeout=1.0, retry_first_connection=False)
        except (OSError, ssl.SSLError, ValueError) as error:
            self._reason = f"{type(error).__name__}: {error}"
        except Exception as error:  # a defect must not end the thread, or the service would stay away for ever
            _log.exception("the MQTT client met a defect; connecting anew")
            self._reason = f"{type(error).__name__}: {error}"
        self._end_patience()
        self._let_go()
        self._bus.inbox.post(lambda: self._bus.lost(self, self._reason))
        return self._established

    def _let_go(self) -> None:
        """Nobody is called any more: paho's wake-up sockets close with the client, which else waits in a cycle."""
        for name in ("on_connect", "on_disconnect", "on_subscribe", "on_message", "on_publish"):
            setattr(self._client, name, None)

    def subscribe(self, filters: Iterable[str]) -> int | None:
        """Ask for *filters*; paho's message id of the packet, None when there was nothing to ask for."""
        wanted = list(filters)
        if not wanted:
            return None
        self.asked.update(wanted)
        with self._asking:
            _, mid = self._client.subscribe([(f, 1) for f in wanted])
            if mid is not None:
                self._asked_by_mid[mid] = wanted
        return mid

    def publish(self, topic: str, payload: bytes, retain: bool, delivered: Delivered | None) -> None:
        """Send with QoS 1; *delivered* hears of the PUBACK or of the loss."""
        self._expect_progress()
        if delivered is not None:
            self._awaited += 1  # before the PUBACK can come
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        taken = info.rc in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN)
        self._sent += taken
        if delivered is None:
            return
        if not taken:
            self._awaited -= 1
            self._bus.inbox.post(lambda: guarded(delivered, False))
            return
        self._outstanding[info.mid] = delivered

    def _expect_progress(self) -> None:
        """paho keeps what is not confirmed, without a bound: a broker that goes on answering pings must not fill it."""
        now = time.monotonic()
        if self._sent == self._confirmed_count:
            self._progress_at = now
        elif now - self._progress_at > self._options.confirmed_within:
            self._reason = "the broker did not confirm any message"
            self._client.disconnect()

    def close(self) -> None:
        """Say goodbye to the broker, without the will, now or as soon as it has answered."""
        self._closing.set()
        self._client.disconnect()

    def fail_outstanding(self) -> None:
        """Nothing more will be heard of what is on its way."""
        outstanding, self._outstanding = self._outstanding, {}
        for delivered in outstanding.values():
            guarded(delivered, False)

    def _on_connect(self, client: paho.Client, _: Any, __: Any, reason: ReasonCode, ___: Any) -> None:
        if self._closing.is_set():
            client.disconnect()
            return
        if reason.is_failure:
            self._reason = f"the broker refused the connection: {reason}; check BUS_USERNAME and BUS_PASSWORD"
            client.disconnect()
            return
        self._waiting_for = self.subscribe(self._bus.filters)
        if self._waiting_for is None:
            self._establish()
        else:
            self._patience = threading.Timer(self._options.subscribed_within, self._give_up)
            self._patience.daemon = True
            self._patience.start()

    def _give_up(self) -> None:
        """paho's keep-alive does not see it: such a broker goes on answering pings."""
        self._reason = "the broker did not confirm the subscriptions"
        self._client.disconnect()

    def _end_patience(self) -> None:
        patience, self._patience = self._patience, None
        if patience is not None:
            patience.cancel()

    def _establish(self) -> None:
        self._end_patience()
        self._established = True
        self._bus.inbox.post(lambda: self._bus.established(self))

    def _on_subscribe(self, _: Any, __: Any, mid: int, reasons: list[ReasonCode], ___: Any) -> None:
        with self._asking:
            asked = self._asked_by_mid.pop(mid, [])
        for topic_filter, reason in zip(asked, reasons, strict=False):
            if reason.is_failure:
                _log.error("the broker refuses a subscription; check its access list", topic=topic_filter)
        if mid == self._waiting_for:
            self._waiting_for = None
            self._establish()

    def _on_disconnect(self, _: Any, __: Any, ___: Any, reason: ReasonCode, ____: Any) -> None:
        if reason.is_failure and not self._reason.startswith("the broker refused"):
            self._reason = str(reason)

    def _on_message(self, _: Any, __: Any, received: paho.MQTTMessage) -> None:
        try:
            topic = received.topic
        except UnicodeDecodeError:
            # Not every broker refuses it, and no subscription means it. Raised from here it would cost the connection,
            # and a retained one every connection.
            _log.warning("a topic that is not UTF-8; its message is dropped")
            return
        message = Message(topic, bytes(received.payload), received.retain)
        # The topic as well: below a wildcard it is a stranger's, and up to 64 KB long.
        size = len(topic) + len(message.payload)
        self._bus.inbox.post(lambda: self._bus.arrived(message), size=size)

    def _on_publish(self, _: Any, __: Any, mid: int, ___: Any, ____: Any) -> None:
        self._confirmed_count, self._progress_at = self._confirmed_count + 1, time.monotonic()
        if self._awaited:
            self._bus.inbox.post(lambda: self._confirmed(mid))

    def _confirmed(self, mid: int) -> None:
        delivered = self._outstanding.pop(mid, None)
        if delivered is not None:
            self._awaited -= 1
            guarded(delivered, True)


def _leave_it_to_the_thread(*_: object) -> None:
    """publish() has woken paho's thread already."""


def _no_delay(_: Any, __: Any, sock: Any) -> None:
    """Without it and the broker's own `set_tcp_nodelay`, bursts stall for 40 ms."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
