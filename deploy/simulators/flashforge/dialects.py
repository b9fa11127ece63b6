"""How models differ in what they say, and the replies of each. Texts as seen at real printers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deploy.simulators.flashforge.machine import Heater, Machine


@dataclass(frozen=True)
class Dialect:
    """One model's way of speaking."""

    model: str
    firmware: str
    total: int = 100
    """What M27 counts to."""
    blank_before_slash: bool = False
    second_nozzle: bool = False
    decimals: bool = False
    layers: bool = False
    light_and_file: bool = True
    status_first: bool = False
    paused_by_mode: bool = True
    """Paused is BUILDING_FROM_SD with MoveMode PAUSED, and not MachineStatus PAUSED."""
    control_twice: bool = False
    """M601 is answered with a second ok."""
    needs_control: bool = False
    """Answers no question before M601."""
    eol: str = "\r\n"


DIALECTS = {
    "rex": Dialect("FlashForge Adventurer III", "v1.3.7"),
    "adventurer3": Dialect("FlashForge Adventurer III", "v1.1.7", blank_before_slash=True, light_and_file=False),
    "adventurer4": Dialect(
        "FlashForge Adventurer 4", "v2.0.9", second_nozzle=True, decimals=True, layers=True, control_twice=True,
        eol="\n",
    ),
    "creator4": Dialect("FlashForge Creator 4", "v1.2.0", total=1000, status_first=True, paused_by_mode=False),
    "trex": Dialect("FlashForge T-REX", "v1.0.5", blank_before_slash=True, second_nozzle=True, needs_control=True),
}  # fmt: skip


def reply_lines(dialect: Dialect, machine: Machine, code: str, arguments: list[str]) -> list[str] | None:
    """Carry out *code* and return what is said between ``CMD`` and ``ok``; None for a code that no printer knows."""
    say = _QUESTIONS.get(code)
    if say is not None:
        return say(dialect, machine)
    do = _ORDERS.get(code)
    if do is None:
        return None
    do(machine, {word[:1].lower(): word[1:] for word in arguments})
    return []


def _m115(dialect: Dialect, _: Machine) -> list[str]:
    return [
        f"Machine Type: {dialect.model}", "Machine Name: Bresser REX_simulated", f"Firmware: {dialect.firmware}",
        "SN: SNSIM0001", "X: 150 Y: 150 Z: 150", "Tool Count: 1", "Mac Address:88:A9:00:00:00:01", " ",
    ]  # fmt: skip


def _m105(dialect: Dialect, machine: Machine) -> list[str]:
    def heater(name: str, found: Heater) -> str:
        actual = f"{found.actual:.1f}" if dialect.decimals else f"{found.actual:.0f}"
        target = f"{found.target:.1f}" if dialect.decimals else f"{found.target:.0f}"
        return f"{name}:{actual}{' ' if dialect.blank_before_slash else ''}/{target}"

    second = [heater("T1", Heater(0.0, 0.0))] if dialect.second_nozzle else []
    return [" ".join([heater("T0", machine.nozzle), *second, heater("B", machine.bed)])]


def _m119(dialect: Dialect, machine: Machine) -> list[str]:
    status, mode = _status(dialect, machine)
    lines = [f"MachineStatus: {status}", f"MoveMode: {mode}"]
    flags = "Status: S:1 L:0 J:0 F:0"
    lines = [flags, *lines] if dialect.status_first else [*lines, flags]
    if dialect.light_and_file:
        lines += [f"LED: {int(machine.light)}", f"CurrentFile: {machine.job.file if machine.job else ''}"]
    return ["Endstop: X-max:1 Y-max:0 Z-max:0", *lines]


def _status(dialect: Dialect, machine: Machine) -> tuple[str, str]:
    if machine.failed:
        return "ERROR", "READY"
    if machine.job is None:
        return "READY", "READY"
    if machine.completed:
        return "BUILDING_COMPLETED", "READY"
    if machine.stopping:
        return "BUSY", "MOVING"
    if machine.paused:
        return ("BUILDING_FROM_SD", "PAUSED") if dialect.paused_by_mode else ("PAUSED", "READY")
    return "BUILDING_FROM_SD", "WAIT_ON_TOOL" if machine.heating else "MOVING"


def _m27(dialect: Dialect, machine: Machine) -> list[str]:
    if machine.job is None:
        return [f"SD printing byte 0/{dialect.total}"]
    lines = [f"SD printing byte {int(machine.job.share * dialect.total)}/{dialect.total}"]
    if dialect.layers:
        lines.append(f"Layer: {int(machine.job.share * machine.job.layers)}/{machine.job.layers}")
    return lines


_QUESTIONS: dict[str, Callable[[Dialect, Machine], list[str]]] = {
    "M115": _m115,
    "M105": _m105,
    "M119": _m119,
    "M27": _m27,
}


def _number(words: dict[str, str], letter: str) -> float:
    try:
        return float(words.get(letter, "0"))
    except ValueError:
        return 0.0


def _set_light(machine: Machine, words: dict[str, str]) -> None:
    machine.light = any(_number(words, colour) > 0 for colour in "rgb")


_ORDERS: dict[str, Callable[[Machine, dict[str, str]], None]] = {
    "M25": lambda machine, _: machine.pause(),
    "M24": lambda machine, _: machine.resume(),
    "M26": lambda machine, _: machine.cancel(),
    "M104": lambda machine, words: machine.set_nozzle(_number(words, "s")),
    "M140": lambda machine, words: machine.set_bed(_number(words, "s")),
    "M146": _set_light,
}
