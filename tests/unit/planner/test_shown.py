"""What is shown is bounded and clean, and a full board finds the nozzle aside."""

from __future__ import annotations

import json

import pytest

from contracts.plan import Control, ControlWord
from services.chassis.clock import now
from services.planner import reporting
from services.planner.effects import Send
from tests.unit.planner.bench import Bench


def parks(bench: Bench) -> int:
    bodies = [sent.body for sent in bench.of(Send)]
    return sum(isinstance(body, Control) and body.command is ControlWord.PARK for body in bodies)


def test_a_full_board_is_parked_once_when_what_was_planned_ahead_is_drawn() -> None:
    bench = Bench(board_lines=2).ready()
    for _ in range(4):
        bench.ask("a1 b1")
    bench.draw(2)
    assert parks(bench) == 0, "the run that was planned ahead is drawn first"
    bench.draw()
    assert parks(bench) == 1
    bench.command("accept off")
    bench.command("accept on")
    assert parks(bench) == 1


def test_every_full_board_is_parked() -> None:
    bench = Bench(board_lines=1).ready()
    for board in (1, 2):
        bench.ask("a1 b1")
        bench.draw()
        assert parks(bench) == board
        bench.command("new_board")
        bench.listen()
        bench.command("confirm_empty")


def test_an_identity_is_shown_clean_and_short() -> None:
    bench = Bench().ready()
    hostile = json.dumps({"from": "a1", "to": "b1", "user": {"id": "\u202eevil\x07" + "x" * 90, "name": "n"}})
    told = bench.ask_bytes(hostile.encode())
    assert told.user is not None
    assert told.user.id.startswith("evil")
    assert len(told.user.id) <= 64


def test_a_drawing_that_no_bus_could_carry_leaves_out_its_oldest_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench().ready()
    for squares in ("a1 b1", "a2 b2", "a3 b3", "a4 b4"):
        bench.ask(squares)
    bench.draw(4)
    whole = reporting.board_drawing(bench.game, bench.setup, now())
    assert json.loads(whole)["omitted"] == 0
    monkeypatch.setattr(reporting, "DRAWING_BYTES", len(whole) - 1)
    cut = reporting.board_drawing(bench.game, bench.setup, now())
    assert len(cut) < len(whole)
    shown = json.loads(cut)
    assert shown["omitted"] + len(shown["lines"]) == 4
    assert shown["lines"][-1]["move_id"] == "1-4"
