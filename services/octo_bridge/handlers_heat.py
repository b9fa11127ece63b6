"""Arming, heaters and the timers that make the machine safe, whether or not anyone else is alive.

Making safe is never a job: targets are set through OctoPrint's API, again and again until the printer shows them.
"""

from __future__ import annotations

from dataclasses import replace

from contracts.events import EventKind
from contracts.printers import Heaters, Latch, Link
from services.chassis.clock import Now
from services.octo_bridge.effects import SetTargets
from services.octo_bridge.outcome import Result, announce, latched
from services.octo_bridge.readiness import blocked_but_for_heat, too_cold, unready
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import LOST, Heat, Machine, Phase, Printer, Reading

REPEAT = 2.0
"""Seconds between two requests for the same targets."""
UNANSWERED = 30.0
"""Seconds after which a request that was not answered is given up: each has a deadline far below that."""
_DRAWS = frozenset({Printer.STARTING, Printer.PRINTING, Printer.RESUMING, Printer.FINISHING})
_SAID = {Heaters.STANDBY: EventKind.STANDBY, Heaters.OFF: EventKind.HEATERS_OFF}


def expire_arming(m: Machine, now: Now) -> Result:
    """Arming ends by itself; a job that runs is finished."""
    armed = m.kept.armed
    if armed is None or now.mono < armed.until:
        return m, []
    return m.keep(armed=None), [announce(EventKind.DISARMED, now, "arming ended by itself; send arm to go on")]


def wants_heat(m: Machine, now: Now, s: BridgeSettings) -> bool:
    """Whether only the temperature keeps a job from being begun or resumed."""
    job = m.head
    if job is None or job.run.dry or m.foreign:
        return False
    if job.begun:
        return m.octo.printer is Printer.PAUSED and unready(m, s) is None
    return blocked_but_for_heat(m, now, s) is None


def choose_mode(m: Machine, now: Now, s: BridgeSettings) -> Result:
    """What the heaters should do now."""
    mode = m.heat.mode
    if m.heat.warmed and (m.head is None or m.kept.armed is None or m.kept.latch is not Latch.NONE):
        m = replace(m, heat=replace(m.heat, warmed=0.0))
    vain = m.heat.warmed + now.mono - m.heat.since
    if mode is Heaters.HEATING and vain >= s.heat_within and wants_heat(m, now, s):
        reason = f"not hot after {s.heat_within:.0f} s: look at nozzle, bed and thermistors, then send resume"
        m, effects = latched(m, Latch.PAUSE, reason, now)
        m, more = _enter(m, Heaters.OFF, now)
        return m, [*effects, announce(EventKind.PROBLEM, now, reason), *more]
    wanted = _wanted(m, now, s)
    return (m, []) if wanted is mode else _enter(m, wanted, now)


def _wanted(m: Machine, now: Now, s: BridgeSettings) -> Heaters:
    mode, idle = m.heat.mode, now.mono - m.moved_at
    if m.head is not None and m.head.phase is not Phase.STARTED and mode in (Heaters.HEATING, Heaters.HOT):
        idle = min(idle, now.mono - m.heat.since)  # woken for this job, which has not begun to move yet
    if m.kept.latch is Latch.STOP:
        return Heaters.OFF
    if m.kept.armed is None and (m.running is None or m.octo.printer is Printer.PAUSED):
        return Heaters.OFF  # a job that runs is finished; one that is paused can wait cold, a resume heats first
    draws = m.running is not None and not m.running.run.dry and m.octo.printer in _DRAWS
    if draws and idle < s.standby_after:
        # Whatever else has changed meanwhile: a nozzle that is cooled in the middle of a line draws air to its end.
        return Heaters.HOT
    if m.kept.armed is None and idle >= s.standby_after:
        return Heaters.OFF  # standby is heat too
    if wants_heat(m, now, s):
        if too_cold(m, now, s) is None:
            return Heaters.HOT
        return Heaters.HEATING
    if mode is Heaters.OFF and idle < s.standby_after and _comes_to_hot(m, s):
        return Heaters.HOT
    if mode is Heaters.OFF or idle >= s.heaters_off_after:
        return Heaters.OFF
    if idle >= s.standby_after:
        return Heaters.STANDBY
    return mode


def _enter(m: Machine, mode: Heaters, now: Now) -> Result:
    same_targets = {m.heat.mode, mode} <= {Heaters.HEATING, Heaters.HOT}
    settled = m.heat.settled and same_targets
    # What interrupts the heating for a moment gives a broken heater no more time.
    warmed = 0.0 if mode in (Heaters.HOT, Heaters.OFF) else m.heat.warmed
    if m.heat.mode is Heaters.HEATING and mode is Heaters.STANDBY:
        warmed += now.mono - m.heat.since
    m = replace(m, heat=Heat(mode, now.mono, settled, warmed))
    if not settled:
        m = m.ask("targets", now.mono - REPEAT)
    return m, [announce(_SAID[mode], now)] if mode in _SAID else []


def targets(mode: Heaters, s: BridgeSettings) -> tuple[float, float]:
    """Nozzle and bed in °C; never above the caps, whatever the settings say."""
    nozzle, bed = {
        Heaters.HEATING: (s.nozzle, s.bed),
        Heaters.HOT: (s.nozzle, s.bed),
        Heaters.STANDBY: (s.standby_nozzle, s.bed),
    }.get(mode, (0.0, 0.0))
    return min(nozzle, s.nozzle_cap), min(bed, s.bed_cap)


def set_targets(m: Machine, now: Now, s: BridgeSettings) -> Result:
    """Ask for the targets until the printer shows them; by hand somebody may heat, but not for ever."""
    wanted = targets(m.heat.mode, s)
    if any(wanted) and not _may_heat(m):
        if not m.heat.settled and (m.octo.nozzle is None or m.octo.bed is None):
            return m, []
        # What runs keeps what it has, and is never given more.
        lower = wanted if m.heat.settled else _lowered(m, wanted)
        if lower is None or (m.heat.settled and m.heat.mode is not Heaters.STANDBY):
            return replace(m, heat=replace(m.heat, settled=True)), []
        wanted = lower
    m = _observe(m, wanted, now, s)
    # Behind another port than before it may be the printer that this bridge has heated: that much is taken back.
    takes_back = m.kept.stopping or (m.heated and m.heat.mode is Heaters.OFF)
    may = m.octo.link is Link.OK or (takes_back and m.octo.link is Link.REFUSED_PORT)
    if m.heat.settled or not may or m.octo.printer in LOST or (m.foreign and not m.kept.stopping):
        return m, []
    asked = now.mono - m.last_asked("targets")
    if asked < REPEAT or (m.targets_open and m.targets == wanted and asked < UNANSWERED):
        return m, []
    if m.targets not in (None, wanted):
        m = replace(m, retargeting=True)
    still_open = m.targets_open if asked < UNANSWERED else 0
    m = replace(m, targets=wanted, targets_open=still_open + 1, heated=m.heated or any(wanted))
    return m.ask("targets", now.mono), [SetTargets(*wanted)]


def _may_heat(m: Machine) -> bool:
    """Whether a heater may be given more than it has: somebody has armed the printer, and nothing keeps it."""
    return m.kept.armed is not None and m.kept.latch is Latch.NONE


def _lowered(m: Machine, wanted: tuple[float, float]) -> tuple[float, float] | None:
    """Targets of *wanted* that are below what the printer shows; None where there is nothing to lower.

    Nothing but 0 where nobody has armed it: what it shows may be from before it was switched off and on.
    """
    nozzle, bed = m.octo.nozzle, m.octo.bed
    if m.kept.armed is None or nozzle is None or bed is None:
        return None
    lower = (min(wanted[0], nozzle.target), min(wanted[1], bed.target))
    return None if _shows(nozzle, bed, lower) else lower


def _comes_to_hot(m: Machine, s: BridgeSettings) -> bool:
    """Whether a bridge that has just come meets the heat that it asked for before, and has a job that needs it.

    What is in the job's way is not known before OctoPrint's log is read.
    """
    nozzle, bed = m.octo.nozzle, m.octo.bed
    if not m.first_contact or m.head is None or m.kept.latch is not Latch.NONE or nozzle is None or bed is None:
        return False
    if m.head.run.dry:
        return False
    return _shows(nozzle, bed, targets(Heaters.HOT, s))


def _shows(nozzle: Reading, bed: Reading, wanted: tuple[float, float]) -> bool:
    return abs(nozzle.target - wanted[0]) < 0.6 and abs(bed.target - wanted[1]) < 0.6


def _observe(m: Machine, wanted: tuple[float, float], now: Now, s: BridgeSettings) -> Machine:
    nozzle, bed = m.octo.nozzle, m.octo.bed
    if nozzle is None or bed is None:
        return m
    shown = _shows(nozzle, bed, wanted)
    if not m.heat.settled:
        seen_after = min(nozzle.at, bed.at) > max(m.last_asked("targets"), m.temperatures_from)
        if not shown or not seen_after or m.targets_open:
            return m
        return replace(m, heat=replace(m.heat, settled=True), heated=m.heated and any(wanted))
    if shown:
        return m if m.heat.by_hand_since is None else replace(m, heat=replace(m.heat, by_hand_since=None))
    if m.heat.mode in (Heaters.HEATING, Heaters.HOT):
        return replace(m, heat=replace(m.heat, settled=False))
    # Heated by hand on OctoPrint's page: allowed as long as the bridge itself would stay hot without motion.
    if m.heat.by_hand_since is None:
        return replace(m, heat=replace(m.heat, by_hand_since=now.mono))
    if now.mono - m.heat.by_hand_since >= s.heaters_off_after:
        return replace(m, heat=Heat(Heaters.OFF, now.mono, settled=False))
    return m
