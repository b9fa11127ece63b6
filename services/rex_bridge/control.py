"""Orders to the printer: what is sent, when it makes sense, and by what it shows that it was obeyed. Pure.

M112 is never sent: the printer does not recover from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from contracts.commands import BadCommand, Command
from services.rex_bridge.replies import Activity, Machine, Temperatures
from services.rex_bridge.settings import RexBridgeSettings

VERIFY_WITHIN = 10.0
"""Seconds in which the printer has to show that it obeyed; a pause waits for the move that is under way."""
VERIFY_EVERY = 0.25
TAKE_CONTROL = "M601 S1"
GIVE_BACK = "M602"


@dataclass(frozen=True)
class Order:
    """One command, understood. *value* is °C, or True and False for the light."""

    verb: str
    value: float | bool | None = None
    command_id: str | None = None
    note: str | None = None
    """Something that the answer has to mention."""
    since: float = 0.0
    """When it began to wait for its turn."""
    tried: bool = False
    """It was sent, and the connection broke before the printer answered: it may have been obeyed."""


@dataclass(frozen=True)
class Send:
    """This goes to the printer."""

    code: str


@dataclass(frozen=True)
class Settled:
    """Nothing is to be sent: it is so already (*done*), or it makes no sense now."""

    done: bool
    reason: str


def understand(command: Command, settings: RexBridgeSettings) -> Order:
    """The order in *command*. Raises BadCommand with the reason, also for what the settings do not allow."""
    if command.command in ("nozzle", "bed"):
        return _temperature(command, settings)
    if command.command == "light":
        word = command.arguments[0].lower()
        if word not in ("on", "off"):
            raise BadCommand("the light is 'on' or 'off'", "light", command.id)
        return Order("light", word == "on", command.id)
    return Order(command.command, None, command.id)


def begin(order: Order, machine: Machine) -> Send | Settled:
    """What *order* asks of a printer in this state."""
    activity = machine.activity
    if order.verb == "pause":
        if activity is Activity.PAUSED:
            return Settled(True, "it was paused already")
        return Send("M25") if activity is Activity.PRINTING else _nothing_to("pause", machine)
    if order.verb == "resume":
        if activity is Activity.PRINTING:
            return Settled(True, "it was printing already")
        return Send("M24") if activity is Activity.PAUSED else _nothing_to("resume", machine)
    if order.verb == "cancel":
        return Send("M26") if activity.in_print else _nothing_to("cancel", machine)
    if order.verb == "light":
        return Send("M146 r255 g255 b255 F0" if order.value else "M146 r0 g0 b0 F0")
    return Send(f"{'M104' if order.verb == 'nozzle' else 'M140'} S{order.value:g}")


def obeyed(order: Order, machine: Machine | None, temperatures: Temperatures | None) -> bool:
    """Whether the printer, read back, shows what *order* asked for."""
    activity = machine.activity if machine else Activity.UNKNOWN
    if order.verb == "pause":
        return activity is Activity.PAUSED
    if order.verb == "resume":
        return activity is Activity.PRINTING
    if order.verb == "cancel":
        return activity in (Activity.IDLE, Activity.COMPLETED)
    if order.verb == "light":
        # A model that does not report its light is taken at its word.
        return machine is not None and machine.light in (None, order.value)
    heat = temperatures and (temperatures.nozzle if order.verb == "nozzle" else temperatures.bed)
    return bool(heat and heat.target is not None and abs(heat.target - float(order.value or 0)) < 1)


def remark(order: Order, machine: Machine | None) -> str | None:
    """What the answer to an obeyed *order* has to mention."""
    if order.verb == "light" and machine is not None and machine.light is None:
        return "taken by the printer, which does not report its light"
    return order.note


def _temperature(command: Command, settings: RexBridgeSettings) -> Order:
    verb, text = command.command, command.arguments[0]
    if not settings.rex_set_temperatures:
        raise BadCommand("setting temperatures is off; BOARDCAST_REX_SET_TEMPERATURES=true allows it", verb, command.id)
    try:
        wanted = float(text)
    except ValueError:
        wanted = math.nan
    if not math.isfinite(wanted) or wanted < 0:
        raise BadCommand("a temperature is a number of °C from 0, 0 is off", verb, command.id)
    # The printer takes whole degrees, and the highest of them is none above the limit.
    most = math.floor(settings.rex_nozzle_max if verb == "nozzle" else settings.rex_bed_max)
    clamped = float(min(round(wanted), most))
    note = f"clamped to {clamped:g} °C by BOARDCAST_REX_{verb.upper()}_MAX" if round(wanted) > most else None
    return Order(verb, clamped, command.id, note)


def _nothing_to(verb: str, machine: Machine) -> Settled:
    return Settled(False, f"nothing to {verb}: the printer says {machine.said}")
