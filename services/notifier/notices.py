"""From an event to a notice that a person reads on a phone. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from contracts.events import Event, EventKind
from contracts.text import display_text

REASON_LENGTH = 300
_ABOUT_PRINT = {
    EventKind.STARTED: "print started",
    EventKind.FINISHED: "print finished",
    EventKind.FAILED: "print failed",
    EventKind.CANCELLED: "print cancelled",
    EventKind.PAUSED: "print paused",
    EventKind.RESUMED: "print goes on",
    EventKind.RECOVERED: "in reach again",
    EventKind.UNCERTAIN: "it is uncertain whether a move was drawn",
    EventKind.BOARD_FULL: "the board is full",
}
_BAD = frozenset({EventKind.FAILED, EventKind.PROBLEM, EventKind.UNCERTAIN})


@dataclass(frozen=True)
class Notice:
    """What is sent; *urgent* lets a target show it in red."""

    title: str
    body: str
    urgent: bool = False


def notice(source: str, event: Event, wanted: Collection[EventKind]) -> Notice | None:
    """The notice for *event* at *source* (``rex``, ``ender``, ``board``), None when nobody wants one."""
    if event.event not in wanted:
        return None
    what = _ABOUT_PRINT.get(event.event, event.event.value.replace("_", " "))
    details = [display_text(text) for text in (event.job, event.move_id) if text]
    if event.reason:
        details.append(display_text(event.reason, limit=REASON_LENGTH))
    title = f"{display_text(source)}: {what}"
    return Notice(title, ": ".join(details) or title, event.event in _BAD)


def summary(count: int) -> Notice:
    """What stands for the notices that were left out."""
    return Notice("more happened", f"{count} further notices were left out, because there were too many at once")


def unheard(seconds: float) -> Notice:
    """What stands for events that nobody may have heard."""
    away = f"there was no connection to the broker for {seconds:.0f} s"
    return Notice("notices may be missing", f"{away}; what may have happened meanwhile is not told")
