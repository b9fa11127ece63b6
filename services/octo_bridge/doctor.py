"""`python -m services.octo_bridge doctor`: looks at OctoPrint and the printer before anything moves.

It asks OctoPrint only, so that it works beside a running bridge. What it sends to the printer, M115 and M118, moves
nothing.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import websockets
from websockets.sync.client import ClientConnection, connect

from services.octo_bridge import approval
from services.octo_bridge.approval import Approval
from services.octo_bridge.examination import Check, Found, Grade, examine
from services.octo_bridge.octoprint import OctoPrint
from services.octo_bridge.octoprint_requests import Trouble
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import Printer

T = TypeVar("T")
ANSWER_WITHIN = 5.0
"""Seconds for the printer's answers; OctoPrint hands the terminal on twice a second."""


def main(settings: BridgeSettings, rest: Sequence[str]) -> int:
    """0 when nothing has failed; then the printer that was looked at may be armed."""
    missing = settings.missing()
    if rest or missing:
        print("\n".join(missing) or "doctor takes no arguments")
        return 2
    try:
        found = look(settings)
    except Trouble as trouble:
        print(f"{Grade.FAIL:5} OctoPrint: {trouble.reason}")
        return 1
    if isinstance(found, str):
        print(f"{Grade.FAIL:5} printer: {found}")
        return 1
    checks = examine(found, settings)
    print("\n".join(f"{check.grade:5} {check.name}: {check.text}" for check in checks))
    return _conclude(settings, found, checks)


def _conclude(settings: BridgeSettings, found: Found, checks: Sequence[Check]) -> int:
    failed = [check.name for check in checks if check.grade is Grade.FAIL]
    if failed:
        approval.withdraw(settings.data_dir)
        print(f"not passed: mend {', '.join(failed)} and call the doctor again; until then this printer is not armed")
        return 1
    approval.write(settings.data_dir, Approval(settings.octoprint_url or "", found.port, found.firmware or ""))
    print("passed: this printer may be armed")
    return 0


def look(settings: BridgeSettings) -> Found | str:
    """Everything there is to know, or why the printer cannot be asked now. Raises Trouble."""
    key = settings.octoprint_api_key
    client = OctoPrint(
        settings.octoprint_url or "", key.get_secret_value() if key else "", settings.http_timeout
    )  # fmt: skip
    seen = client.look()
    if seen.printer is not Printer.OPERATIONAL or seen.port is None:
        return f"it is {seen.printer.value}; connect it in OctoPrint, wait until it is idle, and call the doctor again"
    echo = f"boardcast-doctor-{secrets.token_hex(4)}"
    lines = _terminal(client, settings, echo)
    firmware = _maybe(client.firmware)
    clock = _maybe(client.clock)
    return Found(
        port=seen.port,
        firmware=firmware[: approval.FIRMWARE_LENGTH] if firmware else None,
        lines=lines,
        echo=echo,
        scripts=_maybe(client.scripts) or {},
        permissions=frozenset(client.permissions()),
        logs_jobs=_logs_jobs(client),
        free_there=_maybe(client.free),
        free_here=shutil.disk_usage(_existing(settings.data_dir)).free,
        clock_apart=clock - time.time() if clock else None,
    )


def _maybe(ask: Callable[[], T]) -> T | None:
    """What a key without the right is not told."""
    with contextlib.suppress(Trouble):
        return ask()
    return None


def _logs_jobs(client: OctoPrint) -> bool | None:
    with contextlib.suppress(Trouble):
        client.log()
        return client.logs_jobs()
    return None


def _existing(folder: Path) -> Path:
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def _terminal(client: OctoPrint, settings: BridgeSettings, echo: str) -> tuple[str, ...]:
    """What the printer answers to M115 and M118; empty when OctoPrint's socket does not let it be seen."""
    address = (settings.octoprint_url or "").replace("http", "ws", 1) + "/sockjs/websocket"
    lines: list[str] = []
    try:
        with connect(address, open_timeout=5, close_timeout=1, max_size=1 << 22, proxy=None) as socket:
            socket.send(json.dumps({"auth": client.login()}))
            socket.send(json.dumps({"subscribe": {"state": {"logs": True}, "events": [], "plugins": False}}))
            asked = False
            for message in _messages(socket):
                if not asked:  # the first message says that the subscription stands
                    client.lines(("M115", f"M118 E1 {echo}"))
                    asked = True
                    continue
                lines += [str(line) for line in (message.get("current") or {}).get("logs") or []]
                if any("Recv:" in line and echo in line for line in lines):
                    break
    except (OSError, TimeoutError, ValueError, websockets.WebSocketException):
        return tuple(lines)
    return tuple(lines)


def _messages(socket: ClientConnection) -> Iterator[dict[str, dict[str, list[str]]]]:
    """Messages until the answers are late. Raises TimeoutError when there is none for so long."""
    end = time.monotonic() + ANSWER_WITHIN
    while (left := end - time.monotonic()) > 0:
        message = json.loads(socket.recv(left))
        if isinstance(message, dict) and ("current" in message or "history" in message):
            yield message
