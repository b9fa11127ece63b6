"""A broker that does to messages what real ones do at their worst, by a seeded random generator."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.bus.port import Message


@dataclass
class Faults:
    """Probabilities of what happens to one message; delays in seconds."""

    loss: float = 0.0
    twice: float = 0.0
    late: float = 0.0
    latest: float = 0.0


class LossyBroker(MemoryBroker):
    """Loses, doubles, delays (and so reorders) messages while `faults` say so."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.faults = Faults()
        self.sent: list[Message] = []
        """Everything that was ever published, lost or not."""

    def route(self, message: Message, *, retain: bool) -> None:
        self.sent.append(message)
        if self.random.random() < self.faults.loss:
            return
        for _ in range(2 if self.random.random() < self.faults.twice else 1):
            if self.random.random() < self.faults.late:
                delay = self.random.uniform(0.0, self.faults.latest)
                asyncio.get_running_loop().call_later(delay, self._later, message, retain)
            else:
                super().route(message, retain=retain)

    def _later(self, message: Message, retain: bool) -> None:
        super().route(message, retain=retain)

    def forge(self, topic: str, payload: bytes) -> None:
        """Publish as a stranger would."""
        super().route(Message(topic, payload), retain=False)

    def cut_somebody(self) -> None:
        """Cut a random bus off for a moment."""
        if self.up and self._buses:
            self.cut(self.random.choice(self._buses))


def connected(*buses: MemoryBus) -> bool:
    """Whether all *buses* are connected."""
    return all(bus.connected for bus in buses)
