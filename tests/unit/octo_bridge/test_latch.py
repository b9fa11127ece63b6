"""The latch: set before anything is asked of OctoPrint, never taken off by a lesser word, asked until confirmed."""

from __future__ import annotations

import pytest

from contracts.board import Plate
from contracts.plan import ControlWord, JobEnd, MachineNotice
from contracts.printers import Latch, Link
from services.octo_bridge import events as e
from services.octo_bridge.effects import Announce, JobAction, SetTargets, Submit, Tell
from services.octo_bridge.octolog import Slice
from services.octo_bridge.reporting import ender_state
from services.octo_bridge.settings import ZHoming
from services.octo_bridge.state import Printer
from tests.unit.octo_bridge.machine import Rig, run

HOMED = "Send: N9 M84 S7200*1"
CANCEL = JobAction("cancel")


def test_pause_lets_the_running_job_end_and_asks_nothing() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.command("pause")
    assert not rig.of(JobAction)
    rig.feed(e.Happened(e.Happening.DONE, job.path), e.PrinterChanged(Printer.OPERATIONAL), e.RunTaken(run(2)))
    rig.hot()
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]
    assert not rig.of(Submit)


def test_cancel_is_repeated_until_the_job_is_gone_and_never_reaches_the_next_one() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.command("cancel")
    assert rig.latch() is Latch.CANCEL
    rig.wait(3.5)
    assert rig.of(JobAction) == [CANCEL] * 4
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path), rig.seen(printer=Printer.OPERATIONAL))
    assert rig.ends() == [], "its last line may have been sent before"
    rig.wait(1)
    assert [end.end for end in rig.ends()] == [JobEnd.CANCELLED]
    rig.effects.clear()
    rig.command("resume")
    rig.feed(e.RunTaken(run(2, epoch=2)))
    rig.hot()
    assert rig.of(Submit)
    assert not rig.of(JobAction)


def test_cancels_do_not_pile_up_before_a_slow_octoprint_and_the_next_job_waits_for_the_answer() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.answers = False
    rig.command("cancel")
    rig.wait(5)
    assert rig.of(JobAction) == [CANCEL], "the others would wait behind it, and reach the next job"
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path, by="ada"), rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(1)
    rig.command("resume")
    rig.feed(e.RunTaken(run(2, epoch=2)))
    rig.hot()
    assert not rig.of(Submit)
    assert "answered" in (ender_state(rig.machine, rig.now, rig.settings).reason or "")
    rig.feed(e.Asked("cancel", False, "409"))
    assert len(rig.of(Submit)) == 1


def test_an_answer_that_never_comes_keeps_no_stop_from_being_said_again() -> None:
    rig = Rig().ready()
    rig.start()
    rig.answers = False
    rig.command("stop")
    rig.wait(65)
    assert rig.of(JobAction) == [CANCEL] * 2


def test_a_resume_is_asked_once_until_it_is_answered() -> None:
    rig = Rig().ready()
    rig.start()
    rig.feed(rig.seen(printer=Printer.PAUSED))
    rig.answers = False
    rig.command("resume")
    rig.wait(5)
    assert rig.of(JobAction) == [JobAction("resume")], "a later one would undo the next pause by hand"
    rig.feed(e.Asked("resume", True))
    assert rig.of(JobAction) == [JobAction("resume")] * 2


def test_cancel_and_pause_work_when_idle() -> None:
    rig = Rig().ready()
    rig.command("pause")
    assert rig.latch() is Latch.PAUSE
    rig.command("cancel")
    assert rig.latch() is Latch.CANCEL
    rig.command("pause")
    assert rig.latch() is Latch.CANCEL
    assert not rig.of(JobAction)


def test_stop_is_repeated_said_aloud_after_five_seconds_and_confirmed() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.command("stop")
    assert (rig.machine.kept.armed, rig.machine.kept.stopping) == (None, True)
    assert CANCEL in rig.of(JobAction)
    assert rig.of(SetTargets)[-1] == SetTargets(0, 0)
    rig.wait(4.5)
    assert "problem" not in rig.said()
    rig.wait(1)
    assert "problem" in rig.said()
    assert rig.of(JobAction).count(CANCEL) >= 5
    assert "refused" in [a.event.event.value for a in rig.command("arm") if hasattr(a, "event")]

    rig.feed(e.Happened(e.Happening.CANCELLED, job.path))
    rig.feed(rig.seen(printer=Printer.OPERATIONAL, nozzle=(180.0, 0.0), bed=(55.0, 0.0)))
    rig.wait(1)
    assert not rig.machine.kept.stopping
    assert "heaters_off" in rig.said()
    assert rig.latch() is Latch.STOP


def test_stop_reaches_a_foreign_job_and_a_real_port() -> None:
    rig = Rig().ready()
    rig.feed(rig.seen(printer=Printer.PRINTING, path="other.gcode", port="/dev/ttyUSB0"))
    assert rig.machine.octo.link is Link.REFUSED_PORT
    rig.effects.clear()
    rig.command("stop")
    assert CANCEL in rig.of(JobAction)
    assert SetTargets(0, 0) in rig.of(SetTargets)


@pytest.mark.parametrize(
    ("event", "latch", "plate"),
    [
        (e.Happened(e.Happening.STARTED, "other.gcode"), Latch.FOREIGN, Plate.UNKNOWN),
        (e.Seen(Printer.PRINTING, path="other.gcode", port="VIRTUAL", polled=True), Latch.FOREIGN, Plate.UNKNOWN),
        (e.Logged("Send: N7 G91*33"), Latch.FOREIGN, Plate.KNOWN),
        (e.Logged("Send: G28 X0 Y0"), Latch.FOREIGN, Plate.KNOWN),
        (e.Logged("Send: M84"), Latch.FOREIGN, Plate.KNOWN),
        (e.Logged("Recv: echo:busy"), Latch.NONE, Plate.KNOWN),
        (e.Logged("Send: M105"), Latch.NONE, Plate.KNOWN),
    ],
)
def test_foreign_hands_set_the_latch(event: e.Input, latch: Latch, plate: Plate) -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL))
    rig.mono += 10
    epoch = rig.machine.kept.epoch
    rig.feed(event)
    kept = rig.machine.kept
    assert (kept.latch, kept.plate) == (latch, plate)
    assert (kept.epoch > epoch) is (latch is Latch.FOREIGN)
    assert rig.machine.position_known is (latch is Latch.NONE)


def test_resume_waits_for_the_end_of_a_foreign_job() -> None:
    rig = Rig().ready()
    rig.feed(e.Seen(Printer.PRINTING, path="other.gcode", port="VIRTUAL", polled=True))
    rig.command("resume")
    rig.control(ControlWord.RESUME)
    assert rig.latch() is Latch.FOREIGN
    rig.feed(rig.seen(printer=Printer.OPERATIONAL, path="other.gcode"))
    rig.command("resume")
    assert rig.latch() is Latch.NONE


def test_a_cancel_that_the_bridge_did_not_order_latches() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path, by="somebody"))
    assert rig.latch() is Latch.FOREIGN
    rig.wait(1)
    assert [end.end for end in rig.ends()] == [JobEnd.CANCELLED]


def test_a_job_paused_by_hand_goes_on_after_resume_when_it_is_hot_again() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Happened(e.Happening.PAUSED, job.path), rig.seen(printer=Printer.PAUSED))
    rig.wait(130)
    rig.feed(rig.seen(nozzle=(150.0, 150.0)))
    rig.command("resume")
    rig.wait(3)
    assert JobAction("resume") not in rig.of(JobAction)
    rig.hot()
    assert JobAction("resume") in rig.of(JobAction)


def test_a_job_that_has_homed_with_a_probe_goes_on_too() -> None:
    rig = Rig(z_homing=ZHoming.PROBE).ready()
    job = rig.start()
    assert job.recovery
    rig.feed(e.Logged(HOMED), e.Happened(e.Happening.PAUSED, job.path, "bob"), rig.seen(printer=Printer.PAUSED))
    rig.command("resume")
    rig.hot()
    assert JobAction("resume") in rig.of(JobAction), "it does not home for that"


@pytest.mark.parametrize("restart", [False, True])
def test_a_pause_by_hand_that_only_the_picture_shows_latches_and_is_not_undone(restart: bool) -> None:
    rig = Rig().ready()
    job = rig.start()
    rig = rig.restarted() if restart else rig
    rig.feed(e.PushChanged(False), rig.seen(printer=Printer.PAUSED, path=job.path))
    rig.hot()
    rig.wait(5)
    assert rig.latch() is Latch.FOREIGN
    assert JobAction("resume") not in rig.of(JobAction)
    rig.feed(e.LogRead("mark-2", Slice(whole=True)))
    rig.command("resume")
    rig.hot()
    assert JobAction("resume") in rig.of(JobAction)
    assert rig.latch() is Latch.NONE


def test_a_picture_from_before_the_own_resume_is_no_pause_by_hand() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(rig.seen(printer=Printer.PAUSED))
    rig.command("resume")
    rig.hot()
    rig.feed(e.PrinterChanged(Printer.RESUMING), rig.seen(printer=Printer.PAUSED, path=job.path))
    assert rig.latch() is Latch.NONE


def test_a_stop_is_not_confirmed_by_a_connection_that_is_lost() -> None:
    rig = Rig().ready()
    rig.start()
    rig.command("stop")
    rig.effects.clear()
    rig.feed(rig.seen(printer=Printer.ERROR, error="cable", port=None))
    assert rig.machine.octo.link is Link.PRINTER_ERROR
    rig.wait(6, watched=False)
    assert rig.machine.kept.stopping
    assert "heaters_off" not in rig.said()
    assert any("switch the printer off" in (a.event.reason or "") for a in rig.of(Announce))


def test_controls_of_another_planner_may_only_make_it_safer() -> None:
    rig = Rig().ready()
    rig.command("pause")
    for word in (ControlWord.RESUME, ControlWord.PLATE_UNKNOWN, ControlWord.PARK):
        rig.control(word, planner="bbbbbbbb")
    assert (rig.machine.kept.latch, rig.machine.kept.plate) == (Latch.PAUSE, Plate.KNOWN)
    rig.control(ControlWord.STOP, planner="bbbbbbbb")
    assert rig.latch() is Latch.STOP


def test_confirm_empty_of_an_older_epoch_is_void_and_answered() -> None:
    rig = Rig().ready()
    rig.control(ControlWord.PLATE_UNKNOWN)
    rig.effects.clear()
    rig.control(ControlWord.CONFIRM_EMPTY, epoch=1)
    assert rig.plate() is Plate.UNKNOWN
    (tell,) = rig.of(Tell)
    assert isinstance(tell.body, MachineNotice)
    assert tell.body.epoch == 2
    rig.control(ControlWord.CONFIRM_EMPTY)
    assert rig.plate() is Plate.KNOWN


def test_whoever_paused_it_is_named_although_the_state_came_first() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.PrinterChanged(Printer.PAUSING), e.Happened(e.Happening.PAUSED, job.path, by="ann"))
    assert "by ann" in (rig.machine.kept.latch_reason or "")
    assert rig.said().count("latched") == 1


@pytest.mark.parametrize("taken", [False, True])
def test_a_cancel_is_not_undone_by_a_resume_before_the_job_is_over(taken: bool) -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    job = rig.machine.running
    assert job is not None
    if taken:
        rig.feed(e.Posted(job.id, 1, e.Post.TAKEN))
    rig.command("cancel")
    rig.effects.clear()
    rig.command("resume")
    assert rig.said() == ["refused"]
    rig.feed(e.Posted(job.id, 1, e.Post.TAKEN))
    rig.printing(job)
    assert JobAction("cancel") in rig.of(JobAction)
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path, "boardcast"))
    rig.wait(2)
    rig.command("resume")
    assert rig.latch() is Latch.NONE
