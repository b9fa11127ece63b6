"""What happens to a move in its middle: the truth is in the printer's own log."""

from __future__ import annotations

import pytest

from contracts import channels
from deploy.simulators.marlin import MarlinPrinter
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
    assert floor.printer.witness.moved_unknown("XY") == [], "only the lift before homing is made blindly"
    wait_until(lambda: floor.counts()["drawn"] == 3, 40, "the board to know")


def test_a_nozzle_that_goes_cold_in_mid_move_has_not_drawn_it(floor: Floor) -> None:
    floor.start()
    # While it homes: what is in Marlin's buffer already is drawn, whatever happens to the nozzle.
    floor.printer.hold("homing")
    floor.table.insist(("a1", "h8"), "cold")
    wait_until(lambda: floor.printer.status()["held"], 60, "the homing to begin")
    floor.printer.tell("temperature nozzle 30")
    floor.printer.go_on()
    told = floor.table.wait_ended(1, 60)["1-1"]
    assert told[-1]["state"] == "failed", floor.table.summary()
    assert "cold" in told[-1]["reason"]
    (job,) = [job for job in floor.printer.witness.jobs() if job.move is not None]
    assert job.dropped_e > 0, "the printer refused filament, and carried the file to its end"


def test_after_a_reset_in_mid_move_the_next_one_lifts_and_homes_clear_of_the_plastic(
    floor: Floor, printer: MarlinPrinter
) -> None:
    floor.start()
    with floor.mid_move(("a1", "h8"), "reset"):
        homed = len(printer.witness.homings())
        printer.reset()
    told = floor.table.wait_ended(1, 60)["1-1"]
    assert told[-1]["state"] == "failed", floor.table.summary()
    floor.table.insist(("a8", "h1"), "next")
    wait_until(lambda: "drawn" in floor.table.states("1-2"), 60, lambda: f"the next move; {floor.table.summary()}")
    again = printer.witness.homings()[homed:]
    assert [axis for axis, _ in again] == ["X", "Y", "Z"]
    assert again[-1][1][:2] == (0, 0), "Z is homed in the corner that is kept clear"
    assert printer.witness.moved_unknown("XY") == []
    first = next(s for s in printer.witness.segments() if s.began > _reset_at(printer))
    assert first.end[2] - first.start[2] == pytest.approx(10), "the lift comes before everything"
    assert first.in_plane == 0


def _reset_at(printer: MarlinPrinter) -> float:
    return float(printer.witness.records("reset")[-1]["t"])


def test_a_stop_from_chat_while_the_broker_is_down_acts_when_it_is_back_and_says_so(floor: Floor) -> None:
    floor.start()
    floor.table.insist(("a1", "h8"), "first")
    floor.table.wait_ended(1, 60)
    assert floor.heat().nozzle_target > 0
    floor.stack.broker.kill()
    floor.chat("!stop")
    floor.stack.broker.start()
    wait_until(lambda: (floor.heat().nozzle_target, floor.heat().bed_target) == (0, 0), 60, "the heaters to be off")
    floor.probe.wait_connected()
    # The state is retained; the event may have passed before the probe was back at the broker itself.
    floor.wait_ender(lambda s: s["latch"] == "stop" and not s["armed"], "the stop in the state")
    floor.wait_ender(lambda s: "stopped by" in (s["latch_reason"] or ""), "who stopped it")
    assert floor.table.answer(channels.ENDER_COMMAND, "resume", "done")
