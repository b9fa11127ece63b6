"""A retained state on the bus: published when it changes, at most so often, and again on every connect."""

from __future__ import annotations

import asyncio

from services.chassis.bus.port import Bus


class Retained:
    """The newest payload of one retained topic. *interval*: at least so many seconds between two messages."""

    def __init__(self, bus: Bus, topic: str, interval: float = 0.5) -> None:
        self._bus = bus
        self._topic = topic
        self._interval = interval
        self._payload: bytes | None = None
        self._published: bytes | None = None
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def start(self) -> None:
        """Announce on every connect."""
        self._bus.on_connect(self._announce)

    def stop(self) -> None:
        """Publish nothing any more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def set(self, payload: bytes, *, now: bool = False) -> None:
        """The state is *payload*; *now* publishes it without waiting for the interval."""
        self._payload = payload
        if payload == self._published or self._stopped:
            return
        loop = asyncio.get_running_loop()
        wait = self._next_at - loop.time()
        if now or wait <= 0:
            self._publish()
        elif self._timer is None:
            self._timer = loop.call_later(wait, self._publish)

    def again(self) -> None:
        """Publish it although it has not changed, for a reader that has just started."""
        self._announce()

    def _announce(self) -> None:
        self._published = None
        self._publish()

    def _publish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # Whether there is a connection is not asked: of a split bus it may be the other one's. What this one does not
        # take is announced on its connect.
        if self._payload is None or self._payload == self._published or self._stopped:
            return
        self._next_at = asyncio.get_running_loop().time() + self._interval
        self._published = self._payload
        self._bus.publish(self._topic, self._payload, retain=True)
