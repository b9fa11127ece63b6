"""The whole stack as child processes of this one: the demo shows it, the end-to-end tests try to break it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from deploy.simulators.flashforge.child import FlashforgeSimulator
from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.octoprint import OctoPrint
from deploy.simulators.process import ChildProcess
from deploy.simulators.waiting import wait_until
from services.chassis import health

REPOSITORY = Path(__file__).resolve().parent.parent
SERVICES = ("chat_ingest", "planner", "octo_bridge")
START_DEADLINE_S = 60


class Stack:
    """Broker, OctoPrint and services below one folder; each can be ended and started again by itself."""

    def __init__(
        self,
        folder: Path,
        *,
        broker: Mosquitto | None = None,
        octoprint: OctoPrint | None = None,
        rex: FlashforgeSimulator | None = None,
        root: str = "boardcast",
        services: Sequence[str] = SERVICES,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """*settings* are environment variables for every service; *root* is the topic root; *rex* brings rex_bridge."""
        self.folder = folder
        self.root = root
        self.broker = broker or Mosquitto(folder / "mosquitto")
        self.octoprint = octoprint or OctoPrint(folder / "octoprint")
        self.rex = rex
        self._names = (*services, "rex_bridge") if rex is not None else tuple(services)
        self._settings = dict(settings or {})
        self.services: dict[str, ChildProcess] = {}

    def start(self) -> None:
        """Start everything, the broker first. Raises what the parts raise, with the end of their log."""
        self.broker.start()
        self.octoprint.start()
        if self.rex is not None:
            self.rex.start()
        for name in self._names:
            self.service(name).start()
        for name in self._names:
            self.wait_for_health(name)

    def service(self, name: str) -> ChildProcess:
        """The process of one service, made at the first call."""
        if name not in self.services:
            self.services[name] = ChildProcess(
                name,
                [sys.executable, "-m", f"services.{name}"],
                self.folder / "log" / f"{name}.log",
                environment=self.environment(name),
                folder=REPOSITORY,
            )
        return self.services[name]

    def environment(self, name: str) -> dict[str, str]:
        """What service *name* is told."""
        return {
            "BOARDCAST_BUS_URL": self.broker.url,
            "BOARDCAST_TOPIC_ROOT": self.root,
            "BOARDCAST_DATA_DIR": str(self.data(name)),
            "BOARDCAST_OCTOPRINT_URL": self.octoprint.url,
            "BOARDCAST_OCTOPRINT_API_KEY": self.octoprint.api_key,
            "BOARDCAST_REX_PRINTERS": f"rex={self.rex.address}" if self.rex is not None else "",
            "BOARDCAST_LOG_FORMAT": "json",
            **self._settings,
        }

    def data(self, name: str) -> Path:
        """The data folder of service *name*."""
        return self.folder / "data" / name

    def wait_for_health(self, name: str) -> None:
        """Return when the service has said anything of itself, well or not; raise when it ended or says nothing."""
        process = self.service(name)
        path = health.path_in(self.data(name), name)

        def spoke() -> bool:
            if not process.running:
                raise RuntimeError(f"{name} ended at once\n{process.tail()}")
            found = health.read(path)
            return found.ok or not found.text.startswith(("no health file", "the service has said nothing", "stopped"))

        wait_until(spoke, START_DEADLINE_S, lambda: f"{name} to start\n{process.tail()}")

    def restart(self, name: str) -> None:
        """Kill service *name* as a power cut would, and start it again."""
        process = self.service(name)
        process.kill()
        process.start()

    def stop(self) -> None:
        """End everything in an orderly way, the services first; whatever one of them raises, the others end too."""
        with ExitStack() as ends:  # the last one first
            ends.callback(self.broker.stop)
            ends.callback(self.octoprint.stop)
            if self.rex is not None:
                ends.callback(self.rex.stop)
            for process in reversed(self.services.values()):
                ends.callback(process.terminate)
