"""Which print is under way, by an id of its own, and the one start and one end that each has.

The tracker is kept on the disk, so that neither a restart of the bridge nor an outage of the printer makes a second
print out of one. The protocol names no end; it follows from what was seen last and what is seen now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from contracts.events import EventKind
from services.rex_bridge.replies import Activity

AS_GOOD_AS_DONE = 95.0
"""Percent from which a print that ended out of sight counts as finished."""
PAST_BACKUP = 100
"""Prints that may have had their numbers since a backup was made."""
FALL = 3.0
"""Percent by which progress falls, out of sight, when it is another print of the same file."""


@dataclass(frozen=True)
class Print:
    """The print under way."""

    id: str
    started: datetime
    job: str | None = None
    progress: float | None = None
    paused: bool = False
    cancelling: bool = False
    """Somebody ordered its end here."""
    lost: bool = False
    """Out of reach, and said so."""
    from_start: bool = True
    """Its beginning was seen, so that the time since then is its duration."""
    boot: str | None = None
    """In which boot of the machine *mono* is when it began; the wall clock may jump in between."""
    mono: float = 0.0
    from_backup: bool = False
    """It stood in a backup that was put back: what has become of it since may have been told already."""


@dataclass(frozen=True)
class Tracker:
    """Of one printer; *number* counts its prints."""

    number: int = 0
    current: Print | None = None


@dataclass(frozen=True)
class Sight:
    """One look at the printer."""

    activity: Activity
    job: str | None
    progress: float | None
    """Percent, None where it cannot be trusted."""
    unseen: bool = False
    """Something may have happened since the last look: an outage, or a restart of the bridge."""
    could_have_ended: bool = False
    """The outage was as long as the print was expected to last."""
    watched: bool = True
    """The printer was seen without a print a short while ago, so that a print now has just begun."""


@dataclass(frozen=True)
class Happening:
    """Something to be said, once."""

    kind: EventKind
    print: Print
    reason: str | None = None


def look(tracker: Tracker, printer: str, sight: Sight, wall: datetime) -> tuple[Tracker, tuple[Happening, ...]]:
    """Take *sight* into account."""
    said: tuple[Happening, ...] = ()
    current = tracker.current
    if current is not None and current.from_backup:
        current = _taken_up(current, sight)
    if current is not None and current.lost:
        current = replace(current, lost=False)
        said += (Happening(EventKind.RECOVERED, current, "the printer answers again"),)
    if current is not None and _ended(current, sight):
        kind, reason = _end(current, sight)
        said += (Happening(kind, current, reason),)
        current = None
    if current is None and sight.activity.in_print:
        tracker, current = _begin(tracker, printer, sight, wall)
        said += (Happening(EventKind.STARTED, current, None if sight.watched else "it was under way already"),)
    if current is not None:
        current, more = _go_on(current, sight)
        said += more
    return replace(tracker, current=current), said


def lose(tracker: Tracker, reason: str) -> tuple[Tracker, tuple[Happening, ...]]:
    """The printer is out of reach; said once for each outage in mid-print."""
    current = tracker.current
    if current is None or current.lost or current.from_backup:
        return tracker, ()
    current = replace(current, lost=True)
    return replace(tracker, current=current), (Happening(EventKind.PROBLEM, current, reason),)


def cancelling(tracker: Tracker, value: bool = True) -> Tracker:
    """Somebody ordered the end of the print; or the printer did not obey."""
    if tracker.current is None:
        return tracker
    return replace(tracker, current=replace(tracker.current, cancelling=value))


def restored(tracker: Tracker) -> Tracker:
    """*tracker* as it stood in a backup that was put back."""
    current = None if tracker.current is None else replace(tracker.current, from_backup=True)
    return Tracker(tracker.number + PAST_BACKUP, current)


def _taken_up(current: Print, sight: Sight) -> Print | None:
    """Only a print that goes on is the one of the backup, and as it is now: nothing is told a second time."""
    if _ended(current, sight):
        return None
    current = replace(current, lost=False)
    if not sight.activity.in_print:
        return current
    return replace(current, from_backup=False, paused=sight.activity is Activity.PAUSED)


def _begin(tracker: Tracker, printer: str, sight: Sight, wall: datetime) -> tuple[Tracker, Print]:
    number = tracker.number + 1
    # The day, and where the numbers of a new data folder begin, keep ids apart from those of one that was lost.
    started = Print(f"{printer}-{wall:%Y%m%d}-{number}", wall, job=sight.job, from_start=sight.watched)
    return Tracker(number, started), started


def _go_on(current: Print, sight: Sight) -> tuple[Print, tuple[Happening, ...]]:
    # Only whole percents: each change is a commit.
    if sight.progress is not None and (current.progress is None or abs(sight.progress - current.progress) >= 1):
        current = replace(current, progress=sight.progress)
    if current.job is None and sight.job is not None:
        current = replace(current, job=sight.job)
    paused = sight.activity is Activity.PAUSED
    if not sight.activity.in_print or paused == current.paused:
        return current, ()
    current = replace(current, paused=paused)
    return current, (Happening(EventKind.PAUSED if paused else EventKind.RESUMED, current),)


def _ended(current: Print, sight: Sight) -> bool:
    if sight.activity in (Activity.IDLE, Activity.COMPLETED, Activity.FAILED):
        return True
    return sight.activity.in_print and _another(current, sight)


def _another(current: Print, sight: Sight) -> bool:
    """Whether what is printed now is not *current* any more."""
    if current.job is not None and sight.job is not None and current.job != sight.job:
        return True
    fell = current.progress is not None and sight.progress is not None and sight.progress < current.progress - FALL
    return fell and sight.unseen


def _end(current: Print, sight: Sight) -> tuple[EventKind, str | None]:
    at = "" if current.progress is None else f" at {current.progress:.0f} %"
    if current.cancelling:
        return EventKind.CANCELLED, None
    if sight.activity is Activity.COMPLETED:
        return EventKind.FINISHED, None
    if sight.activity is Activity.FAILED:
        return EventKind.FAILED, f"the printer reports an error{at}"
    if current.progress is not None and current.progress >= AS_GOOD_AS_DONE:
        return EventKind.FINISHED, None
    if not sight.unseen:
        return EventKind.CANCELLED, f"it was ended at the printer{at}"
    if sight.could_have_ended:
        return EventKind.FINISHED, f"it ended out of sight, last seen{at}; it had the time to finish"
    return EventKind.FAILED, f"it ended out of sight, last seen{at}; the printer may have lost power"
