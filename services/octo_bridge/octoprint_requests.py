"""Requests to OctoPrint: a deadline and a bound in bytes on every one, and what went wrong in words of the core.

It tells apart what the core has to tell apart: not there, starting, wrong key, a certain no, and no answer.
"""

from __future__ import annotations

import json
import time
from typing import Any

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from contracts.printers import Link

CONNECT_WITHIN = 3.0
"""Seconds."""
LOG_WITHIN = 60.0
"""Seconds for one file of the log: its disk may be a worn memory card."""
MOST_BYTES = 64 << 20
"""Of one answer, and of the log with its rotated files: more would be more than a small computer has to spare."""
_PIECE = 1 << 16


class Trouble(Exception):
    """OctoPrint did not answer as it should. *certain*: what was asked has not happened and will not."""

    def __init__(self, link: Link, reason: str, *, certain: bool = False, status: int | None = None) -> None:
        super().__init__(reason)
        self.link = link
        self.reason = reason
        self.certain = certain
        self.status = status


class Requests:
    """A client for one thread; requests.Session is not safe for more."""

    def __init__(self, url: str, key: str, timeout: float) -> None:
        self._url = url
        self._key = key
        self._timeout = timeout
        self._session: requests.Session | None = None

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
