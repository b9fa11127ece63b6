"""A child process whose output goes to a file, and which can be ended in every way that real ones end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.simulators.waiting import wait_until

TAIL_LINES = 40


class ChildProcess:
    """One program, started and ended any number of times. All its runs append to the same log.

    It gets a session of its own: a Ctrl-C in the terminal reaches only the program that owns the children, and that
    one decides in which order they end.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """`environment` is added to `inherited()`; `folder` is where the program runs."""
        self.name = name
        self.command = [str(word) for word in command]
        self.log = log
        self.environment = dict(environment or {})
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the last run has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the last run. Raises RuntimeError before the first."""
        return self._started().pid

    @property
    def exit_code(self) -> int | None:
        """Exit code of the last run, negative for a signal; None while it runs or before the first."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the program. Raises RuntimeError while it runs, OSError if it cannot be run."""
        if self.running:
            raise RuntimeError(f"{self.name} runs already (process {self.pid})")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**inherited(), **self.environment},
                cwd=self.folder,
                start_new_session=True,
            )

    def terminate(self, deadline_s: float = 30) -> float:
        """Ask the program to end (SIGTERM) and return the seconds it took. Raises DeadlineExceeded, then it is dead."""
        began = time.monotonic()
        if self.running:
            self._started().send_signal(signal.SIGTERM)
            try:
                wait_until(lambda: not self.running, deadline_s, lambda: f"{self.name} to end\n{self.tail()}")
            finally:
                self.kill()
        return time.monotonic() - began

    def kill(self) -> None:
        """End the program and its own children at once (SIGKILL). Nothing happens if it has ended."""
        if self.running:
            os.killpg(self.pid, signal.SIGKILL)
            self._started().wait()

    def freeze(self) -> None:
        """Stop the program without ending it (SIGSTOP): its connections stay open and nothing answers."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen program go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def tail(self, lines: int = TAIL_LINES) -> str:
        """The end of the log, headed by its path, for the message of a failure."""
        text = self.log.read_text(errors="replace").splitlines() if self.log.exists() else ["(no log)"]
        return "\n".join(
            [f"--- {self.name}, end of {self.log}", *text[-lines:], f"--- {self.name}, exit {self.exit_code}"]
        )

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process


def inherited() -> dict[str, str]:
    """This process's environment without the project's settings: a person's own must not reach the demo or a test."""
    return {key: value for key, value in os.environ.items() if not key.startswith("BOARDCAST_")}
