"""How each kind of fault is done, and how it ends again."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.faults import Fault
from tests.chaos.strikes import clock, data, disk, http, network, processes, serial
from tests.chaos.world import World

Heal = Callable[[], None]
Strike = Callable[[World, Fault], Heal]

STRIKES: dict[str, Strike] = {
    **processes.STRIKES, **serial.STRIKES, **http.STRIKES, **network.STRIKES, **disk.STRIKES, **clock.STRIKES,
    **data.STRIKES,
}  # fmt: skip


def strike(world: World, fault: Fault) -> Heal:
    """Do it; what ends it is returned."""
    return STRIKES[fault.kind](world, fault)
