"""Resets that OctoPrint does not tell of: heard in the terminal, or found in its log."""

from __future__ import annotations

import pytest

from contracts.plan import JobEnd
from services.octo_bridge import events as e
from services.octo_bridge.effects import JobAction, Submit
from services.octo_bridge.octolog import Slice
from services.octo_bridge.state import Printer
from tests.unit.octo_bridge.machine import IDLE_RESET, Rig, run

RESET = e.Happened(e.Happening.RESET)
LINE = (
    "2026-01-01 00:00:00,000 - octoprint.util.comm - WARNING - Printer sent 'start' while already operational. "
    "External reset? Resetting line numbers to be on the safe side\n"
)


def overlooked(printer: Printer = Printer.OPERATIONAL) -> Rig:
    """The printer said `start` some while after it was connected, and OctoPrint says nothing."""
    rig = Rig().ready()
    rig.wait(5)
    rig.feed(rig.seen(printer=printer), e.Logged("Recv: start"))
    return rig


def test_a_start_that_octoprint_overlooks_costs_the_position_all_the_same() -> None:
    rig = overlooked()
    epoch = rig.machine.kept.epoch
    rig.feed(e.RunTaken(run(1, epoch=epoch)))
    assert not rig.of(Submit), "until it is known what it meant"
    rig.wait(1.5)
    assert not rig.knows()
    assert rig.machine.kept.epoch > epoch
    assert "problem" in rig.said()


def test_a_job_that_began_before_an_overlooked_start_was_heard_is_cancelled() -> None:
    rig = Rig().ready()
    rig.wait(5)
    job = rig.start()
    rig.feed(e.Logged("Recv: start"))
    rig.wait(1.5)
    assert JobAction("cancel") in rig.of(JobAction)
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path, by="boardcast"))
    assert [end.end for end in rig.ends()] == [JobEnd.FAILED]


@pytest.mark.parametrize("first", ["word", "line"])
def test_a_start_that_octoprint_tells_of_counts_once(first: str) -> None:
    rig = Rig().ready()
    rig.wait(5)
    epoch = rig.machine.kept.epoch
    told, heard = IDLE_RESET, e.Logged("Recv: start")
    rig.feed(told if first == "word" else heard)
    rig.wait(0.5)
    rig.feed(heard if first == "word" else told)
    rig.wait(2)
    assert rig.machine.kept.epoch == epoch + 1


def test_the_start_of_a_printer_that_is_being_connected_is_no_reset() -> None:
    rig = Rig()
    rig.feed(e.PushChanged(True), rig.seen(printer=Printer.CONNECTING, port=None), e.Logged("Recv: start"))
    rig.ready()
    rig.feed(e.Logged("Recv: start"))  # the terminal comes late
    epoch = rig.machine.kept.epoch
    rig.wait(3)
    assert rig.machine.kept.epoch == epoch


@pytest.mark.parametrize("printer", [Printer.PAUSING, Printer.PAUSED, Printer.RESUMING])
def test_an_overlooked_start_in_the_middle_of_a_job_that_was_not_followed_makes_it_blind(printer: Printer) -> None:
    rig = Rig().ready()
    rig.wait(5)
    job = rig.start()
    rig.feed(
        e.PushChanged(False), e.PushChanged(True), e.LogRead("mark-2", Slice(whole=True, started=(str(job.path),)))
    )
    rig.feed(rig.seen(printer=printer), e.Logged("Recv: start"))
    rig.wait(1.5)
    rig.printing(job)
    assert JobAction("cancel") in rig.of(JobAction)
    rig.feed(e.Happened(e.Happening.DONE, job.path))
    assert [end.end for end in rig.ends()] == [JobEnd.FAILED]


def test_an_overlooked_start_of_a_job_that_is_being_cancelled_changes_nothing_about_that() -> None:
    rig = Rig().ready()
    rig.wait(5)
    job = rig.start()
    rig.command("cancel")
    rig.feed(rig.seen(printer=Printer.CANCELLING), e.Logged("Recv: start"))
    rig.wait(1.5)
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path, by="boardcast"))
    rig.wait(1.5)
    assert [end.end for end in rig.ends()] == [JobEnd.CANCELLED]
    assert not rig.knows()
