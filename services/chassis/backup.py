"""Copies of a service's database: made while the service runs, and put back while it does not."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from services.chassis.store import RESTORED, Schema, Store


class BadBackup(RuntimeError):
    """A file that cannot be put back."""


def backup(database: Path, target: Path) -> None:
    """Copy *database* as it is at one moment to *target*, which must not exist; its service may run.

    Raises FileNotFoundError, FileExistsError, OSError or sqlite3.Error.
    """
    if not database.is_file():
        raise FileNotFoundError(f"there is no database at {database}")
    # Private from the first byte, and never over a backup that is already there.
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        _copy(database, target)
    except BaseException:
        target.unlink()  # half a copy would look like one, and be in the way of the next
        raise


def _copy(database: Path, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(database)) as source, contextlib.closing(sqlite3.connect(target)) as copy:
        source.execute("PRAGMA busy_timeout=5000")
        source.backup(copy)
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")


def check(copy: Path, schemas: Sequence[Schema] | None = None) -> None:
    """Raise BadBackup unless *copy* is a whole database of a service: of one that has *schemas*, if they are given."""
    try:
        with contextlib.closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
            parts = connection.execute("SELECT part, version FROM schema_version").fetchall()
    except sqlite3.Error as error:
        raise BadBackup(f"{copy} is no backup of a service: {error}") from error
    if verdict != "ok":
        raise BadBackup(f"{copy} is damaged: {verdict}")
    if schemas is None:
        return
    known = {schema.part: len(schema.steps) for schema in schemas}
    for part, version in parts:
        if part not in known:
            raise BadBackup(
                f"{copy} is another service's, or a newer Boardcast's: it has {part}, which is unknown here"
            )
        if version > known[part]:
            raise BadBackup(f"{copy} was written by a newer Boardcast ({part} version {version}); update the program")


def restore(copy: Path, folder: Path, name: str, schemas: Sequence[Schema] | None = None) -> None:
    """Put *copy* in the place of the database of service *name* in *folder*, whose service must not run.

    With *schemas* only if the service could go on with it. Raises BadBackup, FolderInUse, or OSError / sqlite3.Error.
    """
    with ready(copy, folder, name, schemas) as put_back:
        put_back()


@contextlib.contextmanager
def ready(copy: Path, folder: Path, name: str, schemas: Sequence[Schema] | None = None) -> Iterator[Callable[[], None]]:
    """All of restore() that can be refused or lack room; the rest of it is what is given, for several to go together.

    The service cannot start meanwhile. Raises what restore() does.
    """
    check(copy, schemas)
    with Store(folder, name).locked() as database:
        new = database.with_suffix(".restored")
        new.unlink(missing_ok=True)
        try:
            backup(copy, new)
            with contextlib.closing(sqlite3.connect(new)) as marked:
                marked.execute(f"PRAGMA user_version = {RESTORED}")
            owner = folder.stat()
            for file in (new, database.with_suffix(".lock")):  # whoever restores may be another user than the service
                os.chown(file, owner.st_uid, owner.st_gid)
            yield partial(_put_back, new, database)
        finally:
            new.unlink(missing_ok=True)


def _put_back(new: Path, database: Path) -> None:
    # After a kill the newest commits are in the log alone. It must not be replayed into the new database; and until
    # that is in place, the old one must not have lost them: a kill in between would leave neither.
    if database.exists():
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(database)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    new.replace(database)
