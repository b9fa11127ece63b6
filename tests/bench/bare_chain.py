"""The same with nothing but paho at QoS 1: what a service would cost that trusts the broker and loses on every crash.

`python -m tests.bench.bare_chain source|relay|sink URL FOLDER MESSAGES RATE`
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.bench import stream

FIRST, SECOND = "bench/bare/first", "bench/bare/second"
UNCONFIRMED = 1_000


def no_delay(_: paho.Client, __: object, sock: Any) -> None:
    """As the bus adapter sets it."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Chain:
    """One process of the bare chain."""

    def __init__(self, role: str, messages: int) -> None:
        self.role = role
        self.meter = stream.Meter(messages)
        self.room = threading.Semaphore(UNCONFIRMED)
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, f"bench-bare-{role}", protocol=MQTTProtocolVersion.MQTTv311
        )
        self.client.max_inflight_messages_set(100)
        self.client.on_socket_open = no_delay
        self.client.on_connect = self.on_connect
        self.client.on_subscribe = lambda *_: stream.ready()
        self.client.on_message = self.on_message
        self.client.on_publish = lambda *_: self.room.release()

    def on_connect(self, client: paho.Client, *_: Any) -> None:
        topic = {"relay": FIRST, "sink": SECOND}.get(self.role)
        if topic is None:
            stream.ready()
        else:
            client.subscribe(topic, qos=1)

    def on_message(self, client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        item = stream.ITEM.validate_json(message.payload)
        if self.role == "relay":
            client.publish(SECOND, item.model_dump_json(), qos=1)
        else:
            self.meter.item(item)

    def offer(self, messages: int, rate: float) -> None:
        """As link_chain.offer."""
        began = time.monotonic()
        for n in range(messages):
            if rate:
                time.sleep(max(0.0, began + n / rate - time.monotonic()))  # the offered rate is what is measured
            self.room.acquire()
            self.client.publish(FIRST, stream.make(n).model_dump_json(), qos=1)


def main(role: str, url: str, messages: int, rate: float) -> None:
    """One process, until it is ended."""
    chain = Chain(role, messages)
    address = urlsplit(url)
    chain.client.connect(address.hostname or "", address.port or 1883)
    chain.client.loop_start()
    while not chain.client.is_connected():
        time.sleep(0.01)  # a process of its own; nothing is measured yet
    if role == "source":
        chain.offer(messages, rate)
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[4]), float(sys.argv[5]))
