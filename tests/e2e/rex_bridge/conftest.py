"""A simulated printer in its own process, a real broker, and the bridge in a process of its own."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deploy.simulators.flashforge.child import FlashforgeSimulator
from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.process import ChildProcess
from tests.harness.mqtt_probe import MqttProbe, Seen

REPOSITORY = Path(__file__).resolve().parents[3]
STATE, EVENT, COMMAND, AVAILABLE = (f"printer/rex/{end}" for end in ("state", "event", "command", "availability"))


class Bridge:
    """The process `python -m services.rex_bridge`, and what a viewer sees of it."""

    def __init__(self, folder: Path, broker: Mosquitto, probe: MqttProbe, printers: str) -> None:
        self.probe = probe
        self.environment = {
            "BOARDCAST_BUS_URL": broker.url,
            "BOARDCAST_DATA_DIR": str(folder / "data"),
            "BOARDCAST_REX_PRINTERS": printers,
            "BOARDCAST_REX_IDLE_INTERVAL": "1",
            "BOARDCAST_REX_OFFLINE_AFTER": "5",
            "BOARDCAST_LOG_FORMAT": "json",
        }
        self._folder = folder
        self._process: ChildProcess | None = None

    @property
    def process(self) -> ChildProcess:
        assert self._process is not None
        return self._process

    def start(self, **settings: str) -> None:
        """Start it; *settings* without their prefix."""
        environment = self.environment | {f"BOARDCAST_{name.upper()}": value for name, value in settings.items()}
        self._process = ChildProcess(
            "rex_bridge",
            [sys.executable, "-m", "services.rex_bridge"],
            self._folder / "rex_bridge.log",
            environment=environment,
            folder=REPOSITORY,
        )
        self._process.start()

    def restart(self) -> None:
        """Kill it as a power cut would, and start it again."""
        self.process.kill()
        self.process.start()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def state(self, name: str, *, since: int = 0, deadline_s: float = 40) -> Seen:
        """The first state message that says *name*."""
        return self.probe.wait(STATE, lambda m: m.json["state"] == name, since=since, deadline_s=deadline_s)

    def answer(self, command: str, *, since: int = 0, deadline_s: float = 40) -> Seen:
        """The answer to *command*."""
        return self.probe.wait(EVENT, lambda m: m.json["command"] == command, since=since, deadline_s=deadline_s)

    def remembered(self) -> str:
        """What its database says that Home Assistant was told."""
        [database] = (self._folder / "data").glob("*.sqlite3")
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return str(connection.execute("SELECT group_concat(payload) FROM discovered").fetchone()[0])

    def events(self) -> list[tuple[str, str | None]]:
        """Every event with its print."""
        return [(seen.json["event"], seen.json["print_id"]) for seen in self.probe.seen(EVENT)]


@pytest.fixture
def rex(tmp_path: Path) -> Iterator[FlashforgeSimulator]:
    """An idle printer."""
    simulator = FlashforgeSimulator(tmp_path / "rex")
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def bridge(tmp_path: Path, mosquitto: Mosquitto, probe: MqttProbe, rex: FlashforgeSimulator) -> Iterator[Bridge]:
    """A bridge to it, not yet started."""
    found = Bridge(tmp_path / "bridge", mosquitto, probe, f"rex={rex.address}")
    yield found
    found.stop()


class Several:
    """One bridge to several printers: called with their names it starts them, and the bridge is then to be started."""

    bridge: Bridge

    def __init__(self, folder: Path, broker: Mosquitto, probe: MqttProbe) -> None:
        self._folder, self._broker, self._probe = folder, broker, probe
        self._printers: dict[str, FlashforgeSimulator] = {}

    def __call__(self, *names: str) -> dict[str, FlashforgeSimulator]:
        for name in names:
            self._printers[name] = FlashforgeSimulator(self._folder / name)
            self._printers[name].start()
        addresses = ",".join(f"{name}={rex.address}" for name, rex in self._printers.items())
        self.bridge = Bridge(self._folder / "bridge", self._broker, self._probe, addresses)
        return self._printers

    def stop(self) -> None:
        """End the bridge and the printers."""
        self.bridge.stop()
        for rex in self._printers.values():
            rex.stop()


@pytest.fixture
def several(tmp_path: Path, mosquitto: Mosquitto, probe: MqttProbe) -> Iterator[Several]:
    """Idle printers at one bridge, where each of them only waits."""
    found = Several(tmp_path, mosquitto, probe)
    yield found
    found.stop()
