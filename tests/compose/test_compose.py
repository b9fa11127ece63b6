"""`docker compose up` in real containers: healthy, locked down, and a move drawn by an OctoPrint in a container."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from testcontainers.compose import DockerCompose

from contracts import channels
from deploy.simulators.octoprint import SerialLog
from tests.harness.mqtt_probe import MqttProbe
from tests.harness.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
SERVICES = ("chat_ingest", "planner", "octo_bridge")

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def project() -> str:
    """A project name of its own, so that a stack that runs on this machine is left alone."""
    return f"boardcast-test-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def stack(project: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerCompose]:
    """The stack as its owner starts it, with OctoPrint beside it."""
    folder = tmp_path_factory.mktemp("compose")
    environment = folder / "test.env"
    environment.write_text(f"COMPOSE_PROJECT_NAME={project}\n")
    compose = DockerCompose(
        context=REPOSITORY,
        compose_file_name=["compose.yaml", "tests/compose/octoprint.yaml"],
        env_file=str(environment),
        build=True,
        wait=True,
    )
    try:
        # The key is made by OctoPrint's first start; an owner makes it in OctoPrint's settings.
        compose.services = ["octoprint", "broker"]
        compose.start()
        key, _, _ = compose.exec_in_container(["cat", "/data/api-key"], "octoprint")
        environment.write_text(
            f"COMPOSE_PROJECT_NAME={project}\n"
            f"BOARDCAST_OCTOPRINT_URL=http://octoprint:5000\nBOARDCAST_OCTOPRINT_API_KEY={key.strip()}\n"
        )
        compose.services = None
        compose.start()
        yield compose
    finally:
        compose.services = None
        compose.stop(down=True)


@pytest.fixture
def probe(stack: DockerCompose) -> Iterator[MqttProbe]:
    port = stack.get_service_port("broker", 1883)
    assert port is not None
    client = MqttProbe(f"mqtt://127.0.0.1:{port}", f"{channels.DEFAULT_ROOT}/{channels.VERSION}")
    client.start()
    yield client
    client.stop()


def container(project: str, service: str) -> Container:
    found = docker.from_env().containers.list(filters={"label": [
        f"com.docker.compose.project={project}", f"com.docker.compose.service={service}"]})  # fmt: skip
    assert len(found) == 1, f"{len(found)} containers of {service}"
    return found[0]


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_may_do_no_more_than_it_must(stack: DockerCompose, project: str, service: str) -> None:
    found = container(project, service)
    wait_until(lambda: found.reload() or found.health == "healthy", 60, f"{service} to be healthy")
    uid = found.exec_run(["id", "-u"]).output.decode().strip()
    assert uid == "10001"
    written = found.exec_run(["sh", "-c", "touch /opt/x /usr/x /x"])
    assert written.exit_code != 0
    assert b"Read-only file system" in written.output
    status = found.exec_run(["cat", "/proc/1/status"]).output.decode()
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


def test_a_move_published_from_the_host_is_drawn_by_octoprint(
    stack: DockerCompose, project: str, probe: MqttProbe, tmp_path: Path
) -> None:
    for channel, words, events in (
        (channels.BOARD_COMMAND, "confirm_empty", channels.BOARD_EVENT),
        (channels.ENDER_COMMAND, "arm 1", channels.ENDER_EVENT),
    ):
        probe.publish(channel.address, words)
        probe.wait(events.address, lambda m: m.json["event"] == "done", deadline_s=60)
    move: dict[str, object] = {"from": "a1", "to": "h8", "request_id": "from-the-host"}
    probe.publish(channels.MOVE_REQUEST.address, move)
    status = channels.MOVE_STATUS.address
    probe.wait(status, lambda m: m.json["state"] == "drawn", deadline_s=120)
    assert [seen.json["state"] for seen in probe.seen(status)] == ["accepted", "planned", "printing", "drawn"]
    log = tmp_path / "serial.log"
    text, _, _ = stack.exec_in_container(["cat", "/data/logs/plugin_virtual_printer_serial.log"], "octoprint")
    log.write_text(text)
    jobs = [job for job in SerialLog(log).jobs() if job.move is not None]
    assert len(jobs) == 1
    assert jobs[0].drawn


def test_it_goes_down_without_being_killed(stack: DockerCompose, project: str) -> None:
    for service in SERVICES:
        found = container(project, service)
        found.stop(timeout=10)
        found.reload()
        assert found.attrs["State"]["ExitCode"] == 0, found.logs(tail=20).decode()
