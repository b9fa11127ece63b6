"""OctoPrint's REST API, as little of it as is needed: what is asked of it, and what its answers mean."""

from __future__ import annotations

import json
import re
from typing import Any

from services.octo_bridge import octoprint_requests
from services.octo_bridge.events import Heaters, Post, Seen
from services.octo_bridge.evidence import History, Recorded
from services.octo_bridge.octoprint_requests import Requests, Trouble
from services.octo_bridge.octoprint_words import heaters_of, job_of, printer_of
from services.octo_bridge.state import ACTIVE, LOST

LISTING_WITHIN = 30.0
"""Seconds. On a small computer with thousands of files OctoPrint takes its time."""
TAILS = (1 << 17, 1 << 20)
"""Bytes of the log that are asked for before all of it is: most questions are about the last minutes."""
_ROTATED = re.compile(r"octoprint\.log(\.\d{4}-\d{2}-\d{2})?")


class OctoPrint(Requests):
    """What the bridge asks of it."""

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
            if since in text or len(text) >= octoprint_requests.MOST_BYTES:
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


def _find(entries: list[Any], path: str) -> dict[str, Any] | None:
    for entry in entries:
        if entry.get("path") == path:
            return dict(entry)
        if entry.get("type") == "folder" and path.startswith(f"{entry.get('path')}/"):
            return _find(entry.get("children") or [], path)
    return None
