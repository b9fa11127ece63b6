"""Marlin's main loop without a machine around it: lines and time in, replies and records out.

It follows `queue.cpp`, `gcode.cpp` and `MarlinCore.cpp`: a few lines wait to be carried out, a command is answered with
`ok` when its handler returns, a move when it is in the planner's buffer. Commands are in `commands.py`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from deploy.simulators.marlin import wire
from deploy.simulators.marlin.commands import handle
from deploy.simulators.marlin.inactivity import Inactivity, Verdict
from deploy.simulators.marlin.machine import Machine, Record
from deploy.simulators.marlin.protection import Protection
from deploy.simulators.marlin.settings import Settings
from deploy.simulators.marlin.waits import Handler, Wait
from deploy.simulators.marlin.words import Command, parse

SAMPLE_S = 1.0


@dataclass
class Modes:
    """What commands set and a reset forgets."""

    extrude_min_c: float
    relative: bool = False
    e_relative: bool = False
    feed: float = 25.0
    feed_percent: float = 100.0
    flow_percent: float = 100.0
    soft_endstops: bool = True
    leveling: bool = False
    report_s: float = 0.0
    busy_s: float = 2.0
    native: list[float] = field(default_factory=lambda: [0.0] * 4)
    """Where the last planned move ends."""
    shift: list[float] = field(default_factory=lambda: [0.0] * 3)
    """What G92 added to X, Y, Z."""


class Firmware:
    """One printer, from the moment its power comes on. It is given the time with each call, never an earlier one."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.machine = Machine(settings)
        self.replies: list[str] = []
        self.corrupt_next = 0
        """How many numbered lines to come arrive damaged. `M110` does not: a host has no way back from that."""
        self.lose_next = ""
        self.lose_after = 0
        """The next `ok` for a command of this name is lost on its way to the host."""
        self._forget()

    def _forget(self) -> None:
        self.modes = Modes(self.settings.extrude_min_c)
        self.inactivity = Inactivity(self.settings, self.machine.now)
        self.halted = False
        self.wait_for_heat = False
        self.last_line = 0
        self.protection = Protection(self.settings)
        self._received: deque[str] = deque()
        self._queue: deque[str] = deque()
        self._running: tuple[Handler, Wait] | None = None
        self._boot_at: float | None = None
        self._next_busy = self._next_report = self._next_sample = self.machine.now

    # -- in ------------------------------------------------------------------------------------------------------------

    def reset(self, now: float, why: str) -> None:
        """The processor starts anew. The machine stays where it is, its heaters go off."""
        self.advance(now)
        self._lose_input(f"reset: {why}")
        self.machine.stop_motion()
        self.machine.body.reset()
        self.machine.heat_off()
        self.machine.file += 1
        self.machine.record("reset", why=why)
        self._forget()
        self._boot_at = now + self.settings.boot_s

    def receive(self, raw: str, now: float) -> None:
        """A line came in."""
        self.advance(now)
        line = wire.strip_comment(raw)
        if not line:
            return
        if self.halted or self._boot_at is not None:
            self._record_line(line, lost="halted" if self.halted else "starting")
            return
        self._received.append(line)
        self._pump()

    def advance(self, now: float) -> None:
        """Let the time be *now*."""
        while (due := self.next_event()) is not None and due <= now:
            self.machine.to(max(due, self.machine.now))
            self._fire()
        self.machine.to(now)

    def kill(self, error: str = "") -> None:
        """Halt until a reset: heaters off, motion stopped, deaf."""
        if error:
            self.reply(f"Error:{error}")
        self.reply("Error:Printer halted. kill() called!")
        self.halted = True
        self._lose_input("halted")
        self._queue.clear()
        self._running = None
        self.machine.stop_motion()
        self.machine.heat_off()
        self.machine.body.release("XYZ")
        self.machine.record("killed", why=error)

    # -- out -----------------------------------------------------------------------------------------------------------

    def next_event(self) -> float | None:
        """When something happens by itself next; never before `machine.now` unless it is overdue."""
        times = [self._next_sample] if self.machine.heat_moves else []
        if self._boot_at is not None:
            times.append(self._boot_at)
        elif not self.halted:
            times.extend(self._timers())
        return min(times, default=None)

    def next_work(self) -> float | None:
        """When the work in hand goes on next: a move's end, a dwell's, a heater at its target. No idle timer counts."""
        if self._boot_at is not None:
            return self._boot_at
        if self.halted:
            return None
        times = [self.machine.planner.next_time()]
        if self._running is not None:
            times.append(self._running[1].until)
        for heater in self.machine.heaters.values():
            left = heater.seconds_to_target()
            times.append(self.machine.now + left if left else None)
        return min((time for time in times if time is not None), default=None)

    def take_replies(self) -> list[str]:
        """Lines for the host since the last call."""
        taken, self.replies = self.replies, []
        return taken

    def take_records(self) -> list[Record]:
        """What really happened since the last call."""
        taken, self.machine.records = self.machine.records, []
        return taken

    def reply(self, text: str) -> None:
        """Say a line to the host."""
        if self.lose_next and text.startswith("ok") and self._queue and self._queue[0].startswith(self.lose_next):
            if not self.lose_after:
                self.lose_next = ""
                return
            self.lose_after -= 1
        self.replies.append(text)

    def temperatures(self) -> str:
        """As `M105` words them."""
        nozzle, bed = self.machine.heaters["nozzle"], self.machine.heaters["bed"]
        values = f"T:{nozzle.temperature:.2f} /{nozzle.target:.2f} B:{bed.temperature:.2f} /{bed.target:.2f}"
        return f"{values} @:{127 if nozzle.target else 0} B@:{127 if bed.target else 0}"

    def keep_awake(self) -> None:
        """Start the inactivity timers anew."""
        self.inactivity.begin(self.machine.now)

    def report_every(self, seconds: float) -> None:
        """Say the temperatures by itself; 0 is never."""
        self.modes.report_s = seconds
        self._next_report = self.machine.now + seconds

    def busy_every(self, seconds: float) -> None:
        """Say so when a command takes long; 0 is never."""
        self.modes.busy_s = seconds
        self._next_busy = self.machine.now

    # -- time ----------------------------------------------------------------------------------------------------------

    def _timers(self) -> list[float]:
        modes, planner = self.modes, self.machine.planner
        times = [time for time in (planner.next_time(),) if time is not None]
        if self._running is not None:
            if modes.busy_s:
                times.append(max(self._next_busy, self.machine.now))
            if self._running[1].until is not None:
                times.append(self._running[1].until)
        if modes.report_s:
            times.append(self._next_report)
        times += self.inactivity.due(moving=not planner.empty, powered=bool(self.machine.body.powered))
        return times

    def _fire(self) -> None:
        now, modes = self.machine.now, self.modes
        if now >= self._next_sample:
            self._sample(now)
        if self._boot_at is not None and now >= self._boot_at:
            self._boot()
        if self.halted or self._boot_at is not None:
            return
        moving = not self.machine.planner.empty
        while self.machine.step():
            pass
        if moving:
            self.inactivity.moved(now)
        if modes.report_s and now >= self._next_report:
            self.reply(f" {self.temperatures()}")
            self._next_report = now + modes.report_s
        self._pump()
        if self._running is not None and modes.busy_s and now >= self._next_busy:
            self.reply("echo:busy: processing")
            self._next_busy = now + modes.busy_s
        self._check_inactivity(now)

    def _check_inactivity(self, now: float) -> None:
        machine = self.machine
        verdict = self.inactivity.verdict(now, moving=not machine.planner.empty, powered=bool(machine.body.powered))
        if verdict is Verdict.KILL:
            self.kill("!! KILL caused by too much inactive time - current command: ")
        elif verdict is Verdict.RELEASE:
            machine.body.release("XYZ")
            machine.record("released", why="idle")

    def _sample(self, now: float) -> None:
        self._next_sample = now + SAMPLE_S
        self.machine.record_heaters_if_changed()
        if not self.halted and (error := self.protection.check(self.machine.heaters, now)):
            self.kill(error)

    def _boot(self) -> None:
        self._boot_at = None
        version = self.settings.version
        for line in (
            "start",
            "External Reset",
            f"Marlin {version}",
            "",
            "echo: Last Updated: 2021-09-01 | Author: none",
        ):
            self.reply(line)
        self.reply("echo: Free Memory: 9434  PlannerBufferBytes: 1216")
        self.reply("echo:Hardcoded Default Settings Loaded")

    # -- commands ------------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Go on with the command in hand, then with the next, until one has to wait."""
        self._read()
        while not self.halted:
            if self._running is not None:
                handler, wait = self._running
                if not self._over(wait):
                    return
                self._go_on(handler)
            elif self._queue:
                self._begin(self._queue[0])
            else:
                return
            self._read()

    def _begin(self, text: str) -> None:
        self._go_on(handle(self, parse(text) or Command("", "", text)))

    def _go_on(self, handler: Handler) -> None:
        wait = next(handler, None)
        if wait is not None and not self.halted:
            self._running = (handler, wait)
            return
        self._running = None
        if self._queue:
            self._queue.popleft()

    def _over(self, wait: Wait) -> bool:
        if wait.until is not None:
            return self.machine.now >= wait.until
        return not self.machine.planner.full if wait.space else self.machine.planner.empty

    def _read(self) -> None:
        """Take received lines while there is room; what must not wait for its turn is done here."""
        while self._received and len(self._queue) < self.settings.commands and not self.halted:
            line = self._received.popleft()
            judged: wire.Accepted | wire.Refused = wire.check(line, self.last_line)
            damaged = self.corrupt_next > 0 and "M110" not in line
            if isinstance(judged, wire.Accepted) and judged.numbered and damaged:
                self.corrupt_next -= 1
                judged = wire.Refused(f"checksum mismatch, Last Line: {self.last_line}")
            if isinstance(judged, wire.Refused):
                self._refuse(line, judged.error)
                return
            self.last_line = judged.last
            self._record_line(line)
            if not judged.numbered:
                self._early(judged.text)
            self._queue.append(judged.text)

    def _early(self, text: str) -> None:
        """Without EMERGENCY_PARSER these act when they are read, and only without a line number."""
        if text.startswith("M108"):
            self.wait_for_heat = False
        elif text.startswith("M112"):
            self.kill()
        elif text.startswith("M410"):
            self.quick_stop()

    def quick_stop(self) -> None:
        """Stop dead; the position stays known."""
        self.machine.stop_motion()
        self.modes.native = list(self.machine.body.steps)

    def _refuse(self, line: str, error: str) -> None:
        self._record_line(line, refused=error)
        self._lose_input("input discarded with the line before")
        self.reply(f"Error:{error}")
        self.reply(f"Resend: {self.last_line + 1}")
        if self.settings.ok_after_resend:
            self.reply("ok")

    def _lose_input(self, why: str) -> None:
        while self._received:
            self._record_line(self._received.popleft(), lost=why)

    def _record_line(self, line: str, **more: str) -> None:
        machine = self.machine
        point = [round(value, 4) for value in machine.body.point]
        heat = {name: round(heater.temperature, 2) for name, heater in machine.heaters.items()}
        machine.record("line", line=line, at=point, known=machine.body.known, **heat, **more)

    def set_heater_target(self, name: str, celsius: float) -> None:
        """A target from the host, no higher than the firmware allows."""
        top = self.settings.nozzle_max_c if name == "nozzle" else self.settings.bed_max_c
        self.machine.set_target(name, min(celsius, top))
        self._next_sample = min(self._next_sample, self.machine.now + SAMPLE_S)
        self.protection.retarget(name, self.machine.heaters[name], self.machine.now)
        # A target of less than the room's temperature is none.
        if celsius <= 0:
            self.machine.heaters[name] = replace(self.machine.heaters[name], target=0.0)
