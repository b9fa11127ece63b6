"""From a fresh clone: everything comes up without a file made by hand, and a move from the host is drawn."""

from __future__ import annotations

import shlex

import pytest

from contracts import channels
from contracts.channels import Party
from tests.compose.conftest import WATCHED, Beginning
from tests.compose.house import BROKER_IMAGE, House
from tests.compose.person import STATUS, Person

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


def test_a_bare_up_is_healthy_and_says_what_is_missing(house: House, beginning: Beginning) -> None:
    assert {service: health for service, (health, _) in beginning.bare_health.items()} == dict.fromkeys(
        WATCHED, "healthy"
    )
    assert "BOARDCAST_OCTOPRINT_URL: set it" in beginning.bare_health["octo_bridge"][1]
    assert "BOARDCAST_REX_PRINTERS: name" in beginning.bare_health["rex_bridge"][1]
    assert set(beginning.bare_restarts.values()) == {0}
    assert beginning.bare_files == beginning.cloned_files


def test_until_the_owner_chooses_only_this_machine_reaches_the_broker(house: House, beginning: Beginning) -> None:
    assert {key: {place["HostIp"] for place in places} for key, places in beginning.bare_ports.items()} == {
        "broker 1883/tcp": {"127.0.0.1"},
        "broker 8883/tcp": {"127.0.0.1"},
    }


def test_it_is_up_soon(house: House, beginning: Beginning) -> None:
    print(beginning)
    assert beginning.build_s + beginning.bare_s + beginning.demo_s < 2400, beginning
    assert beginning.bare_s < 300, beginning
    assert beginning.demo_s < 300, beginning


def test_a_move_published_from_the_host_is_drawn(person: Person, gateway: str, port: int) -> None:
    person.ready()
    _from_the_host(person.house, gateway, port, channels.MOVE_REQUEST.topic(), "a1 h8")
    drawn = person.probe.wait(STATUS, lambda m: m.json["state"] == "drawn", deadline_s=60).json
    said = [m.json["state"] for m in person.probe.seen(STATUS) if m.json["move_id"] == drawn["move_id"]]
    assert list(dict.fromkeys(said)) == ["accepted", "planned", "printing", "drawn"]
    jobs = person.drawings_of(drawn["move_id"])
    assert len(jobs) == 1
    assert jobs[0].drawn


def test_pause_and_resume(person: Person) -> None:
    person.ready()
    person.command(channels.ENDER_COMMAND, "pause")
    person.ask("while paused")
    person.wait_ender("the latch to be set", latch="pause")
    person.probe.wait(STATUS, lambda m: m.json["request_id"] == "while paused" and m.json["state"] == "accepted")
    assert "printing" not in person.states("while paused")
    person.command(channels.ENDER_COMMAND, "resume")
    person.drawn("while paused")


def test_the_rex_is_seen(person: Person) -> None:
    state = channels.REX_STATE.topic(printer="rex").removeprefix("boardcast/v1/")
    person.probe.wait(state, lambda m: m.json["nozzle_actual"] is not None, deadline_s=40)


def test_the_notifier_comes_when_it_is_asked_for(house: House) -> None:
    assert "notifier" not in house.services()
    try:
        house.compose("--profile", "notifier", "up", "--build", "--detach", "--wait", "notifier")
        house.wait_health("notifier", True, "")
    finally:
        house.compose("--profile", "notifier", "rm", "--stop", "--force", "notifier")


def test_init_again_changes_nothing(house: House) -> None:
    before = (house.init("show"), (house.folder / ".env").read_text(), _generated(house))
    assert house.init() == ""
    assert house.init("prepare") == ""
    assert (house.init("show"), (house.folder / ".env").read_text(), _generated(house)) == before
    assert (house.folder / ".env").stat().st_mode & 0o777 == 0o600


def test_only_the_operator_and_the_viewer_are_shown(house: House) -> None:
    shown = house.init("show")
    assert all((f" {party.value} " in shown) == (party in (Party.OPERATOR, Party.VIEWER)) for party in Party)
    logged = house.compose("logs", "init").stdout
    assert "password" not in logged


def _generated(house: House) -> str:
    """What the broker reads, and when each file was written."""
    script = "cd /generated; find . -type f ! -path './conf.d/*' -exec ls -l --full-time {} + -exec sha256sum {} +"
    output = house.engine.containers.run(
        BROKER_IMAGE, ["sh", "-c", script], entrypoint="", user="0", network_mode="none", remove=True,
        volumes={house.volume("broker_config"): {"bind": "/generated", "mode": "ro"}},
    )  # fmt: skip
    text = bytes(output).decode()
    assert "passwords" in text
    return text


def _from_the_host(house: House, host: str, port: int, topic: str, text: str) -> None:
    """The line that `init` prints, typed on the host: Mosquitto's own client in the host's network."""
    (line,) = [line for line in house.init("show").splitlines() if topic in line]
    words = [word for word in shlex.split(line) if word]
    words[words.index("-h") + 1], words[words.index("-p") + 1], words[words.index("-m") + 1] = host, str(port), text
    house.engine.containers.run(BROKER_IMAGE, words, entrypoint="", network_mode="host", remove=True)
