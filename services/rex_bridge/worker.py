"""One thread for calls that may hang, outside of everything else.

A daemon thread and not an executor: the interpreter waits at its end for the threads of executors, and a look-up of a
name or a server that drips bytes must not keep the service from stopping.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class Worker:
    """Runs one call at a time; who calls while one hangs waits for no longer than it wants to."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    async def call(self, function: Callable[[], T], within: float) -> T:
        """The result of *function*. Raises TimeoutError after *within* seconds, and whatever *function* raises."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        call = partial(_carry_out, function, future, loop)
        with self._changed:
            self._calls.append(call)
            self._changed.notify()
        try:
            return await asyncio.wait_for(future, within)
        finally:
            # Behind a call that hangs for ever they would be more and more.
            with self._changed, contextlib.suppress(ValueError):
                self._calls.remove(call)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._calls)
                call = self._calls.popleft()
            call()
            del call  # it holds its payload for as long as nothing else is to be done


def _carry_out(function: Callable[[], T], future: asyncio.Future[T], loop: asyncio.AbstractEventLoop) -> None:
    if future.done():
        return  # nobody waits for it any more
    settle: Callable[[], None]
    try:
        settle = partial(_succeed, future, function())
    except Exception as error:
        settle = partial(_fail, future, error)
    # A loop that has ended takes nothing more; neither does anybody wait then.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(settle)


def _succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
