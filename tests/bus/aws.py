"""moto's SQS with what it lacks of AWS's: `python -m tests.bus.aws HOST PORT`.

moto takes a message again once its twin was deleted; AWS swallows every known MessageDeduplicationId for five minutes,
and answers as if it had taken the message. `GET /calls` tells how often each action was called.
"""

from __future__ import annotations

import io
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

SWALLOWED_FOR = 300.0
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Memory:
    """The identities of the last five minutes, by queue, with the answer that each had."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def swallows(self, queue: str, identity: str) -> bool:
        """Whether *identity* was there before; from now on it was."""
        with self._lock:
            known = self._known.get((queue, identity))
            if known is not None and self._clock() - known < SWALLOWED_FOR:
                return True
            self._known[queue, identity] = self._clock()
            return False


class Swallowing:
    """In front of moto's application."""

    def __init__(self, moto: Application) -> None:
        self._moto = moto
        self._memory = Memory()
        self._calls: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        action = str(environ.get("HTTP_X_AMZ_TARGET", "")).removeprefix("AmazonSQS.")
        if environ["PATH_INFO"] == "/calls":
            return _answer(start, dict(self._calls))
        self._calls[action] += 1
        if action != "SendMessageBatch":
            return self._moto(environ, start)
        body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        entries = body["Entries"]
        swallowed = [e for e in entries if self._memory.swallows(body["QueueUrl"], e["MessageDeduplicationId"])]
        self._calls["swallowed"] += len(swallowed)
        body["Entries"] = [entry for entry in entries if entry not in swallowed]
        if not body["Entries"]:
            return _answer(start, {"Successful": [_taken(entry) for entry in swallowed]})
        text = json.dumps(body).encode()
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(text), str(len(text))
        return self._moto(environ, start)


def _taken(entry: dict[str, Any]) -> dict[str, str]:
    return {"Id": entry["Id"], "MessageId": "the-first-one", "MD5OfMessageBody": "", "SequenceNumber": "0"}


def _answer(start: Callable[..., Any], content: object) -> Iterable[bytes]:
    text = json.dumps(content).encode()
    start("200 OK", [("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(text)))])
    return [text]


def main() -> None:
    """Serve until ended."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, run_simple

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # connections stay open, as AWS's do

        def log_request(self, *_: object) -> None:
            """A line for every call is too many."""

    application = Swallowing(DomainDispatcherApplication(create_backend_app))
    run_simple(sys.argv[1], int(sys.argv[2]), application, threaded=True, request_handler=Quiet)


if __name__ == "__main__":
    main()
