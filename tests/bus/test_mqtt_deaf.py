"""Brokers that are there and do not answer: frozen, or silent on subscriptions or messages."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from deploy.simulators.mosquitto import Mosquitto
from services.chassis.bus.port import Presence
from tests.bus.adapters import STOPS_WITHIN_S, Listener, MqttLab, until, up

pytestmark = pytest.mark.broker
PRESENCE = Presence("service/one/availability")
NOTICED_S = 2
"""The keep-alive where a broker has to be found to be frozen."""


class HalfABroker:
    """Answers what it is told to, and pings always. Its access list may be asked of a server that hangs."""

    def __init__(self, suback: bool) -> None:
        self.accepted = 0
        self._suback = suback

    async def start(self) -> str:
        """Its address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        answers = {1: b"\x20\x02\x00\x00", 12: b"\xd0\x00"}  # CONNACK, PINGRESP
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, length = await reader.readexactly(2)
                body = await reader.readexactly(length)
                if kind >> 4 == 8 and self._suback:
                    writer.write(b"\x90\x03" + body[:2] + b"\x01")
                writer.write(answers.get(kind >> 4, b""))
        writer.close()


async def test_a_frozen_broker_is_left_and_found_again(mqtt: MqttLab, tmp_path: Path) -> None:
    other = Mosquitto(tmp_path / "other")
    other.start()
    bus = mqtt.made(replace(mqtt.options(url=f"{mqtt.broker.url},{other.url}"), keepalive=NOTICED_S))
    told: list[bool] = []
    reasons: list[str] = []
    bus.on_disconnect(reasons.append)
    await up(bus)
    mqtt.broker.process.freeze()
    try:
        # More than the sockets between them hold, so that the thread meets a socket that takes no more.
        for _ in range(60):
            bus.publish("a", b"x" * 100_000, delivered=told.append)
        await until(lambda: bool(reasons), "the loss", within=40)
        await until(lambda: bus.connected, "the other broker")
        await until(lambda: len(told) == 60, "an answer for every message")
        assert False in told
        # The loop was never blocked, and the new connection is a clean one.
        heard = Listener()
        bus.subscribe("b", heard)
        await asyncio.sleep(0)

        def arrived() -> bool:
            bus.publish("b", b"fresh")
            return bool(heard.messages)

        await until(arrived, "a message over the other broker")
    finally:
        mqtt.broker.process.thaw()
    other.kill()
    await until(lambda: len(reasons) >= 2 and bus.connected, "the first broker")


async def test_a_broker_that_freezes_before_it_answers_is_left(mqtt: MqttLab, tmp_path: Path) -> None:
    other = Mosquitto(tmp_path / "other")
    other.start()
    mqtt.broker.process.freeze()
    try:
        bus = mqtt.made(replace(mqtt.options(url=f"{mqtt.broker.url},{other.url}"), keepalive=NOTICED_S))
        await bus.start()
        await until(lambda: bus.connected, "the other broker", within=40)
        stuck = mqtt.bus(PRESENCE)
        await stuck.start()
        await asyncio.sleep(0.1)
        async with asyncio.timeout(STOPS_WITHIN_S):
            await stuck.stop()
    finally:
        mqtt.broker.process.thaw()
    other.stop()


async def test_a_broker_that_never_confirms_the_subscriptions_is_left(mqtt: MqttLab) -> None:
    half = HalfABroker(suback=False)
    address = await half.start()
    options = mqtt.options(url=f"{address},{mqtt.broker.url}")
    bus = mqtt.made(replace(options, subscribed_within=0.2))
    bus.subscribe("a", Listener())
    with capture_logs() as logs:
        await up(bus)
    # The other one has as little time: on a busy machine both may have been left some times before.
    told = {(line["event"].split(";")[0], line["address"]): line.get("reason") for line in logs if "address" in line}
    assert told["no connection to the broker", address] == "the broker did not confirm the subscriptions"
    assert ("connected to the broker", address) not in told
    assert half.accepted >= 1
    half.stop()


async def test_a_broker_that_confirms_no_message_is_left(mqtt: MqttLab) -> None:
    """What it does not confirm is kept for it: hours of states would be more than the machine has."""
    half, told, reasons = HalfABroker(suback=True), list[bool](), list[str]()
    options = mqtt.options(url=f"{await half.start()},{mqtt.broker.url}")
    bus = mqtt.made(replace(options, confirmed_within=0.1))
    bus.subscribe("a", Listener())
    bus.on_disconnect(reasons.append)
    await up(bus)
    bus.publish("a", b"first", delivered=told.append)

    def left() -> bool:
        bus.publish("b", b"state")
        return bool(reasons)

    await until(left, "the end of the connection")
    assert reasons[0].startswith("the broker did not confirm any message")
    assert told == [False]
    await until(lambda: bus.connected, "the connection to the other one")
    bus.publish("a", b"second", delivered=told.append)
    await until(lambda: told == [False, True], "its confirmation")
    half.stop()


async def test_a_stop_at_a_frozen_broker_takes_its_time_and_no_more(mqtt: MqttLab) -> None:
    bus = mqtt.bus(PRESENCE)
    await up(bus)
    mqtt.broker.process.freeze()
    try:
        async with asyncio.timeout(STOPS_WITHIN_S):
            await bus.stop()
    finally:
        mqtt.broker.process.thaw()
