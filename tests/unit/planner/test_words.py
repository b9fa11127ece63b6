"""Words in chat: what viewers may ask, what moderators may order, and how long everybody has to wait."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from contracts.chat import ChatMessage, ChatUser, Role
from contracts.plan import Control
from services.planner.effects import Reply, Send
from services.planner.turn import UNTAKEN_MOST
from tests.unit.planner.bench import START, Bench
from tests.unit.planner.test_chat import said


def by_moderator(text: str, message_id: str = "mod") -> ChatMessage:
    return ChatMessage(
        source="twitch",
        channel="c",
        message_id=message_id,
        user=ChatUser(id="boss", name="boss", roles=(Role.MODERATOR,)),
        text=text,
        received_at=START,
    )


def reply(bench: Bench, message: ChatMessage) -> str:
    return next((e.reply.text for e in bench.chat(message) if isinstance(e, Reply)), "")


def test_viewers_ask_for_their_place_and_take_back_their_own() -> None:
    bench = Bench()
    bench.chat(said("a1 h8", "u1", "1"))
    bench.chat(said("a2 h8", "u2", "2"))
    bench.chat(said("a3 h8", "u1", "3"))
    assert reply(bench, said("!queue", "u1", "4")) == "3 moves wait, yours are number 1, 3"
    assert "a3 to h8" in reply(bench, said("!undo", "u1", "5"))
    assert bench.states("1-3")[-1] == "skipped"
    assert reply(bench, said("!undo", "u3", "6")) == "none of your moves waits"
    assert "a1 h8" in reply(bench, said("!help", "u3", "7"))
    assert "0 lines" in reply(bench, said("!board", "u3", "8"))


def test_the_board_says_that_it_ends_and_calls_for_nobody() -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    bench.begin()
    bench.command("new_board")
    assert reply(bench, said("!board")) == (
        "board 1 has 0 lines; a1 to b1 is being drawn; the board ends as soon as the printer is done"
    )
    bench.end("uncertain")
    assert "somebody to look after it" in reply(bench, said("!board", message_id="m2"))


def test_words_of_other_bots_are_not_answered() -> None:
    assert reply(Bench(), said("!lurk")) == ""


@pytest.mark.parametrize("word", ["pause", "resume", "stop", "skip", "clear", "resolve drawn", "ban u1", "unban u1"])
def test_only_moderators_order(word: str) -> None:
    bench = Bench()
    assert reply(bench, said(f"!{word}")) == "only moderators can do that"
    assert not [e for e in bench.of(Send) if isinstance(e.body, Control)]
    assert reply(bench, by_moderator(f"!{word}")) not in ("", "only moderators can do that")


def test_pause_from_chat_goes_to_the_bridge_at_once() -> None:
    bench = Bench().ready()
    bench.chat(by_moderator("!pause"))
    control = [e.body for e in bench.of(Send) if isinstance(e.body, Control)][-1]
    assert (control.command, control.by, control.id) == ("pause", "boss", "mod")


def test_a_bridge_that_takes_nothing_is_told_only_what_makes_the_machine_safer() -> None:
    bench = Bench().ready()
    bench.untaken = UNTAKEN_MOST
    before = len(bench.of(Send))
    assert "start octo_bridge" in reply(bench, by_moderator("!resume"))
    assert len(bench.of(Send)) == before
    for word in ("pause", "stop"):
        assert reply(bench, by_moderator(f"!{word}", word)) == f"{word}: the printer is told"
    assert len(bench.of(Send)) == before + 2


def test_a_ban_in_chat_takes_moves_out_and_quotes_nobody() -> None:
    bench = Bench()
    bench.chat(said("a1 h8", "u1"))
    assert reply(bench, by_moderator("!ban @U1")) == "banned"
    assert bench.states("1-1")[-1] == "skipped"
    assert "u1" not in reply(bench, by_moderator("!unban nobody_u1", "mod2"))


def test_words_can_be_renamed() -> None:
    bench = Bench(chat_words={"!Zeichne": "draw", "hilfe": "help"}, prefix_only=True)
    bench.chat(said("!zeichne a1 h8"))
    assert bench.states("1-1") == ["accepted"]
    assert "two squares" in reply(bench, said("!hilfe", message_id="m2"))


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"halt": "stopp"}, "none of ours"),
        ({"halt": "accept"}, "none of ours"),
        ({"bitte halt": "stop"}, "cannot be said"),
        ({"": "stop"}, "cannot be said"),
    ],
)
def test_a_word_that_nobody_could_say_or_mean_is_refused(words: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Bench(chat_words=words)


@pytest.mark.parametrize(("rule", "second"), [({"cooldown_user": 10}, "u1"), ({"cooldown_all": 10}, "u2")])
def test_cool_downs_have_an_end_and_say_when(rule: dict[str, Any], second: str) -> None:
    bench = Bench(**rule)
    bench.chat(said("a1 h8", "u1", "1"))
    bench.seconds = 4
    assert reply(bench, said("a2 h8", second, "2")).endswith("again in 6 s")
    assert bench.ask("a1 h8").state == "accepted", "the operator does not wait"
    bench.seconds = 10
    assert "number" in reply(bench, said("a2 h8", second, "3"))


def test_moderators_bypass_cool_downs_and_their_own_cap() -> None:
    bench = Bench(cooldown_user=60, waiting_per_user=1)
    for n in range(3):
        assert "number" in reply(bench, by_moderator("a1 h8", f"m{n}"))


def test_a_thousand_viewers_at_once_are_fair_and_bounded() -> None:
    bench = Bench(cooldown_user=5)
    for n in range(1000):
        for count in range(2 if n < 200 else 1):  # the first are impatient
            assert len(bench.chat(said("a1 h8", f"u{n}", f"m{n}-{count}"))) <= 4, "one answer each"
        bench.effects.clear()
    waiting = [move.user.id for move in bench.game.moves.values()]
    assert len(waiting) == 500
    assert len(set(waiting)) == 500, "nobody has a second move while another's first waits"
    assert len(bench.game.asked) <= 1000
    assert len(pickle.dumps(bench.game)) < 1_000_000, "bytes of all that it remembers, the map included"
