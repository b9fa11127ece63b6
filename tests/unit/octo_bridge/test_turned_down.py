"""Jobs that OctoPrint does not print: tried again, under which name, and until when."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from contracts.plan import JobEnd
from contracts.printers import Heaters, Latch
from services.octo_bridge import events as e
from services.octo_bridge.effects import DeleteFile, Gather, Submit
from services.octo_bridge.evidence import Evidence, History
from services.octo_bridge.handlers_jobs import REFUSED_MOST
from services.octo_bridge.octolog import Slice
from services.octo_bridge.reporting import ender_state
from tests.unit.octo_bridge.machine import Rig, job_id, run


def turned_down(rig: Rig, how: str) -> None:
    """OctoPrint does not print the job that was just sent to it."""
    job = rig.machine.running
    assert job is not None
    if how == "413":
        rig.feed(e.Posted(job.id, job.attempt, e.Post.NOT_SENT, "413: too large"))
    elif how == "late":
        rig.feed(e.Posted(job.id, job.attempt, e.Post.LATE, "2 s went by"))
    elif how == "stored":
        rig.feed(e.Posted(job.id, job.attempt, e.Post.STORED, "stored"))
    else:
        rig.feed(e.Posted(job.id, job.attempt, e.Post.DOUBT, "500: no space left"))
        rig.wait(1.5)
        clean = Slice(whole=True, verbose=True)
        rig.feed(e.EvidenceFound(job.id, job.attempt, Evidence(False, History.NONE, False, clean)))


@pytest.mark.parametrize("how", ["413", "500", "stored"])
def test_a_job_that_octoprint_turns_down_is_tried_less_and_less_often_and_then_a_person_is_called(how: str) -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    sent: list[float] = []
    end = rig.mono + 600
    while rig.mono < end:
        rig.hot()
        if rig.machine.running is not None:
            sent.append(rig.mono)
            turned_down(rig, how)
            reason = ender_state(rig.machine, rig.now, rig.settings).reason
            assert len(sent) == 1 or "turned" in (reason or ""), "what it waits for is shown"
        rig.wait(0.5)
    assert len(sent) == REFUSED_MOST
    pauses = [after - before for before, after in pairwise(sent)]
    assert pauses == sorted(pauses)
    assert pauses[-1] >= 8
    assert rig.latch() is Latch.PAUSE
    assert "problem" in rig.said()
    assert rig.mode() is not Heaters.HOT
    rig.effects.clear()
    rig.command("resume")
    rig.wait(1)
    rig.hot()
    rig.wait(1)
    assert len(rig.of(Submit)) == 1


def test_what_octoprint_turned_down_before_counts_no_more_when_it_has_taken_one() -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    for _ in range(3):
        turned_down(rig, "413")
        rig.wait(10)
    job = rig.machine.running
    assert job is not None
    rig.feed(e.Posted(job.id, job.attempt, e.Post.TAKEN))
    assert (rig.machine.jobs[0].refusals, rig.machine.jobs[0].refusal) == (0, None)


def test_the_name_of_an_upload_that_was_never_answered_stays_taken() -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    turned_down(rig, "500")
    rig.wait(3)
    job = rig.machine.running
    assert job is not None
    rig.printing(job)
    rig.feed(e.Posted(job.id, job.attempt, e.Post.TAKEN), rig.seen(), e.Happened(e.Happening.DONE, job.path))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]
    assert rig.of(DeleteFile) == [], "the first upload may still come"


def test_an_upload_without_any_answer_is_doubted_in_the_end() -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    rig.wait(rig.settings.upload_timeout * 2)
    assert rig.doubt() is None
    rig.wait(rig.settings.upload_timeout * 2)
    assert rig.doubt() is not None
    assert rig.of(Gather)


@pytest.mark.parametrize("restart", [False, True])
def test_a_name_of_which_an_upload_may_still_come_is_never_deleted(restart: bool) -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    turned_down(rig, "500")
    if restart:
        (job,) = rig.machine.jobs
        rig.machine = replace(rig.machine, jobs=(replace(job, unanswered=job.path is not None),))
    rig.wait(3)
    turned_down(rig, "stored")
    rig.wait(5)
    assert rig.of(DeleteFile) == []
    assert [submit.path[-8:] for submit in rig.of(Submit)] == ["a1.gcode", "a1.gcode", "a2.gcode"]


@pytest.mark.parametrize("post", [e.Post.LATE, e.Post.NOT_SENT])
def test_what_was_not_sent_keeps_the_name_that_it_had(post: e.Post) -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    first = rig.of(Submit)[-1].path
    rig.machine = rig.machine.keep(folder="boardcast/another")
    rig.feed(e.Posted(job_id(1), 1, post, "why"))
    rig.wait(3)
    assert rig.of(Submit)[-1].path == first


@pytest.mark.parametrize("how", ["413", "500", "stored", "late"])
def test_a_cancel_reaches_a_job_that_octoprint_does_not_print(how: str) -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    rig.command("cancel")
    turned_down(rig, how)
    assert [end.end for end in rig.ends()] == [JobEnd.CANCELLED]
    rig.command("resume")
    rig.effects.clear()
    rig.wait(5)
    assert rig.of(Submit) == []


@pytest.mark.parametrize("how", ["413", "500", "stored"])
def test_a_plate_stays_bare_when_the_job_was_not_printed(how: str) -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    rig.settings = rig.settings.model_copy(update={"temperature_tolerance": 5})
    before = rig.machine.running
    assert before is not None
    assert before.bare
    rig.command("pause")
    turned_down(rig, how)
    assert rig.machine.kept.bare
