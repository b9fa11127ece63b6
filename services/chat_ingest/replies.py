"""Answers from chat/reply on their way into the chat."""

from __future__ import annotations

import asyncio

from pydantic import ValidationError

from contracts.chat import ChatReply
from services.chassis import log
from services.chassis.bus.port import Bus, Message
from services.chassis.dead_letters import DeadLetters
from services.chat_ingest.sources.port import Source

_log = log.get(__name__)

WAITING_MOST = 200


class Replies:
    """Takes replies from the bus and gives them to the source, one after the other."""

    def __init__(self, bus: Bus, topic: str, source: Source, dead_letters: DeadLetters) -> None:
        self._bus = bus
        self._topic = topic
        self._source = source
        self._dead_letters = dead_letters
        self._waiting: asyncio.Queue[ChatReply] = asyncio.Queue(WAITING_MOST)

    def start(self) -> None:
        """Listen for replies."""
        self._bus.subscribe(self._topic, self._on_message)

    async def run(self) -> None:
        """Post for ever."""
        while True:
            reply = await self._waiting.get()
            try:
                posted = await self._source.post(reply)
            except Exception:
                _log.exception("a reply met a defect and is dropped", source=self._source.name)
                continue
            if not posted.sent:
                _log.warning("a reply was not posted", reason=posted.reason, reply_to=reply.reply_to)

    def _on_message(self, message: Message) -> None:
        try:
            reply = ChatReply.model_validate_json(message.payload)
        except ValidationError as error:
            self._refuse(message, f"not a reply: {error.errors(include_url=False)[0]['msg']}")
            return
        if message.retained:
            self._refuse(message, "a retained reply is ignored: it would be posted again at every start")
        elif reply.source != self._source.name:
            _log.debug("a reply for another chat is ignored", source=reply.source)
        elif self._waiting.full():
            _log.warning("too many replies wait; the newest is dropped", waiting=WAITING_MOST, topic=message.topic)
        else:
            self._waiting.put_nowait(reply)

    def _refuse(self, message: Message, reason: str) -> None:
        self._dead_letters.add(message.topic, reason, message.payload)
