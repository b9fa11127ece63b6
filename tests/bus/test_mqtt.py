"""What only a real broker can do to a bus."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
import weakref
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.ports import free_port
from services.chassis.bus import inbox
from services.chassis.bus.port import Presence
from tests.bus.adapters import DEADLINE_S, STOPS_WITHIN_S, Listener, MqttLab, until, up
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.broker
PRESENCE = Presence("service/one/availability")
NOTICED_S = 2
"""The keep-alive where a broker has to be found to be frozen."""


async def test_the_next_broker_of_the_list_is_tried(mqtt: MqttLab, tmp_path: Path) -> None:
    other = Mosquitto(tmp_path / "other")
    other.start()
    bus = mqtt.made(mqtt.options(url=f"mqtt://127.0.0.1:{free_port()},{mqtt.broker.url},{other.url}"))
    at_first, at_other = mqtt.bus(), mqtt.made(mqtt.options(url=other.url))
    first, second = Listener(), Listener()
    at_first.subscribe("a", first)
    at_other.subscribe("a", second)
    await up(bus, at_first, at_other)
    bus.publish("a", b"1")
    await until(lambda: first.payloads == [b"1"], "the message at the second address")
    mqtt.crash()

    def heard_at_other() -> bool:
        bus.publish("a", b"2")
        return b"2" in second.payloads

    await until(heard_at_other, "a message at the third address")
    other.stop()


async def test_a_wrong_password_is_named_and_tried_again(tmp_path: Path) -> None:
    lab = MqttLab(tmp_path / "open")
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    strict = Mosquitto(tmp_path / "strict", extra=["allow_anonymous false", f"password_file {passwords}"])
    strict.start()
    bus = lab.made(replace(lab.options(url=strict.url), username="me", password="wrong"))
    with capture_logs() as logs:
        await bus.start()
        await until(lambda: sum("BUS_PASSWORD" in str(line.get("reason")) for line in logs) >= 2, "two refusals")
    assert "wrong" not in str(logs)
    assert not bus.connected
    async with asyncio.timeout(STOPS_WITHIN_S):
        await bus.stop()
    strict.stop()
    await lab.close()


def _plugin() -> Path:
    found = [path for root in ("/usr", "/opt") for path in Path(root).glob("**/mosquitto_dynamic_security.so")]
    assert found, "the plugin that comes with Mosquitto is missing: mosquitto_dynamic_security.so"
    return found[0]


def _access_list(folder: Path) -> Path:
    """Mosquitto's own plugin is the one way to have it refuse a subscription with an answer."""
    config = folder / "access.json"
    everything = {"topic": "#", "allow": True}
    acls = [
        {"acltype": "subscribePattern", "topic": "allowed/#", "allow": True},
        {"acltype": "publishClientSend", **everything},
        {"acltype": "publishClientReceive", **everything},
    ]
    config.write_text(
        json.dumps(
            {
                "defaultACLAccess": {"subscribe": False, "publishClientSend": True, "publishClientReceive": True},
                "roles": [{"rolename": "some", "acls": acls}],
                "groups": [{"groupname": "all", "roles": [{"rolename": "some"}]}],
                "anonymousGroup": "all",
                "clients": [],
            }
        )
    )
    return config


@pytest_asyncio.fixture
async def guarded_lab(tmp_path: Path) -> AsyncIterator[MqttLab]:
    """A broker that allows subscriptions below `allowed/` only."""
    lab = MqttLab(tmp_path / "mosquitto")
    lab.broker.stop()
    extra = [f"plugin {_plugin()}", f"plugin_opt_config_file {_access_list(tmp_path)}"]
    lab.broker = Mosquitto(tmp_path / "guarded", extra=extra)
    lab.broker.start()
    yield lab
    await lab.close()


@pytest.mark.parametrize("late", [False, True])
async def test_a_refused_subscription_is_named_and_the_others_work(guarded_lab: MqttLab, late: bool) -> None:
    heard, never = Listener(), Listener()
    bus = guarded_lab.bus()
    with capture_logs() as logs:
        bus.subscribe("allowed/a", heard)
        if late:
            await up(bus)
            bus.subscribe("forbidden/a", never)
        else:
            bus.subscribe("forbidden/a", never)
            await up(bus)
        await until(
            lambda: [line.get("topic") for line in logs if line["log_level"] == "error"] == ["forbidden/a"],
            "the refusal",
        )
    bus.publish("forbidden/a", b"1")
    bus.publish("allowed/a", b"2")
    await until(lambda: heard.payloads == [b"2"], "the allowed message")
    assert never.messages == []


async def test_a_stopped_bus_lets_go_of_its_client_id(mqtt: MqttLab) -> None:
    options = mqtt.options()
    for n in range(5):  # stopped at different moments of connecting
        early = mqtt.made(options)
        await early.start()
        await asyncio.sleep(0.002 * n)
        await early.stop()
        # A stop waits for a third of a second at most; a thread that is late says its goodbye all the same.
        thread = early._thread
        assert thread is not None
        await until(lambda: not thread.is_alive(), "the end of its thread")  # noqa: B023 - awaited
    bus = mqtt.made(options)
    reasons: list[str] = []
    bus.on_disconnect(reasons.append)
    await up(bus)
    heard = Listener()
    bus.subscribe("a", heard)

    def arrived() -> bool:
        bus.publish("a", b"1")
        return len(heard.messages) > 50

    await until(arrived, "fifty messages")
    assert reasons == []


async def test_two_with_one_client_id_do_not_throw_each_other_out_all_the_time(mqtt: MqttLab) -> None:
    options = replace(mqtt.options(), back_off_first=0.1, back_off_most=5.0)
    began = time.monotonic()
    losses: list[tuple[float, str]] = []
    for bus in (mqtt.made(options), mqtt.made(options)):
        bus.on_disconnect(lambda reason: losses.append((time.monotonic() - began, reason)))
        await bus.start()
    await until(lambda: len(losses) >= 8, "some evictions")
    assert all(options.client_id in reason for _, reason in losses[:3])
    # They take turns, and each waits for half of twice as long as before at least. More than that is the machine's.
    waits = [0.05 * 2 ** (turn // 2) for turn in range(7)]
    for turn, (at, _) in enumerate(losses[:8]):
        assert at >= sum(waits[:turn]), f"{losses}"


async def test_more_than_can_be_taken_is_dropped_counted_and_said(
    mqtt: MqttLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MESSAGES", 50)

    def dropped(lines: list[Any]) -> int:
        return sum(line["count"] for line in lines if "dropped" in line["event"])

    heard = Listener()
    bus, writer = mqtt.made(mqtt.options()), mqtt.bus()
    bus.subscribe("a", heard)
    await up(bus, writer)
    with capture_logs() as logs:
        for _ in range(500):
            writer.publish("a", b"x")
        # As a handler that holds the loop up, for so long as it takes.
        wait_until(lambda: bus.inbox._dropped > 0, DEADLINE_S, "one too many")
        # Some of them may still be on their way to a busy machine.
        await until(lambda: len(heard.messages) + dropped(logs) == 500, "each to be heard, or counted")
    assert dropped(logs) > 0


async def test_one_thread_alone_writes_to_the_socket(mqtt: MqttLab, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two of them mix up packets, but only when a full socket takes half of one in a certain instant: too rare to wait
    # for, so that this looks at who writes.
    writers: set[str] = set()
    send = paho.Client._sock_send

    def spy(client: paho.Client, data: bytes) -> int:
        writers.add(threading.current_thread().name)
        return send(client, data)

    monkeypatch.setattr(paho.Client, "_sock_send", spy)
    heard = Listener()
    bus = mqtt.bus()
    bus.subscribe("a/#", heard)
    await up(bus)
    for n in range(500):
        bus.publish(f"a/{n}", bytes([n % 256]) * 1_000)
        if n % 20 == 0:
            await asyncio.sleep(0)
    bus.subscribe("b", Listener())
    await until(lambda: len(heard.messages) == 500, "all messages")
    assert [message.topic for message in heard.messages] == [f"a/{n}" for n in range(500)]
    assert writers == {"mqtt"}


async def test_the_log_never_holds_a_password(mqtt: MqttLab) -> None:
    assert "hunter2" not in repr(replace(mqtt.options(), password="hunter2"))


async def test_a_connection_that_ended_waits_for_no_garbage_collector(mqtt: MqttLab) -> None:
    """paho keeps two wake-up sockets for as long as the client lives, two for every connection that there was."""
    bus = mqtt.made(mqtt.options())
    await up(bus)
    assert bus._serving is not None
    client = weakref.ref(bus._serving._client)
    gc.disable()
    try:
        await bus.stop()
        await until(lambda: client() is None, "the client to be gone")
    finally:
        gc.enable()
