"""A disk that is full, and one that is read-only."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.faults import Fault
from tests.chaos.world import World


def _full(world: World, fault: Fault) -> Callable[[], None]:
    disk = world.disks[fault.target]
    disk.fill()
    return disk.free


def _read_only(world: World, fault: Fault) -> Callable[[], None]:
    """The service comes up on it, as after a power cut that hurt the disk; it is started again until it can write."""
    disk, process = world.disks[fault.target], world.service(fault.target)
    world.down.add(fault.target)
    process.kill()
    disk.read_only()
    process.start()
    world.down.discard(fault.target)
    return disk.writable


STRIKES = {"disk_full": _full, "disk_read_only": _read_only}
