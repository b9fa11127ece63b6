"""From an adapter's own thread to the event loop: in order, one wake-up a burst, and never more than so much."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable

from services.chassis import log
from services.chassis.bus.callbacks import guarded

_log = log.get(__name__)

MESSAGES = 20_000
BYTES = 64 << 20
"""Beyond either bound messages are dropped, counted and said aloud; the links get theirs again."""
SLICE = 0.02
"""Seconds of the loop's time that what has arrived may take before everything else has its turn."""


class Inbox:
    """What one thread hands over to the event loop of another."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Callable[[], None], int]] = deque()
        self._bytes = 0
        self._dropped = 0
        self._wake_scheduled = False

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call on *loop* what is posted, also what has been posted before."""
        with self._lock:
            self._loop, self._wake_scheduled = loop, True
        loop.call_soon(self._drain)

    def close(self) -> None:
        """Call nothing any more."""
        self._closed = True

    def post(self, callback: Callable[[], None], size: int = 0) -> None:
        """Have *callback* called on the event loop. *size* in bytes is 0 for what must not be dropped."""
        with self._lock:
            if size and (len(self._waiting) >= MESSAGES or self._bytes + size > BYTES):
                self._dropped += 1
                return
            self._waiting.append((callback, size))
            self._bytes += size
            if self._wake_scheduled or self._loop is None or self._loop.is_closed():
                return
            self._wake_scheduled = True
        try:
            self._loop.call_soon_threadsafe(self._drain)
        except RuntimeError:
            return  # the loop closed between the check and the call: nobody is there to be told

    def _drain(self) -> None:
        """For a moment only: a flood must not keep the loop from its timers, which keep a machine safe."""
        ends = time.monotonic() + SLICE
        self._say_dropped()
        while not self._closed:
            with self._lock:
                if not self._waiting:
                    self._wake_scheduled = False
                    break
                callback, size = self._waiting.popleft()
                self._bytes -= size
            guarded(callback)
            if time.monotonic() >= ends:
                asyncio.get_running_loop().call_soon(self._drain)
                return
        # What was dropped meanwhile wakes nobody, and perhaps nothing comes any more.
        self._say_dropped()

    def _say_dropped(self) -> None:
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            _log.error("messages came faster than they could be taken; dropped", count=dropped)
