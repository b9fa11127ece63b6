"""How many notices may go out: a burst, then one every so often; the same message twice is one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

REMEMBERED = 256
"""Messages; an event is published at least once, and sometimes twice."""


@dataclass(frozen=True)
class Budget:
    """A token bucket. *left_out* notices are yet to be spoken of in one summary."""

    tokens: float
    at: float
    left_out: int = 0
    heard: tuple[bytes, ...] = ()


def hear(budget: Budget, digest: bytes) -> tuple[Budget, bool]:
    """Whether the message with *digest* is new."""
    if digest in budget.heard:
        return budget, False
    return replace(budget, heard=(*budget.heard, digest)[-REMEMBERED:]), True


def spend(budget: Budget, now: float, burst: int, every: float) -> tuple[Budget, bool]:
    """Whether a notice may go out at *now*; if not, it is left out.."""
    filled = _filled(budget, now, burst, every)
    if filled.tokens < 1 or filled.left_out:
        return replace(filled, left_out=filled.left_out + 1), False
    return replace(filled, tokens=filled.tokens - 1), True


def settle(budget: Budget, now: float, burst: int, every: float) -> tuple[Budget, int]:
    """How many left-out notices are to be told of now, 0 for none or not yet."""
    filled = _filled(budget, now, burst, every)
    if not filled.left_out or filled.tokens < 1:
        return filled, 0
    return replace(filled, tokens=filled.tokens - 1, left_out=0), filled.left_out


def _filled(budget: Budget, now: float, burst: int, every: float) -> Budget:
    return replace(budget, tokens=min(float(burst), budget.tokens + (now - budget.at) / every), at=now)
