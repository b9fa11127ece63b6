"""The simulator's other port: plain HTTP for tests and for the curious.

GET /              everything that there is to see
POST /ACTION       with a JSON object of arguments; see ACTIONS
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

from deploy.simulators.flashforge.dialects import DIALECTS
from deploy.simulators.flashforge.machine import Job
from deploy.simulators.flashforge.server import Printer

MAX_BODY = 65_536
Arguments = Mapping[str, Any]


def view(printer: Printer) -> dict[str, Any]:
    """The printer and what its clients did."""
    printer.pass_time()
    machine = printer.machine
    return {
        "powered": printer.powered,
        "slicer": printer.slicer,
        "controlled": printer.controlled,
        "speed": printer.speed,
        "nozzle": machine.nozzle.actual,
        "nozzle_target": machine.nozzle.target,
        "bed": machine.bed.actual,
        "bed_target": machine.bed.target,
        "light": machine.light,
        "file": machine.job.file if machine.job else None,
        "share": machine.job.share if machine.job else None,
        "paused": machine.paused,
        "completed": machine.completed,
        "failed": machine.failed,
        "visits": [asdict(visit) for visit in printer.visits],
    }


async def act(printer: Printer, action: str, arguments: Arguments) -> None:
    """Do *action*. Raises ValueError when there is none of that name, or for wrong arguments."""
    do = ACTIONS.get(action)
    if do is None:
        raise ValueError(f"no action is called '{action}'; known: {', '.join(ACTIONS)}")
    printer.pass_time()
    try:
        await do(printer, arguments)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{action}: {error!r}") from error


async def _start(printer: Printer, arguments: Arguments) -> None:
    job = Job(str(arguments.get("file", "cube.gx")), float(arguments.get("seconds", 600)), 120)
    job.done = job.seconds * float(arguments.get("share", 0.0))
    printer.machine.start(job)
    if arguments.get("hot", False):
        printer.machine.nozzle.actual, printer.machine.bed.actual = job.nozzle, job.bed


async def _dialect(printer: Printer, arguments: Arguments) -> None:
    printer.dialect = DIALECTS[arguments["name"]]


async def _speed(printer: Printer, arguments: Arguments) -> None:
    printer.speed = float(arguments["factor"])


async def _faults(printer: Printer, arguments: Arguments) -> None:
    printer.faults.change(dict(arguments))
    await printer.settle()


async def _deaf(printer: Printer, arguments: Arguments) -> None:
    printer.machine.deaf = bool(arguments.get("on", True))


def _machine(word: str) -> Callable[[Printer, Arguments], Awaitable[None]]:
    async def do(printer: Printer, _: Arguments) -> None:
        getattr(printer.machine, word)()

    return do


async def _drop(printer: Printer, _: Arguments) -> None:
    printer.drop()


ACTIONS: dict[str, Callable[[Printer, Arguments], Awaitable[None]]] = {
    "start": _start,
    **{word: _machine(word) for word in ("pause", "resume", "cancel", "complete", "confirm", "fail")},
    "power": lambda printer, a: printer.power(bool(a["on"]), bool(a.get("keep_job", False))),
    "slicer": lambda printer, a: printer.hold(bool(a["on"])),
    "drop": _drop,
    "deaf": _deaf,
    "dialect": _dialect,
    "speed": _speed,
    "faults": _faults,
}


async def serve(printer: Printer, host: str, port: int) -> asyncio.Server:
    """Listen on *port*."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            status, body = await _respond(printer, reader)
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked is gone
        finally:
            writer.close()

    return await asyncio.start_server(handle, host, port)


async def _respond(printer: Printer, reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    method, path, *_ = [*head.split(" ", 2), "", ""]
    lengths = [line.split(":")[1] for line in head.splitlines() if line.lower().startswith("content-length:")]
    body = await reader.readexactly(min(MAX_BODY, int(lengths[0]))) if lengths else b""
    try:
        if method == "POST":
            await act(printer, path.strip("/"), json.loads(body or b"{}"))
        return "200 OK", json.dumps(view(printer)).encode()
    except ValueError as error:
        return "400 Bad Request", json.dumps({"error": str(error)}).encode()
