"""What goes wrong between a service and the broker."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.faults import Fault
from tests.chaos.proxies.tcp import Line
from tests.chaos.world import World

_DELAYS_S = (0.05, 0.2, 0.8)


def _strike(line: Line) -> Callable[[World, Fault], Callable[[], None]]:
    def strike(world: World, fault: Fault) -> Callable[[], None]:
        proxy = world.lines[fault.target]
        proxy.set(line, _DELAYS_S[fault.draw % len(_DELAYS_S)])
        return lambda: proxy.set(Line.WELL)

    return strike


STRIKES = {f"net_{line.value}": _strike(line) for line in Line if line is not Line.WELL}
