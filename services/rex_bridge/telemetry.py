"""The published state of a printer, out of what is known of it. Pure."""

from __future__ import annotations

from contracts.presence import Availability
from contracts.printers import RexState, RexStatus
from services.chassis.clock import Now
from services.rex_bridge.replies import Activity, Heat, Identity, Temperatures
from services.rex_bridge.state import Reach, State

STALE_AFTER = 5.0
"""Seconds; while looks succeed nothing is stale, however rare they are."""
_STATUS = {
    Activity.IDLE: RexStatus.IDLE,
    Activity.PRINTING: RexStatus.PRINTING,
    Activity.PAUSED: RexStatus.PAUSED,
    Activity.COMPLETED: RexStatus.COMPLETED,
    Activity.FAILED: RexStatus.ERROR,
    Activity.UNKNOWN: RexStatus.UNKNOWN,
}


def payload(state: State, now: Now) -> RexState:
    """The state as it is shown. What was last seen of a print stays while the printer is out of reach, as stale."""
    readings, current = state.readings, state.tracker.current
    status = _status(state)
    reached = state.reach is Reach.REACHED
    # A temperature of hours ago beside "offline" would be taken for a present one.
    heat = (readings.temperatures or Temperatures()) if reached else Temperatures(Heat(), Heat())
    identity = readings.identity or Identity()
    progress = readings.progress if current is not None else None
    completed = status is RexStatus.COMPLETED
    known = readings.machine if reached else None
    remaining = state.estimate.remaining if reached and status is RexStatus.PRINTING else None
    return RexState(
        state=status,
        reason=state.reason,
        nozzle_actual=heat.nozzle.actual,
        nozzle_target=heat.nozzle.target,
        bed_actual=heat.bed.actual,
        bed_target=heat.bed.target,
        progress=100.0 if completed else progress.percent if progress else current.progress if current else None,
        job=current.job if current else known.job if known and completed else None,
        print_id=current.id if current else None,
        layer=progress.layer if progress else None,
        layers=progress.layers if progress else None,
        elapsed=_elapsed(state, now),
        remaining=None if remaining is None else round(remaining),
        name=identity.name,
        model=identity.model,
        firmware=identity.firmware,
        serial_number=identity.serial_number,
        light=known.light if known else None,
        stale=stale(state, now),
        last_contact=state.contact.wall if state.contact else None,
    )


def stale(state: State, now: Now) -> bool:
    """Whether what is shown is older than it should be; *last_contact* tells how old."""
    if state.contact is None or state.reach is not Reach.REACHED:
        return True
    return state.failures > 0 and now.mono - state.contact.mono > STALE_AFTER


def availability(state: State) -> Availability | None:
    """Whether the printer is there, its slicer at it or not; None before that is known."""
    if state.reach is Reach.UNTRIED:
        return None
    return Availability.OFFLINE if state.reach is Reach.AWAY else Availability.ONLINE


def summary(state: State) -> str:
    """A few words for the health file."""
    percent = state.readings.progress.percent if state.readings.progress and state.tracker.current else None
    return f"{state.printer}: {_status(state).value}" + ("" if percent is None else f" {percent:g} %")


def _status(state: State) -> RexStatus:
    if state.reach is Reach.AWAY:
        return RexStatus.OFFLINE
    if state.reach is Reach.BUSY:
        return RexStatus.BUSY_ELSEWHERE
    machine = state.readings.machine
    if state.reach is Reach.UNTRIED or machine is None:
        return RexStatus.UNKNOWN
    if machine.activity is not Activity.BUSY:
        return _STATUS[machine.activity]
    # BUSY is what it says between two states, and while somebody changes the filament.
    if state.tracker.current is None:
        return RexStatus.IDLE
    return RexStatus.PAUSED if state.tracker.current.paused else RexStatus.PRINTING


def _elapsed(state: State, now: Now) -> int | None:
    current = state.tracker.current
    if current is None or not current.from_start or state.looked_at is None:
        return None
    return round(state.elapsed + now.mono - state.looked_at)
