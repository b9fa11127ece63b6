"""The proxies between a plain server and a plain client: each fault is what its name says."""

from __future__ import annotations

import http.client
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.simulators.ports import LOOPBACK
from tests.chaos.proxies.http import HttpProxy, Road
from tests.chaos.proxies.loop import Loop
from tests.chaos.proxies.mqtt import Packets
from tests.chaos.proxies.tcp import Line, TcpProxy
from tests.harness.waiting import wait_until

DEADLINE_S = 40
"""For whatever comes at all."""
SILENCE_S = 0.5
"""So long is listened for what must not come."""


class _Server(BaseHTTPRequestHandler):
    taken: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append(body)
        self.send_response(201)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"taken")

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def road(loop: Loop) -> Iterator[HttpProxy]:
    _Server.taken.clear()
    server = ThreadingHTTPServer((LOOPBACK, 0), _Server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    proxy = HttpProxy(loop, server.server_address[1])
    proxy.start()
    yield proxy
    proxy.stop()
    server.shutdown()
    server.server_close()
    thread.join()


def post(road: HttpProxy, timeout: float = DEADLINE_S) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(LOOPBACK, road.port, timeout=timeout)
    try:
        connection.request("POST", "/x", b"job")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_well_road_changes_nothing(road: HttpProxy) -> None:
    assert post(road) == (201, b"taken")
    assert road.hit == 0


@pytest.mark.parametrize("way", [Road.S500, Road.S503, Road.S409])
def test_a_planted_answer_comes_instead_of_the_server(road: HttpProxy, way: Road) -> None:
    road.set(way)
    assert post(road)[0] == int(way.value)
    assert _Server.taken == []


@pytest.mark.parametrize(("way", "taken"), [(Road.RESET_BEFORE, []), (Road.RESET_AFTER, [b"job"])])
def test_a_reset_comes_before_or_after_the_request_was_taken(road: HttpProxy, way: Road, taken: list[bytes]) -> None:
    road.set(way)
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        post(road)
    assert _Server.taken == taken


@pytest.mark.parametrize(("way", "taken"), [(Road.TIMEOUT_AFTER, [b"job"]), (Road.HALF_OPEN, [])])
def test_no_answer_comes_although_it_was_taken_or_because_nothing_passes(
    road: HttpProxy, way: Road, taken: list[bytes]
) -> None:
    road.set(way)
    with pytest.raises(TimeoutError):
        post(road, timeout=SILENCE_S)
    # Whoever waited for the answer may have given up before a busy machine came to pass the request on.
    wait_until(lambda: _Server.taken == taken, DEADLINE_S, lambda: f"{taken}, taken is {_Server.taken}")
    road.set(Road.WELL)
    assert post(road)[0] == 201


def test_a_slow_body_trickles_and_is_whole(road: HttpProxy) -> None:
    road.set(Road.SLOW_BODY)
    began = time.monotonic()
    assert post(road) == (201, b"taken")
    assert time.monotonic() - began >= 0.2


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that says back what it hears."""
    server = socket.create_server((LOOPBACK, 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=_say_back, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


HELLO = b"\x30\x05hello"
"""A message, as MQTT packs it."""
PING = b"\xc0\x00"


def _say_back(connection: socket.socket) -> None:
    with connection:
        try:
            while data := connection.recv(100):
                connection.sendall(data)
        except OSError:
            return


@pytest.fixture
def line(loop: Loop, echo: int) -> Iterator[tuple[TcpProxy, socket.socket]]:
    proxy = TcpProxy(loop, echo)
    proxy.start()
    with socket.create_connection((LOOPBACK, proxy.port), timeout=DEADLINE_S) as client:
        client.sendall(HELLO)
        assert client.recv(100) == HELLO
        yield proxy, client
    proxy.stop()


def test_a_cut_line_resets_what_is_open_and_what_comes(line: tuple[TcpProxy, socket.socket]) -> None:
    proxy, client = line
    proxy.set(Line.CUT)
    with pytest.raises(ConnectionResetError):
        client.recv(100)
    # The reset may come as early as in connect() itself.
    with (
        pytest.raises(ConnectionResetError),
        socket.create_connection((LOOPBACK, proxy.port), timeout=DEADLINE_S) as other,
    ):
        other.recv(100)


@pytest.mark.parametrize("way", [Line.ONE_WAY_UP, Line.ONE_WAY_DOWN])
def test_a_line_that_lost_something_is_deaf_and_ends_when_it_is_well(
    line: tuple[TcpProxy, socket.socket], way: Line
) -> None:
    proxy, client = line
    proxy.set(way)
    client.sendall(HELLO)
    client.settimeout(SILENCE_S)
    with pytest.raises(TimeoutError):
        client.recv(100)
    client.settimeout(DEADLINE_S)
    proxy.set(Line.WELL)
    with pytest.raises(ConnectionResetError):
        client.recv(100)


def test_a_delayed_line_is_late_and_loses_nothing(line: tuple[TcpProxy, socket.socket]) -> None:
    proxy, client = line
    proxy.set(Line.DELAY, 0.2)
    began = time.monotonic()
    client.sendall(HELLO)
    assert client.recv(100) == HELLO
    assert time.monotonic() - began >= 0.4


def test_a_lossy_line_loses_messages_and_nothing_else(line: tuple[TcpProxy, socket.socket]) -> None:
    proxy, client = line
    proxy.set(Line.LOSSY)
    client.sendall((HELLO + PING) * 40)
    heard = b""
    while heard.count(PING) < 40:
        heard += client.recv(1000)
    assert heard.replace(PING, b"").replace(HELLO, b"") == b""
    assert 0 < heard.count(HELLO) < 40
    proxy.set(Line.WELL)
    with pytest.raises(ConnectionResetError):
        client.recv(100)


@given(st.lists(st.binary(max_size=300), max_size=20), st.lists(st.integers(1, 50), min_size=1))
def test_packets_are_cut_wherever_the_bytes_break_off(bodies: list[bytes], pieces: list[int]) -> None:
    sent = [_packet(body) for body in bodies]
    stream, packets = b"".join(sent), Packets()
    found: list[bytes] = []
    sizes = itertools.cycle(pieces)
    while stream:
        size = next(sizes)
        found += packets.of(stream[:size])
        stream = stream[size:]
    assert found == sent


def test_what_is_no_mqtt_is_refused() -> None:
    with pytest.raises(ValueError, match="MQTT"):
        list(Packets().of(b"\xff" * 5))


def _packet(body: bytes) -> bytes:
    low, high = len(body) % 128, len(body) // 128
    return bytes([0x30, low | 0x80, high] if high else [0x30, low]) + body
