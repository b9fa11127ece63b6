"""Every end that a run can have, and what the planner makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.board import BOARD_VERBS, Plate
from contracts.commands import parse_command
from contracts.events import EventKind
from contracts.plan import OUTCOME_BODY, JobEnd, JobEnded, MachineNotice, PlanRefused, Revoke
from services.planner.effects import KeepPlan, Laid, Say, Send
from services.planner.game import held_reason
from services.planner.inputs import Commanded, OutcomeHeard, OutcomesMissed, OutcomeUnreadable, Requested, Started
from services.planner.requests import read_request
from tests.unit.planner.bench import START, Bench
from tests.unit.planner.test_promise import Rig


def test_two_runs_are_outstanding_at_most_and_the_second_names_the_first() -> None:
    bench = Bench().ready()
    for squares in ("a1 b1", "a2 b2", "a3 b3"):
        bench.ask(squares)
    first, second = bench.runs()
    assert (first.ordinal, second.ordinal) == (1, 2)
    assert first.predecessor is None
    assert second.predecessor == first.job_id
    bench.draw()
    assert bench.runs()[2].predecessor == second.job_id


@pytest.mark.parametrize("end", ["failed", "cancelled"])
def test_after_a_failure_the_next_is_planned_again_under_its_ordinal(end: str) -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    bench.ask("a2 b2")
    bench.begin()
    bench.end(end)
    assert bench.states("1-1")[-1] == end
    bench.draw()
    assert bench.states("1-2")[-1] == "drawn"
    again = bench.runs()[-1]
    assert (again.move_id, again.ordinal, again.predecessor) == ("1-2", 2, None)
    assert again.epoch == bench.bridge.epoch


def test_an_uncertain_move_holds_everything_until_it_is_resolved() -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    bench.ask("a2 b2")
    bench.begin()
    bench.end("uncertain")
    bench.settle()
    reason = held_reason(bench.game)
    assert reason is not None
    assert "resolve redraw 1-1" in reason
    assert bench.bridge.running is None
    assert bench.command("resolve redraw").event == "done"
    bench.draw(2)
    assert [run.move_id for run in bench.bridge.drawn] == ["1-1", "1-2"]


@pytest.mark.parametrize(("way", "end"), [("drawn", "drawn"), ("skip", "skipped")])
def test_resolve_ends_it(way: str, end: str) -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    bench.begin()
    bench.end("uncertain")
    assert bench.command(f"resolve {way} 1-1").event == "done"
    assert bench.states("1-1")[-1] == end
    assert bench.command(f"resolve {way} 1-1").event == "refused"


def test_the_policy_can_skip_uncertain_moves() -> None:
    bench = Bench(uncertain_policy="skip").ready()
    bench.ask("a1 b1")
    bench.begin()
    bench.end("uncertain")
    assert bench.states("1-1")[-2:] == ["uncertain", "skipped"]
    assert held_reason(bench.game) is None


def test_the_policy_can_have_uncertain_moves_drawn_again_planned_anew() -> None:
    bench = Bench(uncertain_policy="redraw").ready()
    bench.ask("a1 b1")
    bench.begin()
    bench.end("uncertain")
    bench.settle()
    assert "uncertain" in bench.states("1-1"), "it is said aloud all the same"
    first, again = (run for run in bench.runs() if run.move_id == "1-1")
    assert again.job_id != first.job_id
    assert again.ordinal == first.ordinal
    assert again.epoch == bench.bridge.epoch > first.epoch
    assert again.gcode != first.gcode, "what may lie there already is cleared"
    bench.draw()
    assert bench.states("1-1")[-1] == "drawn"


def test_a_bridge_that_refuses_everything_does_not_empty_the_queue() -> None:
    bench = Bench().ready()
    for _ in range(10):
        bench.ask("a1 b1")
    while bench.bridge.refuse_next():
        bench.listen()
    assert bench.game.header.failed <= 3
    assert "refused" in (held_reason(bench.game) or "")
    bench.command("accept on")
    bench.settle()
    bench.draw()
    assert bench.game.header.drawn == 1


def test_a_bridge_that_calls_everything_stale_is_not_asked_for_ever() -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    for _ in range(20):
        if bench.bridge.waiting:
            bench.bridge._end(bench.bridge.waiting.pop(0), JobEnd.STALE)
            bench.listen()
    assert len(bench.runs()) == 8
    assert "stale" in (held_reason(bench.game) or "")


def test_what_a_foreign_job_did_to_the_plate_has_to_be_looked_at() -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    bench.draw()
    bench.bridge.new_epoch(plate=Plate.UNKNOWN)
    bench.listen()
    bench.ask("a2 b2")
    assert len(bench.runs()) == 1
    assert "confirm_empty" in (held_reason(bench.game) or "")
    assert bench.command("confirm_empty").event == "done"
    assert bench.game.header.board == 2, "an empty plate with lines on its board is another board"
    bench.draw()
    assert bench.bridge.drawn[-1].board == 2


def test_a_confirmation_for_an_older_epoch_is_void() -> None:
    bench = Bench().ready()
    bench.bridge.new_epoch(plate=Plate.UNKNOWN)  # and the planner has not heard it yet
    assert bench.command("confirm_empty").event == "done"
    bench.listen()
    assert bench.game.header.plate is Plate.UNKNOWN
    assert bench.bridge.plate is Plate.UNKNOWN


def test_confirming_before_the_bridge_was_heard_is_refused() -> None:
    bench = Bench()
    assert bench.command("confirm_empty").event == "refused"
    bench.ready()
    assert bench.game.header.epoch == bench.bridge.epoch


def test_lost_outcomes_leave_every_run_in_doubt() -> None:
    bench = Bench().ready()
    for squares in ("a1 b1", "a2 b2", "a3 b3"):
        bench.ask(squares)
    bench.begin()
    bench.feed(OutcomesMissed("the bridge lost its data"))
    assert {bench.states(m)[-1] for m in ("1-1", "1-2")} == {"uncertain"}
    assert bench.states("1-3") == ["accepted"]
    assert len([e for e in bench.of(Send) if isinstance(e.body, Revoke)]) >= 2
    bench.listen()  # the second is revoked, but a bridge without memory would say so of a drawn one too
    assert bench.states("1-2")[-1] == "uncertain"
    bench.end("drawn")
    assert bench.states("1-1")[-1] == "drawn"


def test_an_unreadable_end_is_uncertain() -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    bench.feed(OutcomeUnreadable({"job_id": bench.runs()[0].job_id, "kind": "ended"}, "no end"))
    assert bench.states("1-1")[-1] == "uncertain"


def test_the_board_is_full_after_so_many_lines_and_waiting_moves_stay() -> None:
    bench = Bench(board_lines=2).ready()
    for _ in range(4):
        bench.ask("a1 b1")
    bench.draw(2)
    assert bench.game.header.plate is Plate.FULL
    assert EventKind.BOARD_FULL in [e.event.event for e in bench.of(Say)]
    # What was planned before the board was full is still drawn; nothing else is.
    bench.draw()
    assert len(bench.runs()) == 3
    bench.command("new_board")
    bench.listen()
    assert bench.game.header.board == 2
    assert bench.command("confirm_empty").event == "done"
    bench.draw()
    assert bench.bridge.drawn[-1].move_id == "1-4"
    assert bench.bridge.drawn[-1].board == 2


def test_another_board_in_the_settings_ends_the_present_one() -> None:
    bench = Bench().ready()
    for squares in ("a1 b1", "a2 b2", "a3 b3", "a8 h8", "a1 a4"):
        bench.ask(squares)
    bench.begin()
    bench.setup = Bench(board_squares=4).setup
    bench.feed(Started())
    bench.listen()
    assert bench.game.header.board == 1, "what has begun is drawn first"
    bench.end("drawn")
    bench.listen()
    assert (bench.game.header.board, bench.game.header.plate) == (2, Plate.UNKNOWN)
    assert bench.command("confirm_empty").event == "done"
    bench.draw(3)
    assert [run.move_id for run in bench.bridge.drawn] == ["1-1", "1-2", "1-3", "1-5"]
    assert [run.board for run in bench.bridge.drawn] == [1, 2, 2, 2]
    assert bench.states("1-4")[-1] == "skipped"


@pytest.mark.parametrize("word", ["the bridge's", "a person's"])
def test_a_line_that_was_drawn_on_a_larger_board_counts_as_drawn_there(word: str) -> None:
    bench = Bench().ready()
    for squares in ("a1 b1", "a8 h8"):
        bench.ask(squares)
    bench.draw()
    bench.begin()
    if word == "a person's":
        bench.end("uncertain")
    bench.setup = Bench(board_squares=4).setup
    bench.feed(Started())
    if word == "a person's":
        assert bench.command("resolve drawn 1-2").event == "done"
    else:
        bench.end("drawn")
    assert bench.states("1-2")[-1] == "drawn"
    assert bench.game.header.board == 2, "nothing keeps the old board from its end"
    drawn = [effect for effect in bench.of(KeepPlan) if effect.laid is Laid.SURELY]
    assert [(keep.move.id, keep.board) for keep in drawn] == [("1-1", 1), ("1-2", 1)]


def test_an_epoch_that_no_database_holds_is_no_word_of_the_bridge(tmp_path: Path) -> None:
    notice = MachineNotice(epoch=2**53 - 1, plate=Plate.UNKNOWN, time=START).to_bytes()
    with pytest.raises(ValidationError):
        OUTCOME_BODY.validate_json(notice.replace(b"%d" % (2**53 - 1), b"%d" % 2**63))
    rig = Rig(tmp_path)
    rig.feed(OutcomeHeard(OUTCOME_BODY.validate_json(notice)), kill=False)
    rig.feed(Commanded(parse_command(b"confirm_empty", BOARD_VERBS)), kill=False)
    rig.feed(Requested(read_request(b"a1 b1", rig.setup.geometry)), kill=True)
    assert [move.epoch for move in rig.actor.state.outstanding()] == [2**53 - 1], "the greatest there can be is stored"
    rig.store.close()


@pytest.mark.parametrize("word", ["refused", "could not be read"])
def test_what_has_begun_is_not_taken_for_refused_by_whoever_says_so(word: str) -> None:
    bench = Bench().ready()
    bench.ask("a1 b1")
    bench.begin()
    run = bench.bridge.running
    assert run is not None
    lies: PlanRefused | JobEnded = PlanRefused(job_id=run.job_id, reason="forged", time=START)
    if word != "could not be read":
        lies = JobEnded(job_id=run.job_id, move_id=run.move_id, end=JobEnd(word), epoch=1, time=START)
    before = bench.game.ahead
    bench.feed(OutcomeHeard(lies))
    assert bench.states("1-1")[-1] == "uncertain"
    assert bench.game.plastic.may == before.may, "its plastic is not forgotten"
    assert len(bench.runs()) == 1, "it is not planned again while it is drawn"
    bench.end("drawn")
    assert bench.states("1-1")[-1] == "drawn"


def test_what_is_drawn_again_behind_another_has_an_ordinal_behind_it() -> None:
    bench = Bench().ready()
    for squares in ("a1 h8", "a8 h1"):
        bench.ask(squares)
    bench.begin()
    bench.bridge.finish(JobEnd.DRAWN)
    bench.bridge.advance()
    bench.bridge.said.clear()
    bench.bridge.ends.clear()
    bench.feed(OutcomesMissed("the bridge lost its data"))
    bench.end("drawn")
    assert [bench.states(move)[-1] for move in ("1-1", "1-2")] == ["uncertain", "drawn"]
    assert bench.command("resolve redraw 1-1").event == "done"
    bench.settle()
    bench.draw()
    assert [run.ordinal for run in bench.bridge.drawn] == [1, 2, 3]
    assert [line.ordinal for line in bench.game.lines] == [2, 3]


def test_what_began_without_a_line_of_it_being_sent_is_planned_again() -> None:
    """The cable fell out while OctoPrint said that it starts: the bridge found out, and the epoch is another one."""
    bench = Bench().ready()
    bare = bench.game.ahead.may
    bench.ask("a1 b1")
    bench.begin()
    bench.end("stale")
    assert [state for state in bench.states("1-1") if state == "uncertain"] == []
    assert len(bench.runs()) == 2, "planned anew"
    assert bench.game.plastic.may == bare, "nothing of it lies there"
