"""A link between two services that can be killed, restored from older copies and lied to."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter

from services.chassis.bus.memory import MemoryBroker, MemoryBus
from services.chassis.dead_letters import DeadLetters
from services.chassis.link import outbox, positions
from services.chassis.link.consumer import LinkConsumer
from services.chassis.link.outbox import Outbox
from services.chassis.link.sender import LinkSender, LinkTopics
from services.chassis.store import Schema, Store, Unit

TOPICS = LinkTopics("test", "link/test", "link/test/receipt")
TAKEN = Schema("taken", ["CREATE TABLE taken (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, n INTEGER)"])


class Word(BaseModel):
    """The body of the test's link."""

    kind: Literal["word"] = "word"
    n: int
    text: str = ""


class Odd(BaseModel):
    """A body that the consumer does not understand."""

    kind: str = "odd"
    n: int


WORD: TypeAdapter[Word] = TypeAdapter(Word)


class _End:
    """What both ends have: a folder, a store and a bus, all of which may be gone and come back."""

    def __init__(self, broker: MemoryBroker, folder: Path) -> None:
        self.broker = broker
        self.folder = folder
        self.store = Store(folder, "end")
        self.bus = MemoryBus(broker)
        self.alive = False
        self.letters: list[tuple[str, int]] = []

    def dead_letters(self) -> DeadLetters:
        def render(topic: str, reason: str, payload: bytes, count: int) -> bytes:
            self.letters.append((reason, count))
            return reason.encode()

        return DeadLetters(self.bus, "dead_letter/end", render)

    def open(self, *schemas: Schema) -> None:
        self.store = Store(self.folder, "end")
        self.store.open(*schemas)
        # What these tests are about is not whether the disk keeps its word, and thousands of its waits take minutes.
        self.store.read("PRAGMA synchronous=OFF")
        self.bus = MemoryBus(self.broker)
        self.alive = True

    def kill(self) -> None:
        """As kill -9: no farewell, nothing put in order, only what was committed stays."""
        if not self.alive:
            return
        self.alive = False
        self.bus.connection_lost("killed")
        self.broker.detach(self.bus)
        self.store.read("PRAGMA query_only=ON")
        self.stop()
        self.store.close()

    def stop(self) -> None:
        """Have the end's timers do nothing any more."""

    def copy_to(self, backup: Path) -> None:
        """A backup of the folder, taken between two transactions."""
        shutil.rmtree(backup, ignore_errors=True)
        shutil.copytree(self.folder, backup)

    def restore(self, backup: Path | None) -> None:
        """Put *backup* in the place of the folder of a killed end; None: an empty one."""
        shutil.rmtree(self.folder)
        if backup is not None:
            shutil.copytree(backup, self.folder)


class Sending(_End):
    """A service that promises words."""

    async def start(self) -> None:
        self.open(outbox.SCHEMA)
        self.sender = LinkSender(Outbox(self.store, TOPICS.name), self.bus, TOPICS, self.dead_letters())
        self.sender.start()
        await self.bus.start()

    def stop(self) -> None:
        self.sender.stop()

    def promise(self, *numbers: int) -> None:
        with self.store.transaction() as unit:
            for n in numbers:
                self.sender.append(unit, Word(n=n))

    def promise_odd(self, n: int) -> None:
        with self.store.transaction() as unit:
            self.sender.append(unit, Odd(n=n))


class Taking(_End):
    """A service that writes down what it is told, in the link's own transaction."""

    def __init__(self, broker: MemoryBroker, folder: Path) -> None:
        super().__init__(broker, folder)
        self.histories: list[tuple[bool, int]] = []
        self.before_take: Callable[[Unit, Word], None] = lambda _unit, _word: None
        self.fail_in: dict[str, Exception] = {}

    async def start(self) -> None:
        self.open(positions.SCHEMA, TAKEN)
        self.consumer = LinkConsumer(self.store, self.bus, TOPICS, WORD, self, self.dead_letters())
        self.consumer.start()
        await self.bus.start()

    def stop(self) -> None:
        self.consumer.stop()

    def take(self, unit: Unit, body: Word) -> None:
        self._write(unit, "take", body.n)
        self.before_take(unit, body)

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        self._write(unit, "bad", body["n"])

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        for n in range(first, last + 1):
            self._write(unit, "lost", n)

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        self.histories.append((known, first))

    def _write(self, unit: Unit, what: str, n: int) -> None:
        unit.execute("INSERT INTO taken (what, n) VALUES (?, ?)", (what, n))
        if what in self.fail_in:
            raise self.fail_in[what]

    @property
    def rows(self) -> list[tuple[str, int]]:
        """What is on the disk, in the order in which it came."""
        return [(what, n) for what, n in self.store.read("SELECT what, n FROM taken ORDER BY id")]

    @property
    def taken(self) -> list[int]:
        """Numbers of the words that were taken."""
        return [n for what, n in self.rows if what == "take"]


class World:
    """Both ends, at one broker."""

    def __init__(self, broker: MemoryBroker, folder: Path) -> None:
        self.broker = broker
        self.sending = Sending(broker, folder / "sender")
        self.taking = Taking(broker, folder / "consumer")

    async def __aenter__(self) -> World:
        await self.sending.start()
        await self.taking.start()
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.sending.kill()
        self.taking.kill()

    @property
    def ends(self) -> list[Sending | Taking]:
        """Both."""
        return [self.sending, self.taking]

    async def restart(self, end: Sending | Taking, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Kill *end* and start it again."""
        end.kill()
        meanwhile()
        await end.start()
        await asyncio.sleep(0)

    @property
    def settled(self) -> bool:
        """Whether everything promised has its receipt."""
        return self.sending.sender.waiting == 0
