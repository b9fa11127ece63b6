"""OctoPrint's REST API, as little of it as is needed: one thin client a thread, a deadline on every call.

It tells apart what the core has to tell apart: not there, starting, wrong key, a certain no, and no answer.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from contracts.printers import Link
from services.octo_bridge.events import Heaters, Post, Seen
from services.octo_bridge.evidence import History, Recorded
from services.octo_bridge.state import ACTIVE, LOST, Printer

LISTING_WITHIN = 30.0
"""Seconds. On a small computer with thousands of files OctoPrint takes its time."""
CONNECT_WITHIN = 3.0
LOG_WITHIN = 60.0
"""Seconds for one file of the log: its disk may be a worn memory card."""
MOST_BYTES = 64 << 20
"""Of one answer, and of the log with its rotated files: more would be more than a small computer has to spare."""
TAILS = (1 << 17, 1 << 20)
"""Bytes of the log that are asked for before all of it is: most questions are about the last minutes."""
_PIECE = 1 << 16
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
_ROTATED = re.compile(r"octoprint\.log(\.\d{4}-\d{2}-\d{2})?")


class Trouble(Exception):
    """OctoPrint did not answer as it should. *certain*: what was asked has not happened and will not."""

    def __init__(self, link: Link, reason: str, *, certain: bool = False, status: int | None = None) -> None:
        super().__init__(reason)
        self.link = link
        self.reason = reason
        self.certain = certain
        self.status = status


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


class OctoPrint:
    """A client for one thread; requests.Session is not safe for more."""

    def __init__(self, url: str, key: str, timeout: float) -> None:
        self._url = url
        self._key = key
        self._timeout = timeout
        self._session: requests.Session | None = None

    def look(self) -> Seen:
        """The whole picture. Raises Trouble."""
        connection = self._json("GET", "/api/connection")
        job = self._json("GET", "/api/job")
        current, options = connection.get("current") or {}, connection.get("options") or {}
        seen = job_of(str(job.get("state", "")), job.get("error"), job)
        heaters: tuple[Heaters, ...] = ()
        if seen["printer"] not in LOST:
            try:
                heaters = (heaters_of(self._json("GET", "/api/printer?exclude=sd,state").get("temperature") or {}),)
            except Trouble as trouble:
                if trouble.status != 409:  # lost between the two questions
                    raise
        offers = tuple(str(port) for port in options.get("ports") or [])
        return Seen(**seen, heaters=heaters, port=current.get("port"), offers=offers, polled=True)

    def submit(self, path: str, text: str, timeout: float) -> tuple[Post, str | None]:
        """POST a job file and have it printed: the one request that must never be repeated without evidence."""
        folder, _, name = path.rpartition("/")
        files = {"file": (name, text.encode())}
        fields = {"path": folder, "print": "true", "noOverwrite": "true"}
        try:
            answer = json.loads(self._request("POST", "/api/files/local", timeout=timeout, files=files, data=fields))
        except Trouble as trouble:
            return (Post.NOT_SENT if trouble.certain else Post.DOUBT), trouble.reason
        except ValueError:
            return Post.DOUBT, "OctoPrint's answer to the upload is not JSON"
        if isinstance(answer, dict) and answer.get("effectivePrint") is True:
            return Post.TAKEN, None
        return Post.STORED, "OctoPrint stored the file and did not print it"

    def job(self, action: str) -> None:
        """Cancel or resume the running job; 409 when there is none. Raises Trouble."""
        # Never a toggle: "pause" is both words in OctoPrint, and the action says which.
        body = {"command": "cancel"} if action == "cancel" else {"command": "pause", "action": "resume"}
        self._request("POST", "/api/job", json=body)

    def targets(self, nozzle: float, bed: float) -> None:
        """Set heater targets, °C. Raises Trouble."""
        self._request("POST", "/api/printer/tool", json={"command": "target", "targets": {"tool0": nozzle}})
        self._request("POST", "/api/printer/bed", json={"command": "target", "target": bed})

    def lines(self, lines: tuple[str, ...]) -> None:
        """Send lines outside a job. Raises Trouble."""
        self._request("POST", "/api/printer/command", json={"commands": list(lines)})

    def connect(self, port: str) -> None:
        """Open *port*. Raises Trouble."""
        self._request("POST", "/api/connection", json={"command": "connect", "port": port})

    def disconnect(self) -> None:
        """Close the port. Raises Trouble."""
        self._request("POST", "/api/connection", json={"command": "disconnect"})

    def login(self) -> str:
        """The word by which the push socket is opened: ``name:session``. Raises Trouble."""
        body = self._json("POST", "/api/login", json={"passive": True})
        return f"{body.get('name')}:{body.get('session')}"

    # --- evidence ------------------------------------------------------------------------------------------------

    def mark(self, mark: str) -> None:
        """Have OctoPrint write *mark* into its log: it logs the address of what it does not find. Raises Trouble."""
        try:
            self._request("GET", f"/api/files/local/{mark}.gcode")
        except Trouble as trouble:
            if trouble.status != 404:
                raise

    def log(self, since: str | None = None) -> str:
        """The end of octoprint.log, and before it as many of its rotated files as lead back to *since*.

        Raises Trouble; the key must be an administrator's.
        """
        text = self._today(since)
        if since is None or since in text:
            return text
        listed = self._json("GET", "/plugin/logging/logs").get("files") or []
        names = {n for f in listed if _ROTATED.fullmatch(n := str(f.get("name", "")))} - {"octoprint.log"}
        for name in sorted(names, reverse=True):
            if since in text or len(text) >= MOST_BYTES:
                break
            text = self._text(f"/downloads/logs/{name}") + text
        return text

    def _today(self, since: str | None) -> str:
        for most in TAILS:
            text, whole = self._tail("/downloads/logs/octoprint.log", most)
            if whole or since is None or since in text:
                return text
        return self._text("/downloads/logs/octoprint.log")

    def logs_jobs(self) -> bool:
        """Whether the log's levels are known to let the lines about print jobs through. Raises Trouble."""
        levels = self._json("GET", "/plugin/logging/setup/levels")
        named = ("octoprint", "octoprint.printer", "octoprint.printer.standard", "octoprint.printer.standard.job")
        return all(levels.get(name, "INFO") in ("INFO", "DEBUG") for name in named)

    def history(self, path: str) -> tuple[bool, History, tuple[float, float] | None]:
        """Whether the file is there, how its last print ended, and when it began and ended on OctoPrint's clock.

        The whole listing with ``force``: OctoPrint answers for single files from a cache.
        """
        listing = self._json("GET", "/api/files/local?force=true&recursive=true", timeout=LISTING_WITHIN)
        entry = _find(listing.get("files") or [], path)
        if entry is None:
            return False, History.NONE, None
        last = (entry.get("prints") or {}).get("last")
        if not isinstance(last, dict):
            return True, History.NONE, None
        end, spent = float(last.get("date") or 0), float(last.get("printTime") or 0)
        return True, History.SUCCESS if last.get("success") else History.FAILURE, (end - spent, end)

    def has_in_hand(self, path: str) -> bool:
        """Whether this file is being printed right now. Raises Trouble."""
        seen = job_of("", None, body := self._json("GET", "/api/job"))
        return seen["path"] == path and printer_of(str(body.get("state", ""))) in ACTIVE

    def nozzle(self) -> list[Recorded]:
        """The recorded temperatures of the nozzle, half an hour back, in their order. Raises Trouble."""
        try:
            body = self._json("GET", "/api/printer?history=true&exclude=sd,state")
        except Trouble as trouble:
            if trouble.status == 409:
                return []
            raise
        records = (body.get("temperature") or {}).get("history") or []
        return sorted(
            Recorded(float(r.get("time") or 0), *pair) for r in records if (pair := heaters_of(r).nozzle) is not None
        )

    # --- what the doctor asks ------------------------------------------------------------------------------------

    def firmware(self) -> str | None:
        """What the firmware called itself when the port was opened, None when it did not. Raises Trouble."""
        name = (self._json("GET", "/api/system/info").get("systeminfo") or {}).get("printer.firmware")
        return str(name) if name else None

    def permissions(self) -> list[str]:
        """Keys of what the key's user may do. Raises Trouble."""
        return [str(key) for key in self._json("GET", "/api/currentuser").get("permissions") or []]

    def scripts(self) -> dict[str, str]:
        """The G-code scripts by name. Raises Trouble."""
        found = (self._json("GET", "/api/settings").get("scripts") or {}).get("gcode") or {}
        return {str(name): str(text or "") for name, text in found.items()}

    def free(self) -> int | None:
        """Free bytes where OctoPrint keeps its files. Raises Trouble."""
        found = self._json("GET", "/api/files/local").get("free")
        return int(found) if isinstance(found, int | float) else None

    def clock(self) -> float | None:
        """OctoPrint's time, s since 1970, at its newest reading of the temperatures. Raises Trouble."""
        body = self._json("GET", "/api/printer?history=true&limit=1&exclude=sd,state")
        records = (body.get("temperature") or {}).get("history") or []
        return max((float(record.get("time") or 0) for record in records), default=None)

    # --- housekeeping --------------------------------------------------------------------------------------------

    def delete(self, path: str) -> None:
        """Delete a file or folder; one that is not there is as good. Raises Trouble."""
        try:
            self._request("DELETE", f"/api/files/local/{path}")
        except Trouble as trouble:
            if trouble.status != 404:
                raise

    # --- requests ------------------------------------------------------------------------------------------------

    def _json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            body = json.loads(self._request(method, path, **more))
        except ValueError as error:
            raise Trouble(Link.STARTING, f"OctoPrint's answer to {path} is not JSON; is it starting?") from error
        if not isinstance(body, dict):
            raise Trouble(Link.STARTING, f"OctoPrint's answer to {path} is no JSON object")
        return body

    def _text(self, path: str) -> str:
        return self._tail(path, None)[0]

    def _tail(self, path: str, most: int | None) -> tuple[str, bool]:
        """The last *most* bytes of a file, and whether that is all of it: a log of a day is megabytes."""
        asked = {"Range": f"bytes=-{most}"} if most is not None else {}
        try:
            data = self._request("GET", path, timeout=LOG_WITHIN, headers=asked)
        except Trouble as trouble:
            if trouble.status != 416:
                raise
            data = b""  # it has just been rotated: nothing of it can be cut out
        return data.decode("utf-8", "replace"), most is None or len(data) != most

    def _request(self, method: str, path: str, *, timeout: float | None = None, **more: Any) -> bytes:
        """The body of a good answer. It has to begin within *timeout* s, and to be there after twice that."""
        within = timeout or self._timeout
        give_up = time.monotonic() + CONNECT_WITHIN + 2 * within
        if self._session is None:
            self._session = requests.Session()
            self._session.headers["X-Api-Key"] = self._key
            self._session.trust_env = False  # a proxy of the environment has no business between bridge and printer
        try:
            with self._session.request(
                method,
                self._url + path,
                timeout=(CONNECT_WITHIN, within),
                allow_redirects=False,
                stream=True,
                **more,
            ) as answer:
                body = self._body(answer, path, give_up)
        except (requests.RequestException, HTTPError) as error:
            raise self._no_answer(error) from error
        if answer.status_code >= 300:
            raise self._bad_answer(answer.status_code, body)
        return body

    def _body(self, answer: requests.Response, path: str, give_up: float) -> bytes:
        """All of it, unless it is too much or drips: a read's deadline begins anew with every byte."""
        pieces: list[bytes] = []
        size = 0
        while piece := answer.raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                raise Trouble(Link.OK, f"OctoPrint's answer to {path} is larger than {MOST_BYTES >> 20} MB")
            if time.monotonic() > give_up:
                raise Trouble(Link.NO_OCTOPRINT, f"OctoPrint's answer to {path} comes too slowly")
        return b"".join(pieces)

    def _no_answer(self, error: requests.RequestException | HTTPError) -> Trouble:
        cause = error.args[0] if error.args else None
        refused = isinstance(getattr(cause, "reason", None), NewConnectionError)
        never = refused or isinstance(error, requests.ConnectTimeout)
        what = "nothing answers at" if never else "no answer within the deadline from"
        return Trouble(Link.NO_OCTOPRINT, f"{what} {self._url}; does OctoPrint run, is BOARDCAST_OCTOPRINT_URL right?",
                       certain=never)  # fmt: skip

    def _bad_answer(self, status: int, body: bytes) -> Trouble:
        if status in (401, 403):
            reason = "OctoPrint refuses the API key; check BOARDCAST_OCTOPRINT_API_KEY"
            return Trouble(Link.WRONG_KEY, reason, certain=True, status=status)
        if status in (502, 503, 504):
            return Trouble(Link.STARTING, f"OctoPrint is starting ({status})", certain=status == 503, status=status)
        certain = status in (400, 404, 413, 415)
        said = body[:200].decode("utf-8", "replace")
        return Trouble(Link.OK, f"OctoPrint answered {status}: {said}", certain=certain, status=status)


def _find(entries: list[Any], path: str) -> dict[str, Any] | None:
    for entry in entries:
        if entry.get("path") == path:
            return dict(entry)
        if entry.get("type") == "folder" and path.startswith(f"{entry.get('path')}/"):
            return _find(entry.get("children") or [], path)
    return None
