"""A copy is made while its service writes, and is put back only where nothing else is at work."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from services.chassis import backup
from services.chassis.backup import BadBackup
from services.chassis.bus.port import Presence
from services.chassis.runner import Definition, copy
from services.chassis.settings import ChassisSettings
from services.chassis.store import FolderInUse, Schema, Store

SCHEMA = Schema("notes", ["CREATE TABLE note (text TEXT NOT NULL)"])


def opened(folder: Path) -> Store:
    store = Store(folder, "planner")
    store.open(SCHEMA)
    return store


def note(store: Store, text: str) -> None:
    with store.transaction() as unit:
        unit.execute("INSERT INTO note VALUES (?)", (text,))


def notes(folder: Path) -> list[str]:
    store = opened(folder)
    try:
        return [row[0] for row in store.read("SELECT text FROM note")]
    finally:
        store.close()


def test_a_backup_of_a_running_service_has_everything_committed_and_nothing_else(tmp_path: Path) -> None:
    store = opened(tmp_path / "data")
    note(store, "committed")
    saved = tmp_path / "copy"
    with store.transaction() as unit:
        unit.execute("INSERT INTO note VALUES ('in the middle')")
        backup.backup(store.path, saved)
    note(store, "later")
    store.close()
    backup.restore(saved, tmp_path / "data", "planner")
    assert notes(tmp_path / "data") == ["committed"]
    assert saved.stat().st_mode & 0o777 == 0o600


def test_a_restore_goes_into_an_empty_folder_too(tmp_path: Path) -> None:
    store = opened(tmp_path / "old")
    note(store, "moved")
    backup.backup(store.path, tmp_path / "copy")
    store.close()
    backup.restore(tmp_path / "copy", tmp_path / "new", "planner")
    assert notes(tmp_path / "new") == ["moved"]


@pytest.mark.parametrize("name", ["before #2", "why?", "100%41", "Bühne"])
def test_a_backup_may_have_any_name(tmp_path: Path, name: str) -> None:
    store = opened(tmp_path / "data")
    note(store, "saved")
    backup.backup(store.path, tmp_path / name)
    store.close()
    backup.restore(tmp_path / name, tmp_path / "new", "planner")
    assert notes(tmp_path / "new") == ["saved"]


def test_nothing_is_put_under_a_running_service(tmp_path: Path) -> None:
    store = opened(tmp_path / "data")
    backup.backup(store.path, tmp_path / "copy")
    note(store, "since")
    with pytest.raises(FolderInUse, match="stop it"):
        backup.restore(tmp_path / "copy", tmp_path / "data", "planner")
    store.close()
    assert notes(tmp_path / "data") == ["since"]


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + bytes(4000)])
def test_what_is_no_backup_replaces_nothing(tmp_path: Path, content: bytes) -> None:
    store = opened(tmp_path / "data")
    note(store, "kept")
    store.close()
    (tmp_path / "copy").write_bytes(content)
    with pytest.raises(BadBackup, match="is no backup"):
        backup.restore(tmp_path / "copy", tmp_path / "data", "planner")
    assert notes(tmp_path / "data") == ["kept"]


@pytest.mark.parametrize(
    ("schema", "why"),
    [(Schema("heater", ["CREATE TABLE heater (x)"]), "another service's"),
     (Schema("notes", [*SCHEMA.steps, "CREATE TABLE more (x)"]), "by a newer Boardcast")],
)  # fmt: skip
def test_what_the_service_could_not_go_on_with_replaces_nothing(tmp_path: Path, schema: Schema, why: str) -> None:
    other = Store(tmp_path / "other", "other")
    other.open(schema)
    backup.backup(other.path, tmp_path / "copy")
    other.close()
    store = opened(tmp_path / "data")
    note(store, "kept")
    store.close()
    definition = Definition[ChassisSettings](
        "planner", "", ChassisSettings, [SCHEMA], lambda _: Presence("a"), lambda _: pytest.fail("not to be run")
    )
    assert copy(definition, ChassisSettings(data_dir=tmp_path / "data"), "restore", [str(tmp_path / "copy")]) == 1
    assert notes(tmp_path / "data") == ["kept"]
    with pytest.raises(BadBackup, match=why):
        backup.restore(tmp_path / "copy", tmp_path / "data", "planner", [SCHEMA])


def test_a_backup_never_replaces_a_file(tmp_path: Path) -> None:
    store = opened(tmp_path / "data")
    (tmp_path / "copy").write_text("last week's")
    with pytest.raises(FileExistsError):
        backup.backup(store.path, tmp_path / "copy")
    store.close()
    assert (tmp_path / "copy").read_text() == "last week's"


def test_a_restore_that_is_killed_has_taken_nothing_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service was killed as well: its newest commits are in the log beside the database alone."""
    store = opened(tmp_path / "running")
    note(store, "saved")
    backup.backup(store.path, tmp_path / "copy")
    note(store, "since")
    shutil.copytree(tmp_path / "running", tmp_path / "data")
    store.close()

    def killed(_path: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            backup.restore(tmp_path / "copy", tmp_path / "data", "planner")
    assert notes(tmp_path / "data") == ["saved", "since"]
    backup.restore(tmp_path / "copy", tmp_path / "data", "planner")
    assert notes(tmp_path / "data") == ["saved"]


def test_a_damaged_database_is_replaced_all_the_same(tmp_path: Path) -> None:
    store = opened(tmp_path / "data")
    note(store, "saved")
    backup.backup(store.path, tmp_path / "copy")
    store.close()
    store.path.write_bytes(b"no database at all")
    backup.restore(tmp_path / "copy", tmp_path / "data", "planner")
    assert notes(tmp_path / "data") == ["saved"]


def test_a_copy_that_could_not_be_finished_is_not_left_behind(tmp_path: Path) -> None:
    store = opened(tmp_path / "data")
    store.close()
    whole = store.path.read_bytes()
    store.path.write_bytes(b"damaged")
    with pytest.raises(sqlite3.DatabaseError):
        backup.backup(store.path, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    store.path.write_bytes(whole)
    backup.backup(store.path, tmp_path / "copy")
