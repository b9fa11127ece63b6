"""chat_ingest as a process: Twitch's stand-in on one side, a real broker and the planner's end on the other."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from contracts import channels
from contracts.chat import ChatReply
from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.process import ChildProcess
from services.chat_ingest.sources.twitch.tokens import Token, TokenFile
from tests.e2e.chat_ingest.planner_end import PlannerEnd, chat_ingest, on_twitch
from tests.fakes.twitch import FakeTwitch
from tests.fakes.twitch.server import BOT
from tests.harness.mqtt_probe import MqttProbe
from tests.harness.waiting import eventually

MANY, RATE = 10_000, 2_000
STATE, REPLY = channels.CHAT_STATE.address, channels.CHAT_REPLY.address


@dataclass
class Evening:
    """Everything that a test of the whole service needs."""

    twitch: FakeTwitch
    broker: Mosquitto
    planner: PlannerEnd
    probe: MqttProbe
    service: ChildProcess
    folder: Path

    def log_in(self) -> None:
        """As `login` does."""
        pair = self.twitch.logins.issue(BOT, "bot")
        TokenFile(self.folder / "data").save(Token(pair["access_token"], pair["refresh_token"], BOT, "bot"))

    async def until_hears(self) -> None:
        """Wait for chat/state to say so."""
        await eventually(lambda: self._state("connected"), 40, "chat/state: connected")

    @property
    def received(self) -> int:
        """What chat/state last said."""
        return int(self._state("received") or 0)

    def _state(self, key: str) -> Any:
        last = self.probe.last(STATE)
        return last.json[key] if last is not None else None


@pytest.fixture
async def evening(twitch: FakeTwitch, mosquitto: Mosquitto, probe: MqttProbe, tmp_path: Path) -> AsyncIterator[Evening]:
    """A running service with a login that hears; the planner's end is not there yet."""
    planner = PlannerEnd(mosquitto, tmp_path / "planner")
    service = chat_ingest(mosquitto, tmp_path, **on_twitch(twitch))
    evening = Evening(twitch, mosquitto, planner, probe, service, tmp_path)
    evening.log_in()
    service.start()
    await evening.until_hears()
    yield evening
    service.kill()
    await planner.stop()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _talk(twitch: FakeTwitch, count: int, rate: float) -> None:
    """*count* messages, *rate* a second."""
    began = time.monotonic()
    for number in range(count):
        await twitch.say(f"m{number}")
        if (ahead := began + number / rate - time.monotonic()) > 0:
            await asyncio.sleep(ahead)


async def _talk_until(over: asyncio.Event, twitch: FakeTwitch, rate: float) -> int:
    """*rate* messages a second until *over*, and how many they were."""
    number = 0
    while not over.is_set():
        await twitch.say(f"m{number}")
        number += 1
        await asyncio.sleep(1 / rate)
    return number


def _restart(broker: Mosquitto) -> None:
    broker.kill()
    broker.start()


def _bare_publisher(broker: Mosquitto, count: int) -> float:
    """Messages a second that a plain client brings to the broker, confirmed."""
    client = Client(CallbackAPIVersion.VERSION2)
    host, port = broker.url.removeprefix("mqtt://").split(":")
    client.connect(host, int(port))
    client.loop_start()
    began = time.monotonic()
    infos = [client.publish("bare/messages", b"x" * 300, qos=1) for _ in range(count)]
    for info in infos:
        info.wait_for_publish(60)
    took = time.monotonic() - began
    client.disconnect()
    client.loop_stop()
    return count / took


@pytest.mark.timeout(300)
async def test_10_000_messages_at_2_000_a_second_arrive_in_order_and_once(
    evening: Evening, record_property: Callable[[str, object], None]
) -> None:
    await evening.planner.start()
    bare = await asyncio.to_thread(_bare_publisher, evening.broker, 2_000)
    cpu = _cpu_seconds(evening.service.pid)
    began = time.monotonic()
    await _talk(evening.twitch, MANY, RATE)
    offered = MANY / (time.monotonic() - began)
    await eventually(lambda: len(evening.planner.texts) >= MANY, 200, "all of them")
    rate = MANY / (time.monotonic() - began)
    cpu_each = (_cpu_seconds(evening.service.pid) - cpu) / MANY * 1e6
    figures = f"offered {offered:.0f}/s, arrived {rate:.0f}/s, bare publisher {bare:.0f}/s, {cpu_each:.0f} us CPU each"
    record_property("figures", figures)
    print(figures)
    assert evening.planner.texts == [f"m{number}" for number in range(MANY)]
    assert evening.planner.gaps == []


@pytest.mark.timeout(240)
async def test_kill_9_in_mid_stream_with_the_planner_away_loses_nothing_that_was_stored(evening: Evening) -> None:
    talking = asyncio.create_task(_talk(evening.twitch, 2_000, 1_000))
    await eventually(lambda: evening.received >= 500, 40, "500 messages in chat/state")
    evening.service.kill()
    known = evening.received
    await talking
    await evening.planner.start()
    evening.service.start()
    await eventually(lambda: evening.planner.gaps, 40, "the gap of the time between")
    stored = evening.planner.texts
    assert len(stored) >= known
    assert stored == [f"m{number}" for number in range(len(stored))]
    assert evening.planner.gaps[0].reason == "chat_ingest was not running"
    assert evening.planner.lost == []
    await evening.twitch.say("after")
    await eventually(lambda: evening.planner.texts[-1] == "after", 40, "the next message")
    assert len(evening.planner.texts) == len(stored) + 1


@pytest.mark.timeout(240)
async def test_a_broker_that_dies_loses_nothing(evening: Evening) -> None:
    await evening.planner.start()
    over = asyncio.Event()
    talking = asyncio.create_task(_talk_until(over, evening.twitch, 1_000))
    for _ in range(3):
        seen = len(evening.planner.texts)
        await eventually(lambda n=seen: len(evening.planner.texts) > n, 40, "progress")  # type: ignore[misc]
        await asyncio.to_thread(_restart, evening.broker)  # the talk goes on meanwhile
    over.set()
    said = await talking
    await eventually(lambda: len(evening.planner.texts) >= said, 120, "all of them")
    assert evening.planner.texts == [f"m{number}" for number in range(said)]


async def test_replies_come_out_at_twitchs_pace_and_merged(evening: Evening) -> None:
    for number in range(1, 31):
        reply = ChatReply(text=f"queued #{number}", source="twitch", channel="ada_draws", reply_to=f"m{number}",
                          user_id=f"u{number}", time=datetime.now(UTC))  # fmt: skip
        evening.probe.send(REPLY, reply.to_bytes().decode())  # Twitch's stand-in lives in this loop and must go on
        # Four or more that are there together are told together; the first one is to be alone.
        await eventually(lambda: evening.twitch.posted, 40, "the first one")
    await eventually(lambda: "#30" in str(evening.twitch.posted), 40, "the last one")
    posted = [body["message"] for body in evening.twitch.posted]
    assert len(posted) <= 4
    told = " · ".join(posted)
    assert all(f"#{number}" in told or f"-#{number + 1}" in told or "-#30" in told for number in range(1, 31))
    assert evening.twitch.posted[0]["reply_parent_message_id"] == "m1"


async def test_a_stop_is_said_and_quick(evening: Evening) -> None:
    """Also where Twitch does not answer the farewell: its stand-in lives in this loop, which is blocked meanwhile."""
    evening.service.terminate()
    assert evening.service.exit_code == 0
    evening.probe.wait(STATE, lambda m: m.json["reason"] == "chat_ingest is stopped")
    evening.probe.wait("service/chat_ingest/availability", lambda m: m.text == "offline")
