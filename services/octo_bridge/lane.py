"""One thread for one kind of request to OctoPrint, with a client that only this thread uses.

Not a ThreadPoolExecutor: the interpreter waits for its threads at the end, and a request that hangs would keep a
service from stopping for as long as its deadline.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from services.octo_bridge.octoprint import OctoPrint

T = TypeVar("T")
_Work = tuple[Callable[[OctoPrint], Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]


class Lane:
    """Does one call after the other."""

    def __init__(self, name: str, client: OctoPrint) -> None:
        self._name = name
        self._client = client
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()

    def start(self) -> None:
        """Make the thread."""
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def stop(self) -> None:
        """Take nothing more; what hangs is left to its deadline."""
        self._work.put(None)

    async def do(self, call: Callable[[OctoPrint], T]) -> T:
        """Run *call* on this lane's thread; raises what it raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._work.put((call, future, loop))
        return await future

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            call, future, loop = work
            if future.cancelled():
                continue
            try:
                result, error = call(self._client), None
            except Exception as raised:
                result, error = None, raised
            try:
                loop.call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return  # its task was cancelled
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
