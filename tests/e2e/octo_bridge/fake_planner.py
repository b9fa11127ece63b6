"""A planner with no game: it plans lines, keeps two runs outstanding, and plans stale ones anew."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts import channels
from contracts.plan import (
    OUTCOME_BODY,
    Control,
    ControlWord,
    JobEnd,
    JobEnded,
    JobStarted,
    MachineNotice,
    PlanRefused,
    Revoke,
    RevokeTooLate,
    Run,
)
from contracts.presence import render_dead_letter
from services.chassis.bus.address import parse_addresses
from services.chassis.bus.mqtt.bus import MqttBus
from services.chassis.bus.mqtt.options import MqttOptions
from services.chassis.dead_letters import DeadLetters
from services.chassis.link import outbox, positions
from services.chassis.link.consumer import LinkConsumer
from services.chassis.link.outbox import Outbox
from services.chassis.link.sender import LinkSender, LinkTopics
from services.chassis.store import Store, Unit

Outcome = JobStarted | JobEnded | RevokeTooLate | MachineNotice | PlanRefused
OUTSTANDING = 2


def line_of(number: int, *, slow: int = 0) -> tuple[str, ...]:
    """The plan of a move: a line that no other number has; *slow* makes it so many lines longer."""
    y = 20 + number % 180
    middle = [f"G1 X{30 + i % 2 * 150} Y{y} E0.2 F2400" for i in range(slow)]
    return (
        "G90", "M83", "G1 Z5 F300", f"G0 X30 Y{y} F6000", "G1 Z0.25 F300", "G1 E5 F1500", *middle,
        f"G1 X{100 + number % 90} Y{y} E2 F2400", "G1 E-5 F1500", "G1 Z5 F300",
    )  # fmt: skip


class FakePlanner:
    """The planner's ends of link/plan and link/outcome."""

    def __init__(self, folder: Path, url: str, root: str = channels.DEFAULT_ROOT) -> None:
        self.instance = secrets.token_hex(4)
        self.outcomes: list[Outcome] = []
        self.ended: dict[str, JobEnded] = {}
        """By move; the last end of each."""
        self.every_end: list[JobEnded] = []
        self.epoch = 0
        self.moves: list[int] = []
        """Moves to be planned, in order."""
        self.gcode: dict[int, tuple[str, ...]] = {}
        self._plans: dict[int, int] = {}
        self._outstanding: list[int] = []
        self._last_planned: str | None = None
        self._store = Store(folder, "planner")
        self._bus = MqttBus(MqttOptions(parse_addresses(url), "fake-planner"))
        dead = DeadLetters(self._bus, channels.DEAD_LETTER.topic(root, service="planner"), render_dead_letter)
        plan = LinkTopics("plan", channels.LINK_PLAN.topic(root), channels.LINK_PLAN_RECEIPT.topic(root))
        outcome = LinkTopics("outcome", channels.LINK_OUTCOME.topic(root), channels.LINK_OUTCOME_RECEIPT.topic(root))
        self._sender = LinkSender(Outbox(self._store, "plan"), self._bus, plan, dead)
        self._consumer = LinkConsumer(self._store, self._bus, outcome, OUTCOME_BODY, self, dead)

    async def start(self) -> None:
        self._store.open(outbox.SCHEMA, positions.SCHEMA)
        self._sender.start()
        self._consumer.start()
        await self._bus.start()

    async def stop(self) -> None:
        self._sender.stop()
        await self._bus.stop()
        self._store.close()

    # --- what it says --------------------------------------------------------------------------------------------

    def draw(self, *numbers: int, gcode: Sequence[str] | None = None) -> None:
        """Have these moves drawn, two runs outstanding at any time."""
        for number in numbers:
            self.gcode[number] = tuple(gcode) if gcode is not None else line_of(number)
            self.moves.append(number)
        with self._store.transaction() as unit:
            self._plan_next(unit)

    def send(self, body: Run | Revoke | Control) -> None:
        with self._store.transaction() as unit:
            self._sender.append(unit, body)

    def control(self, word: ControlWord) -> None:
        self.send(Control(planner=self.instance, command=word, epoch=self.epoch, by="the test"))

    def run_of(self, number: int, **changes: Any) -> Run:
        plan = self._plans[number] = self._plans.get(number, 0) + 1
        run = Run(
            planner=self.instance, job_id=f"{self.instance}-1-{number}-{plan}", move_id=f"1-{number}", ordinal=number,
            board=1, epoch=self.epoch, predecessor=self._last_planned, gcode=self.gcode.get(number, line_of(number)),
        )  # fmt: skip
        return run.model_copy(update=changes)

    def drawn(self) -> list[str]:
        """Moves that are said to be drawn, in order."""
        return [end.move_id for end in self.every_end if end.end is JobEnd.DRAWN]

    def _plan_next(self, unit: Unit) -> None:
        while self.moves and len(self._outstanding) < OUTSTANDING and self.epoch:
            number = self.moves.pop(0)
            run = self.run_of(number)
            self._last_planned = run.job_id
            self._outstanding.append(number)
            self._sender.append(unit, run)

    # --- what it hears -------------------------------------------------------------------------------------------

    def take(self, unit: Unit, body: Outcome) -> None:
        self.outcomes.append(body)
        if isinstance(body, MachineNotice):
            self._epoch(body.epoch)
        if isinstance(body, JobEnded):
            self._take_end(body)
        self._plan_next(unit)

    def _epoch(self, epoch: int) -> None:
        if epoch != self.epoch:
            self.epoch, self._last_planned = epoch, None

    def _take_end(self, end: JobEnded) -> None:
        self._epoch(end.epoch)
        self.every_end.append(end)
        self.ended[end.move_id] = end
        number = int(end.move_id.partition("-")[2])
        if number in self._outstanding:
            self._outstanding.remove(number)
        if end.end is JobEnd.STALE:
            self.moves.insert(0, number)
            self.moves.sort()

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        raise AssertionError(reason)

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        pass

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        pass
