"""Which commands came before: QoS 1 may deliver one twice."""

from __future__ import annotations

WITHIN = 60.0
"""Seconds in which the same command with the same id is one that was delivered twice."""
REMEMBERED = 64


class Repeats:
    """Of one printer."""

    def __init__(self) -> None:
        self._taken: dict[bytes, float] = {}

    def add(self, payload: bytes, at: float) -> bool:
        """Whether *payload* is new at the monotonic second *at*.

        Late by then, a second pause would stop a print that was resumed in between.
        """
        self._taken = {known: then for known, then in self._taken.items() if at - then < WITHIN}
        if payload in self._taken:
            return False
        self._taken[payload] = at
        while len(self._taken) > REMEMBERED:
            del self._taken[next(iter(self._taken))]
        return True
