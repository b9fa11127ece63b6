"""What happened at a printer or on the board, and the one answer to every command."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from contracts.base import OpenEnum, Payload
from contracts.text import MoveId, Reason


class EventKind(OpenEnum):
    """``done`` and ``refused`` answer a command; the rest happened by itself."""

    DONE = "done"
    REFUSED = "refused"
    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"
    ARMED = "armed"
    DISARMED = "disarmed"
    STANDBY = "standby"
    HEATERS_OFF = "heaters_off"
    LATCHED = "latched"
    FOREIGN = "foreign"
    PROBLEM = "problem"
    RECOVERED = "recovered"
    BOARD_FULL = "board_full"
    BOARD_NEW = "board_new"
    HELD = "held"
    RELEASED = "released"
    GAP = "gap"
    UNKNOWN = "unknown"


class Event(Payload):
    """One thing that happened, on the ``…/event`` topic beside a ``…/command`` topic."""

    event: EventKind
    command: str | None = Field(default=None, description="The command that is answered.")
    id: str | None = Field(default=None, description="Its id, echoed.")
    move_id: MoveId | None = None
    job: str | None = Field(default=None, description="Job or file that it is about.")
    reason: Reason | None = None
    time: AwareDatetime
