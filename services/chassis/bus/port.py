"""What a service may expect of any bus.

A bus is a lossy transport: what must not be lost goes over a durable link (services.chassis.link) or through the
announcements (services.chassis.announcements), which both live in the service's own store.

Every callback runs on the event loop's thread, in the order in which the broker delivered, and must not block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """Something that arrived. *retained* means that the broker kept it from before this subscription."""

    topic: str
    payload: bytes
    retained: bool = False


@dataclass(frozen=True)
class Presence:
    """Plain text that the bus keeps on *topic* by itself: online on every connect, offline by will or clean stop."""

    topic: str
    online: bytes = b"online"
    offline: bytes = b"offline"


@dataclass(frozen=True)
class Capabilities:
    """What an adapter can carry; what it cannot must be refused by name at start-up, never dropped on the way."""

    retained: bool
    wills: bool
    wildcards: bool
    max_payload: int
    """Bytes. Publishing more is refused: logged, and *delivered* is called with False."""
    resend_after: float
    """Base time-out of a durable link over this bus, in seconds."""


MessageHandler = Callable[[Message], None]
Delivered = Callable[[bool], None]
"""Called once with True when the broker has taken the message, with False when it is not known to have."""


class Bus(Protocol):
    """The port. Publishing while disconnected is not queued: *delivered* is called with False."""

    @property
    def capabilities(self) -> Capabilities:
        """What this adapter can carry."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the bus is connected and every subscription made before the connect is in force."""
        ...

    async def start(self) -> None:
        """Begin to connect, for ever and with back-off; returns at once."""
        ...

    async def stop(self) -> None:
        """Announce offline, disconnect and call no callback any more. Takes 2 s at most."""
        ...

    def subscribe(self, topic_filter: str, handler: MessageHandler) -> None:
        """Have *handler* called for every message that matches; before or after start, kept over reconnects.

        Filters of one bus must not overlap: a message goes to the first subscription that matches it.
        """
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, delivered: Delivered | None = None) -> None:
        """Send at least once while connected."""
        ...

    def on_connect(self, callback: Callable[[], None]) -> None:
        """Have *callback* called on every connect, after presence was announced and subscriptions are in force."""
        ...

    def on_disconnect(self, callback: Callable[[str], None]) -> None:
        """Have *callback* called with the reason whenever the connection is lost."""
        ...


@lru_cache(maxsize=1024)
def matches(topic_filter: str, topic: str) -> bool:
    """Whether *topic* is covered by *topic_filter*, by the rules of MQTT 3.1.1 section 4.7."""
    if topic.startswith("$") and topic_filter[:1] in {"+", "#"}:
        return False
    wanted, got = topic_filter.split("/"), topic.split("/")
    for index, part in enumerate(wanted):
        if part == "#":
            return True
        if index >= len(got) or part not in ("+", got[index]):
            return False
    return len(wanted) == len(got)
