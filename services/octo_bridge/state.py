"""All that the bridge knows, frozen: what survives a restart (Kept, Job) and what is looked at anew (Octo, Heat)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from contracts.board import Plate
from contracts.plan import JobEnd, Run
from contracts.printers import Heaters, Latch, Link
from services.octo_bridge.approval import Approval


class Phase(StrEnum):
    """Where a job stands. SENDING is committed before the POST: from then on only evidence says what happened."""

    ACCEPTED = "accepted"
    SENDING = "sending"
    STARTED = "started"


class Printer(StrEnum):
    """OctoPrint's state of the printer, by its state ids."""

    OPERATIONAL = "operational"
    STARTING = "starting"
    PRINTING = "printing"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    CANCELLING = "cancelling"
    FINISHING = "finishing"
    CONNECTING = "connecting"
    OFFLINE = "offline"
    ERROR = "error"
    UNKNOWN = "unknown"


ACTIVE = frozenset({Printer.STARTING, Printer.PRINTING, Printer.PAUSING, Printer.PAUSED, Printer.RESUMING,
                    Printer.CANCELLING, Printer.FINISHING})  # fmt: skip
"""A job is in OctoPrint's hands."""
LOST = frozenset({Printer.OFFLINE, Printer.ERROR, Printer.CONNECTING})
"""The serial port is not open: whatever was known of the axes is void."""


@dataclass(frozen=True)
class Aborted:
    """How a job ends that OctoPrint called off or lost at the monotonic second *at*, unless its last line was sent."""

    end: JobEnd
    reason: str | None
    at: float


@dataclass(frozen=True)
class Job:
    """A run on its way. Fields up to *blind* are in the journal, the rest is forgotten by a restart."""

    run: Run
    phase: Phase = Phase.ACCEPTED
    attempt: int = 1
    path: str | None = None
    """OctoPrint's path of the file of this attempt, once it was sent."""
    mark: str | None = None
    """Mark in OctoPrint's log that lies before SENDING; None where the log could not be read."""
    recovery: bool = False
    """It begins with homing, and nothing has made void since what that found."""
    blind: str | None = None
    """Why it moves from nowhere, if it begins or goes on at all."""
    followed: bool = False
    """The push socket was alive without a break since SENDING."""
    cold: bool = False
    """The firmware said that it prevented cold extrusion."""
    finished: bool = False
    """PrintDone or the M118 line was seen."""
    hot_at: float | None = None
    """Monotonic second of the last reading of a hot nozzle that was seen for it, while nothing was doubtful."""
    bare: bool = False
    """The plate was known to be bare before it was sent."""
    preamble: bool = False
    """Lines that home are its own: it has not got past those yet, as far as is known."""
    aborted: Aborted | None = None
    """OctoPrint called it off, or lost it; it may have sent the last line before."""
    doubt: str | None = None
    """Why evidence is gathered."""
    sent_at: float | None = None
    """Monotonic second of the decision to send it."""
    refusals: int = 0
    """How often in a row OctoPrint did not print it."""
    refusal: str | None = None
    """Why not, the last time."""
    unanswered: bool = False
    """Nobody knows what became of one of its uploads: it may still come, and must find its name taken."""
    asked_at: float | None = None
    unknowns: int = 0
    """How often the evidence said nothing."""
    unanswered_since: float | None = None
    """Since when OctoPrint, although it is there, does not say what it knows of the job."""
    progress: float | None = None
    """0 … 1."""

    @property
    def id(self) -> str:
        return self.run.job_id

    @property
    def begun(self) -> bool:
        """OctoPrint has it, or may have it."""
        return self.phase is not Phase.ACCEPTED


@dataclass(frozen=True)
class Armed:
    """Until when heating and motion are allowed; *until* is monotonic and means something within *boot* only."""

    boot: str | None
    until: float
    until_wall: datetime


@dataclass(frozen=True)
class Still:
    """Since when a job has been paused: a monotonic second of *boot*."""

    boot: str | None
    since: float


@dataclass(frozen=True)
class Kept:
    """What survives a restart, beside the jobs."""

    epoch: int = 1
    plate: Plate = Plate.UNKNOWN
    bare: bool = False
    """Nothing has been drawn since a person confirmed that the plate is empty."""
    latch: Latch = Latch.NONE
    latch_reason: str | None = None
    stopping: bool = False
    """A stop is not confirmed yet."""
    armed: Armed | None = None
    planner: str | None = None
    refused_planner: str | None = None
    last_drawn: str | None = None
    mark: str | None = None
    """The newest mark in OctoPrint's log."""
    folder: str = "boardcast/first"
    old_folders: tuple[str, ...] = ()
    contacted: bool = False
    """OctoPrint's log was asked for at least once: from then on a gap in it means something."""
    paused: Still | None = None
    """Since when the job in hand has stood still."""
    gaps: int = 0
    """So often nothing could be written for a while."""
    last_board: int | None = None
    """Board that was last drawn on in this epoch, since the plate was last confirmed empty."""


@dataclass(frozen=True)
class Reading:
    """A heater in °C, read at the monotonic second *at*."""

    actual: float
    target: float
    at: float


@dataclass(frozen=True)
class Octo:
    """OctoPrint and the printer behind it, as seen last."""

    link: Link = Link.UNKNOWN
    reason: str | None = "OctoPrint has not been asked yet"
    printer: Printer = Printer.UNKNOWN
    error: str | None = None
    port: str | None = None
    offers: tuple[str, ...] = ()
    """Ports that OctoPrint could open."""
    path: str | None = None
    """The file that is selected."""
    filepos: int | None = None
    completion: float | None = None
    elapsed: int | None = None
    remaining: int | None = None
    z: float | None = None
    nozzle: Reading | None = None
    bed: Reading | None = None
    firmware: str | None = None
    stale: bool = False
    """Nothing could be written for a while: what OctoPrint has in hand is looked at again first."""
    push: bool = False
    sight: int = 0
    """How often watching began anew: what the log says of the time before is seen by no earlier reading."""
    caught_up: bool = False
    """OctoPrint's log up to this contact was read, or is known to be unreadable."""
    idle_since: float | None = None
    """Operational without a break since."""
    still_since: float | None = None
    """Since when neither the printer's state nor the place in the file has changed."""
    clock: float | None = None
    """What OctoPrint's time, s since 1970, is ahead of the monotonic clock; less by what its word was late."""


@dataclass(frozen=True)
class Heat:
    """What the bridge wants of the heaters, and since when."""

    mode: Heaters = Heaters.OFF
    since: float = 0.0
    settled: bool = False
    """The printer's targets were seen to be what this mode wants."""
    warmed: float = 0.0
    """Seconds that a job which still waits was heated for in vain, before this mode was entered."""
    by_hand_since: float | None = None
    """Since when somebody else's targets are seen where the bridge wants less."""


@dataclass(frozen=True)
class Machine:
    """The whole state."""

    boot: str | None = None
    kept: Kept = field(default_factory=Kept)
    jobs: tuple[Job, ...] = ()
    octo: Octo = field(default_factory=Octo)
    heat: Heat = field(default_factory=Heat)
    approval: Approval | None = None
    """The printer that the doctor has passed."""
    heated: bool = False
    """This process asked for heat, and has not seen it off again since."""
    targets: tuple[float, float] | None = None
    """Nozzle and bed in °C that this process asked for last."""
    targets_open: int = 0
    """Requests for targets that OctoPrint has not answered yet."""
    retargeting: bool = False
    """One of them is for others than the one before."""
    temperatures_from: float = -1e9
    """What was read before this monotonic second says nothing: the picture may be older than the last change."""
    behind_until: float = -1e9
    """Until when what OctoPrint said during a stall is still coming in."""
    start_heard_at: float | None = None
    """When the printer said that it starts, and OctoPrint has not said yet that it noticed."""
    reset_told_at: float = -1e9
    """When OctoPrint last told of a reset, or opened the port, which resets most printers."""
    dead_man: bool | None = None
    """Whether the firmware's own idle limit is set; None where nobody knows."""
    position_known: bool = False
    foreign: bool = False
    """Somebody else's job is running."""
    greeted: bool = False
    """This process has told the planner of epoch and plate."""
    accounted: tuple[str, ...] = ()
    """Files whose start in OctoPrint's log is explained: jobs that were sent, other people's that were seen live."""
    z: float | None = None
    """Height that the last job or homing ended at, mm."""
    moved_at: float = 0.0
    """When something last moved, or the bridge started."""
    own_lines_at: float = -1e9
    """When the bridge or a cancel script last sent lines that would otherwise look like a jog."""
    homing_until: float = -1e9
    """Until when lines that home are the bridge's own: it was told to home, or a job that did has just ended, and the
    last of them was not seen yet."""
    moving_since: float | None = None
    """When homing or parking was asked of OctoPrint, which has not answered yet."""
    ordered: tuple[tuple[str, float], ...] = ()
    """When a cancel and a resume were last asked of OctoPrint that it has not answered yet."""
    stop_asked_at: float | None = None
    stop_said: bool = False
    asked: tuple[tuple[str, float], ...] = ()
    """When each kind of request was last made, so that it is repeated with pauses only."""
    connect_wait: float = 2.0
    log_asked: bool = False
    """OctoPrint's log is being read."""
    over_at: float = 0.0
    """When the last job of ours was over, or the bridge started."""
    over_path: str | None = None
    """Its file."""
    saw_pause: bool = False
    """This process saw how the job in hand came to stand still."""
    first_contact: bool = True
    """This process has not read OctoPrint's log yet: what happened while it was away is unknown."""

    @property
    def head(self) -> Job | None:
        """The job that runs or is next."""
        return self.jobs[0] if self.jobs else None

    @property
    def running(self) -> Job | None:
        """The job that OctoPrint has, or may have."""
        return self.jobs[0] if self.jobs and self.jobs[0].begun else None

    def keep(self, **changes: object) -> Machine:
        """With these fields of what survives changed."""
        return replace(self, kept=replace(self.kept, **changes))  # type: ignore[arg-type]  # the names are Kept's

    def see(self, **changes: object) -> Machine:
        """With these fields of what is seen of OctoPrint changed; most of what comes twice a second is as it was."""
        octo = self.octo
        if all(getattr(octo, name) == value for name, value in changes.items()):
            return self
        return replace(self, octo=replace(octo, **changes))  # type: ignore[arg-type]  # the names are Octo's

    def adrift(self) -> Machine:
        """Nothing is known of the axes any more, and what a job in hand has homed is void."""
        lost = replace(self, position_known=False)
        job = self.running
        return lost if job is None or not job.recovery else lost.with_job(replace(job, recovery=False))

    def soiled(self) -> Machine:
        """Something may lie on the plate, or will."""
        job = self.running
        machine = self.keep(bare=False)
        return machine if job is None or not job.bare else machine.with_job(replace(job, bare=False))

    def with_job(self, job: Job) -> Machine:
        """With *job* in the place of the one with its id."""
        return replace(self, jobs=tuple(job if other.id == job.id else other for other in self.jobs))

    def last_asked(self, what: str) -> float:
        """When *what* was last asked of OctoPrint; long ago if never."""
        return dict(self.asked).get(what, -1e9)

    def order(self, action: str, at: float | None) -> Machine:
        """With a cancel or resume asked at *at*; answered, with None."""
        others = dict(self.ordered)
        others.pop(action, None)
        return replace(self, ordered=tuple((others | ({} if at is None else {action: at})).items()))

    def ask(self, what: str, at: float) -> Machine:
        """With *what* asked at *at*."""
        return replace(self, asked=tuple((dict(self.asked) | {what: at}).items()))
