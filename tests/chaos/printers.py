"""The two printers that a campaign stands before: one faithful to Marlin, and OctoPrint's own Virtual Printer."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Protocol

from deploy.simulators.marlin import MarlinPrinter
from deploy.simulators.octoprint import OctoPrint, Simulation
from deploy.simulators.octoprint.server import UNREACHABLE
from tests.chaos.truth import Truth
from tests.chaos.virtual_log import VirtualLog

SPEED_UP = 60.0
UNABLE = frozenset({"serial_mute", "serial_lost_ok"})
"""What the Virtual Printer cannot do: it is silent for ever, or loses the answer to any line whatever."""


class Printer(Protocol):
    """How it is reached, what it does wrong, and who saw what it did."""

    simulation: Simulation
    port: str

    def start(self) -> None:
        """Switch it on."""

    def stop(self) -> None:
        """Switch it off."""

    def truth(self, octoprint: OctoPrint) -> Truth:
        """What it draws, read as it happens."""

    def drop(self, octoprint: OctoPrint) -> None:
        """The cable falls out."""

    def reset(self, octoprint: OctoPrint) -> None:
        """It forgets where it is and what it heats, and says `start`."""

    def halt(self, octoprint: OctoPrint) -> None:
        """It finds an error and halts, as Marlin does for a heater that does not follow."""

    def mute(self) -> None:
        """It obeys and says nothing, as over a cable whose one wire is broken."""

    def unmute(self) -> None:
        """It can be heard again."""

    def lose_answer(self, word: str) -> None:
        """The next `ok` to a line with *word* gets lost."""


class Faithful:
    """Behind a serial port of its own."""

    def __init__(self, folder: Path) -> None:
        self._marlin = MarlinPrinter(folder, speed_up=SPEED_UP)
        self.port = str(self._marlin.port)
        self.simulation = Simulation(serial_port=self.port)
        self.start, self.stop = self._marlin.start, self._marlin.stop
        self.mute, self.unmute, self.lose_answer = self._marlin.mute, self._marlin.unmute, self._marlin.lose_answer

    def truth(self, octoprint: OctoPrint) -> Truth:
        """Its own log."""
        return Truth(self._marlin.witness.path)

    def drop(self, octoprint: OctoPrint) -> None:
        """The cable falls out."""
        self._marlin.drop()

    def reset(self, octoprint: OctoPrint) -> None:
        """By its button."""
        self._marlin.reset()

    def halt(self, octoprint: OctoPrint) -> None:
        """What Marlin says before it halts; the reset that follows is OctoPrint's reconnect."""
        self._marlin.tell("kill Heating failed, system stopped! Heater_ID: 0")


class Virtual:
    """Within OctoPrint, and gone with it."""

    def __init__(self) -> None:
        self.simulation = Simulation()
        self.port = self.simulation.serial_port

    def start(self) -> None:
        """OctoPrint does."""

    def stop(self) -> None:
        """OctoPrint does."""

    def truth(self, octoprint: OctoPrint) -> Truth:
        """What it received."""
        return Truth(octoprint.serial_log.path, VirtualLog().records)

    def drop(self, octoprint: OctoPrint) -> None:
        """The cable falls out."""
        _misbehave(octoprint, "drop_connection")

    def reset(self, octoprint: OctoPrint) -> None:
        """By its button."""
        _misbehave(octoprint, "reset")

    def halt(self, octoprint: OctoPrint) -> None:
        """As Marlin."""
        _misbehave(octoprint, "trigger_fatal_error_marlin")

    def mute(self) -> None:
        """It cannot be undone."""
        raise NotImplementedError("one of UNABLE: never drawn for this printer")

    def unmute(self) -> None:
        """It cannot be undone."""
        raise NotImplementedError("one of UNABLE: never drawn for this printer")

    def lose_answer(self, word: str) -> None:
        """It cannot be told which."""
        raise NotImplementedError("one of UNABLE: never drawn for this printer")


def _misbehave(octoprint: OctoPrint, how: str) -> None:
    # OctoPrint takes no command for a printer that it is just connecting to; then that is trouble enough.
    with contextlib.suppress(*UNREACHABLE):
        octoprint.misbehave(how)
