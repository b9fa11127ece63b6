"""What could not be understood, published where a person can look at it; never more than so much of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from services.chassis import log
from services.chassis.bus.callbacks import guarded
from services.chassis.bus.port import Bus

_log = log.get(__name__)

PER_SECOND = 10
"""Dead letters a second and source topic; the rest of that second is one counted summary."""
_REASON_LENGTH = 300


class Render(Protocol):
    """Makes the payload of a dead letter, in the terms of the topic that it is published on."""

    def __call__(self, topic: str, reason: str, payload: bytes, count: int) -> bytes: ...


@dataclass
class _Second:
    letters: int = 0
    suppressed: int = 0
    last: tuple[str, bytes] = field(default=("", b""))


class DeadLetters:
    """The dead letters of one service."""

    def __init__(self, bus: Bus, topic: str, render: Render) -> None:
        self._bus = bus
        self._topic = topic
        self._render = render
        self._seconds: dict[str, _Second] = {}
        self.count = 0

    def add(self, topic: str, reason: str, payload: bytes) -> None:
        """Show *payload*, which arrived on *topic* and was refused for *reason*.

        Raises nothing: the reason often quotes the stranger who wrote the payload.
        """
        self.count += 1
        reason = "".join(c if c.isprintable() else "?" for c in reason[:_REASON_LENGTH])
        second = self._seconds.get(topic)
        if second is None:
            second = self._seconds[topic] = _Second()
            asyncio.get_running_loop().call_later(1.0, self._end_second, topic)
        if second.letters >= PER_SECOND:
            second.suppressed += 1
            second.last = (reason, payload)
            return
        second.letters += 1
        _log.warning("dead letter", topic=topic, reason=reason, size=len(payload))
        self._publish(topic, reason, payload, 1)

    def _end_second(self, topic: str) -> None:
        second = self._seconds.pop(topic)
        if second.suppressed:
            reason, payload = second.last
            _log.warning("dead letters suppressed", topic=topic, reason=reason, count=second.suppressed)
            self._publish(topic, reason, payload, second.suppressed)

    def _publish(self, topic: str, reason: str, payload: bytes, count: int) -> None:
        guarded(lambda: self._bus.publish(self._topic, self._render(topic, reason, payload, count)))
