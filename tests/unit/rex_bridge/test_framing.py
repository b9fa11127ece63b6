"""From bytes to replies: any segments, any line ends, missing and double parts, noise."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rex_bridge.framing import (
    COMMAND_DEADLINE,
    MAX_REPLY,
    QUIET,
    Exchange,
    NoReply,
    NotThisProtocol,
    Reply,
    request,
)
from tests.unit.rex_bridge import transcripts
from tests.unit.rex_bridge.noise import cost_of_noise


def whole(command: str, text: str) -> Reply | None:
    return Exchange(command, 0.0).feed(text.encode(), 0.1)


def test_a_request_is_a_tilde_the_command_and_an_end_of_line() -> None:
    assert request("M601 S1") == b"~M601 S1\r\n"


@pytest.mark.parametrize("name", transcripts.ALL)
def test_every_transcript_ends_at_its_ok_at_once(name: str) -> None:
    command, text = transcripts.ALL[name]
    reply = whole(command, text)
    assert reply is not None
    assert reply.command == command
    assert "ok" not in reply.lines
    assert not any(line.startswith("CMD") for line in reply.lines)


@given(name=st.sampled_from(sorted(transcripts.ALL)), cuts=st.lists(st.integers(0, 300)), crlf=st.booleans())
def test_any_split_into_segments_and_any_line_end_gives_the_same_reply(name: str, cuts: list[int], crlf: bool) -> None:
    command, text = transcripts.ALL[name]
    data = (text if crlf else text.replace("\r\n", "\n")).encode()
    exchange = Exchange(command, 0.0)
    marks = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    replies = [exchange.feed(data[a:b], 0.1) for a, b in itertools.pairwise(marks)]
    assert next(reply for reply in replies if reply is not None) == whole(command, text)


def test_the_second_ok_of_the_command_before_ends_nothing() -> None:
    exchange = Exchange("M119", 0.0)
    assert exchange.feed(b"Control Success V2.1.\nok\n", 0.0) is None
    assert exchange.deadline == COMMAND_DEADLINE
    reply = exchange.feed(transcripts.REX["M119"].encode(), 1.0)
    assert reply is not None
    assert reply.lines[0].startswith("Endstop")


def test_what_stands_before_the_cmd_line_is_left_out() -> None:
    reply = whole("M105", "T0:1/2 B:3/4\r\n" + transcripts.REX["M105"])
    assert reply is not None
    assert reply.lines == ("T0:52/240 B:46/100",)


def test_a_reply_to_another_command_is_dropped() -> None:
    both = transcripts.REX["M105"] + transcripts.REX["M27"]
    reply = whole("M27", both)
    assert reply is not None
    assert reply.lines == ("SD printing byte 0/100",)


def test_a_reply_without_ok_ends_after_a_quiet_while() -> None:
    exchange = Exchange("M105", 0.0)
    assert exchange.feed(b"CMD M105 Received.\r\nT0:52/240 B:46/100\r\n", 0.5) is None
    assert exchange.deadline == 0.5 + QUIET
    assert exchange.expire().lines == ("T0:52/240 B:46/100",)


def test_a_reply_without_its_cmd_line_ends_after_a_quiet_while() -> None:
    exchange = Exchange("M105", 0.0)
    assert exchange.feed(b"T0:52/240 B:46/100\r\nok\r\n", 0.5) is None
    assert exchange.deadline == 0.5 + QUIET
    assert exchange.expire().lines == ("T0:52/240 B:46/100",)


@pytest.mark.parametrize(
    ("command", "half"),
    [("M119", b"MachineStatus: BUILDING_FROM_SD\r\nMoveMode: PAU"), ("M27", b"SD printing byte 96/100")],
)
def test_a_reply_that_breaks_off_within_a_line_is_none(command: str, half: bytes) -> None:
    exchange = Exchange(command, 0.0)
    exchange.feed(f"CMD {command} Received.\r\n".encode() + half, 0.5)
    assert exchange.deadline == COMMAND_DEADLINE, "the rest of it may be on its way"
    with pytest.raises(NoReply, match="breaks off"):
        exchange.expire()


@pytest.mark.parametrize("last", [b"ok", b"Control failed.", b"Error: have been connected"])
def test_a_word_that_ends_a_reply_needs_no_end_of_line(last: bytes) -> None:
    exchange = Exchange("M26", 0.0)
    exchange.feed(b"CMD M26 Received.\r\n" + last, 0.5)
    reply = exchange.expire()
    assert (reply.refused, reply.turned_away) == (last.startswith(b"Control"), last.startswith(b"Error"))


@pytest.mark.parametrize(("header", "ok"), [(True, False), (True, True), (False, False), (False, True)])
def test_a_reply_that_the_end_of_the_connection_cut_off_is_none(header: bool, ok: bool) -> None:
    exchange = Exchange("M119", 0.0)
    # What is missing is the MoveMode, by which a paused print is told from a running one.
    text = (
        ("CMD M119 Received.\r\n" if header else "") + "MachineStatus: BUILDING_FROM_SD\r\n" + ("ok\r\n" if ok else "")
    )
    reply = exchange.feed(text.encode(), 0.5)
    if ok:
        assert (reply or exchange.expire(ended=True)).lines == ("MachineStatus: BUILDING_FROM_SD",)
        return
    # Without its first line it may as well be something else that lives at the address.
    with pytest.raises(NoReply if header else NotThisProtocol, match="breaks off"):
        exchange.expire(ended=True)


def test_a_printer_that_refuses_to_be_asked_may_hang_up() -> None:
    exchange = Exchange("M119", 0.0)
    exchange.feed(b"CMD M119 Received.\r\nControl failed.\r\n", 0.1)
    assert exchange.expire(ended=True).refused


def test_an_order_is_acknowledged_also_by_a_printer_that_then_hangs_up() -> None:
    exchange = Exchange("M26", 0.0)
    exchange.feed(b"CMD M26 Received.\r\n", 0.1)
    assert exchange.expire(ended=True) == Reply("M26", ())


def test_half_a_line_of_something_else_is_no_printer() -> None:
    exchange = Exchange("M119", 0.0)
    exchange.feed(b"login: ", 0.5)
    with pytest.raises(NotThisProtocol):
        exchange.expire()


def test_an_order_may_be_acknowledged_by_its_cmd_line_alone() -> None:
    exchange = Exchange("M26", 0.0)
    assert exchange.feed(b"CMD M26 Received.\r\n", 0.1) is None
    assert exchange.deadline == 0.1 + QUIET
    assert exchange.expire() == Reply("M26", ())


def test_an_order_may_be_acknowledged_by_an_ok_alone() -> None:
    exchange = Exchange("M26", 0.0)
    assert exchange.feed(b"ok\r\n", 0.1) is None
    assert exchange.deadline == 0.1 + QUIET
    assert exchange.expire() == Reply("M26", ())


def test_a_question_is_not_answered_by_an_ok_alone() -> None:
    exchange = Exchange("M119", 0.0)
    exchange.feed(b"ok\r\n", 0.1)
    assert exchange.deadline == COMMAND_DEADLINE
    with pytest.raises(NoReply):
        exchange.expire()


def test_a_question_is_not_answered_by_its_cmd_line_alone() -> None:
    exchange = Exchange("M119", 0.0)
    exchange.feed(b"CMD M119 Received.\r\n", 0.1)
    assert exchange.deadline == COMMAND_DEADLINE


def test_dripping_bytes_do_not_move_the_deadline() -> None:
    exchange = Exchange("M119", 0.0)
    for tenth in range(1, 20):
        exchange.feed(b"x", tenth / 10)
    assert exchange.deadline == COMMAND_DEADLINE


def test_silence_is_no_reply() -> None:
    exchange = Exchange("M119", 0.0)
    assert exchange.deadline == COMMAND_DEADLINE
    with pytest.raises(NoReply):
        exchange.expire()


@pytest.mark.parametrize("data", [b"x" * (MAX_REPLY + 1), b"x\n" * MAX_REPLY])
def test_a_flood_is_refused(data: bytes) -> None:
    with pytest.raises(NotThisProtocol):
        Exchange("M119", 0.0).feed(data, 0.1)


def test_being_turned_away_is_known_at_once() -> None:
    reply = whole("M119", "Error: have been connected\r\n")
    assert reply is not None
    assert reply.turned_away
    assert not reply.refused


def test_refused_control_is_known() -> None:
    reply = whole("M601 S1", "CMD M601 Received.\r\nControl failed.\r\nok\r\n")
    assert reply is not None
    assert reply.refused
    assert not reply.turned_away


def test_noise_costs_at_most_the_deadline() -> None:
    assert cost_of_noise(random.Random(1), streams=3_000) <= COMMAND_DEADLINE
