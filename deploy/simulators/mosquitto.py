"""A real Mosquitto as a child process, for the demo and for tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from deploy.simulators.ports import LOOPBACK, accepts_connections, free_port, is_free
from deploy.simulators.process import ChildProcess
from deploy.simulators.waiting import wait_until

START_DEADLINE_S = 30


class MosquittoMissing(RuntimeError):
    """No Mosquitto on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "install mosquitto: `make tools` (Debian, Ubuntu: apt-get install mosquitto mosquitto-clients; "
            "macOS: brew install mosquitto; Fedora: dnf install mosquitto)"
        )


def find_mosquitto() -> str:
    """Path of the program. Raises MosquittoMissing.

    Debian keeps it where only root's path looks, Homebrew where only an interactive shell's does.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"])
    found = shutil.which("mosquitto", path=path)
    if found is None:
        raise MosquittoMissing
    return found


class Mosquitto:
    """A broker on the loopback interface. It keeps its port over restarts and, by default, nothing else."""

    def __init__(
        self, folder: Path, port: int | None = None, *, persistence: bool = False, extra: Sequence[str] = ()
    ) -> None:
        """`folder` gets the configuration, the log and the database; `extra` are more lines of configuration."""
        self.folder = folder
        self.persistence = persistence
        self.extra = tuple(extra)
        self._port = port
        self._process: ChildProcess | None = None

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError before the first start if none was given."""
        if self._port is None:
            raise RuntimeError("Mosquitto gets its port when it is started")
        return self._port

    @property
    def url(self) -> str:
        """The value for BOARDCAST_BUS_URL."""
        return f"mqtt://{LOOPBACK}:{self.port}"

    @property
    def process(self) -> ChildProcess:
        """The child process, to kill or freeze it or to read its log. Raises RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError("Mosquitto was never started")
        return self._process

    def start(self, deadline_s: float = START_DEADLINE_S) -> None:
        """Start the broker, again if it ended, and return when it accepts connections.

        Raises MosquittoMissing, RuntimeError when the port is taken or the broker ends at once, DeadlineExceeded.
        """
        program = find_mosquitto()
        if self._port is None:
            self._port = free_port()
        if not is_free(self._port):
            raise RuntimeError(f"port {self._port} is taken; end what listens there or choose another for Mosquitto")
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join([*self._config(), ""]))
        if self._process is None:
            self._process = ChildProcess("mosquitto", [program, "-c", config], self.folder / "mosquitto.log")
        process = self._process
        process.start()
        wait_until(
            lambda: not process.running or accepts_connections(self.port),
            deadline_s,
            lambda: f"Mosquitto to listen on port {self.port}\n{process.tail()}",
        )
        if not process.running:
            raise RuntimeError(f"Mosquitto ended at once\n{process.tail()}")

    def stop(self) -> None:
        """End the broker in an orderly way."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """End the broker as a power cut would (SIGKILL)."""
        self.process.kill()

    def _config(self) -> list[str]:
        lines = [
            f"listener {self.port} {LOOPBACK}",
            "allow_anonymous true",
            # Without it, bursts of small messages stall for 40 ms.
            "set_tcp_nodelay true",
            # The default of 1000 drops messages of a slow reader after it acknowledged them to the writer.
            "max_queued_messages 100000",
            f"persistence {'true' if self.persistence else 'false'}",
            f"persistence_location {self.folder}/",
            "log_dest stderr",
            "log_timestamp_format %Y-%m-%dT%H:%M:%S",
        ]
        if os.geteuid() == 0:
            # Otherwise it becomes the user "mosquitto", who may not write to the folder of the one who started it.
            lines.append("user root")
        return [*lines, *self.extra]
