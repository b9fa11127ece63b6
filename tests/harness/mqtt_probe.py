"""A plain MQTT client, as a viewer's own would be: it records what it sees and publishes what it is told."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.harness.waiting import wait_until

CONNECT_DEADLINE_S = 30
PUBLISH_DEADLINE_S = 10


@dataclass(frozen=True)
class Seen:
    """One message as it arrived."""

    topic: str
    """Below the probe's root."""
    payload: bytes
    retained: bool
    """Whether the broker sent it from its store; False for a message that was published while the probe listened."""
    time_s: float
    """Of the monotonic clock."""

    @property
    def text(self) -> str:
        """The payload as text."""
        return self.payload.decode()

    @property
    def json(self) -> Any:
        """The payload decoded; raises ValueError."""
        return json.loads(self.payload)


class MqttProbe:
    """Records everything below a topic root. It comes back by itself when the broker was away."""

    def __init__(self, url: str, root: str, *, username: str | None = None, password: str | None = None) -> None:
        """`url` as in BOARDCAST_BUS_URL, `root` without a slash at the end, e.g. "boardcast/v1"."""
        self.url = url
        self.root = root
        self._lock = threading.Lock()
        self._seen: list[Seen] = []
        self._subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, clean_session=True)
        if username is not None:
            self._client.username_pw_set(username, password)
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Connect and return when the subscription stands. Raises DeadlineExceeded, or OSError for an absent broker."""
        address = urlsplit(self.url)
        self._client.connect(address.hostname or "", address.port or 1883)
        self._client.loop_start()
        self.wait_connected()

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        """Whether the subscription stands."""
        return self._subscribed.is_set()

    def wait_connected(self, deadline_s: float = CONNECT_DEADLINE_S) -> None:
        """Return when the subscription stands, e.g. after the broker was restarted."""
        wait_until(self._subscribed.is_set, deadline_s, f"the probe to be subscribed at {self.url}")

    def publish(self, topic: str, payload: str | bytes | dict[str, Any], *, retain: bool = False, qos: int = 1) -> None:
        """Publish below the root and return when the broker has it. A dict goes as JSON."""
        body = json.dumps(payload) if isinstance(payload, dict) else payload
        self._client.publish(f"{self.root}/{topic}", body, qos, retain).wait_for_publish(PUBLISH_DEADLINE_S)

    def send(self, topic: str, payload: str | dict[str, Any]) -> None:
        """Publish below the root and do not wait; while the broker is away it is kept, and sent when it is back."""
        body = json.dumps(payload) if isinstance(payload, dict) else payload
        self._client.publish(f"{self.root}/{topic}", body, 1)

    def publish_all(self, topic: str, payloads: Iterable[bytes], *, window: int = 50) -> None:
        """Publish many below the root, so many on their way at once, and return when the broker has them all."""
        under_way: deque[MQTTMessageInfo] = deque()
        for body in payloads:
            under_way.append(self._client.publish(f"{self.root}/{topic}", body, 1))
            if len(under_way) >= window:
                under_way.popleft().wait_for_publish(PUBLISH_DEADLINE_S)
        for info in under_way:
            info.wait_for_publish(PUBLISH_DEADLINE_S)

    def seen(self, topic: str | None = None, *, since: int = 0) -> list[Seen]:
        """The messages of one topic, or of all, in the order of their arrival; `since` is an earlier `mark()`."""
        with self._lock:
            return [message for message in self._seen[since:] if topic in (None, message.topic)]

    def mark(self) -> int:
        """How much was seen until now; give it as `since` to look only at what comes later."""
        with self._lock:
            return len(self._seen)

    def last(self, topic: str) -> Seen | None:
        """The newest message of a topic."""
        return next(reversed(self.seen(topic)), None)

    def wait(
        self, topic: str, accept: Callable[[Seen], object] = bool, *, deadline_s: float = 30, since: int = 0
    ) -> Seen:
        """The first message of a topic, seen already or not, that `accept` takes. Raises DeadlineExceeded.

        `accept` may fail on a message that is not for it, e.g. `lambda m: m.json["state"] == "drawn"`.
        """

        def find() -> Seen | None:
            return next((message for message in self.seen(topic, since=since) if _takes(accept, message)), None)

        found = wait_until(find, deadline_s, lambda: f"a message on {self.root}/{topic}\n{self._recent(topic)}")
        assert found is not None
        return found

    def _recent(self, topic: str) -> str:
        lines = [f"  {message.payload[:300]!r}" for message in self.seen(topic)[-10:]]
        return "\n".join(["the last of this topic:", *(lines or ["  (none)"])])

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if not reason.is_failure:
            client.subscribe(f"{self.root}/#", qos=1)

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, _reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._subscribed.set()

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: DisconnectFlags, _reason: ReasonCode, _props: Properties | None
    ) -> None:
        self._subscribed.clear()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        topic = message.topic.removeprefix(f"{self.root}/")
        seen = Seen(topic, bytes(message.payload), message.retain, time.monotonic())
        with self._lock:
            self._seen.append(seen)


def _takes(accept: Callable[[Seen], object], message: Seen) -> bool:
    try:
        return bool(accept(message))
    except (ValueError, KeyError, TypeError):
        return False
