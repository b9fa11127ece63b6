"""The whole road on this machine, with a fault proxy on every line and a small disk under every service."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.octoprint import OctoPrint
from deploy.simulators.ports import LOOPBACK, free_port
from deploy.simulators.process import ChildProcess
from deploy.stack import REPOSITORY, Stack
from tests.chaos.clock import WallClock
from tests.chaos.disk import Disk
from tests.chaos.faults import SERVICES
from tests.chaos.printers import Faithful, Printer, Virtual
from tests.chaos.proxies.http import HttpProxy
from tests.chaos.proxies.loop import Loop
from tests.chaos.proxies.tcp import TcpProxy

HEATERS_OFF_AFTER = 60
RESTART_AFTER_S = 0.5
"""Who ends by itself is started again, as `restart: unless-stopped` does."""
SETTINGS = {
    "BOARDCAST_CHAT_SOURCE": "mqtt",
    "BOARDCAST_COOLDOWN_USER": "0",
    # At this speed the firmware's own limit for a dead host would be over in 45 s of a campaign.
    "BOARDCAST_DEAD_MAN": "0",
    "BOARDCAST_DISK_LEAST_MB": "0",
    "BOARDCAST_STANDBY_AFTER": "25",
    "BOARDCAST_HEATERS_OFF_AFTER": str(HEATERS_OFF_AFTER),
    "BOARDCAST_HTTP_TIMEOUT": "2",
    "BOARDCAST_UPLOAD_TIMEOUT": "3",
    "BOARDCAST_CONNECT_BACK_OFF": "4",
    "BOARDCAST_STUCK_AFTER": "8",
    "BOARDCAST_BOARD_IMAGE": "0",
}


class Roads(Stack):
    """A stack whose services reach broker and OctoPrint through proxies only."""

    lines: Mapping[str, TcpProxy]
    road: HttpProxy
    clocks: Mapping[str, WallClock]
    mutant: Mapping[str, str]

    def environment(self, name: str) -> dict[str, str]:
        """What service *name* is told, with the proxies in the place of the real ones."""
        told = super().environment(name) | {"BOARDCAST_BUS_URL": f"mqtt://{LOOPBACK}:{self.lines[name].port}"}
        told |= {"BOARDCAST_OCTOPRINT_URL": f"http://{LOOPBACK}:{self.road.port}"}
        return told | self.clocks[name].environment() | dict(self.mutant)


class World:
    """Everything that a campaign can break."""

    def __init__(
        self, folder: Path, *, persistence: bool = False, mutant: Mapping[str, str] | None = None, virtual: bool = False
    ) -> None:
        """*mutant* is more environment for the services, for those that are broken on purpose.

        *virtual*: the printer is OctoPrint's own.
        """
        self.folder = folder
        self.printer: Printer = Virtual() if virtual else Faithful(folder / "printer")
        self.octoprint = OctoPrint(folder / "octoprint", free_port(), simulation=self.printer.simulation)
        self.broker = Mosquitto(folder / "mosquitto", free_port(), persistence=persistence)
        self.loop = Loop()
        settings = SETTINGS | {"BOARDCAST_PRINTER_PORTS": self.printer.port}
        self.stack = Roads(
            folder / "stack", broker=self.broker, octoprint=self.octoprint, services=SERVICES, settings=settings
        )
        self.stack.lines = self.lines = {name: TcpProxy(self.loop, self.broker.port) for name in SERVICES}
        self.stack.road = self.road = HttpProxy(self.loop, self.octoprint.port)
        self.stack.clocks = self.clocks = {name: WallClock(folder / "clock" / name) for name in SERVICES}
        self.stack.mutant = dict(mutant or {})
        self.disks = {name: Disk(self.stack.data(name)) for name in SERVICES}
        self.down: set[str] = set()
        """Services that are meant to be down, and are not started again by themselves."""
        self.restarts = 0
        """How often a service ended by itself and was started again."""
        self._ended: dict[str, float] = {}

    def start(self) -> None:
        """Start everything, and have the doctor look at a printer that is not OctoPrint's own."""
        self.loop.start()
        for line in self.lines.values():
            line.start()
        self.road.start()
        for disk in self.disks.values():
            disk.mount()
        self.printer.start()
        self.stack.start()
        if isinstance(self.printer, Faithful):
            self.doctor()

    def stop(self) -> None:
        """End everything; databases stay in the folder."""
        processes = [p for p in (*self.stack.services.values(),) if p.running]
        for process in processes:
            process.thaw()
        try:
            self.stack.stop()
        finally:
            self.printer.stop()
            for line in self.lines.values():
                line.stop()
            self.road.stop()
            self.loop.stop()
            for name, disk in self.disks.items():
                disk.unmount(keep=self.folder / "databases" / name)

    def service(self, name: str) -> ChildProcess:
        """Its process."""
        return self.stack.service(name)

    def supervise(self) -> None:
        """Start again what ended by itself."""
        for name in SERVICES:
            process = self.service(name)
            if process.running or name in self.down:
                self._ended.pop(name, None)
            elif time.monotonic() - self._ended.setdefault(name, time.monotonic()) >= RESTART_AFTER_S:
                self.restarts += 1
                process.start()

    def doctor(self) -> None:
        """Have the printer examined, as its owner does. Raises AssertionError if it does not pass."""
        done = self.call("octo_bridge", "doctor")
        assert done.returncode == 0, done.stdout + done.stderr

    def call(self, service: str, *words: str) -> subprocess.CompletedProcess[str]:
        """A subcommand of a service, as a person calls it."""
        environment = {"PATH": "/usr/bin:/bin"} | self.stack.environment(service)
        del environment["LD_PRELOAD"]
        return subprocess.run(
            [sys.executable, "-m", f"services.{service}", *words], cwd=REPOSITORY, capture_output=True, text=True,
            env=environment, timeout=60, check=False,
        )  # fmt: skip
