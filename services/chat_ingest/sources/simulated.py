"""A chat without a platform: made-up viewers write at a set rate, and replies go to the log."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime

from contracts.chat import ChatMessage, ChatReply
from services.chassis import log
from services.chat_ingest.sources.port import UNHURRIED, Ear, Posted
from services.chat_ingest.sources.viewers import Line, lines

_log = log.get(__name__)

CHANNEL = "simulation"
_BEHIND_MOST = 1.0


class SimulatedSource:
    """*rate* is the mean number of lines a minute; 0 is a silent chat."""

    name = "simulated"
    misses = False
    pace = UNHURRIED

    def __init__(self, rate: float, seed: int) -> None:
        self._rate = rate
        self._seed = seed

    async def run(self, ear: Ear) -> None:
        """Write for ever."""
        ear.connected()
        if not self._rate:
            return
        # The viewers say the same in every run; what they say is nevertheless a new message each time.
        run = uuid.uuid4().hex[:8]
        loop = asyncio.get_running_loop()
        due = loop.time()
        for number, line in enumerate(lines(self._seed), start=1):
            # Against the clock and not from line to line: the rate holds also where a sleep takes a little longer.
            # A machine that slept is not owed what was not said meanwhile.
            due = max(due + line.after * 60 / self._rate, loop.time() - _BEHIND_MOST)
            if (wait := due - loop.time()) > 0 or number % 50 == 0:
                await asyncio.sleep(max(0.0, wait))
            ear.heard(_message(f"{run}-{number}", line))

    async def post(self, reply: ChatReply) -> Posted:
        """Show the reply in the log."""
        _log.info("reply in the simulated chat", text=reply.text, reply_to=reply.reply_to)
        return Posted(True)


def _message(message_id: str, line: Line) -> ChatMessage:
    return ChatMessage(
        source=SimulatedSource.name,
        channel=CHANNEL,
        message_id=message_id,
        user=line.user,
        text=line.text,
        received_at=datetime.now(UTC),
    )
