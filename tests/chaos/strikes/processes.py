"""kill -9 and SIGSTOP."""

from __future__ import annotations

import time
from collections.abc import Callable

from deploy.simulators.process import ChildProcess
from tests.chaos.faults import BROKER, OCTOPRINT, Fault
from tests.chaos.proxies.http import Road
from tests.chaos.world import World

UPLOAD_WITHIN_S = 5.0
"""There may be nothing to upload; then it is a kill like any other."""


def _kill(world: World, fault: Fault) -> Callable[[], None]:
    if fault.target == BROKER:
        world.broker.kill()
        return world.broker.start
    process = world.service(fault.target)
    world.down.add(fault.target)
    process.kill()

    def heal() -> None:
        process.start()
        world.down.discard(fault.target)

    return heal


def _kill_upon_upload(world: World, fault: Fault) -> Callable[[], None]:
    """OctoPrint has taken a job and has it printed; the bridge dies before it hears of it."""
    before = world.road.uploads
    world.road.set(Road.UPLOAD_TIMEOUT)
    end = time.monotonic() + UPLOAD_WITHIN_S
    while world.road.uploads == before and time.monotonic() < end:
        time.sleep(0.001)
    begin = _kill(world, fault)
    world.road.set(Road.WELL)
    return begin


def _kill_octoprint(world: World, fault: Fault) -> Callable[[], None]:
    world.octoprint.kill()
    return world.octoprint.start


def _freeze(world: World, fault: Fault) -> Callable[[], None]:
    process = _process(world, fault.target)
    process.freeze()
    return process.thaw


def _process(world: World, target: str) -> ChildProcess:
    if target == BROKER:
        return world.broker.process
    return world.octoprint.process if target == OCTOPRINT else world.service(target)


STRIKES = {
    "kill": _kill, "kill_upon_pause": _kill, "kill_upon_upload": _kill_upon_upload, "kill_octoprint": _kill_octoprint,
    "freeze": _freeze,
}  # fmt: skip
