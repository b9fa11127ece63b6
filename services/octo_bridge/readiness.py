"""Why the next job is not sent: one list of obstacles, for the sending of jobs, the heaters and the state alike."""

from __future__ import annotations

from contracts.board import Plate
from contracts.printers import Latch, Link
from services.chassis.clock import Now
from services.octo_bridge import recovery
from services.octo_bridge.settings import VIRTUAL, BridgeSettings
from services.octo_bridge.state import Machine, Phase, Printer, Reading

_DOCTOR = (
    "call the doctor (`docker compose run --rm octo_bridge doctor`; without containers "
    "`python -m services.octo_bridge doctor`), then send arm"
)
ANSWERS_WITHIN = 60.0
"""Seconds. OctoPrint answers, or the request times out, long before."""
PICTURE_LAGS = 1.0
"""Seconds by which OctoPrint's picture is late at most: it is pushed every half second."""
RESEND_AFTER = 1.0
"""Seconds from a POST that OctoPrint turned down to the next; twice as long each time."""
FRESH = 15.0
"""Seconds. An older temperature says nothing; OctoPrint asks an idle printer every 5 s."""


def not_examined(m: Machine, settings: BridgeSettings) -> str | None:
    """Why a real printer must not be armed yet: the doctor has not passed for exactly this one."""
    port, passed = m.octo.port, m.approval
    if port is None or port == VIRTUAL:
        return None
    if passed is None or (passed.url, passed.port) != (settings.octoprint_url, port):
        return f"the doctor has not passed for the printer at {port}: {_DOCTOR}"
    if m.octo.firmware is None:
        return "asking OctoPrint what the printer's firmware is"
    if passed.firmware != m.octo.firmware:
        return f"the doctor passed for the firmware {passed.firmware}, this is {m.octo.firmware}: {_DOCTOR}"
    return None


def unready(m: Machine, settings: BridgeSettings) -> str | None:
    """Why nothing may be heated or moved for a job, temperatures aside."""
    if m.octo.link is not Link.OK:
        return m.octo.reason
    if m.octo.port is None:
        return "asking OctoPrint which port the printer is on"
    unexamined = not_examined(m, settings)
    if unexamined is not None:
        return unexamined
    if m.foreign:
        return f"somebody else's job is running: {m.octo.path or 'unknown file'}; waiting for its end"
    if not m.octo.caught_up and m.running is None:
        # It may tell of a job that nobody knows of yet, and a person who looked before would have to look again.
        return "reading OctoPrint's log"
    if m.kept.latch is not Latch.NONE:
        return f"{m.kept.latch_reason or m.kept.latch.value}; send resume to go on"
    if m.kept.plate is not Plate.KNOWN and m.running is not None:
        return "nobody knows what is on the plate, and a job is in hand: send cancel, clear it, then send confirm_empty"
    if m.kept.plate is not Plate.KNOWN:
        return "nobody knows what is on the plate: clear it, then send confirm_empty to board/command"
    if m.kept.armed is None:
        return "not armed: send arm to printer/ender/command"
    if not m.octo.caught_up:
        return "reading OctoPrint's log"
    if m.running is None and not m.position_known:  # one in hand goes on where it is, and is not homed for that
        return recovery.obstacle(settings, bare=m.kept.bare)
    return None


def too_cold(m: Machine, now: Now, settings: BridgeSettings) -> str | None:
    """Why no job may start yet: a heater is not within the tolerance of what a job needs; a rehearsal needs none."""
    if m.head is not None and m.head.run.dry:
        return None
    for name, reading, target in (("nozzle", m.octo.nozzle, settings.nozzle), ("bed", m.octo.bed, settings.bed)):
        if target <= 0:
            continue
        if reading is None or now.mono - reading.at > FRESH or reading.at < m.temperatures_from or m.targets_open:
            return f"the {name}'s temperature is not known"
        if not _warm(reading, target, settings):
            return f"heating: {name} at {reading.actual:.0f} of {target:.0f} °C"
    return None


def _warm(reading: Reading, target: float, settings: BridgeSettings) -> bool:
    # The target too: a nozzle that is still hot on its way down to standby would be cold in mid-job.
    least = target - settings.temperature_tolerance
    return reading.actual >= least and reading.target >= least


def nozzle_hot(m: Machine, now: Now, settings: BridgeSettings, within: float) -> bool:
    """Whether the nozzle was seen hot in the last *within* seconds."""
    reading = m.octo.nozzle
    return reading is not None and now.mono - reading.at <= within and _warm(reading, settings.nozzle, settings)


def blocked(m: Machine, now: Now, settings: BridgeSettings) -> str | None:
    """Why the next job is not sent right now, None when it may be."""
    return blocked_but_for_heat(m, now, settings) or too_cold(m, now, settings)


def blocked_but_for_heat(m: Machine, now: Now, settings: BridgeSettings) -> str | None:
    """The same, temperatures aside: as long as there is anything else, heating for the job would be in vain."""
    obstacle = unready(m, settings) or _unseen(m, now)
    if obstacle is not None:
        return obstacle
    if m.octo.printer is not Printer.OPERATIONAL:
        return f"OctoPrint says: {m.octo.printer.value}"
    if moving(m, now):
        # OctoPrint would mix those lines into the job.
        return "the head is being homed or parked"
    if ordered(m, now, "cancel") or ordered(m, now, "resume"):
        # It would reach the next job.
        return "OctoPrint has not answered the last cancel or resume yet"
    return turned_down(m, now)


def _unseen(m: Machine, now: Now) -> str | None:
    """Why a reset of the printer might go unnoticed."""
    if not m.octo.push:
        return "OctoPrint's push socket is down, and nobody would see the printer being reset: waiting for it"
    if now.mono < m.behind_until:
        return "catching up with what OctoPrint has said meanwhile"
    if m.start_heard_at is not None:
        return "the printer said that it starts: asking whether it was reset"
    return None


def withheld(m: Machine, job_id: str, attempt: int, now: Now, settings: BridgeSettings) -> str | None:
    """Why a job that was decided to be sent is not sent after all: what has come in since then."""
    job = m.running
    if job is None or (job.id, job.attempt, job.phase) != (job_id, attempt, Phase.SENDING):
        return "it is no longer in hand"
    if job.blind is not None:
        return job.blind
    if job.run.epoch != m.kept.epoch:
        return f"planned for machine epoch {job.run.epoch}, which is now {m.kept.epoch}"
    if not m.position_known and not job.preamble:
        return "the position is unknown by now, and nothing homes before it"
    return unready(m, settings) or _unseen(m, now)


def moving(m: Machine, now: Now) -> bool:
    """Whether homing or parking was asked of OctoPrint, which has not answered yet."""
    return m.moving_since is not None and now.mono - m.moving_since < ANSWERS_WITHIN


def ordered(m: Machine, now: Now, action: str) -> bool:
    """Whether a cancel or resume was asked of OctoPrint, which has not answered yet."""
    return any(what == action and now.mono - at < ANSWERS_WITHIN for what, at in m.ordered)


def turned_down(m: Machine, now: Now) -> str | None:
    """Why the next job waits although nothing is in its way: OctoPrint has turned it down, again and again."""
    job = m.head
    if job is None or not job.refusals or now.mono - m.last_asked("post") >= RESEND_AFTER * 2 ** (job.refusals - 1):
        return None
    return f"OctoPrint has turned the job down ({job.refusal}); it is tried again"
