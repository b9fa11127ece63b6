"""The printer as a child process, for the demo and for tests."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.simulators.marlin.control import ask
from deploy.simulators.marlin.settings import Settings
from deploy.simulators.marlin.witness import Witness
from deploy.simulators.ports import free_port
from deploy.simulators.process import ChildProcess
from deploy.simulators.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[3]
START_DEADLINE_S = 30


class MarlinPrinter:
    """An Ender-3 Pro on a pseudo-terminal. `port` keeps its name over drops and restarts; all runs share one log.

    A restart is a power cut: heaters cold, the nozzle anywhere.
    """

    def __init__(self, folder: Path, *, speed_up: float = 1.0, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are fields of `Settings` with values as text, checked at the start."""
        self.folder = folder
        self.speed_up = speed_up
        self.settings = dict(settings or {})
        self.port = folder / "ender3"
        self.witness = Witness(folder / "printer.jsonl")
        self._control: int | None = None
        self._process: ChildProcess | None = None

    @property
    def process(self) -> ChildProcess:
        """The child process, to freeze it or to read its output. Raises RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError("the printer was never started")
        return self._process

    @property
    def running(self) -> bool:
        """Whether its power is on."""
        return self._process is not None and self._process.running

    def start(self, deadline_s: float = START_DEADLINE_S) -> None:
        """Switch it on and return when a host can open its port.

        Raises ValueError for a wrong setting, RuntimeError when the program ends at once, DeadlineExceeded.
        """
        Settings().with_text(self.settings)
        self._control = free_port()
        words: list[str | Path] = [sys.executable, "-m", "deploy.simulators.marlin", "--log", self.witness.path]
        words += ["--link", self.port, "--speed-up", str(self.speed_up), "--control", str(self._control)]
        for name, value in self.settings.items():
            words += ["--set", f"{name}={value}"]
        process = ChildProcess("printer", words, self.folder / "printer.log", folder=REPOSITORY)
        self._process = process
        # What a kill left behind would look like a port.
        self.port.unlink(missing_ok=True)
        process.start()
        wait_until(
            lambda: not process.running or self.port.exists(),
            deadline_s,
            lambda: f"the printer's port {self.port}\n{process.tail()}",
        )
        if not process.running:
            raise RuntimeError(f"the printer ended at once\n{process.tail()}")

    def stop(self) -> None:
        """Switch it off in an orderly way; the log is complete then."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """Pull the plug (SIGKILL)."""
        self.process.kill()

    def status(self) -> dict[str, Any]:
        """The truth at this moment: position and known axes, heaters, whether it moves, whether it is halted."""
        return self.tell("status")

    def tell(self, command: str) -> dict[str, Any]:
        """Have the simulation do something; the words are in `control.HELP`.

        Raises ValueError for a command that it does not know, OSError when it does not run.
        """
        if self._control is None:
            raise RuntimeError("the printer was never started")
        return ask(self._control, command)

    def reset(self) -> None:
        """Press the reset button."""
        self.tell("reset")

    def say_error(self, text: str) -> None:
        """Say `Error:` and the text."""
        self.tell(f"error {text}")

    def mute(self) -> None:
        """Say nothing any more, go on otherwise."""
        self.tell("mute")

    def unmute(self) -> None:
        """Speak again."""
        self.tell("unmute")

    def lose_answer(self, command: str, after: int = 0) -> None:
        """Have an `ok` for *command*, such as M400, lost on its way to the host: the next one *after* so many."""
        self.tell(f"lose {command} {after}")

    def drop(self) -> None:
        """Take the cable off and put it back."""
        self.tell("drop")

    def hold(self, moment: str) -> None:
        """Hold its time in the next `drawing`, or `homing`; `status` says when it is held."""
        self.tell(f"hold {moment}")

    def go_on(self) -> None:
        """Let its time go on; wait for no moment any more."""
        self.tell("go")
