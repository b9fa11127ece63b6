"""Between planner and octo_bridge: what is to be run (link/plan), and what became of it (link/outcome)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, TypeAdapter

from contracts.base import OpenEnum, Payload
from contracts.board import Plate
from contracts.text import DisplayText, JobId, MoveId, Reason

Instance = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
"""Which planner's data folder this is; a bridge takes plans of one only."""
MachineEpoch = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""Both ends store it: a number that no database holds would be a defect again and again, also after a restart."""
GcodeLine = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Run(Payload):
    """Draw this move. Run only if the machine's epoch is *epoch* and the job before it was *predecessor*."""

    kind: Literal["run"] = "run"
    planner: Instance
    job_id: JobId
    move_id: MoveId
    ordinal: int = Field(ge=1)
    board: int = Field(ge=1)
    epoch: MachineEpoch = Field(description="Machine epoch that the plan was made for.")
    predecessor: JobId | None = Field(description="Job planned before this one in the same epoch, None for the first.")
    gcode: tuple[GcodeLine, ...] = Field(
        min_length=1,
        max_length=2000,
        description="Absolute positions, relative E, begins and ends retracted and lifted.",
    )
    dry: bool = Field(
        default=False,
        description="A rehearsal in the air: it extrudes nothing, so that no heater is needed.",
    )


class Revoke(Payload):
    """Do not begin this job. Answered with ``revoked`` or ``too_late``; acts on receipt."""

    kind: Literal["revoke"] = "revoke"
    planner: Instance
    job_id: JobId
    reason: Reason


class ControlWord(OpenEnum):
    """What chat and the board may ask of the machine; arming is not among it."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    STOP = "stop"
    PARK = "park"
    CONFIRM_EMPTY = "confirm_empty"
    PLATE_UNKNOWN = "plate_unknown"
    UNKNOWN = "unknown"


class Control(Payload):
    """A control that acts on receipt, ahead of every plan that waits."""

    kind: Literal["control"] = "control"
    planner: Instance
    command: ControlWord
    epoch: MachineEpoch = Field(
        description="Machine epoch that the planner knew; confirm_empty of an older one is void."
    )
    by: DisplayText = Field(description="Who asked for it.")
    id: str | None = None


PlanBody = Annotated[Run | Revoke | Control, Field(discriminator="kind", title="PlanBody")]
PLAN_BODY: TypeAdapter[Run | Revoke | Control] = TypeAdapter(PlanBody)


class JobStarted(Payload):
    """The job is in the printer's hands."""

    kind: Literal["started"] = "started"
    job_id: JobId
    move_id: MoveId
    time: AwareDatetime


class JobEnd(OpenEnum):
    """How a job ended. After ``stale`` and ``revoked`` nothing of it was drawn."""

    DRAWN = "drawn"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"
    STALE = "stale"
    REFUSED = "refused"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class JobEnded(Payload):
    """The one end of a job."""

    kind: Literal["ended"] = "ended"
    job_id: JobId
    move_id: MoveId
    end: JobEnd
    reason: Reason | None = None
    progress: float | None = Field(default=None, ge=0, le=1, description="How far it was known to have come.")
    epoch: MachineEpoch = Field(description="Machine epoch after it.")
    time: AwareDatetime


class RevokeTooLate(Payload):
    """The job had begun; its end follows as if nothing had been asked."""

    kind: Literal["too_late"] = "too_late"
    job_id: JobId
    time: AwareDatetime


class MachineNotice(Payload):
    """The machine's epoch or its plate changed; what was planned for an older epoch is void."""

    kind: Literal["machine"] = "machine"
    epoch: MachineEpoch
    plate: Plate
    reason: Reason | None = None
    time: AwareDatetime


class PlanRefused(Payload):
    """A body on link/plan that was taken in its turn and could not be understood; the job id where one was readable."""

    kind: Literal["plan_refused"] = "plan_refused"
    job_id: JobId | None = None
    reason: Reason
    time: AwareDatetime


OutcomeBody = Annotated[
    JobStarted | JobEnded | RevokeTooLate | MachineNotice | PlanRefused,
    Field(discriminator="kind", title="OutcomeBody"),
]
OUTCOME_BODY: TypeAdapter[JobStarted | JobEnded | RevokeTooLate | MachineNotice | PlanRefused] = TypeAdapter(
    OutcomeBody
)
