"""The bridge as the planner may rely on it: the protocol of link/plan and link/outcome, without any printer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from contracts.board import Plate
from contracts.plan import (
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

TIME = datetime(2026, 1, 1, tzinfo=UTC)
Outcome = JobStarted | JobEnded | RevokeTooLate | MachineNotice | PlanRefused


@dataclass
class ModelBridge:
    """Takes bodies of link/plan; *said* collects what it says on link/outcome; *drawn* what is on the plate."""

    epoch: int = 1
    plate: Plate = Plate.UNKNOWN
    waiting: list[Run] = field(default_factory=list)
    running: Run | None = None
    runs: dict[str, Run] = field(default_factory=dict)
    ends: dict[str, JobEnded] = field(default_factory=dict)
    end_epochs: dict[str, int] = field(default_factory=dict)
    said: list[Outcome] = field(default_factory=list)
    drawn: list[Run] = field(default_factory=list)

    def begin(self) -> None:
        """First start: say where the machine is."""
        self._notice()

    def take(self, body: Run | Revoke | Control) -> None:
        """One body of link/plan."""
        match body:
            case Run():
                self._take_run(body)
            case Revoke():
                self._take_revoke(body)
            case Control():
                self._take_control(body)

    def _take_run(self, run: Run) -> None:
        if run.job_id in self.ends:
            self.said.append(self.ends[run.job_id])
        elif run.job_id not in self.runs:
            self.runs[run.job_id] = run
            self.waiting.append(run)

    def _take_revoke(self, revoke: Revoke) -> None:
        waits = next((run for run in self.waiting if run.job_id == revoke.job_id), None)
        if waits is not None:
            self.waiting.remove(waits)
            self._end(waits, JobEnd.REVOKED)
        elif self.running is not None and self.running.job_id == revoke.job_id:
            self.said.append(RevokeTooLate(job_id=revoke.job_id, time=TIME))
        elif revoke.job_id in self.ends:
            self.said.append(self.ends[revoke.job_id])
        else:
            self.said.append(PlanRefused(job_id=revoke.job_id, reason="no such job waits here", time=TIME))

    def _take_control(self, control: Control) -> None:
        if control.command is ControlWord.PLATE_UNKNOWN:
            self.new_epoch(plate=Plate.UNKNOWN)
        elif control.command is ControlWord.CONFIRM_EMPTY:
            if control.epoch == self.epoch:
                self.plate = Plate.KNOWN
            else:
                self.plate = Plate.UNKNOWN
                self._notice()

    def new_epoch(self, plate: Plate | None = None) -> None:
        """Something happened at the machine; *plate* when that is not known any more either."""
        self.epoch += 1
        self.plate = plate or self.plate
        self._notice()

    def advance(self) -> bool:
        """Answer or begin the next run that waits; False when there is nothing to do."""
        if self.running is not None or not self.waiting:
            return False
        run = self.waiting[0]
        fits = run.epoch == self.epoch and (
            run.predecessor is None
            or (
                run.predecessor in self.ends
                and self.ends[run.predecessor].end is JobEnd.DRAWN
                and self.end_epochs[run.predecessor] == self.epoch
            )
        )
        if not fits:
            self._end(self.waiting.pop(0), JobEnd.STALE)
            return True
        if self.plate is not Plate.KNOWN:
            return False
        self.running = self.waiting.pop(0)
        self.said.append(JobStarted(job_id=run.job_id, move_id=run.move_id, time=TIME))
        return True

    def finish(self, end: JobEnd, *, really_drawn: bool | None = None) -> bool:
        """End the running job; False when none runs."""
        run, self.running = self.running, None
        if run is None:
            return False
        if end is JobEnd.DRAWN or really_drawn:
            self.drawn.append(run)
        if end in (JobEnd.FAILED, JobEnd.CANCELLED, JobEnd.UNCERTAIN):
            self.epoch += 1
        self._end(run, end)
        return True

    def refuse_next(self) -> bool:
        """The validator does not like the next run; False when none waits."""
        if self.running is not None or not self.waiting:
            return False
        self._end(self.waiting.pop(0), JobEnd.REFUSED, "line 3 is not allowed")
        return True

    def _end(self, run: Run, end: JobEnd, reason: str | None = None) -> None:
        ended = JobEnded(job_id=run.job_id, move_id=run.move_id, end=end, reason=reason, epoch=self.epoch, time=TIME)
        self.ends[run.job_id] = ended
        self.end_epochs[run.job_id] = run.epoch
        self.said.append(ended)

    def _notice(self) -> None:
        self.said.append(MachineNotice(epoch=self.epoch, plate=self.plate, time=TIME))
