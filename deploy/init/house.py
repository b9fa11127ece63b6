"""Backup and restore of the whole stack: one archive with every service's database, the credentials and `.env`."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from deploy.init import credentials
from deploy.init.places import SERVICES, Owner, Places, write
from deploy.init.prepare import folders
from services.chassis import backup
from services.chassis.store import FolderInUse, Store

FOLDER = "backups"
_CREDENTIALS = "credentials.json"
_DOTENV = "dotenv"


class CannotRestore(RuntimeError):
    """An archive that is not put back; nothing was changed."""


def save(places: Places, say: Callable[[str], None]) -> Path:
    """Write an archive into the folder `backups`; services may run. Raises OSError or sqlite3.Error.

    Each database is copied at one moment of its own; the links between the services settle what lies between two.
    """
    folder = places.project / FOLDER
    folder.mkdir(exist_ok=True)
    places.project_owner.take(folder, 0o700)
    target = folder / f"boardcast-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"
    unfinished = target.with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    with tempfile.TemporaryDirectory(dir=folder) as scratch, tarfile.open(unfinished, "w") as archive:
        for service in SERVICES:
            database = Store(places.data(service), service).path
            if not database.exists():
                say(f"{service}: has never run, nothing to save")
                continue
            copy = Path(scratch) / database.name
            backup.backup(database, copy)
            archive.add(copy, database.name)
        for path, name in ((places.credentials, _CREDENTIALS), (places.dotenv, _DOTENV)):
            if path.exists():
                archive.add(path, name)
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    places.project_owner.take(unfinished, 0o600)
    unfinished.replace(target)
    return target


def restore(places: Places, archive: Path, say: Callable[[str], None]) -> None:
    """Put back what *archive* holds; a present `.env` stays.

    Raises CannotRestore, OSError or sqlite3.Error before anything is changed: whatever may be refused or lack room
    comes first, for all services, and none of them can start before the last is in its place.
    """
    with tempfile.TemporaryDirectory(dir=places.project) as scratch, ExitStack() as held:
        found = _unpack(archive, Path(scratch))
        folders(places)
        put_back = _ready(places, found, held)
        for service in SERVICES:
            if service in put_back:
                put_back[service]()
                say(f"{service}: restored")
            else:
                say(f"{service}: not in the archive, left as it is")
        if _CREDENTIALS in found:
            _put(found[_CREDENTIALS], places.credentials, places.service_owner)
        if _DOTENV in found and not places.dotenv.exists():
            _put(found[_DOTENV], places.dotenv, places.project_owner)
        elif _DOTENV in found:
            say(".env: there is one, left as it is")


def _unpack(archive: Path, folder: Path) -> dict[str, Path]:
    """The files of the archive by name, each checked. Only names that a backup has are looked at."""
    known = {_CREDENTIALS, _DOTENV, *(f"{service}.sqlite3" for service in SERVICES)}
    found = {}
    try:
        with tarfile.open(archive) as bundle:
            for member in bundle.getmembers():
                data = bundle.extractfile(member) if member.isfile() and member.name in known else None
                if data is None:
                    raise CannotRestore(f"{archive.name} holds '{member.name}', which no backup has")
                found[member.name] = folder / member.name
                with found[member.name].open("wb") as file:
                    shutil.copyfileobj(data, file)
        for name, path in found.items():
            if name.endswith(".sqlite3"):
                backup.check(path)
        if _CREDENTIALS in found:
            credentials.read(found[_CREDENTIALS])
        if _DOTENV in found:
            found[_DOTENV].read_text(encoding="utf-8")
    except (OSError, tarfile.TarError, UnicodeDecodeError, backup.BadBackup, credentials.Damaged) as error:
        raise CannotRestore(f"{archive.name} cannot be put back: {error}") from error
    return found


def _ready(places: Places, found: Mapping[str, Path], held: ExitStack) -> dict[str, Callable[[], None]]:
    """What puts back each service of the archive; *held* keeps all services from running."""
    put_back: dict[str, Callable[[], None]] = {}
    for service in SERVICES:
        copy, folder = found.get(f"{service}.sqlite3"), places.data(service)
        try:
            if copy is None:
                held.enter_context(Store(folder, service).locked())
            else:
                put_back[service] = held.enter_context(backup.ready(copy, folder, service))
        except FolderInUse as error:
            raise CannotRestore("a service runs; stop them first: docker compose stop") from error
    return put_back


def _put(source: Path, target: Path, owner: Owner) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    write(target, source.read_text(encoding="utf-8"), owner)
