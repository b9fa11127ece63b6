"""A data folder that is lost, or put back from an older copy in the way that the operations page says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.chaos.faults import Fault
from tests.chaos.world import World


def copy_of(world: World, service: str) -> Path:
    """The newest copy of a service's database."""
    return world.folder / "copies" / service


def copy(world: World, service: str) -> bool:
    """Make one, in the place of the one before; whether it was possible."""
    path = copy_of(world, service)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    done = world.call(service, "backup", str(path))
    if done.returncode:
        path.unlink(missing_ok=True)
    return not done.returncode


def _lost(world: World, fault: Fault) -> Callable[[], None]:
    if fault.target == "planner":
        # A copy of it is now one of another planner, whom nobody wants back in this one's place.
        copy_of(world, fault.target).unlink(missing_ok=True)
    return _replace(world, fault, lambda: _wipe(world.stack.data(fault.target)))


def _restored(world: World, fault: Fault) -> Callable[[], None]:
    path = copy_of(world, fault.target)

    def put_back() -> None:
        done = world.call(fault.target, "restore", str(path))
        assert done.returncode == 0, done.stdout + done.stderr

    # A planner that is lost is a fault of its own.
    instead = _nothing if fault.target == "planner" else lambda: _wipe(world.stack.data(fault.target))
    return _replace(world, fault, put_back if path.exists() else instead)


def _nothing() -> None:
    """The kill alone."""


def _replace(world: World, fault: Fault, change: Callable[[], None]) -> Callable[[], None]:
    process = world.service(fault.target)
    world.down.add(fault.target)
    process.kill()
    change()

    def heal() -> None:
        process.start()
        world.down.discard(fault.target)

    return heal


def _wipe(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


STRIKES = {"data_lost": _lost, "data_restored": _restored}
