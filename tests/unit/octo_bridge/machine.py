"""A machine to drive by hand: the pure core with a clock, and what it has said and asked for so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from pydantic import SecretStr

from contracts.board import Plate
from contracts.commands import parse_command
from contracts.plan import Control, ControlWord, JobEnded, Run
from contracts.printers import ENDER_VERBS, Heaters, Latch
from services.chassis.clock import Now
from services.octo_bridge import events as e
from services.octo_bridge.effects import Announce, Effect, JobAction, SetTargets, Tell
from services.octo_bridge.journal import restored
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import Job, Machine, Printer
from services.octo_bridge.step import Core

T = TypeVar("T")
BOOT = "this-boot"
PLANNER = "aaaaaaaa"
IDLE_RESET = e.Happened(e.Happening.RESET, idle=True)
START = datetime(2026, 1, 1, tzinfo=UTC)
LINES = (
    "G90", "M83", "G1 Z5 F300", "G0 X30 Y30 F6000", "G1 Z0.25 F300", "G1 E5 F1500", "G1 X100 Y30 E3.5 F2400",
    "G1 E-5 F1500", "G1 Z5 F300",
)  # fmt: skip
OFF, STANDBY, HOT = SetTargets(0, 0), SetTargets(150, 60), SetTargets(205, 60)


@cache
def settings(**more: Any) -> BridgeSettings:
    return BridgeSettings(octoprint_url="http://octoprint", octoprint_api_key=SecretStr("key"), **more)


def run(number: int = 1, *, epoch: int = 1, after: str | None = None, **more: Any) -> Run:
    return Run(
        planner=PLANNER, job_id=job_id(number), move_id=f"1-{number}", ordinal=number, board=1, epoch=epoch,
        predecessor=after, gcode=LINES,
    ).model_copy(update=more)  # fmt: skip


def job_id(number: int) -> str:
    return f"{PLANNER}-1-{number}-1"


def answers_to(effects: Sequence[Effect]) -> list[e.Asked]:
    """What an OctoPrint says that does at once what it is asked."""
    targets = [e.Asked("targets", True) for effect in effects if isinstance(effect, SetTargets)]
    return [*targets, *(e.Asked(effect.action, True) for effect in effects if isinstance(effect, JobAction))]


class Rig:
    """Feeds the core and collects its effects."""

    def __init__(self, machine: Machine | None = None, **more: Any) -> None:
        self.settings = settings(**more)
        self.core = Core(self.settings)
        self.machine = machine or Machine(boot=BOOT)
        self.mono = 1000.0
        self.effects: list[Effect] = []
        self.answers = True
        """Whether OctoPrint answers at once when it is told targets, a cancel or a resume."""
        if machine is None:
            self.machine = replace(self.machine, moved_at=self.mono)

    @property
    def now(self) -> Now:
        return Now(START + timedelta(seconds=self.mono), self.mono)

    def feed(self, *inputs: e.Input) -> list[Effect]:
        """Feed them and return what they led to."""
        made: list[Effect] = []
        for event in inputs:
            self.machine, effects = self.core(self.machine, event, self.now)
            made += effects
            self.effects += effects
            if self.answers:
                made += self.feed(*answers_to(effects))
        return made

    def wait(self, seconds: float, step: float | None = None, *, watched: bool = True) -> list[Effect]:
        """Let time go by; *watched*: OctoPrint goes on showing the picture that it showed last.

        In steps of *step* seconds; if not told: 0.5, 1 where it is minutes, and 3 where it is nearly an hour.
        """
        made: list[Effect] = []
        end = self.mono + seconds
        step = step or (0.5 if seconds < 100 else 1.0 if seconds < 1000 else 3.0)
        while self.mono < end:
            self.mono = min(self.mono + step, end)
            made += self.feed(e.Tick())
            if watched and self.machine.octo.nozzle is not None:
                made += self.feed(self.seen())
        return made

    def restarted(self) -> Rig:
        """The bridge after a restart in the same boot: what is kept, its jobs, and nothing that was seen."""
        jobs = tuple(
            Job(j.run, j.phase, j.attempt, j.path, j.mark, j.recovery, j.blind, doubt="restarted" if j.begun else None)
            for j in self.machine.jobs
        )
        rig = Rig(restored(self.machine.kept, jobs, BOOT, self.mono))
        rig.settings, rig.core, rig.mono = self.settings, self.core, self.mono
        return rig

    # --- OctoPrint's side ----------------------------------------------------------------------------------------

    def seen(self, **more: Any) -> e.Seen:
        """OctoPrint as it was last, with changes."""
        octo = self.machine.octo
        nozzle = (octo.nozzle.actual, octo.nozzle.target) if octo.nozzle else (20.0, 0.0)
        bed = (octo.bed.actual, octo.bed.target) if octo.bed else (20.0, 0.0)
        heaters = (e.Heaters(more.pop("nozzle", nozzle), more.pop("bed", bed)),)
        known = {"printer": octo.printer, "path": octo.path, "filepos": octo.filepos, "port": octo.port or "VIRTUAL",
                 "polled": True, "heaters": heaters, "offers": ("VIRTUAL",)}  # fmt: skip
        return e.Seen(**(known | more))

    def connect(self) -> None:
        """OctoPrint answers, and its log was read."""
        self.feed(e.PushChanged(True), self.seen(printer=Printer.OPERATIONAL))
        self.feed(e.LogRead("mark-1", None))

    def hot(self) -> None:
        """A picture of a hot printer that is not older than the last change of its targets."""
        self.mono = max(self.mono, self.machine.temperatures_from)
        self.feed(self.seen(nozzle=(205.0, 205.0), bed=(60.0, 60.0)))

    def ready(self) -> Rig:
        """Connected, plate confirmed, armed and hot; nothing waits."""
        self.connect()
        self.control(ControlWord.CONFIRM_EMPTY)
        self.command("arm")
        self.hot()
        self.mono += 0.5
        self.effects.clear()
        return self

    def start(self, number: int = 1, **more: Any) -> Job:
        """A job that OctoPrint has taken and prints."""
        self.feed(e.RunTaken(run(number, epoch=self.machine.kept.epoch, **more)))
        self.hot()
        job = self.machine.running
        assert job is not None, "not sent"
        self.feed(e.Posted(job.id, job.attempt, e.Post.TAKEN))
        self.printing(job)
        self.effects.clear()
        running = self.machine.running
        assert running is not None
        return running

    def printing(self, job: Job, filepos: int = 10) -> None:
        self.feed(self.seen(printer=Printer.PRINTING, path=job.path, filepos=filepos))

    # --- people --------------------------------------------------------------------------------------------------

    def command(self, text: str) -> list[Effect]:
        return self.feed(e.Commanded(parse_command(text.encode(), ENDER_VERBS)))

    def control(self, word: ControlWord, *, epoch: int | None = None, planner: str = PLANNER) -> list[Effect]:
        known = self.machine.kept.epoch if epoch is None else epoch
        return self.feed(e.ControlTaken(Control(planner=planner, command=word, epoch=known, by="chat")))

    # --- what it is (methods, because it changes under the type checker's eyes) ------------------------------------

    def latch(self) -> Latch:
        return self.machine.kept.latch

    def knows(self) -> bool:
        """Whether the axes are known (a method, because it changes under the type checker's eyes)."""
        return self.machine.position_known

    def plate(self) -> Plate:
        return self.machine.kept.plate

    def mode(self) -> Heaters:
        return self.machine.heat.mode

    def doubt(self) -> str | None:
        return self.machine.jobs[0].doubt

    # --- what it said --------------------------------------------------------------------------------------------

    def of(self, kind: type[T]) -> list[T]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def ends(self) -> list[JobEnded]:
        return [tell.body for tell in self.of(Tell) if isinstance(tell.body, JobEnded)]

    def said(self) -> list[str]:
        return [announce.event.event.value for announce in self.of(Announce)]


def cold() -> Rig:
    """All is ready, but for the heat."""
    rig = Rig().ready()
    rig.feed(rig.seen(nozzle=(20.0, 0.0), bed=(20.0, 0.0)))
    rig.wait(3)
    rig.effects.clear()
    return rig


def came_back(rig: Rig, nozzle: float = 205.0) -> Rig:
    """The bridge after a restart, in front of a printer that is as hot as it left it."""
    again = rig.restarted()
    hot = {"nozzle": (nozzle, nozzle), "bed": (60.0, 60.0)}
    again.feed(e.PushChanged(True), again.seen(printer=Printer.OPERATIONAL, **hot))
    return again
