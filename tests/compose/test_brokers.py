"""TLS at the stack's own broker; the stack on the owner's broker; the two joined by a bridge."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from contracts import channels
from tests.compose.house import BROKER_IMAGE, House
from tests.compose.person import ROOT, Person
from tests.harness.mqtt_probe import MqttProbe
from tests.harness.ports import free_port
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

OWNER, PASSWORD = "owner", "a pass word"
CONFIG = (
    "printf 'listener 1883\\nallow_anonymous false\\npassword_file /tmp/passwords\\n' > /tmp/conf"
    f' && mosquitto_passwd -b -c /tmp/passwords {OWNER} "{PASSWORD}" && exec mosquitto -c /tmp/conf'
)


@dataclass
class OwnersBroker:
    """A broker that was there before: a password, no access list, nothing persistent."""

    container: Any
    host: str
    port: int

    @property
    def url(self) -> str:
        return f"mqtt://{self.host}:{self.port}"

    def probe(self) -> MqttProbe:
        return MqttProbe(self.url, ROOT, username=OWNER, password=PASSWORD)


@pytest.fixture
def owners(house: House, gateway: str) -> Iterator[OwnersBroker]:
    port = free_port()
    container = house.engine.containers.run(
        BROKER_IMAGE, ["sh", "-c", CONFIG], entrypoint="", user="1883:1883", detach=True,
        ports={"1883/tcp": (gateway, port)},
    )  # fmt: skip
    broker = OwnersBroker(container, gateway, port)
    try:
        yield broker
    finally:
        container.remove(force=True, v=True)


@pytest.fixture
def at_owners(owners: OwnersBroker) -> Iterator[MqttProbe]:
    probe = owners.probe()
    wait_until(lambda: _connected(probe), 20, "the owner's broker", ignore=(OSError,), poll_s=0.2)
    yield probe
    probe.stop()


def _connected(probe: MqttProbe) -> bool:
    probe.start()
    return True


def test_a_certificate_in_the_folder_opens_the_encrypted_port(
    house: House, operator_password: str, gateway: str
) -> None:
    folder = house.folder / "tls"
    folder.mkdir()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=boardcast", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "server.key",
         "-out", folder / "server.crt"], check=True, capture_output=True,
    )  # fmt: skip
    house.init("prepare")
    house.compose("restart", "broker")
    port = int(house.container("broker").ports["8883/tcp"][0]["HostPort"])
    context = ssl.create_default_context(cafile=str(folder / "server.crt"))
    wait_until(lambda: _handshake(port, context), 20, "TLS", ignore=(ConnectionError, ssl.SSLEOFError), poll_s=0.3)
    assert _board_state(port, operator_password, context)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(port, ssl.create_default_context())


def _handshake(port: int, context: ssl.SSLContext) -> str | None:
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as encrypted,
    ):
        return encrypted.version()


def _board_state(port: int, password: str, context: ssl.SSLContext) -> bytes:
    """The retained state of the board, over TLS."""
    got: list[bytes] = []
    client = Client(CallbackAPIVersion.VERSION2)
    client.tls_set_context(context)
    client.username_pw_set("operator", password)
    client.on_connect = lambda c, *_: c.subscribe(channels.BOARD_STATE.topic())
    client.on_message = lambda _c, _d, message: got.append(bytes(message.payload))
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        wait_until(lambda: got, 60, "the board's state")
    finally:
        client.disconnect()
        client.loop_stop()
    return got[0]


def test_a_certificate_that_is_none_is_refused_in_plain_words(house: House) -> None:
    folder = house.folder / "tls"
    folder.mkdir(exist_ok=True)
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    (folder / "server.crt").write_text("no certificate")
    (folder / "server.key").write_text("no key")
    try:
        done = house.compose("run", "--rm", "-T", "init", "prepare", check=False)
        assert done.returncode == 1
        assert "tls/server.crt and tls/server.key are no pair" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        for path in folder.iterdir():
            path.unlink()
        for path, content in kept.items():
            path.write_bytes(content)


def test_bridged_to_the_owners_broker(person: Person, owners: OwnersBroker, at_owners: MqttProbe) -> None:
    house = person.house
    try:
        house.init("bridge", owners.url, "--username", OWNER, "--password", PASSWORD)
        house.compose("restart", "broker")
        person.probe.wait_connected(20)
        person.ready()
        assert at_owners.wait(channels.BOARD_STATE.address, deadline_s=30).json["board"] >= 1
        beyond = Person(house, at_owners)
        beyond.ask("over the bridge")
        assert len(beyond.drawings_of(beyond.drawn("over the bridge"))) == 1
        late = owners.probe()  # what is retained went over as retained
        late.start()
        assert late.wait(channels.BOARD_STATE.address).retained
        late.stop()
        assert not [seen.topic for seen in at_owners.seen() if seen.topic.startswith("link/")]
    finally:
        (house.folder / "broker.d" / "bridge.conf").unlink(missing_ok=True)
        house.init("prepare")
        house.compose("restart", "broker")


def test_on_the_owners_broker(person: Person, owners: OwnersBroker, at_owners: MqttProbe) -> None:
    house = person.house
    dotenv = house.folder / ".env"
    before = dotenv.read_text()
    dotenv.write_text(
        f"{before}BOARDCAST_BUS_URL={owners.url}\nBOARDCAST_BUS_USERNAME={OWNER}\nBOARDCAST_BUS_PASSWORD='{PASSWORD}'\n"
    )  # fmt: skip
    try:
        house.compose("stop", "broker")
        house.up()
        assert "broker" not in house.services()
        moved = Person(house, at_owners)
        moved.ready()
        moved.ask("on the owner's broker")
        assert len(moved.drawings_of(moved.drawn("on the owner's broker"))) == 1
        owners.container.restart(timeout=2)  # it forgets everything
        for channel in (channels.BOARD_STATE, channels.BOARD_DRAWING, channels.ENDER_STATE, channels.CHAT_STATE):
            wait_until(partial(_kept, owners, channel), 30, f"{channel.address} to be retained again")
    finally:
        dotenv.write_text(before)
        house.up()


def _kept(broker: OwnersBroker, channel: channels.Channel) -> bool:
    """Whether somebody who comes now gets this state."""
    late = broker.probe()
    try:
        late.start()
        return late.wait(channel.address, deadline_s=1).retained
    except (OSError, AssertionError):
        return False
    finally:
        late.stop()
