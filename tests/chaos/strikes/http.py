"""What goes wrong between octo_bridge and OctoPrint."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.faults import Fault
from tests.chaos.proxies.http import Road
from tests.chaos.world import World


def _strike(road: Road) -> Callable[[World, Fault], Callable[[], None]]:
    def strike(world: World, fault: Fault) -> Callable[[], None]:
        world.road.set(road)
        return lambda: world.road.set(Road.WELL)

    return strike


STRIKES = {f"http_{road.value}": _strike(road) for road in Road if road is not Road.WELL}
