"""The buffer of moves: looks ahead for speeds, carries them out in time. It knows nothing of axes or filament."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from deploy.simulators.marlin.motion import Block, Profile, make_block, trapezoid
from deploy.simulators.marlin.settings import Settings, Vector

_ENOUGH_TO_START = 3


@dataclass(frozen=True)
class Finished:
    """A move that ended, by itself or cut."""

    block: Block
    began: float
    ended: float
    share: float
    """1, or how much of it was done when it was cut."""


class Planner:
    """At most `settings.blocks` moves, the first of which may be under way."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: deque[Block] = deque()
        self._running: tuple[Block, Profile, float] | None = None
        self._last: Block | None = None
        self._ready_at = 0.0
        self._speed = 0.0

    @property
    def empty(self) -> bool:
        """Whether nothing moves or is about to."""
        return self._running is None and not self._waiting

    @property
    def full(self) -> bool:
        """Whether the next move has to wait."""
        return len(self._waiting) + (self._running is not None) >= self._settings.blocks

    def plan(self, delta: Vector, feed: float, *, e_asked: float, source: str, file: int, now: float) -> Block | None:
        """Add a move; None when it has no length."""
        previous = None if self.empty else self._last
        block = make_block(delta, feed, self._settings, previous, e_asked=e_asked, source=source, file=file)
        if block is not None:
            self.add(block, now)
        return block

    def add(self, block: Block, now: float) -> None:
        """Add a ready block."""
        if self.empty:
            self._ready_at = now + self._settings.first_block_delay_s
            self._speed = 0.0
        self._waiting.append(block)
        self._last = block
        if self._running is None and len(self._waiting) >= _ENOUGH_TO_START:
            self._ready_at = now

    def next_time(self) -> float | None:
        """When a move ends or starts next."""
        if self._running is not None:
            _, profile, began = self._running
            return began + profile.duration
        return self._ready_at if self._waiting else None

    def step(self, now: float) -> Finished | None:
        """Carry out what is due at *now*: the end of a move, the start of the next."""
        finished = None
        if self._running is not None:
            block, profile, began = self._running
            if now < began + profile.duration:
                return None
            finished = Finished(block, began, began + profile.duration, 1.0)
            self._running, self._speed = None, profile.exit
        if self._waiting and now >= self._ready_at:
            self._start(now if finished is None else finished.ended)
        return finished

    def progress(self, now: float) -> tuple[Block, float] | None:
        """The move under way and the share of it that is done."""
        if self._running is None:
            return None
        block, profile, began = self._running
        return block, profile.travelled(now - began)

    def half_way(self) -> tuple[Block, float] | None:
        """The move under way and when half of its time is over."""
        if self._running is None:
            return None
        block, profile, began = self._running
        return block, began + profile.duration / 2

    def abort(self, now: float) -> Finished | None:
        """Stop dead and forget everything; the move that was cut."""
        cut = None
        if self._running is not None:
            block, profile, began = self._running
            cut = Finished(block, began, now, profile.travelled(now - began))
        self._waiting.clear()
        self._running = self._last = None
        return cut

    def _start(self, now: float) -> None:
        entries = _entry_speeds(self._speed, list(self._waiting))
        block = self._waiting.popleft()
        exit_speed = entries[1] if len(entries) > 1 else 0.0
        self._running = (
            block,
            trapezoid(block.distance, entries[0], block.nominal, exit_speed, block.acceleration),
            now,
        )


def _entry_speeds(first: float, blocks: list[Block]) -> list[float]:
    """Highest entry speed of each block from which all the following can still be slowed down, the last to a stop."""
    entries = [0.0] * len(blocks)
    exit_speed = 0.0
    for index in range(len(blocks) - 1, 0, -1):
        block = blocks[index]
        reachable = math.sqrt(exit_speed**2 + 2 * block.acceleration * block.distance)
        entries[index] = exit_speed = min(block.max_entry, reachable)
    # Its speed was settled when the move before it started.
    entries[0] = first
    for index in range(len(blocks) - 1):
        block = blocks[index]
        reachable = math.sqrt(entries[index] ** 2 + 2 * block.acceleration * block.distance)
        entries[index + 1] = min(entries[index + 1], reachable)
    return entries
