"""All printers of the settings, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from contracts import channels
from services.chassis import announcements
from services.chassis.announcements import Announcements
from services.chassis.bus.port import Presence
from services.chassis.health import Health
from services.chassis.service import Parts
from services.chassis.store import Schema
from services.rex_bridge import memory, telemetry
from services.rex_bridge.printer import Printer
from services.rex_bridge.settings import RexBridgeSettings

NAME = "rex_bridge"
SCHEMAS: Sequence[Schema] = (announcements.SCHEMA, memory.SCHEMA)


def presence(settings: RexBridgeSettings) -> Presence:
    """The service's own availability."""
    return Presence(channels.SERVICE_AVAILABILITY.topic(settings.topic_root, service=NAME))


class RexBridge:
    """The running service."""

    def __init__(self, parts: Parts[RexBridgeSettings]) -> None:
        self._parts = parts
        self._events = Announcements(parts.store, parts.bus)
        self._printers: tuple[Printer, ...] = ()

    async def start(self) -> None:
        """Begin to look at every printer."""
        parts = self._parts
        self._events.start()
        self._printers = tuple(
            Printer(address, parts.settings, parts.store, parts.bus, self._events)
            for address in parts.settings.rex_printers
        )
        for printer in self._printers:
            printer.start()

    async def stop(self) -> None:
        """Let go of every printer."""
        await asyncio.gather(*(printer.stop() for printer in self._printers))

    def health(self) -> Health:
        """Well as long as the broker is there; a printer that is switched off is no illness."""
        said = "; ".join(telemetry.summary(printer.state) for printer in self._printers)
        if not self._parts.bus.connected:
            return Health(False, f"no connection to the broker, check BOARDCAST_BUS_URL; {said}")
        return Health(True, said)
