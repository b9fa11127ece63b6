"""What arrives on paho's thread, before anybody has asked for it by name."""

from __future__ import annotations

from paho.mqtt.client import MQTTMessage

from services.chassis.bus import inbox
from services.chassis.bus.address import Address
from services.chassis.bus.mqtt.bus import MqttBus
from services.chassis.bus.mqtt.connection import Connection
from services.chassis.bus.mqtt.options import MqttOptions


def connection() -> Connection:
    options = MqttOptions((Address("nowhere", 1883),), "me")
    return Connection(MqttBus(options), options, options.addresses[0])


def arrived(at: Connection, topic: bytes, payload: bytes) -> None:
    message = MQTTMessage(topic=topic)
    message.payload = payload
    at._on_message(None, None, message)


def test_long_topics_count_towards_the_space_in_which_messages_wait() -> None:
    """Below a wildcard a stranger writes them: 20,000 of 64 KB are more than the machine has."""
    at, topic = connection(), b"printer/" + b"x" * 60_000 + b"/command"
    for _ in range(inbox.BYTES // len(topic) + 10):
        arrived(at, topic, b"")
    assert sum(size for _, size in at._owner.inbox._waiting) <= inbox.BYTES
    assert len(at._owner.inbox._waiting) <= inbox.BYTES // len(topic)


def test_a_topic_that_is_no_text_does_not_cost_the_connection() -> None:
    """paho ends its loop with whatever is raised here."""
    at = connection()
    arrived(at, b"printer/\xff/command", b"pause")
    arrived(at, b"printer/rex/command", b"pause")
    assert len(at._owner.inbox._waiting) == 1
