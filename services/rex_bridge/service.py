"""All printers of the settings, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from contracts import channels
from services.chassis import announcements
from services.chassis.announcements import Announcements
from services.chassis.bus.port import Presence
from services.chassis.clock import now
from services.chassis.discovery import memory as discovered
from services.chassis.discovery.announcer import Discovery
from services.chassis.discovery.entities import Device
from services.chassis.health import Health
from services.chassis.service import Parts
from services.chassis.store import Schema
from services.rex_bridge import home_assistant, memory, telemetry
from services.rex_bridge.printer import Printer
from services.rex_bridge.replies import Identity
from services.rex_bridge.settings import RexBridgeSettings

NAME = "rex_bridge"
SCHEMAS: Sequence[Schema] = (announcements.SCHEMA, discovered.SCHEMA, memory.SCHEMA)


def presence(settings: RexBridgeSettings) -> Presence:
    """The service's own availability."""
    return Presence(channels.SERVICE_AVAILABILITY.topic(settings.topic_root, service=NAME))


class RexBridge:
    """The running service."""

    def __init__(self, parts: Parts[RexBridgeSettings]) -> None:
        self._parts = parts
        self._events = Announcements(parts.store, parts.bus)
        self._discovery = Discovery(NAME, parts.settings, presence(parts.settings), parts.store, parts.bus)
        self._printers: tuple[Printer, ...] = ()

    async def start(self) -> None:
        """Begin to look at every printer."""
        parts = self._parts
        self._events.start()
        memory.settle_restored(parts.store, now().wall)
        self._printers = tuple(
            Printer(address, parts.settings, parts.store, parts.bus, self._events, self._introduced)
            for address in parts.settings.rex_printers
        )
        for printer in self._printers:
            printer.start()
        self._discovery.start(self._table(), again=[printer.again for printer in self._printers])

    async def stop(self) -> None:
        """Let go of every printer."""
        self._discovery.stop()
        await asyncio.gather(*(printer.stop() for printer in self._printers))

    def health(self) -> Health:
        """Well as long as the broker is there; a printer that is switched off is no illness."""
        said = "; ".join(telemetry.summary(printer.state) for printer in self._printers)
        if not self._parts.bus.connected:
            return Health(False, f"no connection to the broker, check BOARDCAST_BUS_URL; {said}")
        trouble = next((printer.trouble for printer in self._printers if printer.trouble is not None), None)
        if trouble is not None:
            return Health(False, f"{trouble}; {said}")
        return Health(True, said)

    def _introduced(self) -> None:
        """A printer has said what it is."""
        self._discovery.show(self._table())

    def _table(self) -> list[Device]:
        said = ((printer, printer.state.readings.identity or Identity()) for printer in self._printers)
        return [
            home_assistant.hub(self._parts.settings),
            *(
                home_assistant.device(
                    printer.id,
                    self._parts.settings,
                    home_assistant.Plate(known.name, known.model, known.firmware, known.serial_number),
                )
                for printer, known in said
            ),
        ]
