"""A planner put back from a backup: nothing is drawn a second time, or over plastic that it does not know."""

from __future__ import annotations

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


def test_an_id_that_people_have_seen_names_no_other_move() -> None:
    bench = restored()
    assert bench.ask("a5 b5").move_id == "1-1005"
