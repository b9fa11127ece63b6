"""One SQLite database a service: what it has promised survives kill -9 and power loss.

WAL with synchronous=FULL: a commit is on the disk when it returns. Only the event loop's thread touches it.
"""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from services.chassis import log
from services.chassis.bus.callbacks import guarded

_log = log.get(__name__)
RESTORED = 1
"""SQLite's user_version of a database that was put back from a backup: it goes with the file, whoever copies it."""
CACHE_KB = 512
"""What SQLite keeps of the file in memory; its own default of 2 MB fills up over weeks and looks like a leak."""
T = TypeVar("T")

_OF_THE_STORE = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}  # fmt: skip


def is_store_failure(error: BaseException) -> bool:
    """Whether the disk or the database is at fault, so that the same work may succeed later.

    Everything else that SQLite raises (a violated constraint, a wrong statement) is the program's own defect and would
    be raised again for ever.
    """
    code = getattr(error, "sqlite_errorcode", None)  # absent from what the sqlite3 module raises by itself
    if code is None:
        return isinstance(error, sqlite3.OperationalError)
    return (code & 0xFF) in _OF_THE_STORE


class FolderInUse(RuntimeError):
    """Another process holds the data folder."""


class NewerData(RuntimeError):
    """The data folder was written by a newer program."""


@dataclass(frozen=True)
class Schema:
    """The tables of one part of a service, as the steps that lead to them; steps are only ever appended."""

    part: str
    steps: Sequence[str]


class Unit:
    """One transaction: everything in it happens, or nothing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._before: list[Callable[[], None]] = []
        self._after: list[Callable[[], None]] = []
        self._drafts: dict[object, Any] = {}

    def draft(self, owner: object, committed: T) -> T:
        """What *owner* last set in this transaction, *committed* when it has set nothing."""
        found: T = self._drafts.get(owner, committed)
        return found

    def set_draft(self, owner: object, value: object) -> None:
        """Keep what *owner* will hold after the commit; undone together with the rows when a part fails."""
        self._drafts[owner] = value

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement within the transaction. Raises sqlite3.OperationalError when that has ended."""
        # A full disk makes SQLite end the transaction by itself; what came after would be committed on its own.
        if not self._connection.in_transaction:
            raise sqlite3.OperationalError("the transaction has ended; nothing of it is on the disk")
        return self._connection.execute(sql, parameters)

    def before_commit(self, action: Callable[[], None]) -> None:
        """Have *action* write once, as the transaction's last, what many steps have drafted."""
        self._before.append(action)

    def after_commit(self, action: Callable[[], None]) -> None:
        """Have *action* called once the transaction is on the disk, in the order asked for; never if it fails."""
        self._after.append(action)

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the transaction that may fail by itself: what it did is undone, the rest stays."""
        before, after, drafts = len(self._before), len(self._after), dict(self._drafts)
        self.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have ended the whole transaction already
                self._connection.execute("ROLLBACK TO part")
                self._connection.execute("RELEASE part")
            del self._before[before:], self._after[after:]
            self._drafts = drafts
            raise
        self.execute("RELEASE part")

    def committing(self) -> None:
        """Do what was to be done before the commit."""
        for action in self._before:
            action()

    def committed(self) -> None:
        """Call what was to be called after the commit."""
        for action in self._after:
            guarded(action)


class Store:
    """The database of one service in its data folder, which no other process may use meanwhile."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._lock: IO[str] | None = None
        self._connection: sqlite3.Connection | None = None
        self._unit: Unit | None = None
        self._file: tuple[int, int] | None = None

    @property
    def path(self) -> Path:
        """The database file."""
        return self._folder / f"{self._name}.sqlite3"

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self._folder

    def open(self, *schemas: Schema) -> None:
        """Lock the folder, open the database and bring the tables up to date.

        Raises FolderInUse, NewerData, or OSError / sqlite3.Error when the folder cannot be used.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = self._take_lock()
        try:
            self._open_database(schemas)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def locked(self) -> Iterator[Path]:
        """The database file, closed, while no other process may use the folder. Raises FolderInUse or OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = self._take_lock()
        try:
            yield self.path
        finally:
            lock.close()

    def _open_database(self, schemas: Sequence[Schema]) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=True)
        self._connection = connection
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA busy_timeout=5000")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KB}")
        with self.transaction() as unit:
            unit.execute("CREATE TABLE IF NOT EXISTS schema_version (part TEXT PRIMARY KEY, version INTEGER NOT NULL)")
            for schema in schemas:
                self._migrate(unit, schema)
        self._file = _identity(self.path)

    def close(self) -> None:
        """Close the database and let go of the folder."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @contextmanager
    def transaction(self) -> Iterator[Unit]:
        """A transaction; within another one, a part of it.

        Rolled back when the block raises; what was asked for after the commit is then not done.
        """
        if self._unit is not None:
            with self._unit.part():
                yield self._unit
            return
        connection = self._open_connection()
        connection.execute("BEGIN IMMEDIATE")
        self._unit = unit = Unit(connection)
        try:
            yield unit
            unit.committing()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        finally:
            self._unit = None
        unit.committed()

    def read(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query, as tuples."""
        return self._open_connection().execute(sql, parameters).fetchall()

    def restored(self) -> bool:
        """Whether the database was put back from a backup, and nobody has drawn the consequences yet."""
        return bool(self.read("PRAGMA user_version")[0][0] == RESTORED)

    def forget_restored(self, unit: Unit) -> None:
        """The consequences are drawn with this transaction."""
        unit.execute("PRAGMA user_version = 0")

    def free_bytes(self) -> int:
        """Free space on the disk that holds the folder."""
        return shutil.disk_usage(self._folder).free

    def in_place(self) -> bool:
        """Whether the open database is the one in the folder: SQLite goes on with a file that was taken away."""
        try:
            return _identity(self.path) == self._file
        except OSError:
            return False

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError(f"the store {self.path} is not open")
        return self._connection

    def _take_lock(self) -> IO[str]:
        handle = (self._folder / f"{self._name}.lock").open("a", encoding="ascii")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.close()
            raise FolderInUse(
                f"another {self._name} already uses the data folder {self._folder}; "
                "stop it, or give this one another BOARDCAST_DATA_DIR"
            ) from error
        except OSError:
            handle.close()
            raise
        return handle

    def _migrate(self, unit: Unit, schema: Schema) -> None:
        row = unit.execute("SELECT version FROM schema_version WHERE part = ?", (schema.part,)).fetchone()
        version = row[0] if row else 0
        if version > len(schema.steps):
            raise NewerData(
                f"{self.path} was written by a newer Boardcast ({schema.part} version {version}, this program knows "
                f"{len(schema.steps)}); update the program, or restore the backup made before the update"
            )
        for step in schema.steps[version:]:
            for statement in _statements(step):
                unit.execute(statement)
        unit.execute("INSERT OR REPLACE INTO schema_version VALUES (?, ?)", (schema.part, len(schema.steps)))
        if version and version < len(schema.steps):
            _log.info("data folder migrated", part=schema.part, before=version, after=len(schema.steps))


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _statements(script: str) -> Iterator[str]:
    """The statements of *script*; executescript() would commit the surrounding transaction."""
    buffer = ""
    for line in script.splitlines(keepends=True):
        buffer += line
        if sqlite3.complete_statement(buffer):
            yield buffer
            buffer = ""
    if buffer.strip():
        yield buffer
