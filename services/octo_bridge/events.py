"""The inputs of the pure core: everything that can happen to the machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contracts.commands import Command
from contracts.plan import Control, JobEnded, Revoke, Run
from contracts.printers import Link
from services.octo_bridge.approval import Approval
from services.octo_bridge.effects import ReadLog
from services.octo_bridge.evidence import Evidence
from services.octo_bridge.octolog import Slice
from services.octo_bridge.state import Printer

# --- from the planner and from people ----------------------------------------------------------------------------


@dataclass(frozen=True)
class RunTaken:
    """A plan in its turn; *ended* is how the journal says that this very job ended before."""

    run: Run
    ended: JobEnded | None = None


@dataclass(frozen=True)
class RevokeTaken:
    """A request not to begin a job; *ended* as with RunTaken."""

    revoke: Revoke
    ended: JobEnded | None = None


@dataclass(frozen=True)
class ControlTaken:
    """A control that acts on receipt."""

    control: Control


@dataclass(frozen=True)
class PlanBad:
    """A body on link/plan that nobody understands."""

    job_id: str | None
    reason: str


@dataclass(frozen=True)
class PlannerChanged:
    """The planner began a new history or lost messages: it is told where the machine stands."""

    reason: str


@dataclass(frozen=True)
class Commanded:
    """A command from a person."""

    command: Command


@dataclass(frozen=True)
class Restored:
    """The database is a copy from earlier: what happened since is forgotten."""


@dataclass(frozen=True)
class ApprovalRead:
    """Which printer the doctor has passed, if any."""

    approval: Approval | None


@dataclass(frozen=True)
class CommandBad:
    """A command that cannot be obeyed."""

    word: str | None
    id: str | None
    reason: str


# --- from OctoPrint ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heaters:
    """One reading: actual and target in °C."""

    nozzle: tuple[float, float] | None
    bed: tuple[float, float] | None


@dataclass(frozen=True)
class Seen:
    """OctoPrint's own picture, pushed or polled. *port* None: this source does not say."""

    printer: Printer
    error: str | None = None
    path: str | None = None
    filepos: int | None = None
    completion: float | None = None
    elapsed: int | None = None
    remaining: int | None = None
    z: float | None = None
    heaters: tuple[Heaters, ...] = ()
    port: str | None = None
    offers: tuple[str, ...] = ()
    """Ports that OctoPrint could open; only a polled picture says."""
    clock: float | None = None
    """OctoPrint's own time, s since 1970; only a pushed picture says."""
    polled: bool = False


@dataclass(frozen=True)
class Unreachable:
    """OctoPrint did not answer as it should."""

    link: Link
    reason: str


@dataclass(frozen=True)
class PushChanged:
    """The push socket came up or went away."""

    up: bool


@dataclass(frozen=True)
class PrinterChanged:
    """PrinterStateChanged: the fastest word on whether the printer is free."""

    printer: Printer


class Happening(StrEnum):
    """Events of OctoPrint that mean something here."""

    STARTED = "PrintStarted"
    DONE = "PrintDone"
    FAILED = "PrintFailed"
    CANCELLED = "PrintCancelled"
    PAUSED = "PrintPaused"
    RESET = "PrinterReset"


@dataclass(frozen=True)
class Happened:
    """One of them. *by* is the OctoPrint user who asked for it, None when nobody did."""

    what: Happening
    path: str | None = None
    by: str | None = None
    reason: str | None = None
    idle: bool = False
    """Of a RESET: OctoPrint had no job in its hands, and none to cancel."""


@dataclass(frozen=True)
class FirmwareNamed:
    """What the firmware calls itself."""

    name: str


@dataclass(frozen=True)
class Logged:
    """A line of the serial terminal that the push socket was asked to report."""

    line: str


# --- answers to what was asked of OctoPrint ----------------------------------------------------------------------


class Post(StrEnum):
    """What became of a job's POST."""

    TAKEN = "taken"  # 201, effectivePrint true
    STORED = "stored"  # 201, effectivePrint false: never printed
    LATE = "late"  # not sent, for the decision was an old one
    WITHHELD = "withheld"  # not sent, for what came in since it was decided
    NOT_SENT = "not_sent"  # no connection was made, or OctoPrint refused it whole
    DOUBT = "doubt"  # timed out, 5xx, 409, connection lost


@dataclass(frozen=True)
class Posted:
    """The answer to a job's POST."""

    job_id: str
    attempt: int
    post: Post
    reason: str | None = None


@dataclass(frozen=True)
class EvidenceFound:
    """What OctoPrint says of a job; None when it could not be asked."""

    job_id: str
    attempt: int
    evidence: Evidence | None
    reason: str | None = None
    """Why there is none."""


@dataclass(frozen=True)
class LogRead:
    """OctoPrint's log since the last mark; *mark* is the new one, None when the log cannot be read."""

    mark: str | None
    since: Slice | None
    reason: str | None = None
    asked: ReadLog | None = None
    """What it answers; None where nothing else was asked meanwhile."""


@dataclass(frozen=True)
class LogNotRead:
    """OctoPrint did not answer the question for its log."""


@dataclass(frozen=True)
class Asked:
    """The answer to a request of the safety channel."""

    what: str
    ok: bool
    reason: str | None = None
    epoch: int | None = None
    """Machine epoch that it was asked in, where that matters."""


@dataclass(frozen=True)
class FolderGone:
    """The folder of an earlier session was deleted."""

    folder: str


@dataclass(frozen=True)
class Tick:
    """Time went by."""


@dataclass(frozen=True)
class Stalled:
    """Nothing was heard for longer than ticks come: what OctoPrint said meanwhile comes next, and all of it is old."""


@dataclass(frozen=True)
class WritesAgain:
    """The disk takes writes again; what OctoPrint showed meanwhile was decided upon by nobody."""


Input = (
    RunTaken | RevokeTaken | ControlTaken | PlanBad | PlannerChanged | Commanded | CommandBad | ApprovalRead | Seen
    | Unreachable | PushChanged | PrinterChanged | Happened | FirmwareNamed | Logged | Posted | EvidenceFound | LogRead
    | LogNotRead | Asked | FolderGone | Restored | Tick | Stalled | WritesAgain
)  # fmt: skip
