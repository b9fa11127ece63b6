"""What people order while jobs run, wait or are paused must not get in the way of each other."""

from __future__ import annotations

import pytest

from contracts.plan import ControlWord, JobEnd
from contracts.printers import Heaters, Latch, Link
from services.octo_bridge import events as e
from services.octo_bridge.effects import SendLines, SetTargets, Submit
from services.octo_bridge.evidence import Evidence, History
from services.octo_bridge.octolog import Slice
from services.octo_bridge.state import Printer
from tests.unit.octo_bridge.machine import Rig, run

OFF = SetTargets(0, 0)


def test_no_job_is_sent_while_homing_has_not_been_answered() -> None:
    rig = Rig().ready()
    rig.command("home")
    rig.feed(e.RunTaken(run(1)))
    rig.wait(3)
    assert not rig.of(Submit), "OctoPrint would mix the lines into the job"
    rig.feed(e.Asked("home", True, epoch=rig.machine.kept.epoch))
    assert len(rig.of(Submit)) == 1


def test_no_job_is_sent_while_parking_has_not_been_answered() -> None:
    rig = Rig().ready()
    rig.command("home")
    rig.feed(e.Asked("home", True, epoch=rig.machine.kept.epoch))
    rig.control(ControlWord.PARK)
    assert [lines.what for lines in rig.of(SendLines)] == ["home", "park"]
    rig.feed(e.RunTaken(run(1)))
    rig.wait(3)
    assert not rig.of(Submit)
    rig.feed(e.Asked("park", False, "OctoPrint is away"))
    assert len(rig.of(Submit)) == 1


@pytest.mark.parametrize("word", ["home", "park"])
def test_what_moves_the_head_is_asked_once_at_a_time_and_no_job_sets_out_between_two(word: str) -> None:
    rig = Rig().ready()
    rig.command("home")
    if word == "park":
        rig.feed(e.Asked("home", True, epoch=rig.machine.kept.epoch))
        rig.command(word)
    asked = len(rig.of(SendLines))
    rig.command("home")
    rig.control(ControlWord.PARK)
    rig.feed(e.RunTaken(run(1)))
    assert rig.said()[-2:] == ["refused", "refused"]
    assert len(rig.of(SendLines)) == asked, "the answer to the first would let a job set out into the second's lines"
    rig.feed(e.Asked(word, True, epoch=rig.machine.kept.epoch))
    assert len(rig.of(Submit)) == 1


def test_a_resume_from_before_a_hand_at_the_printer_leaves_the_latch() -> None:
    rig = Rig().ready()
    job = rig.start()
    before = rig.machine.kept.epoch
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path, by="ada"))
    assert rig.latch() is Latch.FOREIGN
    rig.wait(1)
    rig.control(ControlWord.RESUME, epoch=before)
    assert rig.latch() is Latch.FOREIGN
    assert rig.said()[-1] == "refused"
    rig.control(ControlWord.RESUME)
    assert rig.latch() is Latch.NONE


def test_a_pause_and_a_stop_act_whatever_epoch_they_were_said_at() -> None:
    rig = Rig().ready()
    rig.control(ControlWord.PAUSE, epoch=0)
    assert rig.latch() is Latch.PAUSE
    rig.control(ControlWord.STOP, epoch=0)
    assert rig.latch() is Latch.STOP


def test_disarming_cools_a_machine_whose_job_is_paused() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.command("pause")
    rig.feed(rig.seen(printer=Printer.PAUSED, path=job.path))
    assert rig.mode() is Heaters.HOT
    rig.command("disarm")
    assert rig.of(SetTargets)[-1] == OFF


def test_disarming_lets_a_running_job_come_to_its_end() -> None:
    rig = Rig().ready()
    rig.start()
    rig.command("disarm")
    rig.wait(3)
    assert OFF not in rig.of(SetTargets)


def test_what_was_heated_is_taken_back_also_behind_another_port() -> None:
    rig = cooled_elsewhere(heat=True)
    assert rig.of(SetTargets)[-1] == OFF


def test_a_printer_behind_another_port_that_was_never_heated_is_left_alone() -> None:
    rig = cooled_elsewhere(heat=False)
    assert not rig.of(SetTargets)


def cooled_elsewhere(*, heat: bool) -> Rig:
    """A printer that comes back on a port that nobody has allowed, and the time in which all heaters go off."""
    rig = Rig().ready()
    if heat:
        rig.feed(rig.seen(nozzle=(20.0, 0.0), bed=(20.0, 0.0)))
        rig.start()
    rig.feed(rig.seen(printer=Printer.OFFLINE, path=None))
    rig.effects.clear()
    rig.feed(rig.seen(printer=Printer.OPERATIONAL, port="/dev/ttyUSB1", nozzle=(205.0, 205.0), bed=(60.0, 60.0)))
    assert rig.machine.octo.link is Link.REFUSED_PORT
    rig.wait(rig.settings.heaters_off_after + 60, step=5)
    assert rig.mode() is Heaters.OFF
    return rig


def test_a_resume_waits_for_the_end_of_a_cancel() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.command("cancel")
    rig.command("resume")
    assert rig.latch() is Latch.CANCEL
    assert rig.said()[-1] == "refused"
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path, by="boardcast"))
    rig.feed(rig.seen(printer=Printer.OPERATIONAL, path=None))
    rig.wait(1)
    rig.command("resume")
    assert rig.latch() is Latch.NONE


@pytest.mark.parametrize("order", ["cancel", "stop"])
def test_a_cancel_after_the_last_line_cancels_nothing_and_costs_the_position(order: str) -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.command(order)
    epoch = rig.machine.kept.epoch
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path))
    rig.feed(e.Logged(f"Recv: echo:move:{job.id}:a1:done"))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]
    assert not rig.machine.position_known, "OctoPrint's cancel script lets go of the motors"
    assert rig.machine.kept.epoch > epoch


def test_the_echo_may_come_before_the_cancel_too() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Logged(f"Recv: echo:move:{job.id}:a1:done"))
    rig.command("cancel")
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]


@pytest.mark.parametrize("echo", [True, False])
def test_a_cable_that_is_pulled_behind_the_last_line_undoes_nothing(echo: bool) -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.PrinterChanged(Printer.ERROR), e.Happened(e.Happening.FAILED, job.path, reason="connection"))
    rig.feed(rig.seen(printer=Printer.ERROR, port=None))
    if echo:
        rig.feed(e.Logged(f"Recv: echo:move:{job.id}:a1:done"))
    rig.feed(e.EvidenceFound(job.id, 1, Evidence(True, History.FAILURE, False, Slice(whole=True, started=("x",)))))
    rig.wait(1)
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN if echo else JobEnd.FAILED]
    assert rig.latch() is Latch.NONE, "nobody's hand"
    assert not rig.machine.position_known
    assert rig.machine.kept.epoch > job.run.epoch


def test_a_failure_that_was_heard_of_needs_no_evidence_of_it() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.PushChanged(False), rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(1.6)
    assert rig.doubt() is not None
    rig.feed(e.PushChanged(True), e.Happened(e.Happening.FAILED, job.path, reason="cable"))
    rig.feed(e.EvidenceFound(job.id, 1, Evidence(True, History.FAILURE, False, Slice(whole=True))))
    rig.wait(1)
    (end,) = rig.ends()
    assert (end.end, "cable" in (end.reason or "")) == (JobEnd.FAILED, True)
    assert rig.latch() is Latch.NONE
