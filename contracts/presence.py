"""Who is there, and what could not be understood."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import AwareDatetime, Field

from contracts.base import OpenEnum, Payload
from contracts.text import Reason, printable


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


def render_dead_letter(topic: str, reason: str, payload: bytes, count: int) -> bytes:
    """A DeadLetter of this moment, as every service publishes it; a reason that is too long is cut."""
    letter = DeadLetter(
        topic=topic,
        reason=reason[:500],
        payload=printable(payload),
        size=len(payload),
        count=count,
        time=datetime.now(UTC),
    )
    return letter.to_bytes()
