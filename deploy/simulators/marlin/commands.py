"""The commands that the stock firmware knows, but for motion and homing. Each is answered with `ok` when it is over.

`G20` and `G21` are unknown to it, as to every Marlin without INCH_MODE_SUPPORT; `M109` and `M190` wait as it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from deploy.simulators.marlin import moves
from deploy.simulators.marlin.body import AXES
from deploy.simulators.marlin.waits import DRAINED, Handler, Wait
from deploy.simulators.marlin.words import Command

if TYPE_CHECKING:
    from deploy.simulators.marlin.firmware import Firmware

_FILE_ENDS = re.compile(r"move:\S+:done$")
_WINDOW_C = 1.0
_IGNORED = frozenset({"M17", "M21", "M22", "M23", "M24", "M25", "M26", "M75", "M76", "M77", "M108", "M117", "M500"})


def handle(firmware: Firmware, command: Command) -> Handler:
    """Carry out a command and say `ok`."""
    if command.code == "M105":
        firmware.reply(f"ok {firmware.temperatures()}")
        return
    if command.code == "M118":
        _mark(firmware, command)
    handler = _known(firmware).get(command.code)
    if handler is not None:
        result = handler(firmware, command)
        if result is not None:
            yield from result
    elif command.code not in _IGNORED:
        firmware.reply(f'echo:Unknown command: "{command.text}"')
    if not firmware.halted:
        firmware.reply("ok")


def _known(firmware: Firmware) -> dict[str, Callable[[Firmware, Command], Handler | None]]:
    missing = {"M118": firmware.settings.has_m118, "M420": firmware.settings.has_leveling}
    return {code: handler for code, handler in _TABLE.items() if missing.get(code, True)}


def _dwell(firmware: Firmware, command: Command) -> Handler:
    yield DRAINED
    seconds = command.number("S")
    yield Wait(until=firmware.machine.now + (seconds if seconds is not None else (command.number("P") or 0) / 1000))


def _drain(firmware: Firmware, command: Command) -> Handler:
    yield DRAINED


def _release(firmware: Firmware, command: Command) -> Handler:
    """M84, M18: without S the motors go off after what moves, and the position is forgotten."""
    if command.has("S"):
        firmware.inactivity.stepper_timeout_s = command.number("S") or 0
        return
    yield DRAINED
    named = "".join(axis for axis in (*AXES, "E") if command.has(axis)) or AXES
    firmware.machine.body.release(named)
    firmware.machine.record("released", why=command.text)


def _shutdown_timer(firmware: Firmware, command: Command) -> None:
    if command.has("S"):
        firmware.inactivity.set_max_idle(command.number("S") or 0, firmware.machine.now)


def _relative(firmware: Firmware, command: Command) -> None:
    # Marlin clears M83 with G90 and M82 with G91.
    firmware.modes.relative = firmware.modes.e_relative = command.code == "G91"


def _e_relative(firmware: Firmware, command: Command) -> None:
    firmware.modes.e_relative = command.code == "M83"


def _line_number(firmware: Firmware, command: Command) -> None:
    number = command.number("N")
    if number is not None:
        firmware.last_line = int(number)
    firmware.machine.file += 1


def _say(firmware: Firmware, command: Command) -> None:
    rest = command.rest
    prefix = ""
    while match := re.match(r"([AEP])(\d)\s*", rest):
        prefix = {"A": "//", "E": "echo:"}[match[1]] if match[1] in "AE" and match[2] == "1" else prefix
        rest = rest[match.end() :]
    firmware.reply(f"{prefix}{rest}")


def _mark(firmware: Firmware, command: Command) -> None:
    """Not Marlin's: the witness notes that the host's mark came to its turn, also where the firmware has no M118."""
    text = re.sub(r"^([AEP]\d\s*)*", "", command.rest)
    firmware.machine.record("mark", text=text, file=firmware.machine.file)
    if _FILE_ENDS.search(text):
        firmware.machine.file += 1


def _target(name: str, *, wait: bool) -> Callable[[Firmware, Command], Handler | None]:
    def set_target(firmware: Firmware, command: Command) -> Handler | None:
        celsius, cools = command.number("S"), False
        if celsius is None and wait:
            celsius, cools = command.number("R"), True
        if celsius is not None:
            firmware.set_heater_target(name, celsius)
        return _await_heat(firmware, name, cools=cools) if wait and celsius is not None else None

    return set_target


def _await_heat(firmware: Firmware, name: str, *, cools: bool) -> Handler:
    firmware.wait_for_heat = True
    within_since: float | None = None
    first = firmware.machine.heaters[name]
    if first.target <= 0 or (first.temperature > first.target and not cools):
        return
    while firmware.wait_for_heat:
        heater, now = firmware.machine.heaters[name], firmware.machine.now
        if abs(heater.temperature - heater.target) >= _WINDOW_C:
            within_since = None
        elif within_since is None:
            within_since = now
        if within_since is not None and now - within_since >= firmware.settings.residency_s:
            return
        left = "?" if within_since is None else f"{firmware.settings.residency_s - (now - within_since):.0f}"
        firmware.reply(f" {firmware.temperatures()} W:{left}")
        firmware.keep_awake()
        yield Wait(until=now + 1)


def _fan(firmware: Firmware, command: Command) -> None:
    speed = command.number("S")
    firmware.machine.record("fan", speed=0 if command.code == "M107" else 255 if speed is None else speed)


def _feed_percent(firmware: Firmware, command: Command) -> None:
    firmware.modes.feed_percent = command.number("S") or firmware.modes.feed_percent


def _flow_percent(firmware: Firmware, command: Command) -> None:
    firmware.modes.flow_percent = command.number("S") or firmware.modes.flow_percent


def _cold_extrusion(firmware: Firmware, command: Command) -> None:
    least = command.number("S")
    if least is not None:
        firmware.modes.extrude_min_c = least
    elif command.has("P"):
        firmware.modes.extrude_min_c = 0.0 if command.number("P") else firmware.settings.extrude_min_c
    firmware.machine.record("cold_extrusion", least=firmware.modes.extrude_min_c)


def _soft_endstops(firmware: Firmware, command: Command) -> None:
    if command.has("S"):
        firmware.modes.soft_endstops = bool(command.number("S"))
    x, y, z = firmware.settings.size
    state = "ON" if firmware.modes.soft_endstops else "OFF"
    firmware.reply(f"echo:Soft endstops: {state}  Min:  X0.00 Y0.00 Z0.00   Max:  X{x:.2f} Y{y:.2f} Z{z:.2f}")


def _leveling(firmware: Firmware, command: Command) -> None:
    if command.has("S"):
        firmware.modes.leveling = bool(command.number("S"))
    firmware.reply(f"echo:Bed Leveling {'ON' if firmware.modes.leveling else 'OFF'}")


def _keep_alive(firmware: Firmware, command: Command) -> None:
    if command.has("S"):
        firmware.busy_every(command.number("S") or 0)


def _report(firmware: Firmware, command: Command) -> None:
    if command.has("S"):
        firmware.report_every(min(command.number("S") or 0, 60))


def _where(firmware: Firmware, command: Command) -> None:
    modes = firmware.modes
    shift = (*modes.shift, 0.0)
    logical = [native + offset for native, offset in zip(modes.native, shift, strict=True)]
    counts = zip(firmware.machine.body.steps, firmware.settings.steps_per_mm, strict=True)
    x, y, z, _ = (round(mm * steps) for mm, steps in counts)
    places = " ".join(f"{axis}:{value:.2f}" for axis, value in zip("XYZE", logical, strict=True))
    firmware.reply(f"{places} Count X:{x} Y:{y} Z:{z}")


def _about(firmware: Firmware, command: Command) -> None:
    firmware.reply(
        f"FIRMWARE_NAME:Marlin {firmware.settings.version} (2021-09-01 12:00:00) "
        "SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin PROTOCOL_VERSION:1.0 MACHINE_TYPE:Ender-3 Pro "
        "EXTRUDER_COUNT:1 UUID:cede2a2f-41a2-4748-9b12-c55c62f367ff"
    )
    abilities = {"EEPROM": 0, "AUTOREPORT_TEMP": 1, "EMERGENCY_PARSER": 0}
    abilities["THERMAL_PROTECTION"] = int(firmware.settings.thermal_protection)
    for ability, there in abilities.items():
        firmware.reply(f"Cap:{ability}:{there}")


def _list_files(firmware: Firmware, command: Command) -> None:
    firmware.reply("Begin file list")
    firmware.reply("End file list")


_TABLE: dict[str, Callable[[Firmware, Command], Handler | None]] = {
    "G0": moves.move,
    "G1": moves.move,
    "G4": _dwell,
    "G28": moves.home,
    "G90": _relative,
    "G91": _relative,
    "G92": moves.set_position,
    "M18": _release,
    "M20": _list_files,
    "M27": lambda firmware, command: firmware.reply("Not SD printing"),
    "M82": _e_relative,
    "M83": _e_relative,
    "M84": _release,
    "M85": _shutdown_timer,
    "M104": _target("nozzle", wait=False),
    "M106": _fan,
    "M107": _fan,
    "M109": _target("nozzle", wait=True),
    "M110": _line_number,
    "M112": lambda firmware, command: firmware.kill(),
    "M113": _keep_alive,
    "M114": _where,
    "M115": _about,
    "M118": _say,
    "M140": _target("bed", wait=False),
    "M155": _report,
    "M190": _target("bed", wait=True),
    "M211": _soft_endstops,
    "M220": _feed_percent,
    "M221": _flow_percent,
    "M302": _cold_extrusion,
    "M400": _drain,
    "M410": lambda firmware, command: firmware.quick_stop(),
    "M420": _leveling,
}
