"""What a printer does to a move in its middle: the truth is in the printer's own log."""

from __future__ import annotations

from tests.e2e.guarantee.floor import Floor
from tests.harness.waiting import wait_until


def test_moves_are_drawn_with_a_hot_nozzle_from_known_positions(floor: Floor) -> None:
    floor.start()
    for number, move in enumerate([("a1", "h8"), ("a8", "h1"), ("c3", "f3")]):
        floor.table.insist(move, f"m{number}")
    floor.table.wait_ended(3, 60)
    assert floor.drawn() == ["1-1", "1-2", "1-3"], floor.table.summary()
    drawn = [segment for job in floor.printer.witness.jobs() for segment in job.drawn]
    assert min(segment.nozzle for segment in drawn) >= 200
    # The lift before homing is the one move that is made without knowing where the nozzle is.
    assert {s.line for s in floor.printer.witness.moved_unknown("XY")} == set()
    wait_until(lambda: floor.counts()["drawn"] == 3, 10, "the board to know")
