"""Chat: moves, refusals with reasons, and moderators who take moves out."""

from __future__ import annotations

from contracts.chat import ChatCleared, ChatGap, ChatMessage, ChatUser, MessageDeleted, UserCleared
from contracts.events import EventKind
from contracts.moves import MoveState
from services.planner.effects import Reply, Say, Seen, Tell
from tests.unit.planner.bench import START, Bench


def said(text: str, user: str = "u1", message_id: str = "m1") -> ChatMessage:
    return ChatMessage(
        source="twitch",
        channel="c",
        message_id=message_id,
        user=ChatUser(id=user, name=user),
        text=text,
        received_at=START,
    )


def test_a_move_is_accepted_and_its_place_said() -> None:
    bench = Bench()
    bench.chat(said("A1-H8"))
    assert bench.states("1-1") == ["accepted"]
    reply = bench.of(Reply)[0].reply
    assert (reply.reply_to, reply.channel, reply.user_id) == ("m1", "c", "u1")
    assert "number 1" in reply.text


def test_chatter_is_not_answered() -> None:
    bench = Bench()
    before = bench.game
    assert bench.chat(said("beach1 of g8 fame")) == []
    assert bench.game == before


def test_a_message_that_was_answered_is_not_answered_again() -> None:
    bench = Bench()
    bench.chat(said("a1 h8"))
    assert [(e.source, e.message_id) for e in bench.of(Seen)] == [("twitch", "m1")]
    assert bench.chat(said("a1 h8"), seen=True) == []


def test_a_message_of_more_than_two_minutes_ago_came_too_late() -> None:
    bench = Bench()
    bench.seconds = 119
    bench.chat(said("a1 h8"))
    bench.seconds = 121
    bench.chat(said("a1 h8", message_id="m2"))
    assert [e.status.state for e in bench.of(Tell)] == [MoveState.ACCEPTED, MoveState.REFUSED]
    assert "too late" in bench.replies()[-1]


def test_a_reply_never_quotes_a_viewer() -> None:
    bench = Bench()
    for n, text in enumerate(["!draw EVIL", "evil z9 a1", "!draw a1 a1 evil", "a1 a1 EVIL", "!draw evil1 a1"]):
        bench.chat(said(text, user="evil", message_id=f"m{n}"))
    assert bench.replies()
    assert not any("evil" in text.lower() for text in bench.replies())


def test_a_time_out_takes_the_users_moves_out() -> None:
    bench = Bench().ready()
    bench.chat(said("a1 h8"))
    bench.chat(said("a1 h7", user="u2", message_id="m2"))
    bench.chat(said("a1 h6", message_id="m3"))
    bench.begin()
    bench.chat(UserCleared(source="twitch", channel="c", user_id="u1", received_at=START))
    bench.listen()
    bench.end("drawn")
    bench.draw()
    assert [run.move_id for run in bench.bridge.drawn] == ["1-1", "1-2"]
    assert bench.states("1-3")[-1] == "skipped"


def test_a_deleted_message_takes_its_move_out() -> None:
    bench = Bench()
    bench.chat(said("a1 h8"))
    bench.chat(said("a1 h7", message_id="m2"))
    bench.chat(MessageDeleted(source="twitch", channel="c", message_id="m2", received_at=START))
    assert bench.states("1-2")[-1] == "skipped"
    assert bench.states("1-1")[-1] == "accepted"


def test_a_cleared_chat_takes_chats_moves_out_and_no_others() -> None:
    bench = Bench()
    bench.chat(said("a1 h8"))
    bench.ask("a1 h8")
    bench.chat(ChatCleared(source="twitch", channel="c", received_at=START))
    assert bench.states("1-1")[-1] == "skipped"
    assert bench.states("1-2")[-1] == "accepted"


def test_a_gap_is_said_aloud() -> None:
    bench = Bench()
    bench.chat(ChatGap(source="twitch", since=START, until=START, missed=3, reason="the connection was lost"))
    event = bench.of(Say)[-1].event
    assert event.event is EventKind.GAP
    assert "3 chat messages" in (event.reason or "")


def test_what_became_of_a_move_is_answered_when_it_is_not_drawn() -> None:
    bench = Bench().ready()
    bench.chat(said("a1 h8"))
    bench.begin()
    bench.end("failed")
    assert "was not drawn" in bench.replies()[-1]
