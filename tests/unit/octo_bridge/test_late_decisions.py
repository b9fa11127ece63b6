"""What was decided on a slow disk, and the mark in the log: looked at again before anything moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.plan import ControlWord, JobEnd
from contracts.printers import Latch
from services.octo_bridge import events as e
from services.octo_bridge.effects import ReadLog, Submit
from services.octo_bridge.handlers_log import MARK_EVERY_JOBS
from services.octo_bridge.octolog import Slice
from services.octo_bridge.readiness import withheld
from services.octo_bridge.state import Job, Printer
from tests.unit.octo_bridge.machine import IDLE_RESET, Rig, run

RESET = e.Happened(e.Happening.RESET)
LINE = (
    "2026-01-01 00:00:00,000 - octoprint.util.comm - WARNING - Printer sent 'start' while already operational. "
    "External reset? Resetting line numbers to be on the safe side\n"
)


def decided() -> tuple[Rig, Job]:
    """A job on a bare plate that is about to be sent: the decision is committed, and OctoPrint has not been asked."""
    rig = Rig().ready()
    rig.wait(3)
    assert rig.machine.kept.bare
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    job = rig.machine.running
    assert job is not None
    return rig, job


def test_the_mark_in_the_log_is_put_anew_before_much_of_the_log_lies_behind_it() -> None:
    rig = Rig().ready()
    rig.wait(5)
    rig.machine = replace(rig.machine, accounted=tuple(f"boardcast/x/{n}-a1.gcode" for n in range(MARK_EVERY_JOBS - 1)))
    rig.wait(5)
    assert not rig.of(ReadLog)
    rig.machine = replace(rig.machine, accounted=(*rig.machine.accounted, "boardcast/x/last-a1.gcode"))
    rig.wait(1)
    assert len(rig.of(ReadLog)) == 1
    rig.feed(e.LogRead("mark-2", Slice(whole=True, started=rig.machine.accounted)))
    assert not rig.machine.accounted


@pytest.mark.parametrize("why", ["a job is in hand", "the log cannot be read"])
def test_but_not_for_the_number_of_jobs_alone(why: str) -> None:
    rig = Rig().ready()
    rig.wait(5)
    if why == "a job is in hand":
        rig.start()
    else:
        rig.machine = rig.machine.keep(mark=None)
    rig.effects.clear()
    rig.machine = replace(rig.machine, accounted=tuple(f"boardcast/x/{n}-a1.gcode" for n in range(MARK_EVERY_JOBS)))
    rig.wait(5)
    assert not rig.of(ReadLog)


def test_a_job_that_was_late_is_looked_at_again_and_the_plate_is_as_bare_as_before() -> None:
    rig, job = decided()
    rig.feed(e.Posted(job.id, job.attempt, e.Post.LATE, "2 s went by"))
    assert rig.machine.kept.bare
    assert "problem" in rig.said()
    rig.wait(2)
    assert len(rig.of(Submit)) == 2


CAME_IN: dict[str, tuple[Callable[[Rig], object], str]] = {
    "nothing": (lambda rig: rig.feed(rig.seen(), e.Tick()), ""),
    "OctoPrint is gone": (lambda rig: rig.feed(e.PushChanged(False)), "which port"),
    "and back": (lambda rig: rig.feed(e.PushChanged(False), e.PushChanged(True), rig.seen()), "log"),
    "a cancel": (lambda rig: rig.command("cancel"), "cancelled by"),
    "a pause": (lambda rig: rig.command("pause"), "paused by"),
    "a reset": (lambda rig: rig.feed(IDLE_RESET), "reset"),
    "a start": (lambda rig: rig.feed(e.Logged("Recv: start")), "starts"),
    "a stall": (lambda rig: rig.feed(e.Stalled()), "catching up"),
    "a look is asked for": (lambda rig: rig.control(ControlWord.PLATE_UNKNOWN), "epoch"),
    "its printer is lost": (lambda rig: rig.feed(rig.seen(printer=Printer.OFFLINE)), "epoch"),
}


@pytest.mark.parametrize("what", CAME_IN)
def test_what_came_in_behind_the_decision_withholds_the_job_and_what_does_not_matter_does_not(what: str) -> None:
    came_in, says = CAME_IN[what]
    rig, job = decided()
    came_in(rig)
    reason = withheld(rig.machine, job.id, job.attempt, rig.now, rig.settings)
    assert says in reason if reason is not None else says == "", reason


def test_a_job_that_was_withheld_is_sent_when_nothing_is_in_its_way_any_more() -> None:
    rig, job = decided()
    rig.command("pause")
    rig.feed(e.Posted(job.id, job.attempt, e.Post.WITHHELD, "paused"))
    assert rig.machine.running is None
    assert rig.machine.kept.bare, "the plate is as bare as before"
    rig.wait(5)
    assert len(rig.of(Submit)) == 1
    rig.command("resume")
    rig.wait(2)
    assert len(rig.of(Submit)) == 2
    assert withheld(rig.machine, job.id, job.attempt, rig.now, rig.settings) is None


def test_a_job_that_was_withheld_for_a_cancel_has_ended() -> None:
    rig, job = decided()
    rig.command("cancel")
    rig.feed(e.Posted(job.id, job.attempt, e.Post.WITHHELD, "cancelled"))
    assert [end.end for end in rig.ends()] == [JobEnd.CANCELLED]
    assert withheld(rig.machine, job.id, job.attempt, rig.now, rig.settings) == "it is no longer in hand"


def test_a_job_that_does_not_home_is_withheld_when_the_position_is_lost() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    rig.feed(e.RunTaken(run(2, after=job.id)))
    second = rig.machine.running
    assert second is not None
    assert rig.knows()
    assert withheld(rig.machine, second.id, 1, rig.now, rig.settings) is None
    rig.machine = rig.machine.adrift()
    assert "position" in (withheld(rig.machine, second.id, 1, rig.now, rig.settings) or "")


def test_after_a_stall_the_next_job_waits_for_what_was_said_meanwhile() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.RunTaken(run(2, after=job.id)))
    rig.mono += 3.3  # a commit on a busy disk; the printer was reset meanwhile
    done, free = e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL, path=None)
    rig.feed(e.Stalled(), rig.seen(nozzle=(205.0, 205.0)), done, free)
    assert not rig.of(Submit)
    rig.feed(IDLE_RESET)
    rig.wait(2)
    rig.hot()
    assert not rig.machine.jobs, "planned for a machine that is no more"
    assert rig.latch() is Latch.NONE
    assert not rig.of(Submit)


def test_a_disk_that_is_always_slow_keeps_nothing_for_ever() -> None:
    rig = Rig().ready()
    rig.feed(e.Stalled(), e.RunTaken(run(1)))
    while rig.mono < 1010 and not rig.of(Submit):
        rig.mono += 1.0
        rig.feed(e.Stalled(), e.Tick())
        rig.hot()
    assert rig.of(Submit)
