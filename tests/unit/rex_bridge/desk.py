"""One printer's rim with a store, a bus and a connection that is a script: no sockets, and nobody waits for a clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from services.chassis import announcements
from services.chassis.announcements import Announcements
from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.store import Store
from services.rex_bridge import memory
from services.rex_bridge.framing import Reply
from services.rex_bridge.printer import Printer
from services.rex_bridge.session import Session
from tests.unit.rex_bridge.drive import settings

EVENT, COMMAND = "boardcast/v1/printer/rex/event", "boardcast/v1/printer/rex/command"
PRINTING = ("MachineStatus: BUILDING_FROM_SD", "MoveMode: MOVING", "CurrentFile: cube.gx")


class Script(Session):
    """A connection whose printer says the same for ever; what is in *silent* is never answered."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.silent: set[str] = set()
        self.says: dict[str, tuple[str, ...]] = {"M119": PRINTING, "M27": ("SD printing byte 40/100",)}

    async def open(self) -> None:
        await asyncio.sleep(0)

    async def ask(self, command: str, within: float = 0.0) -> Reply:
        self.asked.append(command)
        if command in self.silent:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        return Reply(command, self.says.get(command, ()))

    async def close(self) -> None:
        await asyncio.sleep(0)


class Desk:
    """A printer at its bus, and somebody who listens."""

    def __init__(self, folder: Path, **values: object) -> None:
        self.store = Store(folder, "rex_bridge")
        self.store.open(announcements.SCHEMA, memory.SCHEMA)
        self.broker = MemoryBroker()
        self.bus = MemoryBus(self.broker)
        self.heard: list[dict[str, Any]] = []
        self.session = Script()
        events = Announcements(self.store, self.bus)
        events.start()
        chosen = settings(**values)
        self.printer = Printer(chosen.rex_printers[0], chosen, self.store, self.bus, events, lambda: None)
        self.printer._session = self.session

    async def start(self) -> None:
        listener = MemoryBus(self.broker)
        listener.subscribe(EVENT, lambda message: self.heard.append(json.loads(message.payload)))
        await listener.start()
        await self.bus.start()
        await self.until(lambda: self.bus.connected and listener.connected)
        self.printer.start()

    async def until(self, condition: Callable[[], object]) -> None:
        """Let things happen until *condition* holds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + 20
        while not condition():
            assert loop.time() < end, f"waited in vain; asked {self.session.asked[-10:]}, heard {self.heard}"
            await asyncio.sleep(0)

    def command(self, payload: str) -> None:
        """Somebody publishes a command."""
        client = MemoryBus(self.broker)
        client.connection_made()
        client.publish(COMMAND, payload.encode())

    def answers(self) -> list[tuple[str, str | None, str | None]]:
        """What commands were answered with: kind, id, reason."""
        return [(e["event"], e["id"], e["reason"]) for e in self.heard if e["event"] in ("done", "refused")]


def play(folder: Path, scene: Callable[[Desk], Coroutine[Any, Any, None]], **values: object) -> None:
    """Run *scene* at a desk whose printer has begun to print."""

    async def main() -> None:
        desk = Desk(folder, **values)
        try:
            await desk.start()
            await desk.until(lambda: any(event["event"] == "started" for event in desk.heard))
            await scene(desk)
        finally:
            await desk.printer.stop()
            desk.store.close()

    asyncio.run(main())
