"""The HTTP API: token, the status that pauses, and servers that are slow or dead."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deploy.simulators.flashforge.child import FlashforgeSimulator
from tests.e2e.rex_bridge.conftest import Bridge
from tests.e2e.rex_bridge.test_print import JITTER, commands, printing
from tests.harness.waiting import wait_until


class Api(ThreadingHTTPServer):
    """Records what it gets and answers what it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[float, str | None, Any]] = []
        self.status = 200
        self.hang = threading.Event()
        self.hang.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/rex"


class Handler(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((time.monotonic(), self.headers["Authorization"], body))
        self.server.hang.wait(30)
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.hang.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_state_goes_out_with_the_token_every_second_and_418_pauses(
    bridge: Bridge, rex: FlashforgeSimulator, api: Api
) -> None:
    printing(bridge, rex, rex_api_url=api.url, rex_api_token="secret")
    wait_until(lambda: len([1 for _, _, body in api.got if body["state"] == "printing"]) > 4, 10, "five states")
    times = [at for at, _, body in api.got if body["state"] == "printing"]
    assert max(b - a for a, b in itertools.pairwise(times)) < 1.3
    assert {token for _, token, _ in api.got} == {"Bearer secret"}
    assert not rex.view()["paused"]
    api.status = 418
    wait_until(lambda: rex.view()["paused"], 5, "the printer to pause")
    assert "418" in bridge.answer("pause").json["reason"]
    wait_until(lambda: api.got[-1][2]["state"] == "paused", 5, "the API to hear of it")
    assert [name for name, _ in bridge.events()].count("done") == 1
    assert "secret" not in bridge.process.tail(1000)


@pytest.mark.parametrize("kind", ["slow", "dead", "nobody", "error", "elsewhere"])
def test_a_server_that_does_not_answer_delays_no_look(
    bridge: Bridge, rex: FlashforgeSimulator, api: Api, kind: str
) -> None:
    url = api.url
    listening = socket.create_server(("127.0.0.1", 0))
    if kind == "slow":
        api.hang.clear()
    elif kind == "dead":  # takes connections and never reads
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    elif kind == "nobody":
        url = "http://no-such-host.invalid/"
    else:
        api.status = 500 if kind == "error" else 302
    printing(bridge, rex, rex_api_url=url)
    wait_until(lambda: len(commands(rex, "M27")) > 8, 15, "looks")
    gaps = [b - a for a, b in itertools.pairwise(commands(rex, "M119")[-8:])]
    assert max(abs(gap - 1) for gap in gaps) < JITTER, gaps
    assert bridge.process.terminate() < 5
    if kind in ("nobody", "error", "elsewhere"):
        assert bridge.process.tail(1000).count("the HTTP API does not take states") == 1
    listening.close()
