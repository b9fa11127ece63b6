"""The real parts that tests run on. None is ever skipped: a part that is missing is a failure that says what to do."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.octoprint import OctoPrint
from tests.harness.mqtt_probe import MqttProbe
from tests.harness.processes import Fleet

TOPIC_ROOT = "boardcast"


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


@pytest.fixture
def fleet(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Fleet]:
    """Services as child processes at the test's broker."""
    services = Fleet(tmp_path, {"BOARDCAST_BUS_URL": mosquitto.url, "BOARDCAST_TOPIC_ROOT": TOPIC_ROOT})
    yield services
    services.kill_all()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test is marked by the real parts that it uses, so that no marker is ever forgotten."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for fixture, marker in (("mosquitto", "broker"), ("octoprint", "octoprint")):
            if fixture in fixtures:
                item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the logs of all processes that a failed test has started."""
    report = yield
    if report.failed:
        for part in getattr(item, "funcargs", {}).values():
            if isinstance(part, Fleet):
                report.sections.append(("services", part.tail()))
            elif isinstance(part, Mosquitto | OctoPrint):
                report.sections.append((type(part).__name__, part.process.tail()))
    return report
