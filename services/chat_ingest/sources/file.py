"""A recorded chat, said again: JSON lines as recorder.py writes them, at the recording's own speed or another."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from contracts.chat import ChatCleared, ChatMessage, ChatReply, MessageDeleted, UserCleared
from services.chassis import log
from services.chat_ingest.sources.port import Ear, Posted, Said
from services.chat_ingest.sources.twitch.pace import AS_USER

_log = log.get(__name__)
_BODY: TypeAdapter[Said] = TypeAdapter(ChatMessage | UserCleared | MessageDeleted | ChatCleared)


class FileSource:
    """*speed* times as fast as it was recorded; 0 is as fast as possible."""

    name = "file"
    misses = False
    pace = AS_USER
    """As on Twitch, whatever the speed: a rehearsal shows which answers the evening's viewers would have read."""

    def __init__(self, path: Path, speed: float) -> None:
        self._path = path
        self._speed = speed

    async def run(self, ear: Ear) -> None:
        """Say everything once. Raises OSError when the file cannot be read."""
        ear.connected()
        run = uuid.uuid4().hex[:8]
        loop = asyncio.get_running_loop()
        began, first = loop.time(), None
        for number, body in enumerate(_bodies(self._path), start=1):
            first = first or body.received_at
            if self._speed:
                due = began + (body.received_at - first).total_seconds() / self._speed
                await asyncio.sleep(max(0.0, due - loop.time()))
            elif number % 50 == 0:
                await asyncio.sleep(0)
            ear.heard(_again(body, run))
        ear.deaf(f"the recording {self._path} has ended")

    async def post(self, reply: ChatReply) -> Posted:
        """Nobody of then reads it; it goes to the log."""
        _log.info("reply to a recorded chat", text=reply.text, reply_to=reply.reply_to)
        return Posted(True)


def _bodies(path: Path) -> Iterator[Said]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield _BODY.validate_json(line)
            except ValidationError as error:
                reason = error.errors(include_url=False, include_input=False)[0]["msg"]
                _log.warning("a line of the recording is not understood", file=str(path), line=number, reason=reason)


def _again(body: Said, run: str) -> Said:
    """*body* as of now. A message said again is a new message, and what deletes it must find it."""
    fields: dict[str, object] = {"source": FileSource.name, "received_at": datetime.now(UTC)}
    if isinstance(body, ChatMessage | MessageDeleted):
        fields["message_id"] = f"{run}-{body.message_id}"[:100]
    return body.model_copy(update=fields)
