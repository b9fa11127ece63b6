"""The printer's answer to a job's last line is lost: OctoPrint would wait for it for ever, hot."""

from __future__ import annotations

import pytest

from contracts import channels
from deploy.simulators.marlin import MarlinPrinter
from tests.e2e.guarantee.floor import Floor
from tests.harness.waiting import wait_until


@pytest.mark.timeout(120)
def test_a_lost_answer_is_said_and_costs_a_new_connection(floor: Floor, printer: MarlinPrinter) -> None:
    floor.start(stuck_after="6")
    floor.table.insist(("a1", "b1"), "before")
    floor.table.wait_ended(1, 60)
    floor.wait_free()
    printer.lose_answer("M400")
    floor.table.insist(("a2", "b2"), "answer lost")
    floor.table.wait_ended(2, 60)
    floor.table.insist(("a3", "b3"), "behind it")
    wait_until(lambda: any("opened anew" in reason for reason in said(floor)), 40, "a word on it")
    floor.table.wait_ended(3, 60)
    assert floor.drawn() == ["1-1", "1-3"], "the file whose last line was never sent is nobody's proof of anything"
    moves = floor.moves()
    assert (moves["1-1"], moves["1-3"]) == ("drawn", "drawn")
    assert moves["1-2"] in ("failed", "cancelled")


@pytest.mark.timeout(120)
def test_a_reset_that_octoprint_overlooks_while_it_finishes_a_job_is_heard(
    floor: Floor, printer: MarlinPrinter
) -> None:
    floor.start(stuck_after="10")
    floor.table.insist(("a1", "b1"), "before")
    floor.table.wait_ended(1, 60)
    floor.wait_free()
    # Behind a file's last line OctoPrint sends an M400 of its own, and calls itself finishing until that is answered.
    waits = waits_for_motion(printer)
    printer.lose_answer("M400", after=1)
    floor.table.insist(("a2", "b2"), "not finished with")
    floor.table.wait_ended(2, 60)
    assert floor.moves()["1-2"] == "drawn"
    wait_until(lambda: waits_for_motion(printer) >= waits + 2, 10, "the lost answer")
    assert floor.stack.octoprint.state() == "Finishing"
    homed = len(printer.witness.homings())
    printer.reset()
    wait_until(lambda: any("was reset" in reason for reason in said(floor)), 40, "a word on the reset")
    floor.table.insist(("a3", "b3"), "behind it")
    floor.table.wait_ended(3, 60)
    assert floor.moves()["1-3"] == "drawn"
    assert printer.witness.homings()[homed:]
    assert printer.witness.moved_unknown("XY") == []


def waits_for_motion(printer: MarlinPrinter) -> int:
    """How many times the printer was asked to wait for the end of its motion."""
    return sum("M400" in line for line in printer.witness.lines())


def said(floor: Floor) -> list[str]:
    """What was said of troubles."""
    return [
        m.json["reason"] or "" for m in floor.probe.seen(channels.ENDER_EVENT.address) if m.json["event"] == "problem"
    ]
