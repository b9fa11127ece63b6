"""Other people's jobs: seen live, found in the log, printed from a file of ours; and what may be confirmed then."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.board import Plate
from contracts.plan import ControlWord, JobEnd, MachineNotice
from contracts.printers import Latch, Link
from services.chassis.store import Store
from services.octo_bridge import events as e
from services.octo_bridge.effects import JobAction, ReadLog, Submit, Tell
from services.octo_bridge.evidence import Evidence, History
from services.octo_bridge.journal import ON_THEIR_WAY, SCHEMA, Journal
from services.octo_bridge.octolog import Slice
from services.octo_bridge.state import Job, Kept, Machine, Phase, Printer
from tests.unit.octo_bridge.machine import Rig, run

OTHER = e.Seen(Printer.PRINTING, path="other.gcode", port="VIRTUAL", polled=True)


def drawn(rig: Rig, number: int = 1) -> Job:
    job = rig.start(number)
    rig.feed(e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL))
    rig.effects.clear()
    return job


def log(rig: Rig, *started: str | None) -> None:
    rig.feed(e.LogRead(f"mark-{rig.mono}", Slice(whole=True, started=tuple(path for path in started if path))))


def test_a_foreign_job_during_an_outage_is_found_in_the_log() -> None:
    rig = Rig().ready()
    drawn(rig)
    rig.feed(e.Unreachable(Link.NO_OCTOPRINT, "the network"))
    rig.wait(60, watched=False)
    rig.feed(rig.seen())
    log(rig, "other.gcode")
    assert (rig.latch(), rig.plate()) == (Latch.FOREIGN, Plate.UNKNOWN)
    assert not rig.machine.foreign


@pytest.mark.parametrize("printer", [Printer.STARTING, Printer.PRINTING, Printer.PAUSED, Printer.FINISHING])
def test_one_that_still_runs_is_waited_for(printer: Printer) -> None:
    rig = Rig().ready()
    rig.machine = rig.machine.see(printer=printer, path="boardcast/old/x-a1.gcode", caught_up=False)
    log(rig, "boardcast/old/x-a1.gcode")
    assert rig.machine.foreign


def test_a_foreign_job_seen_live_is_not_found_again_in_the_log() -> None:
    rig = Rig().ready()
    rig.feed(OTHER)
    rig.mono += 60
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    assert rig.of(ReadLog), "no fresh mark behind it"
    rig.command("resume")
    epoch = rig.machine.kept.epoch
    log(rig, "other.gcode")
    assert (rig.latch(), rig.machine.kept.epoch) == (Latch.NONE, epoch)
    log(rig, "other.gcode")  # once more, which nobody saw
    assert rig.latch() is Latch.FOREIGN


def test_own_jobs_are_accounted_for_once_and_a_file_of_theirs_printed_again_is_not() -> None:
    rig = Rig().ready()
    job = drawn(rig)
    log(rig, job.path)
    assert rig.latch() is Latch.NONE
    log(rig, job.path)
    assert (rig.latch(), rig.plate()) == (Latch.FOREIGN, Plate.UNKNOWN)


def test_an_own_file_that_somebody_prints_again_is_seen_in_the_picture() -> None:
    rig = Rig().ready()
    job = drawn(rig)
    rig.wait(1)
    rig.feed(rig.seen(printer=Printer.PRINTING, path=job.path))
    assert not rig.machine.foreign, "the picture lags"
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    rig.feed(rig.seen(printer=Printer.PRINTING, path=job.path))
    assert rig.latch() is Latch.NONE, "the answer to a poll may be as old as its deadline"
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    rig.feed(rig.seen(printer=Printer.PRINTING, path=job.path, polled=False))
    assert rig.machine.foreign


def test_the_journal_knows_which_jobs_were_sent_since_the_mark(tmp_path: Path) -> None:
    store = Store(tmp_path, "octo_bridge")
    store.open(SCHEMA)
    jobs = (
        Job(run(1), Phase.SENDING, path="boardcast/a/1", mark="old"),
        Job(run(2), Phase.SENDING, path="boardcast/a/2", mark="new"),
        *(Job(run(n), Phase.SENDING, path=f"boardcast/a/{n}", mark="old") for n in range(3, 3 + ON_THEIR_WAY)),
        Job(run(99)),
    )
    with store.transaction() as unit:
        Journal(store).save(unit, None, Machine(kept=Kept(), jobs=jobs))
    on_their_way = tuple(f"boardcast/a/{n}" for n in range(3, 3 + ON_THEIR_WAY))
    assert Journal(store).sent_since("new") == ("boardcast/a/2", *on_their_way)
    assert Journal(store).sent_since(None) == on_their_way
    store.close()


def test_an_empty_plate_is_not_confirmed_while_a_foreign_job_prints() -> None:
    rig = Rig().ready()
    rig.feed(OTHER)
    rig.effects.clear()
    rig.control(ControlWord.CONFIRM_EMPTY)
    assert (rig.plate(), rig.machine.kept.bare) == (Plate.UNKNOWN, False)
    (tell,) = rig.of(Tell)
    assert isinstance(tell.body, MachineNotice)
    assert "wait for the end" in (tell.body.reason or "")
    early = rig.machine.kept.epoch
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.control(ControlWord.CONFIRM_EMPTY, epoch=early)
    assert rig.plate() is Plate.UNKNOWN
    rig.control(ControlWord.CONFIRM_EMPTY)
    assert (rig.plate(), rig.machine.kept.bare) == (Plate.KNOWN, True)


def test_an_empty_plate_is_not_confirmed_while_the_own_job_draws() -> None:
    rig = Rig().ready()
    rig.start()
    rig.control(ControlWord.CONFIRM_EMPTY)
    assert not rig.machine.kept.bare
    assert rig.plate() is Plate.KNOWN


def test_nothing_is_sent_before_the_fresh_mark_is_there() -> None:
    rig = Rig().ready()
    rig.feed(OTHER)
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.control(ControlWord.CONFIRM_EMPTY)
    rig.command("resume")
    rig.feed(e.RunTaken(run(1, epoch=rig.machine.kept.epoch)))
    rig.hot()
    assert not rig.of(Submit)
    log(rig, "other.gcode")
    rig.hot()
    assert rig.of(Submit)


def test_one_found_in_the_log_hides_no_later_one() -> None:
    rig = Rig().ready()
    log(rig, "other.gcode")
    rig.command("resume")
    log(rig, "other.gcode")
    assert rig.latch() is Latch.FOREIGN


def test_one_seen_twice_by_a_picture_that_lags_hides_no_later_one() -> None:
    rig = Rig().ready()
    rig.feed(OTHER, rig.seen(printer=Printer.OPERATIONAL), OTHER, rig.seen(printer=Printer.OPERATIONAL))
    rig.command("resume")
    log(rig, "other.gcode")
    assert rig.latch() is Latch.NONE
    log(rig, "other.gcode")
    assert rig.latch() is Latch.FOREIGN


def test_an_own_file_that_no_job_claims_is_somebody_elses_after_a_while() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Restored())
    assert [end.end for end in rig.ends()] == [JobEnd.UNCERTAIN]
    rig.printing(job, 20)
    rig.wait(9)
    assert rig.latch() is Latch.NONE
    rig.wait(2)
    assert rig.latch() is Latch.FOREIGN
    assert rig.machine.foreign, "nobody else would watch its end"


@pytest.mark.parametrize("printer", [Printer.FINISHING, Printer.CANCELLING])
def test_one_that_is_about_to_end_is_not(printer: Printer) -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Restored())
    rig.feed(rig.seen(printer=printer, path=job.path))
    rig.wait(30)
    assert not rig.machine.foreign


def test_a_plate_on_which_somebody_else_has_printed_is_not_bare_again_with_a_job_that_was_not() -> None:
    rig = Rig().ready()
    rig.feed(e.RunTaken(run(1)))
    rig.hot()
    job = rig.machine.running
    assert job is not None
    assert job.bare
    rig.feed(e.Posted(job.id, 1, e.Post.DOUBT, "timed out"), OTHER)
    rig.feed(rig.seen(printer=Printer.OPERATIONAL, path=None))
    rig.feed(e.EvidenceFound(job.id, 1, Evidence(False, History.NONE, False, Slice(whole=True, verbose=True))))
    assert rig.machine.running is None
    assert not rig.machine.kept.bare


@pytest.mark.parametrize("why", ["cancel", "reset"])
def test_somebody_elses_job_is_not_cancelled_for_one_whose_end_was_not_heard_of(why: str) -> None:
    rig = Rig().ready()
    job = rig.start()
    if why == "reset":
        rig.feed(e.Happened(e.Happening.RESET, idle=True))
    rig.feed(e.PushChanged(False), rig.seen(printer=Printer.PRINTING, path="other.gcode"))
    rig.effects.clear()
    if why == "cancel":
        rig.command("cancel")
    rig.wait(5)
    assert not rig.of(JobAction)
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(3)
    rig.feed(e.EvidenceFound(job.id, 1, Evidence(True, History.FAILURE, False, Slice(whole=True))))
    assert [end.end for end in rig.ends()] == [JobEnd.CANCELLED if why == "cancel" else JobEnd.FAILED]
