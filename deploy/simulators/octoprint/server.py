"""OctoPrint's server as a child process."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from deploy.simulators.octoprint.config import Simulation, prepare
from deploy.simulators.octoprint.environment import DEFAULT_ENVIRONMENT, find_octoprint
from deploy.simulators.octoprint.serial_log import SerialLog
from deploy.simulators.ports import LOOPBACK, free_port, is_free
from deploy.simulators.process import ChildProcess
from deploy.simulators.waiting import wait_until

START_DEADLINE_S = 60
REQUEST_TIMEOUT_S = 10
UNREACHABLE = (OSError, http.client.HTTPException)


def serve_command(program: Path, basedir: Path, host: str, port: int) -> list[str]:
    """The command that runs the server in the foreground."""
    # OctoPrint refuses to run as root without the option, and ignores it for everybody else.
    options = ["--iknowwhatimdoing", "--no-color", "--host", host, "--port", str(port)]
    return [str(program), "serve", *options, "--basedir", str(basedir)]


class OctoPrint:
    """An OctoPrint on the loopback interface. Port, API key and everything in `basedir` outlive restarts."""

    def __init__(
        self,
        basedir: Path,
        port: int | None = None,
        *,
        simulation: Simulation | None = None,
        environment: Path = DEFAULT_ENVIRONMENT,
    ) -> None:
        """Without a port, a free one is chosen at the first start."""
        self.basedir = basedir
        self.simulation = simulation or Simulation()
        self.environment = environment
        self.serial_log = SerialLog(basedir / "logs" / "plugin_virtual_printer_serial.log")
        self._port = port
        self._api_key: str | None = None
        self._process: ChildProcess | None = None

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError before the first start if none was given."""
        if self._port is None:
            raise RuntimeError("OctoPrint gets its port when it is started")
        return self._port

    @property
    def url(self) -> str:
        """The value for BOARDCAST_OCTOPRINT_URL."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def api_key(self) -> str:
        """An administrator's key. Raises RuntimeError before the first start."""
        if self._api_key is None:
            raise RuntimeError("OctoPrint gets its API key when it is started")
        return self._api_key

    @property
    def process(self) -> ChildProcess:
        """The child process, to kill or freeze it or to read its log. Raises RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError("OctoPrint was never started")
        return self._process

    def start(self, deadline_s: float = START_DEADLINE_S) -> None:
        """Start the server, again if it ended, and return when its printer is operational.

        Raises OctoPrintMissing, RuntimeError when the port is taken or the server ends at once, DeadlineExceeded.
        """
        program = find_octoprint(self.environment)
        if self._port is None:
            self._port = free_port()
        if not is_free(self._port):
            raise RuntimeError(f"port {self._port} is taken; end what listens there or choose another for OctoPrint")
        self._api_key = prepare(self.basedir, self.simulation)
        if self._process is None:
            command = serve_command(program, self.basedir.resolve(), LOOPBACK, self._port)
            self._process = ChildProcess("octoprint", command, self.basedir / "logs" / "console.log")
        process = self._process
        process.start()
        wait_until(
            lambda: not process.running or self.state() == "Operational",
            deadline_s,
            lambda: f"OctoPrint to be operational, it is {self.state()!r}\n{process.tail()}",
        )
        if not process.running:
            raise RuntimeError(f"OctoPrint ended at once\n{process.tail()}")

    def stop(self) -> None:
        """End the server in an orderly way."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """End the server, and with it the Virtual Printer, as a power cut would (SIGKILL)."""
        self.process.kill()

    def state(self) -> str:
        """The printer's state as OctoPrint words it, e.g. "Operational"; empty while the server does not answer.

        Read from the job: after an error the connection is only "Closed", the job still says "Offline after error".
        """
        try:
            return str(self.request("GET", "/api/job")["state"])
        except UNREACHABLE:
            return ""

    def request(self, method: str, path: str, body: object = None) -> Any:
        """One call of the REST API with the administrator's key; the decoded answer, None for an empty one.

        Raises urllib.error.HTTPError for a refusal, OSError or HTTPException when the server does not answer.
        """
        data = None if body is None else json.dumps(body).encode()
        return self._send(method, path, data, "application/json")

    def command(self, *lines: str) -> None:
        """Send lines to the printer as a person at OctoPrint's terminal would."""
        self.request("POST", "/api/printer/command", {"commands": list(lines)})

    def misbehave(self, how: str) -> None:
        """Have the Virtual Printer fail, e.g. "drop_connection", "reset", "go_awol", "trigger_fatal_error_marlin".

        `how` is one of its debug commands; "help" writes all of them to its serial log.
        """
        self.command(f"!!DEBUG:{how}")

    def connect(self) -> None:
        """Ask for the serial connection."""
        self.request("POST", "/api/connection", {"command": "connect"})

    def disconnect(self) -> None:
        """Close the serial connection, as somebody who unplugs the printer."""
        self.request("POST", "/api/connection", {"command": "disconnect"})

    def upload(self, name: str, gcode: str, *, start: bool) -> bool:
        """Upload a file as a person would, and start it if asked. Whether OctoPrint really started it."""
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="print"\r\n\r\n{str(start).lower()}\r\n',
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: application/octet-stream\r\n\r\n{gcode}\r\n--{boundary}--\r\n",
        ]
        form = f"multipart/form-data; boundary={boundary}"
        return bool(self._send("POST", "/api/files/local", "".join(parts).encode(), form).get("effectivePrint"))

    def _send(self, method: str, path: str, data: bytes | None, content_type: str) -> Any:
        headers = {"X-Api-Key": self.api_key, "Content-Type": content_type}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S) as response:
            text = response.read()
        return json.loads(text) if text else None
