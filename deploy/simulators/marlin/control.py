"""The hand that makes the printer fail: one command a line over a loopback connection, one JSON object in answer."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

from deploy.simulators.ports import LOOPBACK

if TYPE_CHECKING:
    from deploy.simulators.marlin.service import Service

HELP = (
    "status | error TEXT | reset | kill | mute | unmute | lose WORD [AFTER] | drop | corrupt COUNT | push X Y Z"
    " | break HEATER | temperature HEATER CELSIUS | hold MOMENT | go"
)
_TIMEOUT_S = 5


def carry_out(service: Service, line: str) -> dict[str, Any]:
    """Do what a line says; `{"refused": why}` if it cannot be done."""
    word, _, rest = line.strip().partition(" ")
    try:
        answer = _carry_out(service, word, rest)
    except (KeyError, ValueError) as error:
        return {"refused": f"{line.strip()!r}: {error!r}; there is: {HELP}"}
    return answer if answer is not None else {"done": word}


def _carry_out(service: Service, word: str, rest: str) -> dict[str, Any] | None:
    firmware = service.firmware
    if word == "status":
        return service.status()
    if word == "error":
        firmware.reply(f"Error:{rest}")
    elif word == "reset":
        service.reset("on demand")
    elif word == "kill":
        firmware.kill(rest)
    elif word in {"mute", "unmute"}:
        service.muted = word == "mute"
    elif word == "lose":
        firmware.lose_next, _, after = rest.partition(" ")
        firmware.lose_after = int(after or 0)
    elif word == "drop":
        service.drop()
    elif word == "corrupt":
        firmware.corrupt_next = int(rest)
    elif word == "push":
        x, y, z = (float(part) for part in rest.split())
        firmware.machine.body.push((x, y, z))
        firmware.machine.record("pushed", by=[x, y, z])
    elif word == "break":
        firmware.machine.break_heater(rest)
    elif word == "temperature":
        name, celsius = rest.split()
        firmware.machine.set_temperature(name, float(celsius))
    elif word == "hold":
        service.hold(rest)
    elif word == "go":
        service.go_on()
    else:
        raise ValueError("not a command")
    return None


def ask(port: int, line: str) -> dict[str, Any]:
    """Send one command and return the answer. Raises OSError when nobody listens, ValueError when it is refused."""
    with socket.create_connection((LOOPBACK, port), timeout=_TIMEOUT_S) as connection:
        connection.sendall(f"{line}\n".encode())
        with connection.makefile() as answers:
            answer: dict[str, Any] = json.loads(answers.readline() or '{"refused": "no answer"}')
    if "refused" in answer:
        raise ValueError(answer["refused"])
    return answer
