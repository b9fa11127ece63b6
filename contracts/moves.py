"""A move: how it is asked for on MQTT, and what became of it."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from contracts.base import OpenEnum, Order, Payload
from contracts.text import DisplayText, EchoId, MoveId, Reason, Square


class MoveState(OpenEnum):
    """A move's way. Every accepted move ends in exactly one of drawn, failed, cancelled, skipped."""

    REFUSED = "refused"
    ACCEPTED = "accepted"
    PLANNED = "planned"
    PRINTING = "printing"
    UNCERTAIN = "uncertain"
    DRAWN = "drawn"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


ENDS = frozenset({MoveState.DRAWN, MoveState.FAILED, MoveState.CANCELLED, MoveState.SKIPPED})


class Requester(Order):
    """On whose behalf a move is asked for. MQTT never conveys roles."""

    id: str = Field(min_length=1, max_length=100)
    name: str | None = Field(default=None, max_length=200)


class MoveRequest(Order):
    """JSON form of a request; the other form is plain text such as ``a1 h8``."""

    from_square: Square = Field(alias="from")
    to_square: Square = Field(alias="to")
    request_id: EchoId | None = Field(
        default=None, description="Sent again, it is answered again and never drawn again."
    )
    user: Requester | None = Field(default=None, description="Without it: the operator `mqtt`.")


class UserRef(Payload):
    """A user as shown beside a move; (source, id) is who it is."""

    source: str
    id: str
    name: DisplayText


class MoveStatus(Payload):
    """One step on a move's way, or the refusal of a request."""

    move_id: MoveId | None = Field(description="None only for a request that was refused.")
    request_id: EchoId | None = None
    ordinal: int | None = Field(default=None, ge=1, description="Order of drawing, given when the move is planned.")
    state: MoveState
    from_square: Square | None = Field(default=None, alias="from")
    to_square: Square | None = Field(default=None, alias="to")
    user: UserRef | None = None
    position: int | None = Field(default=None, ge=1, description="Place in the queue, 1 is next.")
    reason: Reason | None = None
    time: AwareDatetime
