"""Backup and restore of the whole stack."""

from __future__ import annotations

import errno
import os
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from deploy.init import house
from deploy.init.house import CannotRestore
from deploy.init.places import Owner, Places
from deploy.init.prepare import prepare
from services.chassis import backup
from services.chassis.store import FolderInUse, Schema, Store

SCHEMA = Schema("notes", ["CREATE TABLE note (text TEXT NOT NULL)"])


def opened(places: Places, service: str = "planner") -> Store:
    store = Store(places.data(service), service)
    store.open(SCHEMA)
    return store


def write(places: Places, text: str, service: str = "planner") -> None:
    store = opened(places, service)
    with store.transaction() as unit:
        unit.execute("INSERT INTO note VALUES (?)", (text,))
    store.close()


def notes(places: Places, service: str = "planner") -> list[str]:
    store = opened(places, service)
    found = [row[0] for row in store.read("SELECT text FROM note")]
    store.close()
    return found


@pytest.fixture
def said() -> list[str]:
    return []


def moved(places: Places, tmp_path: Path) -> Places:
    """Another machine: the project's folder, and no volume yet."""
    return Places(tmp_path / "new volumes", places.project, places.service_owner, places.broker_owner)


def test_a_house_moves_with_everything(places: Places, tmp_path: Path, said: list[str]) -> None:
    known = prepare(places, {})
    places.dotenv.write_text("MQTT_BIND=10.0.0.2\n")
    write(places, "drawn")
    archive = house.save(places, said.append)
    assert archive.stat().st_mode & 0o777 == 0o600
    places.dotenv.unlink()
    new = moved(places, tmp_path)
    house.restore(new, archive, said.append)
    assert notes(new) == ["drawn"]
    assert prepare(new, {}) == known
    assert new.dotenv.read_text() == "MQTT_BIND=10.0.0.2\n"
    assert "octo_bridge: has never run, nothing to save" in said


def test_a_power_loss_leaves_no_empty_archive(places: Places, said: list[str], power_loss: None) -> None:
    prepare(places, {})
    write(places, "drawn")
    assert tarfile.is_tarfile(house.save(places, said.append))


def test_a_present_dotenv_stays(places: Places, said: list[str]) -> None:
    prepare(places, {})
    places.dotenv.write_text("old\n")
    archive = house.save(places, said.append)
    places.dotenv.write_text("new\n")
    house.restore(places, archive, said.append)
    assert places.dotenv.read_text() == "new\n"
    assert ".env: there is one, left as it is" in said


def test_nothing_changes_while_a_service_runs(places: Places, said: list[str]) -> None:
    prepare(places, {})
    write(places, "saved")
    archive = house.save(places, said.append)
    write(places, "since")
    running = opened(places, "octo_bridge")
    with pytest.raises(CannotRestore, match="docker compose stop"):
        house.restore(places, archive, said.append)
    running.close()
    assert notes(places) == ["saved", "since"]


def test_a_disk_that_has_no_room_for_all_gets_none_of_it(
    places: Places, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(places, {})
    for service in ("planner", "octo_bridge"):
        write(places, "saved", service)
    archive = house.save(places, said.append)
    for service in ("planner", "octo_bridge"):
        write(places, "since", service)
    copied = backup.backup

    def no_room(database: Path, target: Path) -> None:
        if target.parent.name == "octo_bridge":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        copied(database, target)

    monkeypatch.setattr(backup, "backup", no_room)
    with pytest.raises(OSError, match="No space left"):
        house.restore(places, archive, said.append)
    assert notes(places, "planner") == notes(places, "octo_bridge") == ["saved", "since"]
    assert not list(places.volumes.rglob("*.restored"))


def test_no_service_starts_in_the_midst_of_it(places: Places, said: list[str]) -> None:
    """Docker starts what was killed again by itself."""
    prepare(places, {})
    write(places, "saved")
    archive = house.save(places, said.append)
    refused = []

    def start_one(line: str) -> None:
        if line == "planner: restored":
            with pytest.raises(FolderInUse):
                opened(places, "chat_ingest")
            refused.append(line)

    house.restore(places, archive, start_one)
    assert refused


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "notes.txt"])
def test_an_archive_with_anything_else_in_it_is_refused(
    places: Places, tmp_path: Path, said: list[str], name: str
) -> None:
    (tmp_path / "file").write_text("x")
    with tarfile.open(tmp_path / "bad.tar", "w") as bundle:
        bundle.add(tmp_path / "file", name)
    with pytest.raises(CannotRestore, match="which no backup has"):
        house.restore(places, tmp_path / "bad.tar", said.append)


def test_a_damaged_database_in_it_changes_nothing(places: Places, tmp_path: Path, said: list[str]) -> None:
    prepare(places, {})
    write(places, "kept")
    (tmp_path / "file").write_bytes(b"no database")
    with tarfile.open(tmp_path / "bad.tar", "w") as bundle:
        bundle.add(tmp_path / "file", "planner.sqlite3")
    with pytest.raises(CannotRestore, match="is no backup of a service"):
        house.restore(places, tmp_path / "bad.tar", said.append)
    assert notes(places) == ["kept"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("credentials.json", b"{"),
        ("credentials.json", b"[]"),
        ("credentials.json", b"\xff"),
        ("dotenv", b"B\xfchne=1\n"),
    ],
)
def test_damaged_credentials_or_settings_in_it_change_nothing(
    places: Places, tmp_path: Path, said: list[str], name: str, content: bytes
) -> None:
    prepare(places, {})
    write(places, "saved")
    archive = house.save(places, said.append)
    with tarfile.open(archive) as bundle:
        bundle.extractall(tmp_path / "parts", filter="data")
    (tmp_path / "parts" / name).write_bytes(content)
    with tarfile.open(tmp_path / "bad.tar", "w") as bundle:
        for path in (tmp_path / "parts").iterdir():
            bundle.add(path, path.name)
    write(places, "since")
    known = places.credentials.read_bytes()
    with pytest.raises(CannotRestore, match=r"bad\.tar cannot be put back"):
        house.restore(places, tmp_path / "bad.tar", said.append)
    assert notes(places) == ["saved", "since"]
    assert places.credentials.read_bytes() == known


def test_a_large_database_is_not_held_in_memory(places: Places, said: list[str]) -> None:
    """The container has 192 MB, and boards are kept for years."""
    prepare(places, {})
    store = opened(places)
    with store.transaction() as unit:
        unit.execute("INSERT INTO note VALUES (zeroblob(?))", (6 << 20,))
    store.close()
    archive = house.save(places, said.append)
    tracemalloc.start()
    try:
        house.restore(places, archive, said.append)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 << 20


def test_the_owner_of_a_service_gets_its_files(
    places: Places, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a new machine the volumes are root's; a service could not even lock what was restored."""
    prepare(places, {})
    write(places, "drawn")
    archive = house.save(places, said.append)
    given: dict[str, int] = {}
    monkeypatch.setattr(os, "chown", lambda path, uid, _gid, **_: given.__setitem__(Path(path).name, uid))
    new = Places(tmp_path / "new", places.project, Owner(4711, 4711), places.broker_owner)
    house.restore(new, archive, said.append)
    prepare(new, {})
    assert {given[name] for name in ("planner", "planner.sqlite3", "planner.lock", "octo_bridge")} == {4711}
