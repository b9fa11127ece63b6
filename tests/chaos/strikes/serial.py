"""What goes wrong between OctoPrint and the printer."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.faults import Fault
from tests.chaos.world import World


def _nothing() -> None:
    """It is over as soon as it has happened."""


def _drop(world: World, fault: Fault) -> Callable[[], None]:
    world.printer.drop(world.octoprint)
    return _nothing


def _reset(world: World, fault: Fault) -> Callable[[], None]:
    world.printer.reset(world.octoprint)
    return _nothing


def _error(world: World, fault: Fault) -> Callable[[], None]:
    world.printer.halt(world.octoprint)
    return _nothing


def _mute(world: World, fault: Fault) -> Callable[[], None]:
    """It obeys and says nothing, as over a cable whose one wire is broken."""
    world.printer.mute()
    return world.printer.unmute


def _lost_ok(world: World, fault: Fault) -> Callable[[], None]:
    """OctoPrint waits for ever for the answer to a command that may take long."""
    world.printer.lose_answer("M400")
    return _nothing


STRIKES = {
    "serial_drop": _drop, "serial_reset": _reset, "serial_error": _error, "serial_lost_ok": _lost_ok,
    "serial_mute": _mute,
}  # fmt: skip
