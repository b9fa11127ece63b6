"""Replies within a chat's limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.chat import ChatReply
from services.chat_ingest.outgoing import STALE_AFTER, WAITING_MOST, Outgoing, add, joined, put_back, take, went
from services.chat_ingest.sources.port import Pace
from tests.unit.chat_ingest.world import AT

PACE = Pace(messages=5, window=30.0, spacing=1.0, longest=100, same_after=30.0)


def _reply(text: str, user: str | None = None, reply_to: str | None = "m") -> ChatReply:
    return ChatReply(text=text, source="s", channel="c", reply_to=reply_to, user_id=user, time=AT)


def _with(*texts: str, now: float = 0.0) -> Outgoing:
    state: Outgoing | None = Outgoing()
    for number, text in enumerate(texts):
        assert state is not None
        state = add(state, _reply(text, f"u{number}", f"m{number}"), now)
    assert state is not None
    return state


def test_a_lone_reply_goes_out_at_once_in_its_thread() -> None:
    turn = take(_with("number 1"), PACE, 0.0)
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.reply_to) == ("number 1", "m0")
    assert take(turn.state, PACE, 0.0).wait is None


def test_the_next_one_waits_for_the_spacing() -> None:
    turn = take(_with("a", "b"), PACE, 0.0)
    turn = take(turn.state, PACE, 0.4)
    assert turn.reply is None
    assert turn.wait == pytest.approx(0.6)
    assert take(turn.state, PACE, 1.0).reply is not None


def test_many_waiting_are_told_in_one_without_a_thread() -> None:
    turn = take(_with("queued #3", "queued #4", "queued #5", "a1 is off the board", "queued #7"), PACE, 0.0)
    assert turn.reply is not None
    assert turn.reply.text == "queued #3-#5 · a1 is off the board · queued #7"
    assert (turn.reply.reply_to, turn.reply.user_id) == (None, None)
    assert turn.state.waiting == ()


def test_a_merged_reply_is_no_longer_than_the_chat_takes() -> None:
    turn = take(_with(*(chr(97 + n) * 30 for n in range(6))), PACE, 0.0)
    assert turn.reply is not None
    assert len(turn.reply.text) <= PACE.longest
    assert len(turn.taken) == 3
    assert len(turn.state.waiting) == 3


def test_what_waited_too_long_is_dropped() -> None:
    turn = take(_with("a", "b"), PACE, STALE_AFTER)
    assert (turn.reply, turn.dropped, turn.state.waiting) == (None, 2, ())


def test_the_same_to_the_same_is_dropped_and_to_another_varied() -> None:
    state = take(_with("too fast"), PACE, 0.0).state
    for user in ("u0", "u1", "u2"):
        more = add(state, _reply("too fast", user), 5.0)
        assert more is not None
        state = more
    turn = take(state, PACE, 5.0)
    assert turn.dropped == 1
    assert turn.reply is not None
    assert turn.reply.text == "too fast (2)"
    turn = take(turn.state, PACE, 6.0)
    assert turn.reply is not None
    assert turn.reply.text == "too fast (3)"
    again = add(turn.state, _reply("too fast", "u0"), 40.0)
    assert again is not None
    turn = take(again, PACE, 40.0)
    assert turn.reply is not None
    assert turn.reply.text == "too fast"


def test_what_did_not_go_out_is_first_again_after_the_pause() -> None:
    turn = take(_with("a", "b"), PACE, 0.0)
    state = put_back(turn.state, turn.taken, 0.5, after=10.0)
    assert take(state, PACE, 10.4).wait == pytest.approx(0.1)
    turn = take(state, PACE, 10.5)
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.reply_to) == ("a", "m0")


def test_a_flood_is_bounded() -> None:
    state = _with(*(f"t{n}" for n in range(WAITING_MOST)))
    assert add(state, _reply("one more"), 0.0) is None


def test_a_reply_that_was_long_on_its_way_counts_from_its_arrival() -> None:
    first, second = _reply("first", "u1"), _reply("second", "u2")
    state = Outgoing()
    for reply in (first, second):
        more = add(state, reply, 0.0)
        assert more is not None
        state = more
    state = went(take(state, PACE, 0.0).state, 0.7)
    assert take(state, PACE, 1.6).wait == pytest.approx(0.1)
    assert take(state, PACE, 1.7).reply == second


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a"], "a"),
        (["a", "a"], "a"),
        (["queued #3", "queued #4"], "queued #3-#4"),
        (["number 9 in the queue", "number 10 in the queue"], "number 9-10 in the queue"),
        (["queued #3", "queued #5"], "queued #3 · queued #5"),
        (["a1 to b2", "c1 to b3"], "a1 to b2 · c1 to b3"),
        (["no number", "no number"], "no number"),
    ],
)
def test_joined(texts: list[str], expected: str) -> None:
    assert joined(texts) == expected


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(0, 6), st.text("ab1 ", min_size=1, max_size=60)), max_size=80),
    st.integers(1, 8),
)
def test_the_limits_hold_whatever_comes(script: list[tuple[float, int, str]], most: int) -> None:
    pace = Pace(messages=most, window=10.0, spacing=1.0, longest=100, same_after=8.0)
    state, now = Outgoing(), 0.0
    went: list[tuple[float, str]] = []
    answered = dropped = 0
    for after, user, text in script:
        now += after
        more = add(state, _reply(text, f"u{user}"), now)
        assert more is not None
        turn = take(more, pace, now)
        state, dropped, answered = turn.state, dropped + turn.dropped, answered + len(turn.taken)
        if turn.reply is not None:
            went.append((now, turn.reply.text))
    assert answered + dropped + len(state.waiting) == len(script)
    for index, (at, text) in enumerate(went):
        before = went[:index]
        assert len(text) <= 100
        assert sum(at < earlier + 10.0 for earlier, _ in before) < most
        assert all(at >= earlier + 1.0 for earlier, _ in before)
        assert all(text != other for earlier, other in before if at - earlier < 8.0)
