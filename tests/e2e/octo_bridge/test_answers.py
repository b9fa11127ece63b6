"""Answers that never end, or are too much: a lane of the bridge is free again, and a doubt comes to its end."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from contracts.printers import Link
from deploy.simulators.ports import LOOPBACK
from services.octo_bridge import octoprint_requests
from services.octo_bridge.octoprint import OctoPrint
from services.octo_bridge.octoprint_requests import Trouble

Answer = Callable[[BaseHTTPRequestHandler], None]
WITHIN = 30


class Odd(ThreadingHTTPServer):
    """Answers everything in one way, until it is *over*."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        self.over = Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.close_connection = True
                answer(self)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__((LOOPBACK, 0), Handler)


@pytest.fixture
def odd() -> Iterator[Callable[[Answer], OctoPrint]]:
    servers: list[Odd] = []

    def start(answer: Answer) -> OctoPrint:
        server = Odd(answer)
        servers.append(server)
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        # However late this machine is: no deadline passes but where a test lets it.
        return OctoPrint(f"http://{LOOPBACK}:{server.server_port}", "key", WITHIN)

    yield start
    for server in servers:
        server.over.set()
        server.shutdown()
        server.server_close()


def head(request: BaseHTTPRequestHandler, *headers: tuple[str, str]) -> None:
    request.send_response(200)
    for name, value in headers:
        request.send_header(name, value)
    request.end_headers()


def drip(request: BaseHTTPRequestHandler) -> None:
    """A byte now and then, each of which would begin a read's deadline anew."""
    head(request, ("Content-Length", "1000000"))
    server = request.server
    assert isinstance(server, Odd)
    while not server.over.wait(0.05):
        try:
            request.wfile.write(b" ")
        except OSError:
            return


def test_an_answer_that_drips_ends_at_twice_its_deadline(
    odd: Callable[[Answer], OctoPrint], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = odd(drip)
    looks = itertools.count()
    # To the client every look at the clock is ten seconds after the one before.
    monkeypatch.setattr(octoprint_requests, "time", SimpleNamespace(monotonic=lambda: 10.0 * next(looks)))
    with pytest.raises(Trouble, match="too slowly") as caught:
        client.look()
    assert caught.value.link is Link.NO_OCTOPRINT
    assert not caught.value.certain, "what was asked may have been done"
    assert 10 * next(looks) > 2 * WITHIN, "not before that"


def test_an_answer_that_is_too_large_is_left(
    odd: Callable[[Answer], OctoPrint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(octoprint_requests, "MOST_BYTES", 1000)

    def much(request: BaseHTTPRequestHandler) -> None:
        head(request, ("Content-Length", "5000"))
        request.wfile.write(b"x" * 5000)

    with pytest.raises(Trouble, match="larger than"):
        odd(much).log()


def test_packed_and_chunked_answers_are_whole(odd: Callable[[Answer], OctoPrint]) -> None:
    text = "a line of the log\n" * 20_000

    def packed(request: BaseHTTPRequestHandler) -> None:
        body = gzip.compress(text.encode())
        head(request, ("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked"))
        for at in range(0, len(body), 100):
            piece = body[at : at + 100]
            request.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        request.wfile.write(b"0\r\n\r\n")

    assert odd(packed).log() == text


def test_an_answer_that_breaks_off_is_none(odd: Callable[[Answer], OctoPrint]) -> None:
    def broken(request: BaseHTTPRequestHandler) -> None:
        head(request, ("Content-Length", "5000"))
        request.wfile.write(b"x" * 50)

    with pytest.raises(Trouble) as caught:
        odd(broken).log()
    assert caught.value.link is Link.NO_OCTOPRINT
