"""Jobs in the pure core: sent one at a time, only when all is well, ended exactly once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from contracts.board import Plate
from contracts.plan import ControlWord, JobEnd, JobStarted, MachineNotice, Revoke, RevokeTooLate
from contracts.printers import Heaters, Link
from services.octo_bridge import events as e
from services.octo_bridge.effects import DeleteFile, SetTargets, Submit, Tell
from services.octo_bridge.octolog import Slice
from services.octo_bridge.settings import ZHoming
from services.octo_bridge.state import Job, Phase, Printer
from tests.unit.octo_bridge.machine import Rig, job_id, run


def test_a_job_is_committed_as_sending_by_the_step_that_asks_for_the_post() -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run()))
    rig.hot()
    (submit,) = rig.of(Submit)
    job = rig.machine.running
    assert job is not None
    assert (job.phase, job.path, job.mark) == (Phase.SENDING, submit.path, "mark-1")
    assert submit.path.endswith(f"/{job.id}-a1.gcode")
    assert submit.text.endswith(f"M400\nM118 E1 move:{job.id}:a1:done\n")


def test_the_first_job_homes_and_the_next_one_does_not() -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)), e.RunTaken(run(2, after=job_id(1))))
    rig.hot()
    first = rig.of(Submit)[-1]
    assert "G91\nG1 Z10 F300\nG90\nG28 X Y\nG28 Z" in first.text
    rig.feed(e.Posted(first.job_id, 1, e.Post.TAKEN), e.Happened(e.Happening.DONE, first.path))
    assert rig.machine.octo.printer is not Printer.PRINTING
    rig.feed(e.PrinterChanged(Printer.OPERATIONAL))
    second = rig.of(Submit)[-1]
    assert second.job_id == job_id(2)
    assert "G28" not in second.text
    assert "G91" not in second.text


def test_the_next_job_waits_for_operational_after_print_done() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.RunTaken(run(2, after=job.id)))
    rig.feed(e.Happened(e.Happening.DONE, job.path))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]
    assert not rig.of(Submit)
    rig.feed(e.PrinterChanged(Printer.OPERATIONAL))
    assert len(rig.of(Submit)) == 1


BLOCKS: dict[str, Callable[[Rig], object]] = {
    "not armed": lambda rig: rig.command("disarm"),
    "paused": lambda rig: rig.command("pause"),
    "cancelled": lambda rig: rig.command("cancel"),
    "stopped": lambda rig: rig.command("stop"),
    "plate unknown": lambda rig: setattr(rig, "machine", rig.machine.keep(plate=Plate.UNKNOWN)),
    "OctoPrint absent": lambda rig: rig.feed(e.Unreachable(Link.NO_OCTOPRINT, "gone")),
    "wrong key": lambda rig: rig.feed(e.Unreachable(Link.WRONG_KEY, "key")),
    "real port": lambda rig: rig.feed(rig.seen(port="/dev/ttyUSB0")),
    "port not asked for since the push socket broke": lambda rig: rig.feed(
        e.PushChanged(False), e.LogRead("mark-2", Slice(whole=True)), e.PushChanged(True)
    ),
    "log not read": lambda rig: setattr(rig, "machine", rig.machine.see(caught_up=False).ask("log", rig.mono)),
    "printer busy": lambda rig: rig.feed(rig.seen(printer=Printer.FINISHING)),
    "nozzle cold": lambda rig: rig.feed(rig.seen(nozzle=(199.0, 205.0))),
    "bed cold": lambda rig: rig.feed(rig.seen(bed=(54.0, 60.0))),
    "nozzle still hot on its way down": lambda rig: rig.feed(rig.seen(nozzle=(205.0, 150.0))),
    "temperatures old": lambda rig: setattr(rig, "mono", rig.mono + 16),
}


@pytest.mark.parametrize("block", BLOCKS)
def test_no_job_is_sent_while(block: str) -> None:
    rig = Rig().ready()
    BLOCKS[block](rig)
    rig.feed(e.RunTaken(run(1, epoch=rig.machine.kept.epoch)))
    assert not rig.of(Submit)
    assert len(rig.machine.jobs) == 1


def test_a_probe_never_touches_what_is_drawn() -> None:
    rig = Rig(z_homing=ZHoming.PROBE).ready()
    job = rig.start()  # the plate is bare: the probe may
    assert job.recovery
    rig.feed(e.Happened(e.Happening.FAILED, job.path, reason="error"), rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(1)
    rig.feed(e.RunTaken(run(2, epoch=rig.machine.kept.epoch)))
    rig.hot()
    assert not rig.of(Submit)
    rig.control(ControlWord.CONFIRM_EMPTY)
    rig.hot()
    assert len(rig.of(Submit)) == 1


@pytest.mark.parametrize(
    ("changes", "end", "says"),
    [
        ({"epoch": 7}, JobEnd.STALE, "epoch 7"),
        ({"predecessor": "aaaaaaaa-1-99-1"}, JobEnd.STALE, "not drawn"),
        ({"planner": "bbbbbbbb"}, JobEnd.REFUSED, "adopt"),
        ({"gcode": ("M112",)}, JobEnd.REFUSED, "M112"),
    ],
)
def test_plans_that_are_answered_without_running(changes: dict[str, Any], end: JobEnd, says: str) -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1, **changes)))
    (ended,) = rig.ends()
    assert ended.end is end
    assert says in (ended.reason or "")
    assert not rig.machine.jobs
    assert not rig.of(Submit)


def test_the_position_is_not_trusted_for_longer_than_the_motors_hold() -> None:
    rig = Rig().ready()
    rig.feed(e.Happened(e.Happening.DONE, rig.start().path), rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(7000, step=100)
    assert rig.machine.position_known
    rig.wait(200, step=100)
    assert not rig.machine.position_known


def test_a_stale_plan_heats_nothing() -> None:
    rig = Rig().ready()
    rig.feed(rig.seen(nozzle=(20.0, 0.0), bed=(20.0, 0.0)))
    rig.effects.clear()
    rig.feed(e.RunTaken(run(1, epoch=9)))
    assert SetTargets(205, 60) not in rig.of(SetTargets)
    assert rig.mode() is Heaters.OFF


def test_a_waiting_job_goes_stale_when_the_epoch_rises() -> None:
    rig = Rig().ready()
    rig.command("pause")
    rig.feed(e.RunTaken(run(1)))
    rig.control(ControlWord.PLATE_UNKNOWN)
    assert [(end.end, end.epoch) for end in rig.ends()] == [(JobEnd.STALE, 2)]
    assert not rig.machine.jobs


def test_the_same_job_again_is_ignored_while_it_waits_and_answered_when_it_has_ended() -> None:
    rig = Rig().ready()
    rig.command("pause")
    rig.feed(e.RunTaken(run(1)), e.RunTaken(run(1)))
    assert len(rig.machine.jobs) == 1
    assert not rig.ends()
    rig.feed(e.RevokeTaken(Revoke(planner="aaaaaaaa", job_id=job_id(1), reason="undone")))
    (end,) = rig.ends()
    assert end.end is JobEnd.REVOKED
    rig.feed(e.RunTaken(run(1), ended=end))
    assert rig.ends() == [end, end]
    assert not rig.machine.jobs


def test_a_revocation_of_a_begun_job_is_too_late() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.RevokeTaken(Revoke(planner="aaaaaaaa", job_id=job.id, reason="undone")))
    assert [type(tell.body) for tell in rig.of(Tell)] == [RevokeTooLate]
    assert rig.machine.running is not None


@pytest.mark.parametrize("how", [e.Happening.FAILED, e.Happening.CANCELLED])
def test_a_failed_job_raises_the_epoch_and_what_waits_is_stale(how: e.Happening) -> None:
    rig = Rig().ready()
    rig.feed(e.Happened(e.Happening.DONE, rig.start(9).path), rig.seen(printer=Printer.OPERATIONAL))
    assert rig.machine.position_known
    job = rig.start()
    rig.feed(e.RunTaken(run(2, after=job.id)))
    rig.feed(e.Happened(how, job.path, reason="error"))
    rig.wait(1)
    assert [end.end for end in rig.ends()] == [JobEnd.FAILED, JobEnd.STALE]
    assert [end.epoch for end in rig.ends()] == [2, 2]
    assert not rig.machine.position_known


def test_a_revoked_predecessor_makes_its_successor_stale() -> None:
    rig = Rig().ready()
    rig.command("pause")
    rig.feed(e.RunTaken(run(1)), e.RunTaken(run(2, after=job_id(1))))
    rig.feed(e.RevokeTaken(Revoke(planner="aaaaaaaa", job_id=job_id(1), reason="undone")))
    assert [end.end for end in rig.ends()] == [JobEnd.REVOKED, JobEnd.STALE]


def test_a_stored_file_that_was_not_printed_goes_again_under_another_name() -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    first = rig.of(Submit)[-1]
    rig.feed(e.Posted(first.job_id, 1, e.Post.STORED))
    assert rig.of(DeleteFile) == [DeleteFile(first.path)]
    rig.wait(1)
    second = rig.of(Submit)[-1]
    assert second.attempt == 2
    assert second.path != first.path


def test_a_post_that_was_never_made_goes_again_under_the_same_name_with_a_pause() -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    first = rig.of(Submit)[-1]
    rig.feed(e.Posted(first.job_id, 1, e.Post.NOT_SENT, "refused"))
    assert len(rig.of(Submit)) == 1
    rig.wait(1.5)
    assert [submit.path for submit in rig.of(Submit)] == [first.path] * 2


def test_print_done_before_the_answer_to_the_post() -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    path = rig.of(Submit)[-1].path
    rig.feed(e.Happened(e.Happening.STARTED, path), e.Happened(e.Happening.DONE, path))
    rig.feed(e.Posted(job_id(1), 1, e.Post.TAKEN))
    bodies = [tell.body for tell in rig.of(Tell)]
    assert [type(body) for body in bodies[-2:]] == [JobStarted, type(rig.ends()[0])]
    assert len(rig.ends()) == 1


def test_a_late_answer_for_another_attempt_changes_nothing() -> None:
    rig = Rig().ready()
    job = rig.start()
    before = rig.machine
    rig.feed(e.Posted(job.id, 9, e.Post.STORED), e.EvidenceFound(job.id, 9, None), e.Posted("x", 1, e.Post.DOUBT))
    assert replace(before, asked=rig.machine.asked) == rig.machine


def test_a_successor_that_stands_before_its_predecessor_is_stale() -> None:
    rig = Rig().ready()
    rig.command("pause")
    rig.machine = replace(rig.machine, jobs=(Job(run(2, after=job_id(1))), Job(run(1))))
    rig.feed(e.Tick())
    assert [(end.job_id, end.end) for end in rig.ends()] == [(job_id(2), JobEnd.STALE)]
    assert [job.id for job in rig.machine.jobs] == [job_id(1)]


@pytest.mark.parametrize("waits", [False, True])
def test_another_board_is_not_drawn_on_what_lies_there(waits: bool) -> None:
    rig = Rig().ready()
    job = rig.start()
    if not waits:
        rig.feed(e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL))
    rig.effects.clear()
    rig.feed(e.RunTaken(run(2, after=job.id, board=2)))
    (end,) = rig.ends()
    assert (end.end, end.epoch) == (JobEnd.STALE, 2)
    assert rig.plate() is Plate.UNKNOWN
    notices = [tell.body for tell in rig.of(Tell) if isinstance(tell.body, MachineNotice)]
    assert ["board 1 is on the plate" in (notice.reason or "") for notice in notices] == [True]


def test_another_board_goes_on_a_plate_that_was_confirmed_for_it() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL))
    rig.control(ControlWord.CONFIRM_EMPTY)
    rig.hot()
    rig.feed(e.RunTaken(run(2, after=job.id, board=2)))
    assert not rig.ends()[1:]
    assert rig.of(Submit)[-1].job_id == job_id(2)


def test_every_process_greets_once_with_epoch_and_plate() -> None:
    rig = Rig().ready()
    rig.control(ControlWord.PLATE_UNKNOWN)
    again = rig.restarted()
    again.feed(e.Tick(), e.Tick())
    (tell,) = again.of(Tell)
    assert isinstance(tell.body, MachineNotice)
    assert (tell.body.epoch, tell.body.plate) == (2, Plate.UNKNOWN)


def test_a_refused_job_is_a_problem_and_no_answer_to_a_command() -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1, gcode=("M112",))), e.RunTaken(run(2, planner="bbbbbbbb")))
    assert rig.said() == ["problem", "problem"]
