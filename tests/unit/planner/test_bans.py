"""A ban outlives a new name and ends whole; it is on the disk, and so are cool-downs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.chat import ChatMessage
from services.chassis.clock import Now
from services.chassis.store import Schema, Store
from services.planner import cooldown, moderation, persistence
from services.planner.game import User
from services.planner.rules import Rules
from tests.unit.planner.bench import START, Bench
from tests.unit.planner.test_chat import said
from tests.unit.planner.test_words import by_moderator, reply

REFUSED = "you may not draw here"


def named(name: str, message_id: str, user: str = "77") -> ChatMessage:
    message = said("a1 h8", user, message_id)
    return message.model_copy(update={"user": message.user.model_copy(update={"name": name})})


@pytest.mark.parametrize("known_by", ["a move that waits", "a line of the board", "an attempt", "nothing"])
def test_a_ban_by_name_holds_under_another_name_where_it_is_known_who_it_is(known_by: str) -> None:
    bench = Bench().ready()
    if known_by in ("a move that waits", "a line of the board"):
        bench.chat(named("Old", "m1"))
    if known_by == "a line of the board":
        bench.draw()
    assert reply(bench, by_moderator("!ban old")) == "banned"
    if known_by == "an attempt":
        assert reply(bench, named("Old", "m2")) == REFUSED
    answer = reply(bench, named("New", "m3"))
    assert (answer == REFUSED) == (known_by != "nothing")


@pytest.mark.parametrize("user_id", ["alice\u200b", "a" * 70])
def test_a_ban_by_name_is_on_who_drew_a_line_and_not_on_whom_that_is_shown_as(user_id: str) -> None:
    def ask(who: str, name: str) -> str:
        return bench.ask(json.dumps({"from": "a1", "to": "h8", "user": {"id": who, "name": name}})).state.value

    bench = Bench().ready()
    assert ask(user_id, "Troll") == "accepted"
    bench.draw()
    bench.command("ban troll")
    assert ask("alice", "Alice") == "accepted"
    assert ask(user_id, "Another") == "refused"


def test_a_ban_on_somebody_in_chat_who_is_called_as_the_operator_is_leaves_the_operator_alone() -> None:
    bench = Bench().ready()
    bench.ask("a1 a2")
    bench.draw()
    bench.ask("a1 h8")
    bench.chat(named("MQTT", "m1"))
    assert reply(bench, by_moderator("!ban @MQTT")) == "banned"
    assert reply(bench, named("MQTT", "m2")) == REFUSED
    assert bench.states("1-2")[-1] == "planned"
    assert bench.ask("a1 h8").state == "accepted"
    assert bench.command("ban mqtt:mqtt").event == "done", "its identity can be meant by nobody else"
    assert bench.ask("a1 h8").state == "refused"


def test_an_unban_frees_all_that_a_name_had_brought_in_and_an_id_by_itself() -> None:
    bench = Bench()
    bench.chat(named("old", "m1"))
    assert reply(bench, by_moderator("!ban @Old")) == "banned"
    assert reply(bench, named("old", "m2")) == REFUSED
    assert reply(bench, by_moderator("!unban old")) == "unbanned"
    assert reply(bench, named("old", "m3")) != REFUSED
    reply(bench, by_moderator("!ban old"))
    assert reply(bench, by_moderator("!unban twitch:77")) == "unbanned"
    assert reply(bench, named("new", "m4")) != REFUSED
    assert reply(bench, named("old", "m5")) == REFUSED, "the name is still banned"
    assert "nobody" in reply(bench, by_moderator("!unban somebody"))


@pytest.mark.parametrize(
    ("ban", "name", "user"),
    [("Анна", "анна", "5"), ("@Анна", "АННА", "5"), ("twitch:UCabcDEF", "X", "UCabcDEF"), ("ＴＲＯＬＬ", "Troll", "5")],
)
def test_a_ban_in_chat_is_on_whom_it_names_in_whatever_script(ban: str, name: str, user: str) -> None:
    bench = Bench()
    assert reply(bench, by_moderator(f"!ban {ban}")) == "banned"
    assert reply(bench, named("Ahha", "m1", "7")) != REFUSED, "a name that only looks alike"
    assert reply(bench, named(name, "m2", user)) == REFUSED
    assert reply(bench, by_moderator(f"!unban {ban}")) == "unbanned"
    assert reply(bench, named(name, "m3", user)) != REFUSED


def test_a_stranger_with_many_ids_uses_up_no_bans_and_has_no_other_id_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moderation, "MOST_BANS", 3)
    monkeypatch.setattr(moderation, "MOST_IDS", 4)
    bench = Bench()
    for name in ("troll", "vandal"):
        assert bench.command(f"ban {name}").event == "done"
    bench.chat(named("Vandal", "m0", "v"))
    for n in range(20):
        assert reply(bench, named("Troll", f"m{n + 1}", f"u{n}")) == REFUSED
    assert bench.game.bans.keys() == {"troll", "vandal", "twitch:v", "twitch:u17", "twitch:u18", "twitch:u19"}
    assert reply(bench, named("Another", "m30", "v")) == REFUSED
    assert bench.command("ban third").event == "done"
    assert bench.command("ban third").event == "done", "it is no other one"
    assert "unban some" in (bench.command("ban fourth").reason or "")
    bench.command("unban troll")
    assert bench.game.bans.keys() == {"vandal", "twitch:v", "third"}


def test_the_ids_that_a_ban_brings_in_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moderation, "MOST_IDS", 4)
    bench = Bench()
    bench.command("ban vandal")
    bench.chat(named("vandal", "m0", "v"))
    for n in range(9):
        bench.chat(named("troll", f"m{n + 1}", f"u{n}"))
    assert bench.command("ban troll").event == "done"
    assert len(bench.game.bans) == 2 + 4
    assert "twitch:v" in bench.game.bans


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[persistence.Rows]:
    store = Store(tmp_path, "planner")
    store.open(persistence.SCHEMA)
    rows = persistence.Rows(store)
    rows.load(Bench().setup, Now(START, 0.0))
    yield rows
    store.close()


def test_bans_and_cool_downs_are_there_after_a_restart(rows: persistence.Rows) -> None:
    bench = Bench(cooldown_user=60)
    before = bench.game
    for step, message in enumerate((named("old", "m1", "1"), named("other", "m2", "2"), by_moderator("!ban old"))):
        bench.seconds = step * 10.0
        effects = bench.chat(message)
        wall = START + timedelta(seconds=bench.seconds)
        with rows._store.transaction() as unit:
            rows.write(unit, before, bench.game, effects, wall)
        before = bench.game
    later = Now(START + timedelta(seconds=50), 1000.0)
    found = rows.load(bench.setup, later)
    assert found.bans == bench.game.bans == {"old": "old", "twitch:1": "old"}
    assert found.asked == {("twitch", "1"): 950.0, ("twitch", "2"): 960.0}
    rules = Rules(cooldown_user=60)
    assert cooldown.refusal(found, rules, User("twitch", "2", "x"), later.mono) == "you can ask again in 20 s"
    assert rows.load(bench.setup, Now(START + timedelta(seconds=65), 0.0)).asked.keys() == {("twitch", "2")}
    set_back = rows.load(bench.setup, Now(START - timedelta(days=1), 7.0)).asked
    assert set(set_back.values()) == {7.0}, "a clock that was set back makes nobody wait longer than the rule"
    with rows._store.transaction() as unit:
        rows.write(unit, before, replace(before, bans={}), [], START)
    assert rows.load(bench.setup, later).bans == {}


def test_bans_of_before_names_were_remembered_are_taken_over(tmp_path: Path) -> None:
    store = Store(tmp_path, "planner")
    store.open(Schema("planner", persistence.SCHEMA.steps[:1]))
    with store.transaction() as unit:
        unit.execute("INSERT INTO bans VALUES ('somebody')")
    store.close()
    store = Store(tmp_path, "planner")
    store.open(persistence.SCHEMA)
    assert persistence.Rows(store).load(Bench().setup, Now(START, 0.0)).bans == {}, "a new folder has no header yet"
    assert persistence.Rows(store).load(Bench().setup, Now(START, 0.0)).bans == {"somebody": "somebody"}
    store.close()
