"""What a container may do, how it ends, how large it is."""

from __future__ import annotations

import json

import pytest

from tests.compose.house import HELPER_IMAGE, IMAGES, House

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

RUNNING = ("broker", "chat_ingest", "planner", "octo_bridge", "rex_bridge", "octoprint", "rex_simulator")
SERVICES = ("chat_ingest", "planner", "octo_bridge", "rex_bridge")
MB = 1_000_000


@pytest.mark.parametrize("service", RUNNING)
def test_a_container_may_do_no_more_than_it_must(house: House, service: str) -> None:
    found = house.container(service)
    status = found.exec_run(["cat", "/proc/1/status"]).output.decode()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split()[0] != "0"
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(fields[capabilities], 16) == 0, capabilities
    assert fields["NoNewPrivs"] == "1"
    written = found.exec_run(["sh", "-c", "touch /opt/x || touch /usr/x || touch /x"], user="0")
    assert written.exit_code != 0
    assert b"Read-only file system" in written.output
    host = found.attrs["HostConfig"]
    assert host["Memory"] > 0
    assert host["NanoCpus"] > 0
    assert host["PidsLimit"] > 0
    assert host["Init"]
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"]["Config"]["max-size"] == "5m"


def test_init_has_no_network_and_three_capabilities_for_other_users_files(house: House) -> None:
    host = house.container("init").attrs["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"]
    assert set(host["CapDrop"]) == {"ALL"}
    assert {name.removeprefix("CAP_") for name in host["CapAdd"]} == {"CHOWN", "DAC_OVERRIDE", "FOWNER"}
    assert house.container("init").attrs["State"]["ExitCode"] == 0


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_has_one_service_and_is_small(house: House, service: str) -> None:
    found = house.container(service)
    listed = found.exec_run(
        ["python", "-c", "import os, services; print(*sorted(os.listdir(services.__path__[0])))"]
    ).output.decode()
    assert {name for name in listed.split() if not name.startswith("__")} == {"chassis", service}
    assert found.exec_run(["python", "-m", "pip"]).exit_code != 0
    base = house.engine.images.get(HELPER_IMAGE).attrs["Size"]
    assert found.image is not None
    assert found.image.attrs["Size"] - base < 120 * MB


def test_no_image_holds_a_secret_or_a_test(house: House) -> None:
    for image in set(IMAGES) - {"notifier"}:  # which not everybody has
        tag = house.container(image).attrs["Config"]["Image"]
        history = str(house.engine.images.get(tag).history())
        assert "PASSWORD" not in history
        assert "tests/" not in history


@pytest.mark.parametrize("service", SERVICES)
def test_what_it_is_told_is_masked(house: House, service: str) -> None:
    checked = house.compose("exec", "-T", service, "service", "check", check=False).stdout
    assert "BOARDCAST_BUS_PASSWORD=********" in checked
    assert "nothing is missing" in checked


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_of_a_service_reaches_it(house: House, service: str) -> None:
    """A setting that deploy/compose/settings.yaml does not name would be swallowed in silence."""
    checked = house.compose("exec", "-T", service, "service", "check", check=False).stdout
    known = {line.split("=", 1)[0] for line in checked.splitlines() if line.startswith("BOARDCAST_")}
    of_the_image = {"BOARDCAST_DATA_DIR", "BOARDCAST_LOG_FORMAT"}
    missing = known - of_the_image - _environment(house, service)
    assert not missing, f"to be added to deploy/compose/settings.yaml under {service}"


def test_a_secret_goes_to_the_service_that_needs_it(house: House) -> None:
    assert [service for service in SERVICES if "BOARDCAST_OCTOPRINT_API_KEY" in _environment(house, service)] == [
        "octo_bridge"
    ]


def _environment(house: House, service: str) -> set[str]:
    return set(json.loads(house.compose("config", "--format", "json").stdout)["services"][service]["environment"])


def test_it_ends_without_being_killed(house: House) -> None:
    try:
        house.compose("stop")
        for service in (*SERVICES, "broker"):
            state = house.container(service).attrs["State"]
            assert state["ExitCode"] == 0, (service, house.container(service).logs(tail=20).decode())
    finally:
        house.up()
