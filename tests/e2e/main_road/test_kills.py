"""kill -9 of planner, octo_bridge and Mosquitto in the middle of moves: every accepted move exactly once."""

from __future__ import annotations

import random
import threading

import pytest

from tests.e2e.main_road.table import Table, squares
from tests.harness.waiting import wait_until

MOVES = 40
KILLS = ["planner", "octo_bridge", "broker"] * 5


@pytest.mark.timeout(400)
def test_every_accepted_move_exactly_once_over_fifteen_kills(table: Table) -> None:
    table.ready()
    rng = random.Random(20)
    kills = rng.sample(KILLS, len(KILLS))
    done = threading.Event()

    def wait_drawn(due: int) -> None:
        def drawn() -> int:
            return sum("drawn" in table.states(move) for move in table.statuses())

        wait_until(lambda: drawn() >= due, 120, lambda: f"move {due} to be drawn; {table.summary()}")

    def strike() -> None:
        """Each at a moment drawn from the seed, two or three moves apart."""
        for number, victim in enumerate(kills):
            due = number * MOVES // (len(kills) + 1)
            wait_drawn(due)
            threading.Event().wait(rng.uniform(0, 0.3))  # a moment within a move, not a wait for anything
            print(f"kill {number}: {victim} after {due} drawn")
            if victim == "broker":
                table.stack.broker.kill()
                table.stack.broker.start()
            else:
                table.stack.restart(victim)
        done.set()

    striker = threading.Thread(target=strike)
    striker.start()
    for number, move in enumerate(squares(21, MOVES)):
        table.insist(move, f"k{number}")
    striker.join(240)
    assert done.is_set(), table.summary()
    # A status may have died with the broker: the board's retained state says what became of all.
    board = table.probe.wait(
        "board/state", lambda m: sum(m.json["counts"][k] for k in ("drawn", "failed", "cancelled", "skipped")) == MOVES,
        deadline_s=120,
    ).json  # fmt: skip
    assert board["counts"]["drawn"] == MOVES, (board, table.summary())
    drawn = table.drawn_moves()
    assert sorted(drawn) == sorted(f"1-{n}" for n in range(1, MOVES + 1)), table.summary()
    assert len(table.started_jobs()) == MOVES, "a job was begun twice"
