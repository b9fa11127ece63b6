"""Who may publish and read what, at a real broker with the house's own password file and access list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from contracts.channels import CHANNELS, SERVICES, Channel, Party
from tests.compose.credentials import credentials_of
from tests.compose.house import BROKER_IMAGE, HELPER_IMAGE, House
from tests.harness.ports import free_port
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

FOREIGN = (
    "boardcast/v1/unknown", "boardcast/v2/move/request", "other/v1/move/request", "boardcast/v1/printer/rex/other",
    "boardcast/v1", "zigbee2mqtt/lamp/set", "$SYS/broker/log/all",
)  # fmt: skip
DISCOVERY, BIRTH = "homeassistant/device/boardcast_ender/config", "homeassistant/status"


def expected() -> dict[str, tuple[set[Party], set[Party]]]:
    """Of every topic: who may publish, who may read."""
    rows: dict[str, tuple[set[Party], set[Party]]] = {topic: (set(), set()) for topic in FOREIGN}
    for channel in sorted(CHANNELS, key=lambda row: not row.parameters):  # a row of its own comes over one for many
        for topic, publishers in _instances(channel):
            rows[topic] = (publishers, set(channel.readers))
    rows[DISCOVERY] = ({*SERVICES, Party.OPERATOR}, {Party.OPERATOR})
    rows[BIRTH] = ({Party.OPERATOR}, {*SERVICES, Party.OPERATOR})
    return rows


def _instances(channel: Channel) -> Iterator[tuple[str, set[Party]]]:
    if channel.parameters == ("service",):
        for service in SERVICES:
            yield channel.topic(service=service.value), {service}
        yield channel.topic(service="stranger"), set()
    elif channel.parameters == ("printer",):
        for printer in ("rex", "rex2"):
            yield channel.topic(printer=printer), set(channel.publishers)
    else:
        assert not channel.parameters
        yield channel.topic(), set(channel.publishers)


@dataclass
class Peer:
    """One credential, subscribed to everything: the broker grants that and delivers what the list allows."""

    party: Party
    client: Client
    got: set[bytes] = field(default_factory=set)
    granted: set[int] = field(default_factory=set)

    def connect(self, host: str, port: int, password: str) -> None:
        self.client.username_pw_set(self.party.value, password)
        self.client.on_message = lambda _c, _d, message: self.got.add(bytes(message.payload))
        self.client.on_subscribe = lambda _c, _d, mid, _r, _p: self.granted.add(mid)
        self.client.connect(host, port)
        self.client.loop_start()
        wait_until(self.client.is_connected, 60, f"{self.party.value} to be connected")
        self.subscribe()

    def subscribe(self) -> None:
        """Also a barrier: what was to be delivered before has arrived when this is answered."""
        _, mid = self.client.subscribe([("#", 0), ("$SYS/#", 0)])
        wait_until(lambda: mid in self.granted, 60, f"{self.party.value}'s subscription")


@pytest.fixture(scope="module")
def broker(house: House, gateway: str) -> Iterator[tuple[str, int]]:
    """A second broker on the same files: what is published here disturbs nobody."""
    port = free_port()
    container = house.engine.containers.run(
        BROKER_IMAGE, detach=True, user="1883:1883", ports={"1883/tcp": (gateway, port)},
        tmpfs={"/mosquitto/data": "uid=1883"},
        volumes={
            str(house.folder / "deploy/mosquitto/mosquitto.conf"): {
                "bind": "/mosquitto/config/mosquitto.conf", "mode": "ro"},
            house.volume("broker_config"): {"bind": "/mosquitto/generated", "mode": "ro"},
        },
    )  # fmt: skip
    try:
        wait_until(lambda: answer(gateway, port, None, None) == NOT_AUTHORISED, 20, "the broker", ignore=(OSError,))
        yield gateway, port
    finally:
        container.remove(force=True, v=True)


NOT_AUTHORISED = 5


def answer(host: str, port: int, username: str | None, password: str | None) -> int:
    """The return code of a CONNACK, MQTT 3.1.1 section 3.2.2.3."""
    codes: list[int] = []
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda _c, _d, _f, reason, _p: codes.append(5 if reason.is_failure else 0)
    if username is not None:
        client.username_pw_set(username, password)
    client.connect(host, port)
    client.loop_start()
    try:
        wait_until(lambda: codes, 60, "a CONNACK")
    finally:
        client.disconnect()
        client.loop_stop()
    return codes[0]


def test_every_credential_at_every_topic(house: House, broker: tuple[str, int]) -> None:
    passwords = credentials_of(house)
    peers = [Peer(party, Client(CallbackAPIVersion.VERSION2)) for party in Party]
    for peer in peers:
        peer.connect(*broker, passwords[peer.party.value])
    try:
        assert _measured(peers) == _wanted()
    finally:
        for peer in peers:
            peer.client.disconnect()
            peer.client.loop_stop()


def _wanted() -> dict[tuple[str, str], set[str]]:
    """By (publisher, topic): who gets it."""
    return {
        (party.value, topic): {reader.value for reader in readers} if party in publishers else set()
        for topic, (publishers, readers) in expected().items()
        for party in Party
    }


def _measured(peers: list[Peer]) -> dict[tuple[str, str], set[str]]:
    sent: dict[tuple[str, str], bytes] = {}
    for peer in peers:
        for topic in expected():
            sent[peer.party.value, topic] = token = f"{peer.party.value}>{topic}".encode()
            peer.client.publish(topic, token, qos=1).wait_for_publish(10)
    for peer in peers:
        peer.subscribe()
    return {key: {peer.party.value for peer in peers if token in peer.got} for key, token in sent.items()}


@pytest.mark.parametrize(
    ("username", "password"),
    [(None, None), ("operator", "wrong"), ("operator", ""), ("nobody", "x"), ("", "")],
)
def test_nobody_comes_in_without_the_right_password(
    broker: tuple[str, int], username: str | None, password: str | None
) -> None:
    assert answer(*broker, username, password) == NOT_AUTHORISED


def test_from_another_network_only_the_brokers_port_answers(house: House, gateway: str, port: int) -> None:
    addresses = {service: _address(house.container(service)) for service in sorted(house.services())}
    assert {"broker", "octoprint", "planner", "octo_bridge", "rex_simulator"} <= addresses.keys()
    targets = [(a, p) for a in addresses.values() for p in (1883, 5000, 8883, 8899, 8900, 80, 22)]
    targets += [(gateway, port), (gateway, 5000), (gateway, 8899)]
    program = (
        "import concurrent.futures, json, socket, sys\n"
        "def answers(target):\n"
        "    try: socket.create_connection(target, 3).close()\n"
        "    except OSError: return False\n"
        "    return True\n"
        "targets = [tuple(target) for target in json.loads(sys.argv[1])]\n"
        "with concurrent.futures.ThreadPoolExecutor(64) as pool:\n"
        "    print(json.dumps([t for t, found in zip(targets, pool.map(answers, targets)) if found]))\n"
    )
    network = house.engine.networks.create(f"{house.project}-elsewhere")
    try:
        output: Any = house.engine.containers.run(
            HELPER_IMAGE, ["python3", "-c", program, json.dumps(targets)], network=network.name, remove=True
        )
    finally:
        network.remove()
    assert json.loads(output) == [[gateway, port]]
    assert answer(gateway, port, None, None) == NOT_AUTHORISED


def _address(container: Any) -> str:
    (network,) = container.attrs["NetworkSettings"]["Networks"].values()
    return str(network["IPAddress"])
