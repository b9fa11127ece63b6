"""Answers from chat/reply on their way into the chat, at the pace that the chat takes."""

from __future__ import annotations

import asyncio
import contextlib

from pydantic import ValidationError

from contracts.chat import ChatReply
from services.chassis import log
from services.chassis.bus.port import Bus, Message
from services.chassis.dead_letters import DeadLetters
from services.chat_ingest.outgoing import WAITING_MOST, Outgoing, Turn, add, put_back, take, went
from services.chat_ingest.sources.port import Source

_log = log.get(__name__)


class Replies:
    """Takes replies from the bus and gives them to the source, one after the other."""

    def __init__(self, bus: Bus, topic: str, source: Source, dead_letters: DeadLetters) -> None:
        self._bus = bus
        self._topic = topic
        self._source = source
        self._dead_letters = dead_letters
        self._state = Outgoing()
        self._more = asyncio.Event()

    def start(self) -> None:
        """Listen for replies."""
        self._bus.subscribe(self._topic, self._on_message)

    async def run(self) -> None:
        """Post for ever."""
        loop = asyncio.get_running_loop()
        while True:
            self._more.clear()
            turn = take(self._state, self._source.pace, loop.time())
            self._state = turn.state
            if turn.dropped:
                _log.info("replies that nobody waits for any more are dropped", count=turn.dropped)
            if turn.reply is not None:
                await self._post(turn.reply, turn)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(turn.wait):
                    await self._more.wait()

    async def _post(self, reply: ChatReply, turn: Turn) -> None:
        try:
            posted = await self._source.post(reply)
        except Exception:
            _log.exception("a reply met a defect and is dropped", source=self._source.name)
            return
        if posted.sent:
            self._state = went(self._state, asyncio.get_running_loop().time())
            return
        if posted.retry_after is not None:
            now = asyncio.get_running_loop().time()
            self._state = put_back(self._state, turn.taken, now, posted.retry_after)
        _log.warning("a reply was not posted", reason=posted.reason, again_in=posted.retry_after, count=len(turn.taken))

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
        elif (more := add(self._state, reply, asyncio.get_running_loop().time())) is None:
            _log.warning("too many replies wait; the newest is dropped", waiting=WAITING_MOST, topic=message.topic)
        else:
            self._state = more
            self._more.set()

    def _refuse(self, message: Message, reason: str) -> None:
        self._dead_letters.add(message.topic, reason, message.payload)
