"""One paho client from connect to disconnect: the one file that knows paho.

paho runs on a thread of its own and only hands things over.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from services.chassis import log
from services.chassis.bus.address import Address
from services.chassis.bus.callbacks import guarded
from services.chassis.bus.inbox import Inbox
from services.chassis.bus.mqtt.options import MqttOptions
from services.chassis.bus.port import Delivered, Message

_log = log.get(__name__)

CONNECT_TIMEOUT = 5.0


class Owner(Protocol):
    """Whose connection it is. Everything but *inbox* and *filters* is called on the event loop, through the inbox."""

    inbox: Inbox

    @property
    def filters(self) -> list[str]:
        """Every subscription made so far."""

    def established(self, connection: Connection) -> None:
        """All subscriptions are in force."""

    def lost(self, connection: Connection, reason: str) -> None:
        """It is gone."""

    def arrived(self, message: Message) -> None:
        """A message for the subscriptions."""


class Connection:
    """*address* is tried once; what is not confirmed when it is lost is told as not delivered."""

    def __init__(self, owner: Owner, options: MqttOptions, address: Address) -> None:
        self.address = address
        self.asked: set[str] = set()
        self._owner = owner
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
        self._owner.inbox.post(lambda: self._owner.lost(self, self._reason))
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
            self._owner.inbox.post(lambda: guarded(delivered, False))
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
        self._waiting_for = self.subscribe(self._owner.filters)
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
        self._owner.inbox.post(lambda: self._owner.established(self))

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
        self._owner.inbox.post(lambda: self._owner.arrived(message), size=size)

    def _on_publish(self, _: Any, __: Any, mid: int, ___: Any, ____: Any) -> None:
        self._confirmed_count, self._progress_at = self._confirmed_count + 1, time.monotonic()
        if self._awaited:
            self._owner.inbox.post(lambda: self._confirmed(mid))

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
