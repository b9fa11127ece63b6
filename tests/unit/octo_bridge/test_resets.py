"""A printer that is reset between two jobs knows no position, whoever was looking at that moment."""

from __future__ import annotations

import pytest

from contracts.plan import JobEnd
from contracts.printers import Latch
from services.octo_bridge import events as e
from services.octo_bridge.effects import DeleteFolder, JobAction, ReadLog, SetTargets, Submit
from services.octo_bridge.evidence import Evidence, History
from services.octo_bridge.octolog import Slice, cut
from services.octo_bridge.state import Job, Printer
from tests.unit.octo_bridge.machine import IDLE_RESET, Rig, run

RESET = e.Happened(e.Happening.RESET)
LINE = (
    "2026-01-01 00:00:00,000 - octoprint.util.comm - WARNING - Printer sent 'start' while already operational. "
    "External reset? Resetting line numbers to be on the safe side\n"
)


def test_the_log_tells_of_a_reset() -> None:
    assert cut(f"mark-1\n{LINE}mark-2", "mark-1", "mark-2", verbose=True).reset
    assert not cut("mark-1\nmark-2", "mark-1", "mark-2", verbose=True).reset


def test_nothing_is_sent_while_the_socket_is_down_and_what_happened_meanwhile_is_read_first() -> None:
    rig = Rig().ready()
    rig.machine = rig.machine.keep(contacted=True)
    known, epoch = rig.start(), rig.machine.kept.epoch
    rig.feed(e.Happened(e.Happening.DONE, known.path), rig.seen(printer=Printer.OPERATIONAL))
    assert rig.knows()
    rig.feed(e.PushChanged(False), rig.seen(), e.LogRead("mark-2", Slice(whole=True)))
    rig.feed(e.RunTaken(run(2, epoch=epoch, after=known.id)))
    rig.wait(3)
    assert not rig.of(Submit)
    rig.effects.clear()
    rig.feed(e.PushChanged(True), rig.seen())
    assert rig.of(ReadLog), "between the reading before and the socket's first word nobody was looking"
    assert not rig.of(Submit)
    rig.feed(e.LogRead("mark-3", Slice(whole=True, reset=True)))
    assert not rig.knows()
    assert rig.machine.kept.epoch > epoch


def sending() -> tuple[Rig, Job]:
    """A job is on its way to OctoPrint when the printer is reset."""
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    job = rig.machine.running
    assert job is not None
    rig.feed(RESET)
    return rig, job


def test_a_job_that_begins_on_a_printer_that_was_just_reset_is_cancelled_at_once() -> None:
    rig, job = sending()
    assert rig.latch() is Latch.FOREIGN
    rig.feed(e.Posted(job.id, job.attempt, e.Post.TAKEN))
    rig.printing(job)
    assert JobAction("cancel") in rig.of(JobAction)
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path, by="boardcast"))
    assert [end.end for end in rig.ends()] == [JobEnd.FAILED]
    assert not rig.knows()


@pytest.mark.parametrize("post", [e.Post.TAKEN, e.Post.DOUBT])
def test_one_that_was_faster_than_the_cancel_is_not_called_drawn(post: e.Post) -> None:
    rig, job = sending()
    rig.feed(e.Posted(job.id, job.attempt, post))
    rig.feed(e.Happened(e.Happening.DONE, job.path))
    assert [end.end for end in rig.ends()] == [JobEnd.FAILED]


@pytest.mark.parametrize("runs", [True, False])
def test_a_restart_does_not_make_it_see_again(runs: bool) -> None:
    rig, job = sending()
    rig = rig.restarted()  # before the answer to the upload, and before any cancel went out
    path = str(job.path)
    log = Slice(whole=True, verbose=True, reset=True, started=(path,))
    if runs:
        rig.feed(e.PushChanged(True))
        rig.printing(job)
        assert rig.of(JobAction) == [JobAction("cancel")]
    rig.feed(e.PushChanged(True), rig.seen(printer=Printer.OPERATIONAL, path=path))
    rig.wait(3)
    rig.feed(e.EvidenceFound(job.id, 1, Evidence(True, History.SUCCESS, False, log, 204.0)))
    assert [end.end for end in rig.ends()] == [JobEnd.FAILED]


def test_a_cancel_that_octoprint_takes_after_the_end_of_the_job_costs_the_position() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.command("stop")
    rig.feed(e.Happened(e.Happening.DONE, job.path))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]
    assert rig.knows()
    epoch = rig.machine.kept.epoch
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path, by="boardcast"))
    assert not rig.knows(), "its script lets go of the motors"
    assert rig.machine.kept.epoch > epoch


def test_a_cancel_by_hand_is_no_failure_although_octoprint_says_both() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path, by="ada"))
    rig.feed(e.Happened(e.Happening.FAILED, job.path, reason="cancelled"))
    rig.wait(1)
    assert [end.end for end in rig.ends()] == [JobEnd.CANCELLED]


def test_of_two_readings_of_the_log_that_cover_the_same_one_counts() -> None:
    rig = Rig()
    rig.feed(e.PushChanged(True), rig.seen(printer=Printer.OPERATIONAL))
    rig.feed(e.PushChanged(False), e.PushChanged(True), rig.seen())
    first, *_, second = rig.of(ReadLog)
    rig.feed(e.LogRead("mark-1", None, asked=first))
    assert not rig.machine.octo.caught_up, "it was asked before this socket was alive"
    epoch = rig.machine.kept.epoch
    rig.feed(e.LogRead("mark-2", None, "no mark", asked=second))
    assert rig.machine.kept.epoch == epoch, "it began where the first one did, and says nothing new"
    assert rig.machine.kept.mark == "mark-1"
    third = rig.of(ReadLog)[-1]
    assert third.since == "mark-1"
    rig.feed(e.LogRead("mark-3", Slice(whole=True), asked=third))
    assert rig.machine.octo.caught_up


def test_folders_of_earlier_sessions_go_only_when_nothing_is_asked_of_octoprint() -> None:
    rig = Rig()
    rig.machine = rig.machine.keep(old_folders=("boardcast/old",))
    rig.feed(e.PushChanged(True), rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    assert not rig.of(DeleteFolder), "its log is being read"
    rig.feed(e.LogRead("mark-1", None))
    rig.wait(1)
    assert rig.of(DeleteFolder) == [DeleteFolder("boardcast/old")]


def test_a_job_that_a_reset_overtook_and_that_never_went_out_is_drawn_from_a_found_position() -> None:
    rig, job = sending()
    rig.feed(e.Posted(job.id, job.attempt, e.Post.NOT_SENT))
    rig.command("resume")
    rig.wait(2)
    rig.hot()
    again = rig.machine.running
    assert again is not None, "it is sent anew"
    assert again.recovery, "and homes first"
    rig.feed(e.Posted(again.id, again.attempt, e.Post.TAKEN))
    rig.printing(again)
    rig.feed(e.Happened(e.Happening.DONE, again.path))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]


START = (
    "2026-01-01 00:00:00,000 - octoprint.printer.standard.job - INFO - Print job started - origin: local, path: {}, "
    "owner: a\n"
)


PUT = "2026-01-01 00:00:00,000 - tornado.access - WARNING - 404 GET /api/files/local/{}.gcode\n"


@pytest.mark.parametrize("told_by", ["the log", "evidence that it runs", "evidence that it ended"])
def test_a_reset_that_nobody_saw_makes_the_job_that_it_overtook_blind(told_by: str) -> None:
    rig = Rig().ready()
    first = rig.start(1)
    rig.feed(rig.seen(), e.Happened(e.Happening.DONE, first.path), rig.seen(printer=Printer.OPERATIONAL))
    rig.mono += 1
    rig.feed(e.RunTaken(run(2, after=first.id)), rig.seen())
    job = rig.machine.running
    assert job is not None
    assert not job.recovery
    rig.feed(e.PushChanged(False), e.Posted(job.id, 1, e.Post.TAKEN))  # and before it began, the printer was reset
    rig.printing(job)
    path = str(job.path)
    text = PUT.format("mark-1") + START.format(first.path) + LINE + START.format(path)
    log = cut(text + PUT.format("mark-2"), "mark-1", "mark-2", verbose=True)
    if told_by == "the log":
        rig.feed(e.LogRead("mark-2", log, None, rig.of(ReadLog)[-1]))
    elif told_by == "evidence that it runs":
        rig.feed(rig.seen(printer=Printer.OPERATIONAL))
        rig.wait(3)
        rig.feed(rig.seen(printer=Printer.PRINTING))
        rig.feed(e.EvidenceFound(job.id, 1, Evidence(True, History.NONE, True, log)))
    assert (JobAction("cancel") in rig.of(JobAction)) is (told_by != "evidence that it ended")
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    rig.feed(e.EvidenceFound(job.id, 1, Evidence(True, History.SUCCESS, False, log, 204.0)))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN, JobEnd.FAILED]
    assert rig.latch() is Latch.FOREIGN


@pytest.mark.parametrize("homes", [True, False])
def test_one_that_was_known_of_before_it_was_sent_does_not(homes: bool) -> None:
    rig = Rig().ready()
    if not homes:
        rig.command("home")
        rig.feed(e.Asked("home", True, epoch=rig.machine.kept.epoch))
    job = rig.start(1)
    assert job.recovery is homes
    rig.feed(e.PushChanged(False), rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    text = PUT.format("mark-1") + LINE + START.format(job.path) + PUT.format("mark-2")
    log = cut(text, "mark-1", "mark-2", verbose=True)
    assert log.overtaken == (job.path,)
    rig.feed(e.EvidenceFound(job.id, 1, Evidence(True, History.SUCCESS, False, log, 204.0)))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]


def test_a_reset_heard_of_late_makes_the_job_that_began_after_it_blind() -> None:
    rig = Rig().ready()
    job = rig.start()  # OctoPrint's answer to the upload overtook the word on the reset
    rig.feed(IDLE_RESET)
    assert rig.latch() is Latch.FOREIGN
    assert JobAction("cancel") in rig.of(JobAction)
    rig.feed(e.Happened(e.Happening.DONE, job.path))
    assert [end.end for end in rig.ends()] == [JobEnd.FAILED]
    assert not rig.knows()


def test_a_reset_behind_the_last_line_takes_nothing_from_the_job_but_the_position() -> None:
    rig = Rig().ready()
    job = rig.start()
    epoch = rig.machine.kept.epoch
    rig.feed(e.Logged(f"Recv: echo:move:{job.id}:a1:done"), IDLE_RESET)
    assert rig.latch() is Latch.NONE
    rig.feed(e.Happened(e.Happening.DONE, job.path))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]
    assert not rig.knows(), "the job homed, and the reset was after that"
    assert rig.machine.kept.epoch > epoch


def test_a_printer_that_was_reset_is_cold_whatever_an_older_picture_says() -> None:
    rig = Rig().ready()
    rig.feed(IDLE_RESET)
    rig.feed(e.RunTaken(run(1, epoch=rig.machine.kept.epoch)))
    rig.feed(rig.seen(nozzle=(205.0, 205.0), bed=(60.0, 60.0)))
    rig.wait(0.5)
    assert not rig.of(Submit), "that may have been read before"
    rig.feed(rig.seen(nozzle=(190.0, 0.0)))
    rig.wait(3)
    assert SetTargets(205.0, 60.0) in rig.of(SetTargets)
    assert not rig.of(Submit)
    rig.hot()
    assert rig.of(Submit)


def test_a_change_of_targets_does_not_make_a_reset_forgotten_sooner() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL), IDLE_RESET)
    until = rig.machine.temperatures_from
    rig.command("disarm")
    rig.command("arm")
    assert SetTargets(0.0, 0.0) in rig.of(SetTargets)
    assert rig.machine.temperatures_from >= until
