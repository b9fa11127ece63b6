"""One demonstration house for all tests: a bare `docker compose up` first, then `init --demo`, then up again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import docker
import pytest

from tests.compose.house import House
from tests.compose.person import ROOT, Person, password_of
from tests.harness.mqtt_probe import MqttProbe
from tests.harness.ports import free_port

WATCHED = ("broker", "chat_ingest", "planner", "octo_bridge", "rex_bridge")


@dataclass
class Beginning:
    """How the house came up."""

    build_s: float = 0.0
    bare_s: float = 0.0
    demo_s: float = 0.0
    bare_health: dict[str, tuple[str, str]] = field(default_factory=dict)
    bare_restarts: dict[str, int] = field(default_factory=dict)
    bare_ports: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    bare_files: set[str] = field(default_factory=set)
    cloned_files: set[str] = field(default_factory=set)


@pytest.fixture(scope="session")
def gateway() -> str:
    """An address of this machine that containers reach too: what an owner would give as MQTT_BIND."""
    engine = docker.from_env()
    try:
        return str(engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"])
    finally:
        engine.close()


@pytest.fixture(scope="session")
def port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def beginning() -> Beginning:
    return Beginning()


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, beginning: Beginning, gateway: str, port: int) -> Iterator[House]:
    name = f"boardcast-test-{uuid.uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("house")
    shell = {
        "BOARDCAST_IMAGE_TAG": name,
        "MQTT_PORT": str(port),
        "MQTT_TLS_PORT": str(free_port()),
        "BOARDCAST_CHAT_RATE": "0",  # the simulated chat would ask for moves that no test asked for
        "BOARDCAST_BOARD_LINES": "2000",
    }
    made = House(folder, name, shell)
    try:
        made.clone()
        beginning.cloned_files = {path.name for path in folder.iterdir()}
        began = time.monotonic()
        made.compose("--profile", "demo", "build")
        beginning.build_s = time.monotonic() - began
        _bare(made, beginning)
        began = time.monotonic()
        made.init("--demo", "--bind", gateway)
        made.up()
        beginning.demo_s = time.monotonic() - began
        yield made
    finally:
        made.remove()


def _bare(house: House, beginning: Beginning) -> None:
    began = time.monotonic()
    house.up()
    beginning.bare_s = time.monotonic() - began
    for service in WATCHED:
        container = house.container(service)
        beginning.bare_health[service] = house.health(service)
        beginning.bare_restarts[service] = container.attrs["RestartCount"]
        beginning.bare_ports |= {f"{service} {key}": value for key, value in container.ports.items() if value}
    beginning.bare_files = {path.name for path in house.folder.iterdir()}


@pytest.fixture(scope="session")
def operator_password(house: House) -> str:
    return password_of(house, "operator")


@pytest.fixture
def person(house: House, gateway: str, port: int, operator_password: str) -> Iterator[Person]:
    probe = MqttProbe(f"mqtt://{gateway}:{port}", ROOT, username="operator", password=operator_password)
    probe.start()
    yield Person(house, probe)
    probe.stop()
