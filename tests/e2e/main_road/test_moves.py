"""A move from MQTT to plastic: once, and in order. How close together: `make bench`."""

from __future__ import annotations

import pytest

from tests.e2e.main_road.table import ENDS, Table, squares


def test_a_text_request_becomes_plastic_once(table: Table) -> None:
    table.ready()
    table.probe.publish("move/request", "a1 h8")
    table.wait_ended(1, 60)
    (move_id,) = table.statuses()
    assert table.states(move_id) == ["accepted", "planned", "printing", "drawn"]
    assert table.drawn_moves() == [move_id]
    (job,) = table.drawn_jobs()
    assert job.drawn, "no G1 with extrusion in the serial log"
    # a1 is front left and h8 rear right; the ends stay 2 mm short of the squares' centres.
    words = {word[0]: float(word[1:]) for word in job.drawn[-1].split()[1:]}
    end = 17.5 + 7.5 * 25 - 2 / 2**0.5
    assert words["X"] == pytest.approx(end, abs=0.01)
    assert words["Y"] == pytest.approx(end, abs=0.01)


@pytest.mark.timeout(300)
def test_two_hundred_moves_back_to_back_are_drawn_once_and_in_order(table: Table) -> None:
    table.ready()
    moves = squares(seed=7, count=200)
    for number, move in enumerate(moves):
        table.request(move, f"r{number}")
        if number % 7 == 0:
            table.request(move, f"r{number}")  # as an impatient client does
        if number >= 60:  # below the planner's own cap for one user
            table.wait_ended(number - 50, 120)
    told = table.wait_ended(200, 240)
    assert len(told) == 200
    ends = {move_id: [s["state"] for s in statuses if s["state"] in ENDS] for move_id, statuses in told.items()}
    assert all(len(set(end)) == 1 for end in ends.values()), table.summary()
    # Random lines cross, and where the plastic is too high already nothing is drawn: that is an end with a reason.
    full = {m for m, statuses in told.items() if "full" in (statuses[-1]["reason"] or "")}
    assert len(full) <= 20, table.summary()
    assert all(ends[move_id][0] == ("skipped" if move_id in full else "drawn") for move_id in ends), table.summary()
    ordinals = {
        move_id: next((s["ordinal"] for s in statuses if s["ordinal"]), None) for move_id, statuses in told.items()
    }
    drawn = table.drawn_moves()
    assert drawn == sorted(told.keys() - full, key=lambda move_id: ordinals[move_id] or 0)
    assert len(table.started_jobs()) == len(drawn), "a job was begun twice"
