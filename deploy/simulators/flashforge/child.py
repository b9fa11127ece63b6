"""The simulator as a child process, for the demo and for tests."""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from typing import Any

from deploy.simulators.ports import LOOPBACK, accepts_connections, free_port
from deploy.simulators.process import ChildProcess
from deploy.simulators.waiting import wait_until

START_DEADLINE_S = 30
_ROOT = Path(__file__).resolve().parents[3]


class FlashforgeSimulator:
    """A simulated printer in a process of its own, which can also be killed and frozen."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        dialect: str = "rex",
        speed: float = 1.0,
        start: str | None = None,
    ) -> None:
        """*folder* gets the log; *start* names a file that is printed from the beginning."""
        self._port = port
        self._control = 0
        self._dialect = dialect
        self._speed = speed
        self._start = start
        self._folder = folder
        self._process: ChildProcess | None = None

    @property
    def port(self) -> int:
        """The printer's port. Raises RuntimeError before the start."""
        if self._port is None:
            raise RuntimeError("the printer gets its port when it is started")
        return self._port

    @property
    def address(self) -> str:
        """As it stands in BOARDCAST_REX_PRINTERS."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def process(self) -> ChildProcess:
        """The child process. Raises RuntimeError before the start."""
        if self._process is None:
            raise RuntimeError("the printer was never started")
        return self._process

    def start(self, deadline_s: float = START_DEADLINE_S) -> None:
        """Start it and return when it can be steered. Raises DeadlineExceeded."""
        self._port = self._port or free_port()
        self._control = free_port()
        command: list[str | Path] = [
            sys.executable, "-m", "deploy.simulators.flashforge", "--port", str(self._port), "--control",
            str(self._control), "--dialect", self._dialect, "--speed", str(self._speed),
        ]  # fmt: skip
        command += ["--start", self._start] if self._start else []
        self._process = ChildProcess("flashforge", command, self._folder / "flashforge.log", folder=_ROOT)
        process = self._process
        process.start()
        # Not by the printer's own port: that would be a client.
        wait_until(lambda: accepts_connections(self._control), deadline_s, lambda: f"the printer\n{process.tail()}")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()

    def view(self) -> dict[str, Any]:
        """Everything that there is to see."""
        return self._request("GET", "/", None)

    def do(self, action: str, **arguments: object) -> dict[str, Any]:
        """Steer it; see deploy.simulators.flashforge.control. Raises ValueError with the simulator's objection."""
        return self._request("POST", f"/{action}", arguments)

    def _request(self, method: str, path: str, body: object) -> dict[str, Any]:
        connection = http.client.HTTPConnection(LOOPBACK, self._control, timeout=10)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            found: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise ValueError(found["error"])
        return found
