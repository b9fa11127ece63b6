"""The journal: what a restart finds, and what it makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.board import Plate
from contracts.plan import JobEnd, JobEnded
from contracts.printers import Latch
from services.chassis.store import Schema, Store
from services.octo_bridge.journal import SCHEMA, Journal, restored
from services.octo_bridge.state import Armed, Job, Kept, Machine, Phase
from tests.unit.octo_bridge.machine import BOOT, job_id, run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path, "octo_bridge")
    store.open(SCHEMA)
    yield store
    store.close()


def save(store: Store, before: Machine | None, after: Machine) -> None:
    with store.transaction() as unit:
        Journal(store).save(unit, before, after)


KEPT = Kept(
    epoch=7, plate=Plate.KNOWN, bare=True, latch=Latch.CANCEL, latch_reason="cancelled by x", stopping=True,
    armed=Armed(BOOT, 123.5, datetime(2026, 1, 1, tzinfo=UTC)), planner="aaaaaaaa", refused_planner="bbbbbbbb",
    last_drawn="x", mark="mark", folder="boardcast/a", old_folders=("boardcast/b",), contacted=True, last_board=3,
)  # fmt: skip


def test_everything_kept_comes_back(store: Store) -> None:
    sending = Job(run(1), Phase.SENDING, 3, "boardcast/a/j-a3.gcode", "mark", True, "it was reset")
    save(store, None, Machine(kept=KEPT, jobs=(sending, Job(run(2)))))
    kept, jobs = Journal(store).load()
    assert kept == KEPT
    assert jobs == (replace(sending, doubt=jobs[0].doubt, preamble=True, unanswered=True), Job(run(2)))
    assert jobs[0].doubt is not None


def test_only_what_changed_is_written(store: Store) -> None:
    before = Machine(kept=KEPT, jobs=(Job(run(1)), Job(run(2))))
    save(store, None, before)
    after = replace(before, jobs=(replace(before.jobs[0], phase=Phase.STARTED, doubt="?", progress=0.5), Job(run(3))))
    save(store, before, after)
    _, jobs = Journal(store).load()
    assert [(job.run.ordinal, job.phase) for job in jobs] == [
        (1, Phase.STARTED), (2, Phase.ACCEPTED), (3, Phase.ACCEPTED),
    ]  # fmt: skip


def test_a_journal_of_before_is_read_on(tmp_path: Path) -> None:
    store = Store(tmp_path, "octo_bridge")
    store.open(Schema(SCHEMA.part, SCHEMA.steps[:1]))
    with store.transaction() as unit:
        unit.execute(
            "INSERT INTO job (job_id, run, phase, attempt, path, recovery) VALUES ('j', ?, 'sending', 1, 'p', 0)",
            (run(1).model_dump_json(by_alias=True),),
        )
    store.close()
    store = Store(tmp_path, "octo_bridge")
    store.open(SCHEMA)
    _, (job,) = Journal(store).load()
    assert (job.phase, job.path, job.blind) == (Phase.SENDING, "p", None)
    store.close()


def test_that_a_job_must_not_go_on_is_written_down_as_soon_as_it_is_known(store: Store) -> None:
    before = Machine(kept=KEPT, jobs=(Job(run(1), Phase.STARTED, path="p"),))
    save(store, None, before)
    save(store, before, replace(before, jobs=(replace(before.jobs[0], blind="it was reset"),)))
    _, (job,) = Journal(store).load()
    assert job.blind == "it was reset"


def test_an_end_is_remembered_and_the_job_is_gone(store: Store) -> None:
    save(store, None, Machine(kept=KEPT, jobs=(Job(run(1)),)))
    journal = Journal(store)
    end = JobEnded(job_id=job_id(1), move_id="1-1", end=JobEnd.DRAWN, epoch=7, time=datetime(2026, 1, 1, tzinfo=UTC))
    refused = end.model_copy(update={"job_id": "never-taken", "end": JobEnd.REFUSED})
    with store.transaction() as unit:
        journal.save_end(unit, end)
        journal.save_end(unit, refused)
        journal.prune(unit)
    assert journal.load()[1] == ()
    assert journal.ended(job_id(1)) == end
    assert journal.ended("never-taken") == refused
    assert journal.ended("unknown") is None


@pytest.mark.parametrize(("boot", "armed"), [(BOOT, True), ("another-boot", False), (None, False)])
def test_arming_survives_the_bridge_and_not_a_reboot(boot: str | None, armed: bool) -> None:
    machine = restored(KEPT, (), boot, 10.0)
    assert (machine.kept.armed is not None) is armed


def test_a_restart_begins_cautiously() -> None:
    machine = restored(KEPT, (), BOOT, 10.0)
    assert not machine.position_known
    assert machine.heat.mode.value == "off"
    assert machine.first_contact
    assert machine.kept.latch is Latch.CANCEL
    assert machine.kept.folder not in (KEPT.folder, *KEPT.old_folders)
    assert machine.kept.old_folders == ("boardcast/b", "boardcast/a")


def test_fresh_data_know_nothing() -> None:
    machine = restored(None, (), BOOT, 10.0)
    assert machine.kept.plate is Plate.UNKNOWN
    assert machine.kept.armed is None
    assert machine.kept.old_folders == ()


def test_answers_are_forgotten_in_time_while_the_bridge_runs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.octo_bridge.journal.ENDS_KEPT", 10)
    monkeypatch.setattr("services.octo_bridge.journal.PRUNE_EVERY", 5)
    journal = Journal(store)
    for number in range(1, 51):
        end = JobEnded(job_id=job_id(number), move_id=f"1-{number}", end=JobEnd.DRAWN, epoch=1, time=datetime.now(UTC))
        with store.transaction() as unit:
            journal.save_end(unit, end)
    assert store.read("SELECT count(*) FROM job") == [(10,)]
    assert journal.ended(job_id(50)) is not None


def test_a_latch_is_on_the_disk_with_the_step_that_set_it(store: Store) -> None:
    before = Machine(kept=replace(KEPT, latch=Latch.NONE, latch_reason=None))
    save(store, None, before)
    save(store, before, replace(before, kept=replace(before.kept, latch=Latch.STOP, latch_reason="stopped by x")))
    kept, _ = Journal(store).load()
    assert kept is not None
    assert (kept.latch, kept.latch_reason) == (Latch.STOP, "stopped by x")
