"""What a command that is being carried out waits for."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass


@dataclass(frozen=True)
class Wait:
    """A time, a free place in the planner's buffer (`space`), or else that nothing moves."""

    until: float | None = None
    space: bool = False


DRAINED = Wait()
SPACE = Wait(space=True)
Handler = Generator[Wait, None, None]
"""A command: yields while it has to wait, and is over when it ends."""
