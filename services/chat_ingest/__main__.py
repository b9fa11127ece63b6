"""`python -m services.chat_ingest [run|check|health|login]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from contracts import channels
from services.chassis.runner import Command, Definition, main
from services.chat_ingest.service import NAME, SCHEMAS, ChatIngest, presence
from services.chat_ingest.settings import ChatIngestSettings
from services.chat_ingest.sources.choose import choose


def login(settings: ChatIngestSettings, rest: Sequence[str]) -> int:
    """Log in at Twitch by typing a code in on any device."""
    from services.chat_ingest.sources.twitch.login import log_in

    return log_in(settings)


DEFINITION = Definition(
    name=NAME,
    about="Turns a chat into messages on link/chat and posts replies.",
    settings=ChatIngestSettings,
    schemas=SCHEMAS,
    presence=presence,
    build=lambda parts: ChatIngest(parts, choose(parts.settings, parts.bus)),
    commands={"login": Command("log in at Twitch by a code typed in on any device", login)},
    channels=channels.CHANNELS,
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
