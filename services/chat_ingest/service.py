"""chat_ingest as a running service: source, intake, link, state and replies, wired together."""

from __future__ import annotations

import asyncio

from contracts import channels
from contracts.presence import render_dead_letter
from services.chassis import log
from services.chassis.bus.port import Presence
from services.chassis.dead_letters import DeadLetters
from services.chassis.discovery import memory as discovered
from services.chassis.discovery.announcer import Discovery
from services.chassis.health import Health
from services.chassis.link import outbox
from services.chassis.link.outbox import Outbox
from services.chassis.link.sender import LinkSender, LinkTopics
from services.chassis.retained import Retained
from services.chassis.service import Parts
from services.chassis.tasks import forever
from services.chat_ingest import home_assistant, memory
from services.chat_ingest.handlers import Limits, chat_state
from services.chat_ingest.intake import Intake
from services.chat_ingest.recorder import Recorder
from services.chat_ingest.replies import Replies
from services.chat_ingest.settings import ChatIngestSettings
from services.chat_ingest.sources.port import Source

_log = log.get(__name__)

NAME = "chat_ingest"
SCHEMAS = (outbox.SCHEMA, discovered.SCHEMA, memory.SCHEMA)
TICK = 1.0
LEAVE_WITHIN = 1.5
"""Seconds that a source has for its farewell."""
AGAIN_FIRST, AGAIN_MOST = 1.0, 60.0
"""Seconds before a source that raised is run again."""


def presence(settings: ChatIngestSettings) -> Presence:
    """Where this service says that it is there."""
    return Presence(channels.SERVICE_AVAILABILITY.topic(settings.topic_root, service=NAME))


class ChatIngest:
    """The service. Nothing in it but the source knows which chat it is."""

    def __init__(self, parts: Parts[ChatIngestSettings], source: Source) -> None:
        settings, root = parts.settings, parts.settings.topic_root
        self._source = source
        self._limits = Limits(source.name, source.misses, settings.chat_stored_most, settings.chat_disk_least << 20)
        self._retained = Retained(parts.bus, channels.CHAT_STATE.topic(root), interval=1.0)
        self._discovery = Discovery(NAME, settings, presence(settings), parts.store, parts.bus)
        self._table = home_assistant.table(settings)
        dead = DeadLetters(parts.bus, channels.DEAD_LETTER.topic(root, service=NAME), render_dead_letter)
        topics = LinkTopics(*channels.CHAT_LINK.addresses(root))
        self._link = LinkSender(Outbox(parts.store, topics.name), parts.bus, topics, dead)
        self._intake = Intake(parts.store, self._link, self._limits, self._show)
        record = settings.chat_record
        self._recorder = Recorder(self._intake, record, settings.chat_record_names) if record is not None else None
        self._replies = Replies(parts.bus, channels.CHAT_REPLY.topic(root), source, dead)
        self._tasks: list[asyncio.Task[None]] = []
        self._shown: tuple[bool, str | None] | None = None

    async def start(self) -> None:
        """Listen to the chat at once: what it says is stored also while the broker is away."""
        self._intake.start()
        self._link.start()
        self._retained.start()
        self._discovery.start(self._table, again=(self._retained.again,))
        self._replies.start()
        self._show()
        self._tasks = [
            asyncio.create_task(work)
            for work in (
                self._listen(), forever("the ticks of the intake", self._tick), forever("replies", self._replies.run)
            )
        ]  # fmt: skip

    async def stop(self) -> None:
        """Hear nothing more, and store what was heard."""
        for task in self._tasks:
            task.cancel()
        self._intake.flush()  # before anything that can hang, such as a platform that does not say goodbye
        await asyncio.wait(self._tasks, timeout=LEAVE_WITHIN)
        self._intake.stop("chat_ingest is stopped")
        if self._recorder is not None:
            self._recorder.close()
        self._retained.stop()
        self._discovery.stop()
        self._link.stop()

    def health(self) -> Health:
        """Not well while chat that is wanted is not heard or not stored."""
        state = self._intake.state
        if self._intake.failing is not None:
            return Health(False, self._intake.failing)
        if self._intake.astray is not None:
            return Health(False, self._intake.astray)
        if state.choke is not None:
            return Health(False, state.choke.reason)
        if not state.connected:
            return Health(state.resting or not self._source.misses, f"chat is not heard: {state.reason}")
        return Health(True, f"hears {self._source.name}; {state.received} messages, {self._link.waiting} waiting")

    def _show(self) -> None:
        """Counts wait for the interval; being heard or not, and why, does not."""
        state = chat_state(self._limits, self._intake.state, self._link.waiting)
        news = (state.connected, state.reason)
        self._retained.set(state.to_bytes(), now=news != self._shown)
        self._shown = news

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._intake.tick()
            if self._recorder is not None:
                self._recorder.flush()

    async def _listen(self) -> None:
        """Run the source for ever; one that raises is run again, later every time."""
        pause = AGAIN_FIRST
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._source.run(self._recorder or self._intake)
                return
            except Exception as error:
                _log.exception("the chat source failed; it is started again", source=self._source.name, after=pause)
                self._intake.deaf(f"the source failed and is started again: {type(error).__name__}: {error}")
            if loop.time() - began > AGAIN_MOST:
                pause = AGAIN_FIRST
            await asyncio.sleep(pause)
            pause = min(pause * 2, AGAIN_MOST)
