"""What OctoPrint calls things, alike in REST and on the push socket, and what that is here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.octo_bridge.events import Heaters
from services.octo_bridge.state import Printer

_STATES = {
    "operational": Printer.OPERATIONAL, "starting": Printer.STARTING, "printing": Printer.PRINTING,
    "pausing": Printer.PAUSING, "paused": Printer.PAUSED, "resuming": Printer.RESUMING,
    "cancelling": Printer.CANCELLING, "finishing": Printer.FINISHING, "offline after error": Printer.ERROR,
    "error": Printer.ERROR, "offline": Printer.OFFLINE, "closed": Printer.OFFLINE, "connecting": Printer.CONNECTING,
    "opening serial connection": Printer.CONNECTING, "detecting serial connection": Printer.CONNECTING,
    "transferring file to sd": Printer.PRINTING, "sending file to sd": Printer.PRINTING,
}  # fmt: skip
_STATE_IDS = {
    "OPERATIONAL": Printer.OPERATIONAL, "STARTING": Printer.STARTING, "PRINTING": Printer.PRINTING,
    "PAUSING": Printer.PAUSING, "PAUSED": Printer.PAUSED, "RESUMING": Printer.RESUMING,
    "CANCELLING": Printer.CANCELLING, "FINISHING": Printer.FINISHING, "CLOSED_WITH_ERROR": Printer.ERROR,
    "ERROR": Printer.ERROR, "OFFLINE": Printer.OFFLINE, "CLOSED": Printer.OFFLINE, "NONE": Printer.OFFLINE,
    "CONNECTING": Printer.CONNECTING, "OPEN_SERIAL": Printer.CONNECTING, "DETECT_SERIAL": Printer.CONNECTING,
    "TRANSFERING_FILE": Printer.PRINTING,
}  # fmt: skip


def printer_of(text: str) -> Printer:
    """OctoPrint's state text, which may carry an error behind a colon, as a state."""
    lowered = text.lower()
    head = lowered.partition(":")[0].strip()
    if head in _STATES:
        return _STATES[head]
    return next((state for name, state in _STATES.items() if lowered.startswith(name)), Printer.UNKNOWN)


def printer_of_id(state_id: str) -> Printer:
    """The state id of a PrinterStateChanged event as a state."""
    return _STATE_IDS.get(state_id, Printer.UNKNOWN)


def heaters_of(entry: Mapping[str, Any]) -> Heaters:
    """One temperature record, of REST or of the push socket."""
    return Heaters(_pair(entry.get("tool0")), _pair(entry.get("bed")))


def _pair(found: Any) -> tuple[float, float] | None:
    if not isinstance(found, dict) or not isinstance(found.get("actual"), int | float):
        return None
    return float(found["actual"]), float(found.get("target") or 0.0)


def job_of(state_text: str, error: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of Seen that are spelled alike in ``/api/job`` and on the push socket."""
    job, progress = body.get("job") or {}, body.get("progress") or {}
    return {
        "printer": printer_of(state_text),
        "error": error or None,
        "path": (job.get("file") or {}).get("path"),
        "filepos": progress.get("filepos"),
        "completion": progress.get("completion"),
        "elapsed": _whole(progress.get("printTime")),
        "remaining": _whole(progress.get("printTimeLeft")),
    }


def _whole(seconds: Any) -> int | None:
    return max(int(seconds), 0) if isinstance(seconds, int | float) else None
