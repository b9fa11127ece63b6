"""What the tests share: an engine, a network, a broker that both sides of it reach, and one Home Assistant."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.ports import free_port
from tests.home_assistant.container import Network, connect
from tests.home_assistant.instance import HomeAssistant


@dataclass(frozen=True)
class House:
    """A broker and a Home Assistant that is connected to it."""

    broker: Mosquitto
    home: HomeAssistant


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    client = connect()
    yield client
    client.close()


@pytest.fixture(scope="session")
def network(engine: Any) -> Iterator[Network]:
    made = Network(engine, f"boardcast-test-{uuid.uuid4().hex[:8]}")
    made.create()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def house(engine: Any, network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all tests of a run, because a start takes many seconds; each test uses a topic root of its own."""
    folder = tmp_path_factory.mktemp("house")
    port = free_port()
    broker = Mosquitto(folder / "mosquitto", persistence=True, extra=[f"listener {port} {network.gateway}"])
    broker.start()
    home = HomeAssistant(engine, network, folder / "config")
    try:
        home.start(network.gateway, port)
        yield House(broker, home)
    finally:
        home.remove()
        broker.stop()
