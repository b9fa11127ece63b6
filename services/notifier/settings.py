"""What the notifier is told."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from contracts.events import EventKind
from services.chassis.settings import ChassisSettings

DEFAULT_KINDS = (
    EventKind.STARTED,
    EventKind.FINISHED,
    EventKind.FAILED,
    EventKind.CANCELLED,
    EventKind.PAUSED,
    EventKind.PROBLEM,
    EventKind.RECOVERED,
    EventKind.UNCERTAIN,
    EventKind.BOARD_FULL,
)
# A comma may stand within a URL; one before the next scheme does not.
_BETWEEN = re.compile(r"[\s,]+(?=[A-Za-z0-9+]+://)")


class NotifierSettings(ChassisSettings):
    """Settings of the notifier."""

    notify_urls: SecretStr | None = Field(
        default=None, description="Where notices go: apprise URLs such as discord://… or tgram://…, comma-separated."
    )
    notify_on: Annotated[tuple[EventKind, ...], NoDecode] = Field(
        default=DEFAULT_KINDS, description="Events that are worth a notice, comma-separated."
    )
    notify_burst: int = Field(default=10, ge=1, le=100, description="Notices that may go out at once.")
    notify_every: float = Field(
        default=30.0, ge=1, le=3600, description="Seconds for each further one; what is left out is counted."
    )

    @field_validator("notify_on", mode="before")
    @classmethod
    def _kinds(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        words = [word.strip().lower() for word in value.split(",") if word.strip()]
        if not words:
            raise ValueError("it names no event, so that nothing would ever be told; leave it out for the default")
        known = [kind.value for kind in EventKind if kind is not EventKind.UNKNOWN]
        for word in words:
            if word not in known:
                raise ValueError(f"no event is called '{word}'; known: {', '.join(known)}")
        return tuple(EventKind(word) for word in words)

    @property
    def urls(self) -> tuple[str, ...]:
        """The targets, one by one."""
        text = self.notify_urls.get_secret_value() if self.notify_urls else ""
        return tuple(url.strip(" ,") for url in _BETWEEN.split(text.strip()) if url.strip(" ,"))

    def missing(self) -> list[str]:
        """At least one target, and each of a kind that apprise knows."""
        hint = "apprise's documentation says how targets are written"
        if not self.urls:
            return [*super().missing(), f"BOARDCAST_NOTIFY_URLS: where notices are to go; {hint}"]
        from services.notifier.targets import understood  # apprise takes a second to load

        wrong = [number for number, url in enumerate(self.urls, 1) if not understood(url)]
        return super().missing() + [
            f"BOARDCAST_NOTIFY_URLS: number {number} of {len(self.urls)} is not understood; {hint}" for number in wrong
        ]
