"""Who is there, and what could not be understood."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from contracts.base import OpenEnum, Payload
from contracts.text import Reason


class Availability(OpenEnum):
    """Plain text on an availability topic; ``offline`` is the broker's will of a service that died."""

    ONLINE = "online"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class DeadLetter(Payload):
    """A payload on a link that could not be understood. It moved no position and is shown here cut and escaped."""

    topic: str = Field(description="Where it arrived.")
    reason: Reason
    payload: str = Field(max_length=260, description="At most 200 escaped ASCII characters of it.")
    size: int = Field(ge=0, description="Size of the whole payload in bytes.")
    count: int = Field(default=1, ge=1, description="More than 1: a summary of so many within one second.")
    time: AwareDatetime
