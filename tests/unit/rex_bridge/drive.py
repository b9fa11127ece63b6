"""A printer and the poller on one clock that nobody waits for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts.events import EventKind
from contracts.printers import RexState, RexStatus
from deploy.simulators.flashforge.dialects import DIALECTS, reply_lines
from deploy.simulators.flashforge.faults import Faults, dressed
from deploy.simulators.flashforge.machine import Job, Machine
from services.chassis.clock import Now
from services.rex_bridge import poller, telemetry
from services.rex_bridge.control import Order
from services.rex_bridge.framing import READS, Exchange
from services.rex_bridge.settings import PrinterAddress, RexBridgeSettings
from services.rex_bridge.state import (
    Answered,
    Ask,
    Close,
    Closed,
    Due,
    Effect,
    Failed,
    Heard,
    Open,
    Opened,
    Ordered,
    Say,
    Show,
    Sleep,
    State,
    Trouble,
)

ORDERS = frozenset({"M24", "M25", "M26"})
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def settings(**values: object) -> RexBridgeSettings:
    return RexBridgeSettings.model_validate({"rex_printers": (PrinterAddress("rex", "printer.lan"),), **values})


@dataclass
class Hold:
    """A connection as the printer sees it."""

    opened: float
    closed: float | None = None
    asked: list[str] = field(default_factory=list)


class Drive:
    """Runs the poller against a machine. *manner*: how the printer treats the bridge, None as a printer should."""

    def __init__(
        self, *, dialect: str = "rex", latency: float = 0.005, boot: str | None = None, **values: object
    ) -> None:
        self.machine = Machine()
        self.faults = Faults()
        self.dialect = DIALECTS[dialect]
        self.latency = latency
        self.settings = settings(**values)
        self.time = 0.0
        self.wall_offset = 0.0
        self.manner: str | None = None
        self.garbled: set[str] = set()
        self.called: str | None = None
        self.control = False
        self.tried = 0
        self.holds: list[Hold] = []
        self.heard: list[tuple[float, str]] = []
        self.effects: list[tuple[float, Effect]] = []
        self.shown: list[tuple[float, RexState]] = []
        self.boot = boot
        self.state = State("rex", due=0.0, boot=boot)

    @property
    def now(self) -> Now:
        return Now(BEGAN + timedelta(seconds=self.time + self.wall_offset), self.time)

    @property
    def payload(self) -> RexState:
        return telemetry.payload(self.state, self.now)

    def status(self) -> RexStatus:
        return self.payload.state

    @property
    def says(self) -> list[Say]:
        return [effect for _, effect in self.effects if isinstance(effect, Say)]

    @property
    def answers(self) -> list[Say]:
        """What was said to those who gave orders."""
        return [say for say in self.says if say.kind in (EventKind.DONE, EventKind.REFUSED)]

    @property
    def asked(self) -> list[str]:
        """Every command that the printer heard."""
        return [command for _, command in self.heard]

    def kinds(self) -> list[EventKind]:
        return [say.kind for say in self.says]

    def start_print(self, seconds: float = 600, share: float = 0.0, file: str = "cube.gx") -> None:
        job = Job(file, seconds, 100, done=seconds * share)
        self.machine.start(job)
        self.machine.nozzle.actual, self.machine.bed.actual = job.nozzle, job.bed

    def restart(self) -> None:
        """Kill the bridge and start it again: what is on the disk is the tracker."""
        self._hang_up()
        self.state = State("rex", due=self.time, boot=self.boot, tracker=self.state.tracker)

    def order(self, verb: str, value: float | bool | None = None, command_id: str | None = None) -> None:
        self.feed(Ordered(Order(verb, value, command_id)))

    def run(self, seconds: float) -> None:
        """Let *seconds* go by."""
        end = self.time + seconds
        while self.once(end):
            pass

    def until(self, condition: Callable[[], object], seconds: float) -> float:
        """Run until *condition*; returns how long it took. AssertionError after *seconds*."""
        began = self.time
        while not condition():
            assert self.once(began + seconds), f"waited {seconds} s in vain; {self.payload}"
        return self.time - began

    def once(self, end: float) -> bool:
        """One thing that the rim does; False when nothing is left to do before *end*."""
        todo = poller.todo(self.state)
        if isinstance(todo, Sleep):
            if todo.until >= end:
                self._pass(max(0.0, end - self.time))
                return False
            self._pass(max(0.0, todo.until - self.time))
            self.feed(Due())
        elif isinstance(todo, Open):
            self.feed(self._open())
        elif isinstance(todo, Close):
            self._hang_up()
            self.feed(Closed())
        else:
            self.feed(self._ask(todo))
        return True

    def feed(self, heard: Heard) -> None:
        self.state, effects = poller.step(self.state, heard, self.now, self.settings)
        for effect in effects:
            self.effects.append((self.time, effect))
            if isinstance(effect, Show):
                self.shown.append((self.time, self.payload))

    def _pass(self, seconds: float) -> None:
        self.time += seconds
        self.machine.pass_time(seconds)

    def _open(self) -> Heard:
        self.tried += 1
        if self.manner == "off":
            self._pass(3.0)
            return Failed(Trouble.AWAY, "no answer")
        self._pass(self.latency)
        if self.manner == "refuse":
            return Failed(Trouble.REFUSED, "refused")
        self.holds.append(Hold(self.time))
        self.control = False
        return Opened()

    def _ask(self, ask: Ask) -> Heard:
        self.heard.append((self.time, ask.command))
        self.holds[-1].asked.append(ask.command)
        if self.manner in ("off", "silent") or self.faults.silent:
            self._pass(ask.within)
            self._hang_up()
            return Failed(Trouble.SILENT, "no reply")
        broken = self.manner == "drop" or (self.manner == "drop_later" and ask.command != "M119")
        if broken or self.holds[-1].closed is not None:
            self._hang_up()
            return Failed(Trouble.DROPPED, "closed")
        if self.latency > ask.within:
            self._pass(ask.within)
            self._hang_up()
            return Failed(Trouble.SILENT, "no reply")
        self._pass(self.latency)
        exchange = Exchange(ask.command, self.time)
        said = self._reply(ask.command)
        if self.manner == "answer_lost" and ask.command in ORDERS:
            self._hang_up()  # obeyed, and the connection breaks before it says so
            return Failed(Trouble.DROPPED, "closed")
        reply = exchange.feed(said, self.time)
        return Answered(exchange.expire() if reply is None else reply)

    def _reply(self, command: str) -> bytes:
        code, *arguments = command.split()
        if self.manner == "error":
            return b"Error: have been connected\r\n"
        if self.manner == "garbage":
            return b"HTTP/1.1 400 Bad Request\r\n\r\nok\r\n"
        lines: list[str] | None
        if code in self.garbled:
            lines = ["?"]
        elif code == "M601":
            taken = self.manner != "control"  # "stubborn" gives control and answers nothing all the same
            self.control = self.control or taken
            lines = [] if taken else ["Control failed."]
        elif code == "M602":
            self.control, lines = False, []
        elif self._refuses(code):
            lines = ["Control failed."]
        else:
            lines = reply_lines(self.dialect, self.machine, code, arguments)
        if self.called is not None:
            lines = [re.sub(r"(?<=MachineStatus: )\w+", self.called, line) for line in lines or []]
        return dressed(lines or [], code, self.dialect.eol, self.faults, twice=False)

    def _refuses(self, code: str) -> bool:
        if self.manner == "no_orders":
            return code not in READS
        return self.manner == "stubborn" or (self.dialect.needs_control and not self.control)

    def _hang_up(self) -> None:
        if self.holds and self.holds[-1].closed is None:
            self.holds[-1].closed = self.time
        self.control = False


def printing(**values: object) -> Drive:
    """A bridge that has seen an idle printer begin to print."""
    drive = Drive(**values)  # type: ignore[arg-type]  # the keywords of Drive and of the settings
    drive.run(1)
    drive.start_print()
    drive.until(lambda: drive.payload.print_id, 31)
    return drive
