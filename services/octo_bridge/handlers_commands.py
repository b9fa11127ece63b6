"""Commands from people and controls from the planner: the same words, the same effect, one answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from contracts.board import Plate
from contracts.commands import Command
from contracts.events import Event, EventKind
from contracts.plan import ControlWord
from contracts.printers import Latch, Link
from contracts.text import display_text
from services.chassis.clock import Now
from services.octo_bridge import handlers_latch as latch
from services.octo_bridge import recovery
from services.octo_bridge.effects import Announce, SendLines
from services.octo_bridge.events import CommandBad, Commanded, ControlTaken
from services.octo_bridge.outcome import Result, announce, notice, raise_epoch
from services.octo_bridge.readiness import moving, not_examined
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import ACTIVE, Armed, Machine, Printer

OPERATOR = "the operator"
HOMES_WITHIN = 120.0
"""Seconds. The printer is sent the next line only when the one before has come to its end: X and Y from the far corner,
and Z from the top, take more than a minute and a half."""


class Refused(Exception):
    """A command that cannot be obeyed now; ``args[0]`` says why and what to do."""


def take_command(m: Machine, e: Commanded, now: Now, s: BridgeSettings) -> Result:
    """Obey, and answer once."""
    command = e.command
    try:
        after, effects = _VERBS[command.command](m, command, now, s)
    except Refused as error:
        return m, [_answer(EventKind.REFUSED, command, str(error), now)]
    return after, [*effects, _answer(EventKind.DONE, command, None, now)]


def take_bad_command(m: Machine, e: CommandBad, now: Now) -> Result:
    """A command that was not understood is answered too."""
    event = Event(event=EventKind.REFUSED, command=e.word, id=e.id, reason=e.reason[:500], time=now.wall)
    return m, [Announce(event)]


def _answer(kind: EventKind, command: Command, reason: str | None, now: Now) -> Announce:
    return announce(kind, now, reason, command=command.command, id=command.id)


def _arm(m: Machine, command: Command, now: Now, s: BridgeSettings) -> Result:
    hours = s.arm_hours
    if command.arguments:
        try:
            hours = float(command.arguments[0])
        except ValueError:
            hours = math.nan
        if not 0 < hours <= s.arm_hours_most:
            raise Refused(f"HOURS is a number above 0 and at most {s.arm_hours_most:g}")
    if m.kept.stopping:
        raise Refused(latch.NOT_CONFIRMED)
    _examined(m, s)
    until = now.wall + timedelta(hours=hours)
    m = m.keep(armed=Armed(m.boot, now.mono + hours * 3600, until))
    return m, [announce(EventKind.ARMED, now, f"heating and motion are allowed for {hours:g} h")]


def _disarm(m: Machine, command: Command, now: Now, s: BridgeSettings) -> Result:
    if m.kept.armed is None:
        return m, []
    reason = "disarmed; a job that runs is finished, one that is paused stays paused"
    return m.keep(armed=None), [announce(EventKind.DISARMED, now, reason)]


def _pause(m: Machine, command: Command, now: Now, s: BridgeSettings) -> Result:
    return latch.pause(m, OPERATOR, now)


def _resume(m: Machine, command: Command, now: Now, s: BridgeSettings) -> Result:
    reason = latch.refuse_resume(m)
    if reason is not None:
        raise Refused(reason)
    return latch.resume(m, OPERATOR, now)


def _cancel(m: Machine, command: Command, now: Now, s: BridgeSettings) -> Result:
    return latch.cancel(m, OPERATOR, now)


def _stop(m: Machine, command: Command, now: Now, s: BridgeSettings) -> Result:
    return latch.stop(m, OPERATOR, now)


def _home(m: Machine, command: Command, now: Now, s: BridgeSettings) -> Result:
    _may_move(m, now, s)
    obstacle = recovery.obstacle(s, bare=m.kept.bare)
    if obstacle is not None:
        raise Refused(obstacle)
    m = replace(m, own_lines_at=now.mono, moved_at=now.mono, position_known=False, dead_man=None, z=s.recovery_lift)
    m = replace(m, moving_since=now.mono, homing_until=now.mono + HOMES_WITHIN)
    return m, [SendLines("home", recovery.homing(s), m.kept.epoch)]


def _park(m: Machine, command: Command, now: Now, s: BridgeSettings) -> Result:
    _may_move(m, now, s)
    return _parked(m, now, s)


def _parked(m: Machine, now: Now, s: BridgeSettings) -> Result:
    if not m.position_known or m.z is None:
        raise Refused("the position is unknown: send home first")
    lines = recovery.parking(s, m.z)
    m = replace(m, own_lines_at=now.mono, moved_at=now.mono, z=min(m.z + s.park_lift, s.z_most), moving_since=now.mono)
    return m, [SendLines("park", lines, m.kept.epoch)]


def _examined(m: Machine, s: BridgeSettings) -> None:
    reason = not_examined(m, s)
    if reason is not None:
        raise Refused(reason)


def _may_move(m: Machine, now: Now, s: BridgeSettings) -> None:
    _examined(m, s)
    if m.running is not None:
        raise Refused("a job is in hand: wait for its end, or send cancel")
    if m.octo.link is not Link.OK or m.octo.printer is not Printer.OPERATIONAL:
        raise Refused(
            m.octo.reason
            or f"the printer is {m.octo.printer.value}; only an idle one is moved; wait, or look at its state"
        )
    if m.kept.armed is None:
        raise Refused("not armed: send arm first")
    if m.kept.latch is not Latch.NONE:
        raise Refused("the latch is set: send resume first")
    if moving(m, now):
        # One answer would speak for both requests, and the next job set out into the lines of the second.
        raise Refused("the head is being homed or parked: wait a moment, then send it again")


def _adopt(m: Machine, command: Command, now: Now, s: BridgeSettings) -> Result:
    wanted = m.kept.refused_planner
    if wanted is None:
        raise Refused(
            "no other planner was refused: there is none to adopt; check that it uses this broker and topic root"
        )
    m = m.keep(planner=wanted, refused_planner=None)
    # The other planner's picture of the plate is another one: a person has to look.
    return raise_epoch(m, f"planner {wanted} was adopted", now, plate=Plate.UNKNOWN)


_VERBS: dict[str, Callable[[Machine, Command, Now, BridgeSettings], Result]] = {
    "arm": _arm,
    "disarm": _disarm,
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "stop": _stop,
    "home": _home,
    "park": _park,
    "adopt": _adopt,
}


def take_control(m: Machine, e: ControlTaken, now: Now, s: BridgeSettings) -> Result:
    """A control over the link. What makes the machine safer is taken from any planner, the rest from the bound one."""
    control, by = e.control, display_text(e.control.by) or "somebody"
    if control.command is ControlWord.PAUSE:
        return latch.pause(m, by, now)
    if control.command is ControlWord.CANCEL:
        return latch.cancel(m, by, now)
    if control.command is ControlWord.STOP:
        return latch.stop(m, by, now)
    if m.kept.planner is None:
        m = m.keep(planner=control.planner)
    if control.planner != m.kept.planner:
        return m, [announce(EventKind.REFUSED, now, f"{control.command} of another planner was ignored")]
    if control.command is ControlWord.CONFIRM_EMPTY:
        return _confirm_empty(m, control.epoch, by, now)
    if control.command is ControlWord.PLATE_UNKNOWN:
        return raise_epoch(m, f"{by}: the plate is to be looked at", now, plate=Plate.UNKNOWN)
    if control.epoch != m.kept.epoch:
        # It was on its way while something happened here that its author has not seen: a hand at the printer, perhaps.
        reason = (
            f"said at machine epoch {control.epoch}, which is now {m.kept.epoch}: look at the printer, say it again"
        )
        return m, [_control_refused(control.command, reason, now)]
    return _other_control(m, control.command, by, now, s)


def _confirm_empty(m: Machine, epoch: int, by: str, now: Now) -> Result:
    if epoch != m.kept.epoch:
        reason = f"confirmed for machine epoch {epoch}, which is now {m.kept.epoch}: look again"
        return m, [notice(m, reason, now)]
    if m.foreign or m.running is not None or m.octo.printer in ACTIVE:
        what = f"somebody else's job {m.octo.path}" if m.foreign else "the job"
        return m, [notice(m, f"not taken: wait for the end of {what} and look again, then send confirm_empty", now)]
    m = m.keep(plate=Plate.KNOWN, bare=True, last_board=None)
    return m, [notice(m, f"{by} confirmed that the plate is empty", now)]


def _other_control(m: Machine, word: ControlWord, by: str, now: Now, s: BridgeSettings) -> Result:
    if word is ControlWord.RESUME:
        reason = latch.refuse_resume(m)
        return latch.resume(m, by, now) if reason is None else (m, [_control_refused(word, reason, now)])
    if word is ControlWord.PARK:
        try:
            _may_move(m, now, s)
            return _parked(m, now, s)
        except Refused as error:
            return m, [_control_refused(word, str(error), now)]
    return m, [_control_refused(word, "not a control that this version knows", now)]


def _control_refused(word: ControlWord, reason: str, now: Now) -> Announce:
    return announce(EventKind.REFUSED, now, f"{word.value}: {reason}")
