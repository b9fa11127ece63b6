"""All four services, a Virtual Printer and a simulated REX at the house's broker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from deploy.simulators.flashforge.child import FlashforgeSimulator
from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.octoprint import OctoPrint, Simulation
from deploy.simulators.process import ChildProcess
from deploy.simulators.waiting import wait_until
from deploy.stack import Stack
from tests.harness.mqtt_probe import MqttProbe
from tests.home_assistant.client import Client

SERVICES = ("chat_ingest", "planner", "octo_bridge", "rex_bridge")
ALWAYS = {"unavailable", None}


class Lab:
    """The stack under a topic root of its own, and how Home Assistant sees it."""

    def __init__(self, folder: Path, broker: Mosquitto, client: Client, root: str) -> None:
        self.root = root
        self.client = client
        self.printers = {name: FlashforgeSimulator(folder / name, start="vase.gx") for name in ("rex", "spare")}
        self.probe = MqttProbe(broker.url, f"{root}/v1")
        self.settings = {"BOARDCAST_NOZZLE": "170", "BOARDCAST_STANDBY_NOZZLE": "150", "BOARDCAST_BED": "40",
                         "BOARDCAST_REX_IDLE_INTERVAL": "5", "BOARDCAST_REX_SET_TEMPERATURES": "true"}  # fmt: skip
        # A fifth of the time that a real printer takes: long enough to be paused in the middle.
        self.octoprint = OctoPrint(folder / "octoprint", simulation=Simulation(feed_percent=50))
        self.stack = self._stack(folder, broker)

    def start(self) -> None:
        """Start everything that is not the house's."""
        for printer in self.printers.values():
            printer.start()
        self.settings["BOARDCAST_REX_PRINTERS"] = self.addresses("rex", "spare")
        self.stack = self._stack(self.stack.folder, self.stack.broker)
        self.probe.start()
        self.stack.octoprint.start()
        for name in SERVICES:
            self.stack.service(name).start()
        for name in SERVICES:
            self.stack.wait_for_health(name)

    def _stack(self, folder: Path, broker: Mosquitto) -> Stack:
        return Stack(
            folder, broker=broker, octoprint=self.octoprint, root=self.root, services=SERVICES, settings=self.settings
        )

    def stop(self) -> None:
        """End it; the broker is the house's."""
        for process in self.stack.services.values():
            process.terminate()
        self.stack.octoprint.stop()
        for printer in self.printers.values():
            printer.stop()
        self.probe.stop()

    def addresses(self, *names: str) -> str:
        """The setting for these printers."""
        return ",".join(f"{name}={self.printers[name].address}" for name in names)

    def replace(self, service: str, **settings: str) -> None:
        """Stop *service* and start it with other settings, by their whole names."""
        old = self.stack.service(service)
        old.terminate()
        environment = self.stack.environment(service) | settings
        self.stack.services[service] = ChildProcess(
            service, old.command, old.log, environment=environment, folder=old.folder
        )
        self.stack.services[service].start()

    def id(self, entity: str) -> str:
        """``sensor.ender_state`` with the root in it."""
        platform, _, name = entity.partition(".")
        return f"{platform}.{self.root}_{name}"

    def states(self) -> dict[str, str]:
        """The state of every entity of this stack, by its id without the root."""
        return {
            f"{platform}.{name.removeprefix(f'{self.root}_')}": state["state"]
            for key, state in self.client.states().items()
            for platform, _, name in [key.partition(".")]
            if name.startswith(f"{self.root}_")
        }

    def state(self, entity: str) -> str | None:
        """The state of one."""
        return self.states().get(entity)

    def attribute(self, entity: str, name: str) -> object:
        """An attribute of one."""
        return self.client.states()[self.id(entity)]["attributes"].get(name)

    def wait(self, entity: str, wanted: str | Callable[[str | None], bool], deadline_s: float) -> None:
        """Return when Home Assistant shows it."""
        accept = wanted if callable(wanted) else lambda state: state == wanted
        wait_until(
            lambda: accept(self.state(entity)), deadline_s, lambda: f"{entity} {wanted}; it is {self.state(entity)}"
        )

    def call(self, service: str, entity: str, **data: object) -> None:
        """Use an entity as a card on a dashboard does."""
        self.client.call(service, entity_id=self.id(entity), **data)

    def press(self, button: str) -> None:
        """Press a button."""
        self.call("button.press", f"button.{button}")

    def settled(self) -> bool:
        """Whether nothing is unavailable."""
        states = self.states()
        return len(states) > 90 and not [entity for entity, state in states.items() if state == "unavailable"]

    def away(self) -> list[str]:
        """What is unavailable."""
        return sorted(entity for entity, state in self.states().items() if state == "unavailable")
