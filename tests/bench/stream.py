"""The messages that a bench sends, how they are offered, and what their reader measures."""

from __future__ import annotations

import json
import sys
import time
from typing import Literal

from pydantic import BaseModel, TypeAdapter


class Item(BaseModel):
    """A message of about 400 bytes on the wire, as chat's are."""

    kind: Literal["item"] = "item"
    n: int
    at: float  # of the monotonic clock, which all processes of a machine share
    text: str = "x" * 250


ITEM: TypeAdapter[Item] = TypeAdapter(Item)


def make(n: int) -> Item:
    """Message *n*, sent now."""
    return Item(n=n, at=time.monotonic())


class Meter:
    """Measures at the far end, and prints what it found when the last message is there."""

    def __init__(self, messages: int) -> None:
        self._messages = messages
        self._waits: list[float] = []
        self._first_sent = 0.0
        self._expected = 0

    def item(self, item: Item) -> None:
        """Take one message; AssertionError for a wrong order."""
        assert item.n == self._expected, f"{item.n} came instead of {self._expected}"
        self._expected += 1
        now = time.monotonic()
        self._first_sent = self._first_sent or item.at
        self._waits.append(now - item.at)
        if self._expected == self._messages:
            waits = sorted(self._waits[self._messages // 10 :])  # without the warm-up
            found = {
                "per_second": self._messages / (now - self._first_sent),
                "p50_ms": waits[len(waits) // 2] * 1000,
                "p99_ms": waits[int(len(waits) * 0.99)] * 1000,
            }
            print(json.dumps(found), flush=True)


def ready() -> None:
    """Tell the bench that this process is connected."""
    print("ready", flush=True)
    sys.stdout.flush()
