"""No chat at all: moves come over MQTT only."""

from __future__ import annotations

from contracts.chat import ChatReply
from services.chat_ingest.sources.port import UNHURRIED, Ear, Posted

REASON = "no chat is configured; set BOARDCAST_CHAT_SOURCE"


class NoSource:
    """Hears nothing and posts nothing."""

    name = "none"
    misses = False
    pace = UNHURRIED

    async def run(self, ear: Ear) -> None:
        """Says why it is silent."""
        ear.deaf(REASON)

    async def post(self, reply: ChatReply) -> Posted:
        """There is nobody to answer."""
        return Posted(False, REASON)
