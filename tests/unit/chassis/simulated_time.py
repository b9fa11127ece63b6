"""An event loop whose clock jumps to whatever comes next: an hour passes in a moment, and always in the same order."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(AssertionError):
    """Nothing is left that could ever happen."""


class _Selector(selectors.DefaultSelector):
    """Does not wait for sockets: when there is nothing to do, time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("the simulated loop waits for something that nobody will do")
        # A little more than asked for, or rounding could make the loop ask again and again.
        self.now += timeout * (1 + 1e-9)
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """time() is the simulation's."""

    def __init__(self) -> None:
        self._simulated = _Selector()
        super().__init__(self._simulated)

    def time(self) -> float:
        return self._simulated.now


def simulate(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run *main* in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main())


async def eventually(condition: Callable[[], bool], within: float, what: str) -> None:
    """Let simulated time pass until *condition* holds; AssertionError after *within* seconds of it."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while not condition():
        assert loop.time() < end, f"waited {within:g} simulated seconds for {what}"
        await asyncio.sleep(0.01)


async def settle() -> None:
    """Let everything happen that is due now."""
    for _ in range(20):
        await asyncio.sleep(0)
