"""What the pure core wants done: promised with the commit (Tell, Announce), or done after it and derivable again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contracts.events import Event
from contracts.plan import JobEnded, JobStarted, MachineNotice, PlanRefused, RevokeTooLate


@dataclass(frozen=True)
class Tell:
    """To the planner, over the link."""

    body: JobStarted | JobEnded | RevokeTooLate | MachineNotice | PlanRefused


@dataclass(frozen=True)
class Announce:
    """To whoever listens on the event topic."""

    event: Event


@dataclass(frozen=True)
class Submit:
    """POST this file and have it printed; SENDING is committed already."""

    job_id: str
    attempt: int
    path: str
    text: str
    decided: float
    """Monotonic second; the printer is not to be moved upon what was seen long before."""


@dataclass(frozen=True)
class Gather:
    """Find out what became of this attempt."""

    job_id: str
    attempt: int
    path: str
    mark: str | None
    least: float
    """Nozzle temperature, °C, below which nothing counts as drawn."""


@dataclass(frozen=True)
class JobAction:
    """Cancel or resume the running job."""

    action: Literal["cancel", "resume"]


@dataclass(frozen=True)
class SetTargets:
    """Heater targets in °C."""

    nozzle: float
    bed: float


@dataclass(frozen=True)
class SendLines:
    """Lines outside any job: home, park."""

    what: str
    lines: tuple[str, ...]
    epoch: int | None = None
    """Machine epoch that they were asked in; the answer comes back with it."""


@dataclass(frozen=True)
class Connect:
    """Have OctoPrint open this serial port."""

    port: str


@dataclass(frozen=True)
class AskFirmware:
    """Ask OctoPrint what the printer's firmware calls itself; it says so by itself only when the port is opened."""


@dataclass(frozen=True)
class Disconnect:
    """Have the serial port closed."""


@dataclass(frozen=True)
class ReadLog:
    """Put a mark into OctoPrint's log and read what happened since the last one."""

    since: str | None
    sight: int = 0
    """Which push socket was alive when it was asked."""


@dataclass(frozen=True)
class Look:
    """Poll OctoPrint now."""


@dataclass(frozen=True)
class DeleteFile:
    """A job's file that is needed no more."""

    path: str


@dataclass(frozen=True)
class DeleteFolder:
    """The folder of an earlier session."""

    folder: str


Effect = (
    Tell | Announce | Submit | Gather | JobAction | SetTargets | SendLines | Connect | Disconnect | AskFirmware
    | ReadLog | Look | DeleteFile | DeleteFolder
)  # fmt: skip
