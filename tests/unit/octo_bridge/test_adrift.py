"""Nothing drags through plastic: when the axes were lost, the next job homes, and one in hand does not go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.plan import JobEnd
from contracts.printers import Latch
from services.octo_bridge import events as e
from services.octo_bridge.effects import JobAction, ReadLog, Submit
from services.octo_bridge.evidence import Evidence, History
from services.octo_bridge.octolog import Slice
from services.octo_bridge.recovery import STEPPERS_HOLD
from services.octo_bridge.state import Printer
from tests.unit.octo_bridge.machine import Rig, run

CLEAN = Slice(whole=True, verbose=True)
RESET = replace(CLEAN, reset=True)
DRAWN = Evidence(present=True, history=History.SUCCESS, active=False, log=CLEAN, coldest=204.0)


def next_homes(rig: Rig) -> bool:
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.effects.clear()
    rig.feed(e.RunTaken(run(2, epoch=rig.machine.kept.epoch)))
    rig.wait(10)
    rig.hot()
    rig.wait(2)
    (sent,) = rig.of(Submit)
    return "G28 Z" in sent.text


def homing() -> Rig:
    """Its job begins with homing."""
    rig = Rig().ready()
    assert rig.start(1).recovery
    return rig


def test_what_a_job_homed_holds_when_it_was_drawn() -> None:
    rig = homing()
    rig.feed(rig.seen(), e.Happened(e.Happening.DONE, rig.machine.jobs[0].path))
    assert not next_homes(rig)


def test_what_a_job_homed_is_void_when_the_log_tells_of_a_reset_behind_it() -> None:
    rig = homing()
    job = rig.machine.jobs[0]
    rig.feed(e.PushChanged(False), rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    rig.feed(e.PushChanged(True))
    rig.wait(2.5)
    rig.feed(e.LogRead("mark-2", RESET, None, rig.of(ReadLog)[-1]))
    rig.feed(e.EvidenceFound(job.id, 1, replace(DRAWN, log=RESET)))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]
    assert next_homes(rig)


@pytest.mark.parametrize("since", [RESET, replace(CLEAN, reconnected=True), replace(CLEAN, restarted=True)])
def test_it_is_void_too_when_only_the_evidence_tells_of_it(since: Slice) -> None:
    rig = homing()
    job = rig.machine.jobs[0]
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    assert rig.doubt() is not None
    earlier = replace(DRAWN, log=replace(since, started=(str(job.path),)), coldest=None)
    rig.feed(e.EvidenceFound(job.id, 1, replace(earlier, history=History.NONE, active=True)))
    assert rig.machine.jobs[0].recovery, "of what was before the job nothing is void"
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    rig.feed(e.EvidenceFound(job.id, 1, replace(DRAWN, log=since)))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]
    assert not rig.machine.position_known


def test_it_is_void_when_the_serial_port_was_lost_behind_it() -> None:
    rig = homing()
    job = rig.machine.jobs[0]
    rig.mono += 6  # nobody has seen the nozzle since
    rig.feed(e.Happened(e.Happening.DONE, job.path), e.PrinterChanged(Printer.OFFLINE))
    rig.wait(1.5, watched=False)
    rig.feed(e.EvidenceFound(job.id, 1, DRAWN))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]
    assert not rig.machine.position_known


def test_what_was_void_before_a_restart_is_void_after_it() -> None:
    rig = homing()
    rig.feed(e.PrinterChanged(Printer.OFFLINE))
    rig = rig.restarted()
    assert not rig.machine.jobs[0].recovery


def drawing() -> Rig:
    """Its job begins where the one before has ended."""
    rig = homing()
    rig.feed(rig.seen(), e.Happened(e.Happening.DONE, rig.machine.jobs[0].path))
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.mono += 10
    rig.start(2)
    return rig


@pytest.mark.parametrize("line", ["Send: M84", "Send: N7 M18 X*12", "Send: G28", "Send: G92 X0"])
@pytest.mark.parametrize("begins", [homing, drawing])
@pytest.mark.parametrize("paused", [False, True])
def test_a_job_under_which_the_position_was_lost_is_cancelled(
    begins: Callable[[], Rig], line: str, paused: bool
) -> None:
    rig = begins()
    job = rig.machine.jobs[0]
    if job.preamble:
        rig.feed(e.Logged(f"Send: N9 M84 S{STEPPERS_HOLD}*1"))
    rig.mono += 6
    if paused:
        rig.feed(e.Happened(e.Happening.PAUSED, job.path, "bob"), rig.seen(printer=Printer.PAUSED))
    rig.effects.clear()
    rig.feed(e.Logged(line))
    assert rig.of(JobAction) == [JobAction("cancel")]
    rig.command("resume")
    rig.wait(5)
    assert set(rig.of(JobAction)) == {JobAction("cancel")}, "it never goes on"
    rig.feed(e.Happened(e.Happening.DONE, job.path))
    assert [end.end for end in rig.ends()] == [JobEnd.FAILED]
    assert next_homes(rig)


def test_a_script_that_lifts_the_nozzle_in_a_pause_does_not_cancel() -> None:
    rig = drawing()
    job = rig.machine.jobs[0]
    rig.feed(e.Happened(e.Happening.PAUSED, job.path, "bob"), rig.seen(printer=Printer.PAUSED))
    rig.feed(e.Logged("Send: G91"))
    assert rig.machine.jobs[0].blind is None
    assert rig.of(JobAction) == []


def test_lines_that_home_are_a_jobs_own_until_it_is_past_them() -> None:
    rig = homing()
    rig.feed(e.Logged("Send: N1 G91*1"), e.Logged("Send: N4 G28 X Y*1"))
    assert rig.machine.jobs[0].preamble
    rig.feed(e.Logged(f"Send: N9 M84 S{STEPPERS_HOLD}*1"))
    assert (rig.latch(), rig.machine.jobs[0].blind, rig.machine.jobs[0].preamble) == (Latch.NONE, None, False)


def test_lines_that_home_are_a_jobs_own_behind_its_end_too_where_the_terminal_is_late() -> None:
    """OctoPrint's pushes, or the bridge, stood still while it ran: its end and its lines are heard together."""
    rig = homing()
    job = rig.machine.jobs[0]
    rig.mono += 6
    rig.feed(rig.seen(printer=Printer.OPERATIONAL), e.Happened(e.Happening.DONE, job.path))
    rig.feed(e.EvidenceFound(job.id, 1, DRAWN))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]
    rig.feed(e.Logged("Send: N1 G91*1"), e.Logged("Send: N4 G28 X Y*1"), e.Logged(f"Send: N9 M84 S{STEPPERS_HOLD}*1"))
    assert (rig.latch(), rig.knows()) == (Latch.NONE, True)
    rig.feed(e.Logged("Send: G28"))
    assert rig.latch() is Latch.FOREIGN, "behind the last of them it is somebody's hand"


@pytest.mark.parametrize(("after", "hand"), [(0.5, False), (2, True)])
def test_what_is_sent_while_the_homing_is_paused_is_not_the_jobs(after: float, hand: bool) -> None:
    rig = homing()
    job = rig.machine.jobs[0]
    rig.mono += 6
    rig.feed(e.Happened(e.Happening.PAUSED, job.path, "bob"), rig.seen(printer=Printer.PAUSED))
    rig.wait(after)
    rig.feed(e.Logged("Send: M84"))
    assert (rig.machine.jobs[0].blind is not None) is hand, "a line of the job may be told of late"


def test_a_job_that_was_paused_until_the_motors_let_go_does_not_go_on() -> None:
    rig = drawing()
    rig.command("arm 12")
    job = rig.machine.jobs[0]
    rig.feed(e.Happened(e.Happening.PAUSED, job.path, "bob"), rig.seen(printer=Printer.PAUSED))
    rig.wait(STEPPERS_HOLD, step=30)
    assert "problem" in rig.said()
    rig.effects.clear()
    rig.command("resume")
    rig.wait(3)
    assert set(rig.of(JobAction)) == {JobAction("cancel")}
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path))
    assert [end.end for end in rig.ends()] == [JobEnd.FAILED]
    assert next_homes(rig)


@pytest.mark.parametrize(("boot", "goes_on"), [(None, True), ("another boot", False)])
def test_a_restart_does_not_hide_for_how_long_a_job_has_been_paused(boot: str | None, goes_on: bool) -> None:
    rig = drawing()
    rig.command("arm 12")
    job = rig.machine.jobs[0]
    rig.feed(e.Happened(e.Happening.PAUSED, job.path, "bob"), rig.seen(printer=Printer.PAUSED))
    rig.wait(STEPPERS_HOLD - 300, step=30)
    for _ in range(2):
        rig = rig.restarted()
        if boot is not None:
            rig.machine = replace(rig.machine, boot=boot)
        rig.feed(e.PushChanged(True), rig.seen(printer=Printer.PAUSED, path=job.path))
        rig.wait(60, step=5)
        assert (rig.machine.jobs[0].blind is None) is goes_on
    rig.wait(300, step=5)
    assert rig.machine.jobs[0].blind is not None


def test_a_pause_that_ended_counts_no_more() -> None:
    rig = drawing()
    job = rig.machine.jobs[0]
    rig.feed(rig.seen(printer=Printer.PAUSED))
    assert rig.machine.kept.paused is not None
    rig.printing(job, 30)
    assert rig.machine.kept.paused is None


def test_the_line_that_ends_the_homing_may_come_twice() -> None:
    rig = homing()
    rig.mono += 6
    rig.feed(*[e.Logged(f"Send: N9 M84 S{STEPPERS_HOLD}*1")] * 2)
    assert (rig.latch(), rig.machine.jobs[0].blind) == (Latch.NONE, None)
    rig.feed(e.Logged("Send: M84 S1"))
    assert rig.latch() is Latch.FOREIGN


def test_a_lift_in_a_pause_raises_the_epoch_once() -> None:
    rig = drawing()
    rig.feed(rig.seen(printer=Printer.PAUSED))
    epoch = rig.machine.kept.epoch
    rig.feed(*[e.Logged("Send: G91")] * 20)
    assert rig.machine.kept.epoch == epoch + 1


@pytest.mark.parametrize("restart", [False, True])
def test_where_no_boot_can_be_told_from_another_only_own_eyes_count(restart: bool) -> None:
    rig = drawing()
    rig.machine = replace(rig.machine, boot=None)
    path = rig.machine.jobs[0].path
    rig.feed(rig.seen(printer=Printer.PAUSED))
    rig.wait(60)
    assert rig.machine.jobs[0].blind is None
    if restart:
        rig = rig.restarted()
        rig.machine = replace(rig.machine, boot=None)
        rig.feed(e.PushChanged(True), rig.seen(printer=Printer.PAUSED, path=path))
        assert rig.machine.jobs[0].blind is not None


def test_hands_in_a_job_that_homed_are_noticed_under_a_pause_too() -> None:
    rig = homing()
    rig.command("pause")
    rig.mono += 6
    rig.feed(e.Logged(f"Send: N9 M84 S{STEPPERS_HOLD}*1"), e.Logged("Send: G91"))
    assert rig.latch() is Latch.FOREIGN
    rig.feed(rig.seen(), e.Happened(e.Happening.DONE, rig.machine.jobs[0].path))
    assert not rig.machine.position_known
