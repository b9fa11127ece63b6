"""`python -m services.planner [run|check|health|board|…]`."""

from __future__ import annotations

import sys

from contracts import channels
from services.chassis import announcements, runner
from services.chassis.bus.port import Presence
from services.chassis.discovery import memory
from services.chassis.link import outbox, positions
from services.planner import persistence
from services.planner.history.commands import BOARD
from services.planner.service import Planner
from services.planner.settings import PlannerSettings
from services.planner.topics import NAME, Topics

SCHEMAS = (outbox.SCHEMA, positions.SCHEMA, announcements.SCHEMA, memory.SCHEMA, persistence.SCHEMA)

DEFINITION = runner.Definition(
    name=NAME,
    about="Owns the game: takes moves from chat and MQTT, queues them and plans each as G-code, one ahead.",
    settings=PlannerSettings,
    schemas=SCHEMAS,
    presence=lambda settings: Presence(Topics(settings.topic_root).availability),
    build=Planner,
    commands={"board": BOARD},
    channels=channels.CHANNELS,
)

if __name__ == "__main__":
    sys.exit(runner.main(DEFINITION))
