"""A whole planner over the memory bus, with a model of the bridge at the other end of real links."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contracts import channels
from contracts.chat import ChatBody, ChatMessage, ChatUser, Role
from contracts.plan import PLAN_BODY, JobEnd
from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.bus.port import Message
from services.chassis.clock import now
from services.chassis.dead_letters import DeadLetters
from services.chassis.link import outbox, positions
from services.chassis.link.consumer import LinkConsumer
from services.chassis.link.sender import LinkSender
from services.chassis.service import Parts
from services.chassis.store import Store, Unit
from services.planner.__main__ import SCHEMAS
from services.planner.service import Planner
from services.planner.settings import PlannerSettings
from services.planner.topics import Topics
from tests.unit.planner.model_bridge import ModelBridge

ROOT = "boardcast"
TOPICS = Topics(ROOT)
DEADLINE = 40.0


async def until(condition: Callable[[], Any], what: str) -> None:
    """Wait for *condition* with a deadline; the loop turns freely meanwhile."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + DEADLINE
    while not condition():
        assert loop.time() < give_up, f"never came: {what}"
        await asyncio.sleep(0)


class BridgeEnd:
    """ModelBridge behind real link ends with a database of its own."""

    def __init__(self, broker: MemoryBroker, folder: Path) -> None:
        self.model = ModelBridge()
        self.auto = True
        self.frozen = False
        self._bus = MemoryBus(broker)
        self._store = Store(folder, "bridge")
        dead = DeadLetters(self._bus, "dead", lambda *a: b"")
        self._sender = LinkSender(outbox.Outbox(self._store, "outcome"), self._bus, TOPICS.outcome, dead)
        self._consumer = LinkConsumer(self._store, self._bus, TOPICS.plan, PLAN_BODY, self, dead)

    async def start(self) -> None:
        """Come up and say where the machine is."""
        self._store.open(outbox.SCHEMA, positions.SCHEMA)
        self._sender.start()
        self._consumer.start()
        await self._bus.start()
        self.model.begin()
        self.speak()

    async def stop(self) -> None:
        """Go down."""
        self._sender.stop()
        self._consumer.stop()
        await self._bus.stop()
        self._store.close()

    def speak(self) -> None:
        """Send what the model has to say."""
        with self._store.transaction() as unit:
            self._speak(unit)

    def _speak(self, unit: Unit) -> None:
        while self.auto and (self.model.advance() or self.model.finish(JobEnd.DRAWN)):
            pass
        for body in self.model.said:
            self._sender.append(unit, body)
        self.model.said.clear()

    def take(self, unit: Unit, body: Any) -> None:
        """A body of link/plan."""
        self.model.take(body)
        self._speak(unit)

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        """The planner never sends one."""
        raise AssertionError(f"a bad plan: {reason}")

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        """Not in these tests."""

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        """Not in these tests."""


class Stack:
    """Broker, planner, bridge, a chat and an operator who listens to everything."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.broker = MemoryBroker()
        self.folder = folder
        self.settings = PlannerSettings(data_dir=folder, **{"cooldown_user": 0, "board_image": 0, **settings})
        self.bridge = BridgeEnd(self.broker, folder / "bridge")
        self.heard: list[Message] = []
        self.bus = MemoryBus(self.broker)
        self._chat_store = Store(folder / "chat", "chat")
        self._chat_bus = MemoryBus(self.broker)
        dead = DeadLetters(self._chat_bus, "dead", lambda *a: b"")
        self._chat = LinkSender(outbox.Outbox(self._chat_store, "chat"), self._chat_bus, TOPICS.chat, dead)

    async def start(self) -> None:
        """Everything up; the planner may be started and stopped by itself."""
        self.bus.subscribe("#", self.heard.append)
        await self.bus.start()
        self._chat_store.open(outbox.SCHEMA)
        self._chat.start()
        await self._chat_bus.start()
        await self.start_planner()
        await self.bridge.start()

    async def start_planner(self) -> None:
        """The planner as a new process would find its folder."""
        self._planner_bus = MemoryBus(self.broker)
        self._store = self._new_store()
        self._store.open(*SCHEMAS)
        self.planner = Planner(Parts(self.settings, self._store, self._planner_bus))
        await self.planner.start()
        await self._planner_bus.start()
        await until(lambda: self._planner_bus.connected, "the planner's connection")

    def _new_store(self) -> Store:
        return Store(self.folder, "planner")

    async def kill_planner(self) -> None:
        """Begin again from what is on the disk at this moment, as after kill -9: no stop, no farewell."""
        self._planner_bus.connection_lost("killed")
        self.broker.detach(self._planner_bus)
        lives = self.folder.with_name(f"{self.folder.name}x")
        shutil.copytree(self.folder, lives, ignore=shutil.ignore_patterns("bridge", "chat", "*.lock", "*-shm"))
        await self.planner.stop()
        self._store.close()
        self.folder = lives
        await self.start_planner()

    async def stop(self) -> None:
        """Everything down."""
        await self.planner.stop()
        await self._planner_bus.stop()
        self._store.close()
        await self.bridge.stop()
        self._chat.stop()
        await self._chat_bus.stop()
        self._chat_store.close()
        await self.bus.stop()

    def send(self, channel: channels.Channel, payload: bytes | str | dict[str, Any], *, retain: bool = False) -> None:
        """Publish as the operator."""
        raw = json.dumps(payload) if isinstance(payload, dict) else payload
        self.bus.publish(channel.topic(ROOT), raw.encode() if isinstance(raw, str) else raw, retain=retain)

    def chat(self, body: ChatBody) -> None:
        """Put *body* on the chat link."""
        with self._chat_store.transaction() as unit:
            self._chat.append(unit, body)

    def on(self, channel: channels.Channel) -> list[dict[str, Any]]:
        """What was heard on *channel* so far."""
        topic = channel.topic(ROOT)
        return [json.loads(message.payload) for message in self.heard if message.topic == topic]

    def statuses(self, move_id: str) -> list[str]:
        """The states of a move as they were published."""
        return [s["state"] for s in self.on(channels.MOVE_STATUS) if s["move_id"] == move_id]

    async def ready(self) -> None:
        """A person has confirmed the empty plate."""
        await until(lambda: self.planner._state().header.epoch is not None, "the bridge's first word")
        self.send(channels.BOARD_COMMAND, {"command": "confirm_empty", "id": "ready"})
        await until(lambda: self.answers("ready"), "the answer to confirm_empty")

    def answers(self, command_id: str) -> list[dict[str, Any]]:
        """Events that answer this command."""
        return [e for e in self.on(channels.BOARD_EVENT) if e["id"] == command_id]


def message(text: str, user: str = "u1", message_id: str = "m1", *roles: Role) -> ChatMessage:
    """A chat message of just now."""
    return ChatMessage(
        source="twitch",
        channel="channel",
        message_id=message_id,
        user=ChatUser(id=user, name=f"name of {user}", roles=roles),
        text=text,
        received_at=now().wall,
    )
