"""Any other bot as a source: it publishes what it hears on chat/message, and reads the answers on chat/reply."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

from pydantic import ValidationError

from contracts import channels
from contracts.chat import ChatLine, ChatMessage, ChatReply, ChatUser
from contracts.presence import render_dead_letter
from services.chassis.bus.port import Bus, Message
from services.chassis.dead_letters import DeadLetters
from services.chat_ingest.sources.port import UNHURRIED, Ear, Posted

_OPEN = "the broker is away; what other bots publish meanwhile is missed"


class MqttSource:
    """Lines from chat/message."""

    name = "mqtt_chat"
    misses = True
    pace = UNHURRIED

    def __init__(self, bus: Bus, root: str) -> None:
        self._bus = bus
        self._topic = channels.CHAT_MESSAGE.topic(root)
        self._dead_letters = DeadLetters(
            bus, channels.DEAD_LETTER.topic(root, service="chat_ingest"), render_dead_letter
        )
        self._ear: Ear

    async def run(self, ear: Ear) -> None:
        """Listen for ever; the bus comes and goes by itself."""
        self._ear = ear
        self._bus.subscribe(self._topic, self._on_message)
        self._bus.on_connect(ear.connected)
        self._bus.on_disconnect(lambda _: ear.deaf(_OPEN))
        if self._bus.connected:
            ear.connected()
        await asyncio.Event().wait()

    async def post(self, reply: ChatReply) -> Posted:
        """The other bot has read it already, where this service did."""
        return Posted(True)

    def _on_message(self, message: Message) -> None:
        if message.retained:
            self._dead_letters.add(message.topic, "a retained chat message is ignored", message.payload)
            return
        try:
            line = ChatLine.model_validate_json(message.payload)
            user = ChatUser(id=line.user_id, name=line.user_name or line.user_id)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            self._dead_letters.add(message.topic, f"not a chat message: {where}: {first['msg']}", message.payload)
            return
        self._ear.heard(
            ChatMessage(
                source=self.name,
                channel=line.channel,
                message_id=line.message_id or uuid.uuid4().hex,
                user=user,
                text=line.text,
                received_at=datetime.now(UTC),
            )
        )
