"""kill -9 of planner, octo_bridge and Mosquitto in the middle of moves: every accepted move exactly once."""

from __future__ import annotations

import random
import time

import pytest

from tests.e2e.main_road.table import Table, squares

MOVES = 40
KILLS = ["planner", "octo_bridge", "broker"] * 5
ENDED = ("drawn", "failed", "cancelled", "skipped")


@pytest.mark.timeout(400)
def test_every_accepted_move_exactly_once_over_fifteen_kills(table: Table) -> None:
    table.ready()
    rng = random.Random(20)
    kills = rng.sample(KILLS, len(KILLS))
    share = MOVES // (len(kills) + 1) + 1
    moves = list(enumerate(squares(21, MOVES)))
    for kill in [*kills, None]:
        # A move takes some 50 ms: with a few just accepted, every kill strikes within one or between two.
        for number, move in moves[:share]:
            table.insist(move, f"k{number}")
        del moves[:share]
        time.sleep(rng.uniform(0, 0.15))  # a moment drawn from the seed, not a wait for anything
        if kill == "broker":
            table.stack.broker.kill()
            table.stack.broker.start()
        elif kill is not None:
            table.stack.restart(kill)
    assert not moves
    # A status may have died with the broker: the board's retained state says what became of all.
    board = table.probe.wait(
        "board/state", lambda m: sum(m.json["counts"][end] for end in ENDED) == MOVES, deadline_s=120
    ).json
    assert board["counts"]["drawn"] == MOVES, (board, table.summary())
    drawn = table.drawn_moves()
    assert sorted(drawn) == sorted(f"1-{n}" for n in range(1, MOVES + 1)), table.summary()
    assert len(table.started_jobs()) == MOVES, "a job was begun twice"
