"""The HTTP API: token, the status that pauses, and servers that are slow or dead."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from deploy.simulators.flashforge.child import FlashforgeSimulator
from deploy.simulators.mosquitto import Mosquitto
from services.rex_bridge.sink import CONNECT_WITHIN
from tests.e2e.rex_bridge.conftest import Bridge
from tests.e2e.rex_bridge.test_print import amid_a_print, commands
from tests.harness.mqtt_probe import MqttProbe
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


@contextmanager
def serving() -> Iterator[Api]:
    """A server of its own."""
    server = Api()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.hang.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def api() -> Iterator[Api]:
    """One that answers."""
    with serving() as server:
        yield server


def test_the_state_goes_out_with_the_token_every_second_and_418_pauses(
    bridge: Bridge, rex: FlashforgeSimulator, api: Api
) -> None:
    amid_a_print(bridge, rex, rex_api_url=api.url, rex_api_token="secret")
    wait_until(lambda: len([1 for _, _, body in api.got if body["state"] == "printing"]) > 3, 40, "four states")
    times = [at for at, _, body in api.got if body["state"] == "printing"]
    assert median(b - a for a, b in itertools.pairwise(times)) < 3
    assert {token for _, token, _ in api.got} == {"Bearer secret"}
    assert not rex.view()["paused"]
    api.status = 418
    wait_until(lambda: rex.view()["paused"], 30, "the printer to pause")
    assert "418" in bridge.answer("pause").json["reason"]
    wait_until(lambda: api.got[-1][2]["state"] == "paused", 30, "the API to hear of it")
    assert [name for name, _ in bridge.events()].count("done") == 1
    assert "secret" not in bridge.process.tail(1000)


class Beside:
    """A bridge, a printer that prints, and a server of one *kind*; several at once share nothing but the broker."""

    def __init__(self, folder: Path, mosquitto: Mosquitto, probe: MqttProbe, kind: str) -> None:
        self.kind = kind
        self.rex = FlashforgeSimulator(folder / kind)
        self.bridge: Bridge
        self._at = folder / kind, mosquitto, probe

    def start(self, url: str) -> None:
        """Look at a print twice a second, and tell the server at *url* every time."""
        self.rex.start()
        self.rex.do("start", hot=True, seconds=600)
        self.bridge = Bridge(*self._at, f"rex={self.rex.address}")
        self.bridge.start(rex_api_url=url, rex_printing_interval="0.5", topic_root=self.kind)

    def stop(self) -> None:
        self.bridge.stop()
        self.rex.stop()


def _said_of_it(one: Beside) -> int:
    return one.bridge.process.tail(1000).count("the HTTP API does not take states")


@pytest.mark.timeout(240)
def test_a_server_that_does_not_answer_delays_no_look(tmp_path: Path, mosquitto: Mosquitto, probe: MqttProbe) -> None:
    taking = socket.create_server(("127.0.0.1", 0))
    with ExitStack() as stack:
        slow, error, elsewhere = (stack.enter_context(serving()) for _ in range(3))
        slow.hang.clear()
        error.status, elsewhere.status = 500, 302
        dead = f"http://127.0.0.1:{taking.getsockname()[1]}/"  # takes connections and never reads
        nobody = "http://no-such-host.invalid/"
        urls = {"slow": slow.url, "dead": dead, "nobody": nobody, "error": error.url, "elsewhere": elsewhere.url}
        all_of_them = [Beside(tmp_path, mosquitto, probe, kind) for kind in urls]
        for one in all_of_them:
            stack.callback(one.stop)
            one.start(urls[one.kind])
        wait_until(lambda: min(len(commands(one.rex, "M27")) for one in all_of_them) > 6, 120, "looks")
        for one in all_of_them:
            gaps = [b - a for a, b in itertools.pairwise(commands(one.rex, "M119")[-6:])]
            assert median(gaps) < CONNECT_WITHIN, (one.kind, gaps)  # the least that waiting for a server takes
        refused = [one for one in all_of_them if one.kind in ("nobody", "error", "elsewhere")]
        wait_until(lambda: all(_said_of_it(one) for one in refused), 40, "the failures to be said")
        for one in all_of_them:
            one.bridge.process.terminate()
        assert {one.kind: _said_of_it(one) for one in refused} == dict.fromkeys(("nobody", "error", "elsewhere"), 1)
    taking.close()
