"""The real parts that tests run on. None is ever skipped: a part that is missing is a failure that says what to do."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.octoprint import OctoPrint
from deploy.simulators.process import ChildProcess
from deploy.stack import Stack
from tests.harness.mqtt_probe import MqttProbe

# An example that took long says that the machine was away for 200 ms, and nothing of the program. What else the default
# profile says stays, as on a CI's machine.
settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

TOPIC_ROOT = "boardcast"
MARKERS = {"mosquitto": "broker", "octoprint": "octoprint", "engine": "docker"}


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real broker on a free port, without persistence; it starts in 30 ms, so every test has its own."""
    broker = Mosquitto(tmp_path / "mosquitto")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def octoprint(tmp_path: Path) -> Iterator[OctoPrint]:
    """A real OctoPrint with its Virtual Printer on a free port; it starts in 1 s, so every test has its own."""
    server = OctoPrint(tmp_path / "octoprint")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def probe(mosquitto: Mosquitto) -> Iterator[MqttProbe]:
    """A plain MQTT client at the test's broker that records everything below the topic root."""
    client = MqttProbe(mosquitto.url, f"{TOPIC_ROOT}/v1")
    client.start()
    yield client
    client.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test is marked by the real parts that it uses, so that no marker is ever forgotten."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for fixture, marker in MARKERS.items():
            if fixture in fixtures:
                item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the logs of all processes that a failed test has started."""
    report = yield
    if report.failed:
        for part in getattr(item, "funcargs", {}).values():
            report.sections.extend((process.name, process.tail()) for process in _processes(part))
    return report


def _processes(part: object) -> list[ChildProcess]:
    if isinstance(part, Stack):
        return [*part.services.values(), part.octoprint.process, part.broker.process]
    return [part.process] if isinstance(part, Mosquitto | OctoPrint) else []
