"""A restored database: what was on its way is uncertain, and nothing of the past is drawn again."""

from __future__ import annotations

from pathlib import Path

from contracts.board import Plate
from contracts.plan import JobEnd
from services.chassis import backup
from services.chassis.store import Store
from services.octo_bridge import events as e
from services.octo_bridge import journal
from services.octo_bridge.effects import Submit
from tests.unit.octo_bridge.machine import Rig, job_id, run


def test_a_job_on_its_way_becomes_uncertain_and_so_does_what_waits() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.RunTaken(run(2, epoch=rig.machine.kept.epoch, after=job.id)))
    epoch = rig.machine.kept.epoch
    rig.feed(e.Restored())
    assert [(end.job_id, end.end) for end in rig.ends()] == [(job.id, JobEnd.UNCERTAIN), (job_id(2), JobEnd.UNCERTAIN)]
    assert rig.machine.kept.epoch > epoch + 100, "a forgotten epoch never comes again"
    assert rig.plate() is Plate.UNKNOWN
    assert rig.machine.kept.armed is None
    rig.hot()
    rig.wait(30)
    assert not rig.of(Submit)


def test_the_marker_goes_with_the_file_and_is_forgotten_with_its_consequences(tmp_path: Path) -> None:
    store = Store(tmp_path, "octo_bridge")
    store.open(journal.SCHEMA)
    assert not store.restored()
    backup.backup(store.path, tmp_path / "copy")
    store.close()
    backup.restore(tmp_path / "copy", tmp_path, "octo_bridge")
    store.open(journal.SCHEMA)
    assert store.restored()
    with store.transaction() as unit:
        store.forget_restored(unit)
    store.close()
    store.open(journal.SCHEMA)
    assert not store.restored()
    store.close()
