"""A chat_ingest over the memory bus with a planner's end of link/chat, and things that a chat says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts import channels
from contracts.chat import (
    CHAT_BODY,
    ChatBody,
    ChatGap,
    ChatMessage,
    ChatReply,
    ChatState,
    ChatUser,
    UserCleared,
)
from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.bus.port import Message
from services.chassis.dead_letters import DeadLetters
from services.chassis.link import positions
from services.chassis.link.consumer import LinkConsumer
from services.chassis.link.sender import LinkTopics
from services.chassis.service import Parts
from services.chassis.store import Store, Unit
from services.chat_ingest.service import SCHEMAS, ChatIngest
from services.chat_ingest.settings import ChatIngestSettings
from services.chat_ingest.sources.port import UNHURRIED, Ear, Posted

ROOT = "boardcast"
AT = datetime(2026, 1, 31, 20, 0, tzinfo=UTC)
LINK = LinkTopics("chat", channels.LINK_CHAT.topic(ROOT), channels.LINK_CHAT_RECEIPT.topic(ROOT))
DEADLINE = 40.0


def message(number: int, text: str = "a1 h8") -> ChatMessage:
    """Message *number* of a chat, a second after the one before."""
    return ChatMessage(
        source="scripted", channel="c", message_id=f"m-{number}", user=ChatUser(id="u", name="U"), text=text,
        received_at=AT + timedelta(seconds=number),
    )  # fmt: skip


def cleared(user: str = "u") -> UserCleared:
    """A ban."""
    return UserCleared(source="scripted", channel="c", user_id=user, received_at=AT)


def reply(text: str = "number 1 in the queue", source: str = "scripted", reply_to: str | None = None) -> ChatReply:
    """An answer from the planner."""
    return ChatReply(text=text, source=source, channel="c", reply_to=reply_to, time=AT)


async def until(condition: Callable[[], Any], what: str) -> None:
    """Wait for *condition* with a deadline; the loop turns freely meanwhile."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + DEADLINE
    while not condition():
        assert loop.time() < give_up, f"never came: {what}"
        await asyncio.sleep(0)


class ScriptedSource:
    """A chat that says what a test tells it to."""

    name = "scripted"
    pace = UNHURRIED

    def __init__(self, misses: bool = True) -> None:
        self.misses = misses
        self.posted: list[ChatReply] = []
        self.answer = Posted(True)
        self.ear: Ear
        self.runs = 0
        self.fails: list[Exception] = []

    async def run(self, ear: Ear) -> None:
        self.ear = ear
        self.runs += 1
        if self.fails:
            raise self.fails.pop(0)
        ear.connected()
        await asyncio.Event().wait()

    async def post(self, reply: ChatReply) -> Posted:
        self.posted.append(reply)
        return self.answer


class Planner:
    """The other end of link/chat."""

    def __init__(self, broker: MemoryBroker, folder: Path) -> None:
        self.taken: list[ChatBody] = []
        self._bus = MemoryBus(broker)
        self._store = Store(folder, "planner")
        self._consumer = LinkConsumer(
            self._store, self._bus, LINK, CHAT_BODY, self, DeadLetters(self._bus, "dead", lambda *a: b"")
        )

    async def start(self) -> None:
        self._store.open(positions.SCHEMA)
        self._consumer.start()
        await self._bus.start()

    async def stop(self) -> None:
        self._consumer.stop()
        await self._bus.stop()
        self._store.close()

    @property
    def gaps(self) -> list[ChatGap]:
        return [body for body in self.taken if isinstance(body, ChatGap)]

    def take(self, unit: Unit, body: ChatBody) -> None:
        self.taken.append(body)

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        raise AssertionError(reason)

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        raise AssertionError("lost")

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        raise AssertionError("new history")


class World:
    """One folder, one broker; the service and the planner come and go."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.broker = MemoryBroker()
        self.source = ScriptedSource()
        self.planner = Planner(self.broker, folder / "planner")
        self.seen: list[Message] = []
        self._folder = folder
        self._settings = ChatIngestSettings(data_dir=folder / "data", **settings)
        self._watcher = MemoryBus(self.broker)
        self._watcher.subscribe(f"{ROOT}/v1/#", self.seen.append)
        self.store: Store
        self.service: ChatIngest

    async def start(self) -> None:
        """The service comes up."""
        self.store = Store(self._settings.data_dir, "chat_ingest")
        self.store.open(*SCHEMAS)
        bus = MemoryBus(self.broker)
        self.bus = bus
        self.service = ChatIngest(Parts(self._settings, self.store, bus), self.source)
        await self.service.start()
        await bus.start()
        await self._watcher.start()
        runs = self.source.runs
        await until(lambda: self.source.runs > runs or self.state, "a running source")

    async def stop(self) -> None:
        """The service ends cleanly."""
        await self.service.stop()
        await self.bus.stop()
        self.store.close()

    @property
    def stored(self) -> int:
        """Messages on the disk that have no receipt."""
        return int(self.store.read("SELECT count(*) FROM link_outbox")[0][0])

    @property
    def state(self) -> ChatState | None:
        """The retained chat/state."""
        payload = self.broker.retained.get(channels.CHAT_STATE.topic(ROOT))
        return ChatState.model_validate_json(payload) if payload else None

    def dead_letters(self) -> list[bytes]:
        """What was put on dead_letter/chat_ingest."""
        topic = channels.DEAD_LETTER.topic(ROOT, service="chat_ingest")
        return [message.payload for message in self.seen if message.topic == topic]
