"""A planner put back from a backup: nothing is drawn a second time, or over plastic that it does not know."""

from __future__ import annotations

import pytest

from contracts.board import Plate
from contracts.events import EventKind
from services.planner.effects import Say
from services.planner.game import held_reason
from services.planner.inputs import Restored
from tests.unit.planner.bench import Bench


def restored() -> Bench:
    """Back from a backup that was made while one run was printed, one planned and two moves waited."""
    bench = Bench().ready()
    for squares in ("a1 b1", "a2 b2", "a3 b3", "a4 b4"):
        bench.ask(squares)
    bench.begin()
    bench.feed(Restored())
    return bench


def test_what_was_with_the_bridge_is_uncertain_and_what_waited_is_skipped_with_a_reason() -> None:
    bench = restored()
    assert [bench.states(f"1-{n}")[-1] for n in (1, 2, 3, 4)] == ["uncertain", "uncertain", "skipped", "skipped"]
    assert bench.game.moves.keys() == {"1-1", "1-2"}
    said = [effect.event for effect in bench.of(Say) if effect.event.event is EventKind.PROBLEM]
    assert any("restored from a backup" in (event.reason or "") for event in said)


def test_nothing_is_planned_before_a_person_has_looked_at_the_plate() -> None:
    bench = restored()
    runs = len(bench.runs())
    bench.command("resolve skip 1-1")
    bench.command("resolve skip 1-2")
    bench.listen()
    assert bench.bridge.plate is Plate.UNKNOWN, "the bridge must not take its word for the plate either"
    bench.ask("a5 b5")
    assert len(bench.runs()) == runs
    assert "confirm_empty" in (held_reason(bench.game) or "")
    assert bench.command("confirm_empty").event == "done"
    bench.draw(2)
    assert bench.bridge.drawn[-1].board == bench.game.header.board


def without_a_run(how: str) -> Bench:
    """A move that has its ordinal, and no run that is with the bridge: it waits for a word about something else."""
    bench = Bench(uncertain_policy="redraw" if how == "by the policy" else "hold").ready()
    bench.ask("a1 b1")
    if how == "stale":
        bench.bridge.new_epoch(plate=Plate.UNKNOWN)
        bench.listen()
        bench.settle()
    elif how == "given back":
        bench.ask("a2 b2")
        bench.begin()
        bench.command("new_board")
        bench.listen()
    elif how == "to be drawn again":
        bench.begin()
        bench.end("uncertain")
        bench.bridge.new_epoch(plate=Plate.UNKNOWN)
        bench.listen()
        bench.command("resolve redraw")
    return bench


@pytest.mark.parametrize(
    ("how", "move"),
    [("stale", "1-1"), ("given back", "1-2"), ("to be drawn again", "1-1"), ("by the policy", "1-1")],
)
def test_a_move_with_an_ordinal_and_no_run_is_not_drawn_a_second_time(how: str, move: str) -> None:
    bench = without_a_run(how)
    found = bench.game.moves[move]
    assert found.state == "planned"
    assert found.job is None or how == "by the policy"
    runs = len(bench.runs())
    bench.feed(Restored())
    assert bench.states(move)[-1] == "skipped"
    for uncertain in bench.game.uncertain():
        bench.command(f"resolve drawn {uncertain.id}")
    bench.listen()
    bench.command("confirm_empty")
    bench.settle()
    assert len(bench.runs()) == runs


def test_an_id_that_people_have_seen_names_no_other_move() -> None:
    bench = restored()
    assert bench.ask("a5 b5").move_id == "1-1005"
