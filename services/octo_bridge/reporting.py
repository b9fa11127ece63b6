"""The machine's state as others see it: every key always there, null when unknown."""

from __future__ import annotations

from datetime import timedelta

from contracts.printers import EnderState, EnderStatus, Heaters, Latch, Link
from services.chassis.clock import Now
from services.chassis.health import Health
from services.octo_bridge.readiness import blocked, too_cold, unready
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import LOST, Machine, Printer, Reading

_RUNNING = {
    Printer.PAUSING: EnderStatus.PAUSING,
    Printer.PAUSED: EnderStatus.PAUSED,
    Printer.CANCELLING: EnderStatus.CANCELLING,
    Printer.FINISHING: EnderStatus.FINISHING,
}


def ender_state(m: Machine, now: Now, settings: BridgeSettings) -> EnderState:
    """The retained state."""
    kept, octo, job = m.kept, m.octo, m.running
    active = job is not None and job.path == octo.path
    remaining = octo.remaining if active else None
    return EnderState(
        state=status(m),
        reason=_reason(m, now, settings),
        link=octo.link,
        printer_connected=octo.link is Link.OK and octo.printer not in LOST,
        problem=octo.link not in (Link.OK, Link.UNKNOWN, Link.STARTING) or m.stop_said,
        armed=kept.armed is not None,
        armed_until=kept.armed.until_wall.replace(microsecond=0) if kept.armed is not None else None,
        latch=kept.latch,
        latch_reason=kept.latch_reason,
        plate=kept.plate,
        epoch=kept.epoch,
        position_known=m.position_known,
        heaters=m.heat.mode,
        nozzle_actual=_actual(octo.nozzle),
        nozzle_target=octo.nozzle.target if octo.nozzle is not None else None,
        bed_actual=_actual(octo.bed),
        bed_target=octo.bed.target if octo.bed is not None else None,
        job=job.id if job is not None else None,
        move_id=job.run.move_id if job is not None else None,
        progress=round(octo.completion, 1) if active and octo.completion is not None else None,
        elapsed=octo.elapsed if active else None,
        remaining=remaining,
        finish_at=(now.wall + timedelta(seconds=remaining)).replace(microsecond=0) if remaining is not None else None,
        z=octo.z,
        waiting_jobs=sum(not other.begun for other in m.jobs),
        firmware=octo.firmware,
    )


def _actual(reading: Reading | None) -> float | None:
    return round(reading.actual, 1) if reading is not None else None


def status(m: Machine) -> EnderStatus:
    """What it is doing, in a word."""
    if m.octo.link in (Link.PRINTER_ERROR, Link.WRONG_KEY, Link.REFUSED_PORT):
        return EnderStatus.ERROR
    if m.octo.link is not Link.OK:
        return EnderStatus.OFFLINE
    if m.foreign:
        return EnderStatus.FOREIGN
    if m.running is not None:
        return _running(m)
    if m.kept.latch is not Latch.NONE:
        return EnderStatus.PAUSED
    return EnderStatus.HEATING if m.heat.mode is Heaters.HEATING else EnderStatus.IDLE


def _running(m: Machine) -> EnderStatus:
    if m.octo.printer in _RUNNING:
        return _RUNNING[m.octo.printer]
    if m.kept.latch in (Latch.CANCEL, Latch.STOP):
        return EnderStatus.CANCELLING
    return EnderStatus.PRINTING if m.kept.latch is Latch.NONE else EnderStatus.PAUSING


def _reason(m: Machine, now: Now, settings: BridgeSettings) -> str | None:
    if m.running is not None:
        job = m.running
        if job.doubt is not None:
            return f"what became of {job.id} is being found out: {job.doubt}"[:500]
        return m.kept.latch_reason or job.blind or _stands(m, now, settings)
    reason = blocked(m, now, settings)
    # An idle bridge that only waits for the next job is simply ready, whether or not the bed is still hot.
    cold_only = m.head is None and reason is not None and reason.startswith(("heating:", "the nozzle's", "the bed's"))
    return None if reason is None or cold_only else reason[:500]


def _stands(m: Machine, now: Now, settings: BridgeSettings) -> str | None:
    """Why a job in hand does not go on, or is not seen to; None where it does."""
    if m.octo.printer is not Printer.PAUSED and m.octo.link is Link.OK and not m.foreign:
        return None
    reason = unready(m, settings) or too_cold(m, now, settings)
    return reason[:500] if reason is not None else None


def health(m: Machine, *, broker: bool, trouble: str | None = None) -> Health:
    """For the container: not well while a person should look. *trouble*: why nothing can be written."""
    if trouble is not None:
        return Health(False, trouble)
    if not broker:
        return Health(False, "not connected to the broker; check BOARDCAST_BUS_URL")
    if m.octo.link is not Link.OK:
        return Health(False, m.octo.reason or m.octo.link.value)
    return Health(True, f"{status(m).value}; {len(m.jobs)} jobs in hand")
