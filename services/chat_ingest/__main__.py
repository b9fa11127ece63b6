"""`python -m services.chat_ingest [run|check|health]`."""

from __future__ import annotations

import sys

from services.chassis.runner import Definition, main
from services.chat_ingest.service import NAME, SCHEMAS, ChatIngest, presence
from services.chat_ingest.settings import ChatIngestSettings
from services.chat_ingest.sources.choose import choose

DEFINITION = Definition(
    name=NAME,
    about="Turns a chat into messages on link/chat and posts replies.",
    settings=ChatIngestSettings,
    schemas=SCHEMAS,
    presence=presence,
    build=lambda parts: ChatIngest(parts, choose(parts.settings)),
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
