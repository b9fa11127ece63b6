"""Requests as they come over MQTT: everything is answered, nothing raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.planner.effects import Tell
from services.planner.game import OPERATOR, Move
from services.planner.inputs import Requested
from services.planner.plastic.geometry import BoardGeometry
from services.planner.requests import Request, read_request
from tests.unit.planner.bench import Bench

BOARD = BoardGeometry()


def test_text_and_json_mean_the_same() -> None:
    assert read_request(b"a1 h8", BOARD) == Request("a1", "h8")
    assert read_request(b' {"from": "a1", "to": "h8"} ', BOARD) == Request("a1", "h8")


def test_json_can_name_its_id_and_a_user_without_roles() -> None:
    payload = b'{"from": "a1", "to": "h8", "request_id": "r", "user": {"id": "7", "name": "x\\u202ey"}}'
    request = read_request(payload, BOARD)
    assert request.request_id == "r"
    assert (request.user.source, request.user.id, request.user.name) == ("mqtt", "7", "x y")
    assert read_request(b'{"from": "a1", "to": "h8", "user": {"id": "7", "roles": ["moderator"]}}', BOARD).refusal


def test_a_user_can_call_itself_the_operator_but_is_shown_as_such_only() -> None:
    assert read_request(b'{"from": "a1", "to": "h8", "user": {"id": "mqtt"}}', BOARD).user == OPERATOR


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"hello", b"a1", b"a1 a1", b"a1 z9", b"\xff\xfe", b"\x00", b"{", b"[]", b"null", b'"a1 h8"', b"{}",
        b'{"from": "a1"}', b'{"from": "a1", "to": "z99"}', b'{"from": "a1", "to": "a1"}', b'{"from": 1, "to": []}',
        b'{"from": "a1", "to": "h8", "speed": 3}', b'{"from": "a1", "to": "h8", "request_id": ""}',
        b'{"from": "a1", "request_id": "\\ud800"}', b'{"from": "a1", "to": "h8", "user": {"id": "\\udfff"}}',
        b'{"a":' * 700, b"[" * 4000, b"a1 h8 " * 1000, b"x" * 5000, b'{"request_id": "\\ud800", "from": "a1"}',
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_a_reason(payload: bytes) -> None:
    assert Bench().ask_bytes(payload).reason


def test_the_id_of_a_refused_request_is_echoed() -> None:
    assert read_request(b'{"from": "a1", "to": "q9", "request_id": "r"}', BOARD).request_id == "r"
    assert read_request(b'{"from": 5, "request_id": "r"}', BOARD).request_id == "r"


_text = st.text(st.characters()) | st.sampled_from(["\ud800", "a\udfffb", "\x00", "a1"])
_keys = st.sampled_from(["from", "to", "request_id", "user", "id", "x"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | _text, lambda c: st.lists(c) | st.dictionaries(_keys, c), max_leaves=8
)


@given(st.binary(max_size=300) | _json.map(lambda value: json.dumps(value).encode()))
def test_no_payload_is_unanswerable(payload: bytes) -> None:
    bench = Bench()
    effects = bench.feed(Requested(read_request(payload, BOARD)))
    statuses = [effect.status for effect in effects if isinstance(effect, Tell)]
    assert len(statuses) == 1
    assert statuses[0].to_bytes()
    assert statuses[0].state in ("accepted", "refused")


@given(st.binary(max_size=200) | _json.map(lambda value: json.dumps({"command": "skip", "id": value}).encode()))
def test_no_command_is_unanswerable(payload: bytes) -> None:
    bench = Bench()
    assert bench.command_bytes(payload).to_bytes()


def test_a_request_that_was_made_before_is_answered_with_the_newest_status() -> None:
    bench = Bench().ready()
    bench.ask('{"from": "a1", "to": "h8", "request_id": "r"}')
    old = Move(1, 1, "a1", "h8", OPERATOR, request_id="r")
    request = read_request(b'{"from": "b1", "to": "b8", "request_id": "r"}', BOARD)
    effects = bench.feed(Requested(request, old))
    statuses = [effect.status for effect in effects if isinstance(effect, Tell)]
    assert [s.state for s in statuses] == ["planned"]
    assert statuses[0].move_id == "1-1"
    assert len(bench.game.moves) == 1


def test_caps_have_reasons() -> None:
    bench = Bench(waiting_per_user=2, waiting_operator=3, waiting_total=4)
    viewer = '{"from": "a1", "to": "h8", "user": {"id": "7"}}'
    assert [bench.ask(viewer).state.value for _ in range(3)] == ["accepted", "accepted", "refused"]
    assert [bench.ask("a1 b1").state.value for _ in range(3)] == ["accepted", "accepted", "refused"]
    assert "full" in (bench.ask("a1 b1").reason or "")


def test_nobodys_second_move_comes_before_anothers_first() -> None:
    bench = Bench().ready()
    for user in ("1", "1", "1", "2", "3", "2"):
        bench.ask(f'{{"from": "a1", "to": "h8", "user": {{"id": "{user}"}}}}')
    bench.draw(6)
    users = [bench.game.lines[i].user.id for i in range(6)]
    # The first two of user 1 were planned before anybody else had asked.
    assert users == ["1", "1", "2", "3", "1", "2"]


def test_who_asks_again_as_soon_as_a_line_is_drawn_is_not_always_before_anothers_second() -> None:
    lines = iter(f"{file}{rank} {file}{rank + 1}".split() for rank in range(1, 8) for file in "abcdefgh")

    def ask(user: str) -> None:
        start, end = next(lines)
        bench.ask(f'{{"from": "{start}", "to": "{end}", "user": {{"id": "{user}"}}}}')

    bench = Bench().ready()
    for user in "bcaade":
        ask(user)
    drawn = ""
    for _ in range(12):
        bench.draw()
        drawn += bench.game.lines[-1].user.id
        if drawn[-1] != "a":
            ask(drawn[-1])
    assert drawn == "bcadeabcdebc"
