"""Words to the board: each is answered once, and does what it says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from contracts.board import BOARD_VERBS, Plate
from contracts.events import EventKind
from contracts.plan import Control, MachineNotice, Revoke, Run
from services.planner import handlers_commands, reporting
from services.planner.effects import Say, Send
from services.planner.game import held_reason
from services.planner.inputs import DiskMeasured, Started
from services.planner.turn import UNTAKEN_MOST
from tests.unit.planner.bench import Bench
from tests.unit.planner.model_bridge import TIME


def sent(bench: Bench) -> list[Run | Revoke | Control]:
    return [effect.body for effect in bench.of(Send)]


def test_every_word_of_the_contract_is_obeyed_here() -> None:
    assert set(handlers_commands._HANDLERS) == set(BOARD_VERBS)


@pytest.mark.parametrize("verb", BOARD_VERBS)
def test_every_word_is_answered_once_whatever_its_arguments(verb: str) -> None:
    for arguments in ("", " x", " x y", " on", " drawn", " drawn 1-1", " 1-1", " x y z"):
        Bench().ready().command(verb + arguments)
        Bench().command(verb + arguments)


def test_accept_off_refuses_and_on_takes_again() -> None:
    bench = Bench().ready()
    bench.command("accept off")
    assert bench.ask("a1 b1").state == "refused"
    bench.command("accept on")
    assert bench.ask("a1 b1").state == "accepted"


def test_skip_takes_the_next_and_undo_the_last() -> None:
    bench = Bench()
    for squares in ("a1 b1", "a2 b2", "a3 b3"):
        bench.ask(squares)
    bench.command("skip")
    bench.command("undo")
    assert bench.states("1-1")[-1] == "skipped"
    assert bench.states("1-3")[-1] == "skipped"
    assert bench.states("1-2")[-1] == "accepted"
    assert bench.command("undo 1-1").event == "refused"
    assert bench.command("undo 1-2").event == "done"
    assert bench.command("undo").event == "refused"


def test_a_planned_move_is_taken_back_from_the_bridge() -> None:
    bench = Bench().ready()
    for squares in ("a1 b1", "a2 b2", "a3 b3"):
        bench.ask(squares)
    bench.begin()
    bench.command("undo 1-2")
    assert bench.states("1-2")[-1] == "planned", "not before the bridge has given it back"
    bench.listen()
    assert bench.states("1-2")[-1] == "skipped"
    bench.end("drawn")
    bench.draw()
    assert [run.move_id for run in bench.bridge.drawn] == ["1-1", "1-3"]


def test_too_late_to_take_back_is_drawn() -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    bench.bridge.advance()  # it has begun, and the planner does not know yet
    bench.command("skip")
    bench.listen()
    bench.end("drawn")
    assert bench.states("1-1")[-1] == "drawn"


def test_clear_takes_everything_out() -> None:
    bench = Bench().ready()
    for _ in range(5):
        bench.ask("a1 b1")
    bench.begin()
    bench.command("clear")
    bench.listen()
    bench.end("drawn")
    assert not bench.game.moves
    assert bench.game.header.skipped == 4


def test_new_board_waits_for_what_is_being_drawn_and_keeps_what_waits() -> None:
    bench = Bench().ready()
    for _ in range(3):
        bench.ask("a1 b1")
    bench.begin()
    bench.command("new_board")
    bench.listen()
    assert bench.game.header.board == 1
    bench.end("drawn")
    bench.listen()
    assert bench.game.header.board == 2
    assert bench.game.header.plate is Plate.UNKNOWN
    assert not bench.game.lines
    bench.command("confirm_empty")
    bench.draw(2)
    assert [run.board for run in bench.bridge.drawn] == [1, 2, 2]
    assert [run.move_id for run in bench.bridge.drawn] == ["1-1", "1-2", "1-3"]


def test_a_board_that_ends_says_what_it_waits_for() -> None:
    bench = Bench().ready()
    for _ in range(3):
        bench.ask("a1 b1")
    bench.begin()
    bench.command("new_board")
    bench.listen()
    bench.ask("a2 b2")
    state = json.loads(reporting.board_state(bench.game, bench.setup))
    assert (state["held"], state["plate"]) == (True, "known")
    assert state["held_reason"].startswith("board 1 ends as soon as the printer is done with 1-1")
    assert [e.event.reason for e in bench.of(Say) if e.event.event is EventKind.HELD][-1] == state["held_reason"]
    bench.end("uncertain")
    assert "resolve" in (held_reason(bench.game) or ""), "a person has something to do first"
    bench.command("resolve drawn")
    bench.listen()
    assert "confirm_empty" in (held_reason(bench.game) or "")
    assert bench.command("confirm_empty").event == "done"
    assert held_reason(bench.game) is None


def test_a_full_board_that_ends_is_not_to_be_ended_again() -> None:
    bench = Bench(board_lines=1).ready()
    for _ in range(2):
        bench.ask("a1 b1")
    bench.draw()
    bench.begin()
    assert "say `new_board`" in (held_reason(bench.game) or "")
    bench.command("new_board")
    assert "ends as soon as the printer is done with 1-2" in (held_reason(bench.game) or "")


def test_a_ban_takes_moves_out_and_refuses_more() -> None:
    bench = Bench()
    bench.ask('{"from": "a1", "to": "b1", "user": {"id": "7", "name": "Spammer"}}')
    assert bench.command("ban @spammer").event == "done"
    assert bench.states("1-1")[-1] == "skipped"
    renamed = bench.ask('{"from": "a1", "to": "b1", "user": {"id": "7", "name": "Another"}}')
    assert renamed.state == "refused"
    bench.command("unban spammer")
    bench.command("unban mqtt:7")
    assert bench.ask('{"from": "a1", "to": "b1", "user": {"id": "7", "name": "Spammer"}}').state == "accepted"


def test_set_changes_a_rule_of_the_game() -> None:
    bench = Bench()
    assert bench.command("set waiting_operator 1").event == "done"
    bench.ask("a1 b1")
    assert bench.ask("a1 b1").state == "refused"
    assert bench.command("set waiting_operator many").event == "refused"
    assert bench.command("set colour red").event == "refused"


def test_no_moves_are_accepted_when_the_disk_is_nearly_full() -> None:
    bench = Bench().ready()
    bench.feed(DiskMeasured(99_000_000))
    status = bench.ask("a1 b1")
    assert status.state == "refused"
    assert "disk" in (status.reason or "")
    bench.feed(DiskMeasured(101_000_000))
    assert bench.ask("a1 b1").state == "accepted"


def test_what_is_held_says_how_to_go_on() -> None:
    bench = Bench()
    assert "octo_bridge" in (held_reason(bench.game) or "")
    bench.bridge.begin()
    bench.listen()
    assert "confirm_empty" in (held_reason(bench.game) or "")
    bench.command("confirm_empty")
    assert held_reason(bench.game) is None


def test_a_plate_is_not_confirmed_before_the_bridge_has_heard_of_the_new_board() -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    bench.draw()
    bench.command("new_board")
    early = bench.command("confirm_empty")
    assert early.event == "refused"
    assert "say it again" in (early.reason or "")
    bench.listen()
    assert bench.command("confirm_empty").event == "done"
    bench.listen()
    assert bench.game.header.plate is Plate.KNOWN


def test_lines_that_wait_for_a_plate_that_nobody_knows_any_more_are_taken_back_for_the_word_on_it() -> None:
    bench = Bench().ready()
    bench.ask("a1 h8")
    bench.bridge.plate = Plate.UNKNOWN  # it forgot what lies there, and its epoch is the same
    bench.bridge.said.append(MachineNotice(epoch=bench.bridge.epoch, plate=Plate.UNKNOWN, time=TIME))
    bench.listen()
    assert bench.game.outstanding()
    refused = bench.command("confirm_empty")
    assert "say it again" in (refused.reason or "")
    bench.listen()
    assert not bench.game.outstanding()
    assert bench.command("confirm_empty").event == "done"
    bench.draw()
    assert bench.states("1-1")[-1] == "drawn"


@pytest.mark.parametrize("words", ["clear", "undo 1-1", "new_board", "ban mqtt:mqtt", "confirm_empty"])
def test_a_run_is_asked_back_once_however_often_it_is_said(words: str) -> None:
    bench = Bench().ready()
    for squares in ("a1 b1", "a2 b2"):
        bench.ask(squares)
    bench.game = replace(bench.game, header=replace(bench.game.header, plate=Plate.UNKNOWN))
    for _ in range(5):
        bench.command(words)
        bench.feed(Started())
    asked = [body.job_id for body in sent(bench) if isinstance(body, Revoke)]
    assert asked
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(("first", "then"), [("clear", "new_board"), ("new_board", "clear")])
def test_a_run_that_was_asked_back_for_two_reasons_ends_its_move_if_one_of_them_does(first: str, then: str) -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    bench.command(first)
    bench.command(then)
    assert len([body for body in sent(bench) if isinstance(body, Revoke)]) == 1
    bench.listen()
    assert bench.states("1-1")[-1] == "skipped"
    assert bench.game.header.board == 2


def test_a_run_that_is_planned_again_can_be_asked_back_again() -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    for board in (2, 3):
        bench.command("new_board")
        bench.listen()
        assert bench.game.header.board == board
        assert bench.command("confirm_empty").event == "done"
    assert bench.states("1-1")[-1] == "planned"
    assert len({body.job_id for body in sent(bench) if isinstance(body, Revoke)}) == 2


@pytest.mark.parametrize("words", ["confirm_empty", "new_board"])
def test_a_bridge_that_takes_nothing_is_not_told_more_and_more(words: str) -> None:
    bench = Bench().ready()
    bench.untaken = UNTAKEN_MOST - 1
    assert bench.command(words).event == "done"
    bench.listen()
    bench.untaken = UNTAKEN_MOST
    before = bench.game, len(sent(bench))
    refused = bench.command(words)
    assert "start octo_bridge" in (refused.reason or "")
    assert (bench.game, len(sent(bench))) == before
