"""The planner's end of link/chat over a real broker, in the test's own loop, and chat_ingest as a process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from contracts import channels
from contracts.chat import CHAT_BODY, ChatBody, ChatGap, ChatMessage
from deploy.simulators.mosquitto import Mosquitto
from deploy.simulators.process import ChildProcess
from services.chassis.bus.address import parse_addresses
from services.chassis.bus.mqtt.bus import MqttBus
from services.chassis.bus.mqtt.options import MqttOptions
from services.chassis.dead_letters import DeadLetters
from services.chassis.link import positions
from services.chassis.link.consumer import LinkConsumer
from services.chassis.link.sender import LinkTopics
from services.chassis.store import Store, Unit
from tests.fakes.twitch import FakeTwitch

TOPICS = LinkTopics("chat", channels.LINK_CHAT.topic(), channels.LINK_CHAT_RECEIPT.topic())


class PlannerEnd:
    """Takes what chat_ingest has promised."""

    def __init__(self, broker: Mosquitto, folder: Path) -> None:
        self.taken: list[ChatBody] = []
        self.lost: list[tuple[int, int]] = []
        self._bus = MqttBus(MqttOptions(parse_addresses(broker.url), "planner-end"))
        self._store = Store(folder, "planner")
        dead = DeadLetters(self._bus, "dead", lambda *a: b"")
        self._consumer = LinkConsumer(self._store, self._bus, TOPICS, CHAT_BODY, self, dead)

    async def start(self) -> None:
        """Begin to take."""
        self._store.open(positions.SCHEMA)
        self._consumer.start()
        await self._bus.start()

    async def stop(self) -> None:
        """Take nothing more."""
        self._consumer.stop()
        await self._bus.stop()
        self._store.close()

    @property
    def texts(self) -> list[str]:
        """What viewers wrote, in the order of the link."""
        return [body.text for body in self.taken if isinstance(body, ChatMessage)]

    @property
    def gaps(self) -> list[ChatGap]:
        """The gaps that were told."""
        return [body for body in self.taken if isinstance(body, ChatGap)]

    def take(self, unit: Unit, body: ChatBody) -> None:
        self.taken.append(body)

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        raise AssertionError(reason)

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        self.lost.append((first, last))

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        self.lost.append((0, first))


def chat_ingest(broker: Mosquitto, folder: Path, **settings: str) -> ChildProcess:
    """The service as a process of its own; *settings* without their prefix."""
    environment = {"BUS_URL": broker.url, "DATA_DIR": str(folder / "data"), "LOG_FORMAT": "json"} | settings
    return ChildProcess(
        "chat_ingest",
        [sys.executable, "-m", "services.chat_ingest"],
        folder / "chat_ingest.log",
        environment={f"BOARDCAST_{name}": value for name, value in environment.items()},
    )


def on_twitch(twitch: FakeTwitch) -> dict[str, str]:
    """Settings of a service that listens to the stand-in."""
    return {name.upper(): value for name, value in twitch.settings.items()} | {
        "CHAT_SOURCE": "twitch",
        "TWITCH_CHANNEL": "ada_draws",
        "TWITCH_CLIENT_ID": "client",
    }
