"""The wall clock jumps, and stays there."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.faults import Fault
from tests.chaos.world import World

_JUMPS_S = (90, 3700, 90_000)


def _strike(sign: int) -> Callable[[World, Fault], Callable[[], None]]:
    def strike(world: World, fault: Fault) -> Callable[[], None]:
        world.clocks[fault.target].jump(sign * _JUMPS_S[fault.draw % len(_JUMPS_S)])
        return lambda: None

    return strike


STRIKES = {"clock_ahead": _strike(1), "clock_back": _strike(-1)}
