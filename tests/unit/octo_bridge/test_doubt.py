"""Doubt is never turned into a guess: what is asked, how often, and what comes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.plan import JobEnd
from contracts.printers import Latch, Link
from services.octo_bridge import events as e
from services.octo_bridge.effects import Gather, ReadLog, Submit
from services.octo_bridge.evidence import Evidence, History
from services.octo_bridge.octolog import Slice
from services.octo_bridge.state import Phase, Printer
from tests.unit.octo_bridge.machine import Rig, job_id, run

CLEAN = Slice(whole=True, verbose=True)
NOTHING = Evidence(present=False, history=History.NONE, active=False, log=CLEAN)


def in_doubt() -> Rig:
    """A job whose POST was not answered."""
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    rig.feed(e.Posted(job_id(1), 1, e.Post.DOUBT, "timed out"))
    rig.effects.clear()
    return rig


def found(rig: Rig, evidence: Evidence | None) -> None:
    rig.feed(e.EvidenceFound(job_id(1), 1, evidence))


def test_a_post_without_an_answer_is_never_repeated_without_evidence() -> None:
    rig = in_doubt()
    rig.wait(30)
    assert not rig.of(Submit)
    assert len(rig.of(Gather)) >= 10  # and again, while there is no answer
    found(rig, None)
    assert not rig.ends()
    found(rig, NOTHING)
    rig.hot()
    (again,) = rig.of(Submit)
    assert again.attempt == 1, "the first upload may still come to its end: only the same name turns one of them down"
    assert again.path == rig.of(Gather)[-1].path


def test_a_stored_file_that_was_not_started_is_looked_at_twice_and_then_sent_under_another_name() -> None:
    rig = in_doubt()
    rig.wait(1.0)
    found(rig, replace(NOTHING, present=True))
    rig.hot()
    assert not rig.of(Submit), "OctoPrint may be about to start it"
    rig.wait(1.0)
    found(rig, replace(NOTHING, present=True))
    rig.hot()
    (again,) = rig.of(Submit)
    assert again.attempt == 2


def test_a_doubt_that_octoprint_never_answers_is_uncertain_in_the_end_and_a_stop_is_confirmed() -> None:
    rig = in_doubt()
    rig.command("stop")
    for _ in range(130):
        rig.wait(1.0)
        if not rig.ends():
            rig.feed(e.EvidenceFound(job_id(1), 1, None, "OctoPrint answered 500"))
    (end,) = rig.ends()
    assert end.end is JobEnd.UNCERTAIN
    assert "answered 500" in (end.reason or "")
    rig.feed(rig.seen(printer=Printer.OPERATIONAL, nozzle=(30.0, 0.0), bed=(30.0, 0.0)))
    rig.wait(3)
    assert not rig.machine.kept.stopping


def test_evidence_is_asked_for_when_it_can_be_complete() -> None:
    rig = in_doubt()
    rig.feed(e.Tick())
    assert not rig.of(Gather)
    rig.wait(1.0)
    assert rig.of(Gather) == [Gather(job_id(1), 1, rig.machine.jobs[0].path or "", "mark-1", 200.0)]


def test_no_evidence_twice_is_uncertain_and_raises_the_epoch() -> None:
    rig = in_doubt()
    nothing = replace(NOTHING, log=None)
    found(rig, nothing)
    assert not rig.ends()
    found(rig, nothing)
    (end,) = rig.ends()
    assert (end.end, end.epoch) == (JobEnd.UNCERTAIN, 2)
    assert "timed out" in (end.reason or "")
    assert not rig.machine.position_known
    assert rig.said()[-1] == "uncertain"


def test_a_job_that_octoprint_has_in_hand_is_watched_on() -> None:
    rig = in_doubt()
    found(rig, replace(NOTHING, active=True))
    job = rig.machine.running
    assert job is not None
    assert (job.phase, job.doubt) == (Phase.STARTED, None)
    assert not rig.ends()


def test_a_started_job_is_suspected_when_octoprint_stays_idle() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(1.0)
    assert rig.doubt() is None
    rig.wait(1.0)
    assert rig.doubt() is not None
    assert rig.of(Gather)[0].path == job.path


def test_print_done_with_a_nozzle_that_was_not_watched_needs_evidence() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.PushChanged(False), e.PushChanged(True))
    rig.feed(e.Happened(e.Happening.DONE, job.path))
    assert not rig.ends()
    rig.feed(e.EvidenceFound(job.id, 1, replace(NOTHING, history=History.SUCCESS, coldest=204.0)))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]


OCTOPRINT_IS_AHEAD = 1_800_000_000.0
"""Seconds that OctoPrint's clock is ahead of the monotonic one."""


@pytest.mark.parametrize(
    ("ended_after", "watched", "drawn"),
    [(0.5, 0.0, True), (9.0, 0.0, True), (12.0, 0.0, False), (12.0, 5.0, True), (-3600.0, 0.0, False)],
)
def test_an_octoprint_that_forgot_its_record_is_helped_out_with_what_the_bridge_saw(
    ended_after: float, watched: float, drawn: bool
) -> None:
    rig = Rig().ready()
    job = rig.start()
    sent = rig.mono
    rig.feed(rig.seen(clock=OCTOPRINT_IS_AHEAD + rig.mono))
    rig.wait(watched)
    rig.wait(10.0, watched=False)
    rig.feed(e.PushChanged(False), e.Unreachable(Link.NO_OCTOPRINT, "killed"), e.PushChanged(True))
    rig.feed(
        rig.seen(printer=Printer.OPERATIONAL, path=None, nozzle=(205.0, 205.0), clock=OCTOPRINT_IS_AHEAD + rig.mono)
    )
    rig.wait(2.0)
    assert rig.doubt() is not None
    rig.feed(e.EvidenceFound(
        job.id, 1, replace(NOTHING, history=History.SUCCESS, ended=OCTOPRINT_IS_AHEAD + sent + ended_after)
    ))  # fmt: skip
    assert [end.end for end in rig.ends()] == ([JobEnd.DRAWN] if drawn else [])


def test_a_nozzle_that_was_seen_to_cool_in_a_print_is_no_longer_seen_hot() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(rig.seen(clock=OCTOPRINT_IS_AHEAD + rig.mono, nozzle=(180.0, 205.0)))
    rig.wait(12.0)
    rig.feed(e.PushChanged(False), e.PushChanged(True), e.Happened(e.Happening.DONE, job.path))
    rig.feed(e.EvidenceFound(job.id, 1, replace(NOTHING, history=History.SUCCESS, ended=OCTOPRINT_IS_AHEAD + rig.mono)))
    assert not rig.ends()


@pytest.mark.parametrize("nozzle", [(199.0, 205.0), (150.0, 0.0)])
def test_cold_nozzle_at_the_end_is_never_drawn_at_once(nozzle: tuple[float, float]) -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(rig.seen(nozzle=nozzle), e.Happened(e.Happening.DONE, job.path))
    assert not rig.ends()


def test_prevented_cold_extrusion_is_a_failure_whatever_octoprint_says() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Logged("Recv: echo: cold extrusion prevented"), e.Happened(e.Happening.DONE, job.path))
    assert not rig.ends()
    rig.feed(e.EvidenceFound(job.id, 1, replace(NOTHING, history=History.SUCCESS, coldest=204.0)))
    assert [end.end for end in rig.ends()] == [JobEnd.FAILED]


def test_the_echo_of_the_last_line_is_evidence_when_print_done_was_missed() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Logged(f"Recv: echo:move:{job.id}:a1:done"))
    rig.wait(1)
    assert rig.of(Gather)
    rig.feed(e.EvidenceFound(job.id, 1, NOTHING))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]


@pytest.mark.parametrize(("order", "end", "latch"), [
    (None, JobEnd.FAILED, Latch.FOREIGN), ("cancel", JobEnd.CANCELLED, Latch.CANCEL),
])  # fmt: skip
def test_a_job_that_ended_while_nobody_watched_latches(order: str | None, end: JobEnd, latch: Latch) -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.PushChanged(False))
    if order is not None:
        rig.command(order)
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    evidence = Evidence(present=True, history=History.FAILURE, active=False, log=None)
    rig.feed(e.EvidenceFound(job.id, job.attempt, evidence))
    assert [ended.end for ended in rig.ends()] == [end]
    assert rig.latch() is latch


def test_a_picture_from_before_the_upload_was_taken_is_no_reason_to_doubt() -> None:
    rig = Rig().ready()
    rig.wait(5)
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    job = rig.machine.running
    assert job is not None
    rig.feed(e.Posted(job.id, 1, e.Post.TAKEN))
    assert rig.doubt() is None
    rig.wait(2.5)
    assert rig.doubt() is not None, "but staying idle is"


def test_a_reading_of_the_log_that_takes_long_is_not_asked_for_twice() -> None:
    rig = Rig().ready()
    rig.wait(5)
    rig.effects.clear()
    rig.feed(e.PushChanged(False))
    rig.wait(60)
    assert len(rig.of(ReadLog)) == 1
    rig.feed(e.LogNotRead())
    rig.wait(3)
    assert len(rig.of(ReadLog)) == 2
    rig.wait(130)
    assert len(rig.of(ReadLog)) == 3, "nor is an answer waited for that never comes"


@pytest.mark.parametrize(
    ("lowest", "paused", "end"),
    [
        (150.0, True, JobEnd.UNCERTAIN), (150.0, False, JobEnd.FAILED), (204.0, True, JobEnd.DRAWN),
        (204.0, False, JobEnd.DRAWN),
    ],
)  # fmt: skip
def test_a_nozzle_that_was_cold_in_a_pause_says_nothing_of_the_line(lowest: float, paused: bool, end: JobEnd) -> None:
    rig = Rig().ready()
    job = rig.start()
    path = str(job.path)
    rig.feed(rig.seen(printer=Printer.PAUSED))
    rig.wait(130)  # standby, and a resume heats first
    rig.feed(e.PushChanged(False), rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    log = Slice(whole=True, verbose=True, started=(path,), paused=(path,) if paused else ())
    for _ in range(2):
        rig.feed(e.EvidenceFound(job.id, 1, Evidence(True, History.SUCCESS, False, log, lowest)))
    assert [each.end for each in rig.ends()] == [end]
