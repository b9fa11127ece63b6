"""What a transaction promises, and what opening a data folder refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from services.chassis.store import FolderInUse, NewerData, Schema, Store, Unit, is_store_failure

WORDS = Schema("words", ["CREATE TABLE words (n INTEGER UNIQUE);"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path, "test")
    opened.open(WORDS)
    yield opened
    opened.close()


def _words(store: Store) -> list[int]:
    return [n for (n,) in store.read("SELECT n FROM words ORDER BY n")]


def _add(unit: Unit, n: int) -> None:
    unit.execute("INSERT INTO words VALUES (?)", (n,))


def test_a_transaction_happens_as_a_whole(store: Store) -> None:
    done: list[str] = []
    with store.transaction() as unit:
        _add(unit, 1)
        unit.after_commit(lambda: done.append("first"))
        unit.after_commit(lambda: done.append("second"))
        assert done == []
    assert (_words(store), done) == ([1], ["first", "second"])


def test_a_transaction_that_raises_has_never_happened(store: Store) -> None:
    done: list[str] = []
    with suppress(KeyError), store.transaction() as unit:
        _add(unit, 1)
        unit.after_commit(lambda: done.append("no"))
        raise KeyError
    assert (_words(store), done) == ([], [])


def test_what_is_done_after_a_commit_may_begin_another_and_may_fail(store: Store) -> None:
    def again() -> None:
        with store.transaction() as unit:
            _add(unit, 2)

    def fail() -> None:
        raise KeyError("defect")

    with store.transaction() as unit:
        _add(unit, 1)
        unit.after_commit(fail)
        unit.after_commit(again)
    assert _words(store) == [1, 2]


def test_a_part_that_fails_is_undone_alone(store: Store) -> None:
    done: list[str] = []
    owner = object()
    with store.transaction() as unit:
        _add(unit, 1)
        unit.set_draft(owner, "before")
        with suppress(KeyError), unit.part():
            _add(unit, 2)
            unit.set_draft(owner, "within")
            unit.after_commit(lambda: done.append("part"))
            raise KeyError
        assert unit.draft(owner, "committed") == "before"
        unit.after_commit(lambda: done.append("rest"))
        with unit.part(), unit.part():
            _add(unit, 3)
    assert (_words(store), done) == ([1, 3], ["rest"])


def test_a_transaction_within_another_is_a_part_of_it(store: Store) -> None:
    with store.transaction() as outer:
        _add(outer, 1)
        with suppress(sqlite3.IntegrityError), store.transaction() as inner:
            _add(inner, 2)
            _add(inner, 1)
        with store.transaction() as inner:
            assert inner is outer
            _add(inner, 3)
    assert _words(store) == [1, 3]


def test_a_transaction_within_one_that_fails_has_never_happened(store: Store) -> None:
    done: list[str] = []
    with suppress(KeyError), store.transaction():
        with store.transaction() as inner:
            _add(inner, 1)
            inner.after_commit(lambda: done.append("no"))
        raise KeyError
    assert (_words(store), done) == ([], [])


def test_a_unit_is_of_no_use_after_its_end(store: Store) -> None:
    with store.transaction() as unit:
        _add(unit, 1)
    with pytest.raises(sqlite3.OperationalError, match="the transaction has ended"):
        _add(unit, 2)
    assert _words(store) == [1]


def test_a_full_disk_undoes_everything(store: Store) -> None:
    (pages,) = store.read("PRAGMA page_count")[0]
    store.read(f"PRAGMA max_page_count={pages}")

    def fill() -> None:
        with store.transaction() as unit:
            for n in range(100_000):
                _add(unit, n)

    with pytest.raises(sqlite3.OperationalError) as caught:
        fill()
    assert is_store_failure(caught.value)
    assert _words(store) == []
    with store.transaction() as unit:
        _add(unit, 1)
    assert _words(store) == [1]


@pytest.mark.parametrize(
    "statement",
    ["INSERT INTO words VALUES (7)", "SELECT nothing FROM words", "INSERT INTO nowhere VALUES (1)", "no SQL"],
)
def test_a_wrong_statement_is_no_failure_of_the_store(store: Store, statement: str) -> None:
    with store.transaction() as unit:
        _add(unit, 7)
        with pytest.raises(sqlite3.Error) as caught:
            unit.execute(statement)
    assert not is_store_failure(caught.value)


def test_a_store_that_is_not_open_says_so(tmp_path: Path) -> None:
    closed = Store(tmp_path, "test")
    with pytest.raises(RuntimeError, match="is not open"):
        closed.read("SELECT 1")
    with pytest.raises(RuntimeError, match="is not open"), closed.transaction():
        pass


def test_the_folder_is_held_by_one_at_a_time(tmp_path: Path, store: Store) -> None:
    second = Store(tmp_path, "test")
    with pytest.raises(FolderInUse, match=r"another test already uses the data folder .*BOARDCAST_DATA_DIR"):
        second.open(WORDS)
    other = Store(tmp_path, "other")  # another service may share the folder
    other.open(WORDS)
    other.close()
    store.close()
    second.open(WORDS)
    second.close()


def test_steps_of_a_schema_are_taken_once_and_in_order(tmp_path: Path) -> None:
    steps = [
        "CREATE TABLE a (n INTEGER); -- with a remark; and a semicolon\nCREATE TABLE b (t TEXT DEFAULT 'x;y');",
        "INSERT INTO a VALUES (1);\nINSERT INTO b DEFAULT VALUES;",
        "ALTER TABLE a ADD COLUMN m INTEGER DEFAULT 5",
    ]
    for known in (1, 2, 2, 3):
        store = Store(tmp_path, "test")
        store.open(Schema("part", steps[:known]))
        store.close()
    store.open(Schema("part", steps))
    assert store.read("SELECT n, m FROM a") == [(1, 5)]
    assert store.read("SELECT t FROM b") == [("x;y",)]
    store.close()


def test_a_step_that_fails_changes_nothing_and_holds_no_lock(tmp_path: Path) -> None:
    store = Store(tmp_path, "test")
    with pytest.raises(sqlite3.OperationalError):
        store.open(WORDS, Schema("part", ["CREATE TABLE a (n INTEGER);\nnonsense;"]))
    again = Store(tmp_path, "test")
    again.open(Schema("part", ["CREATE TABLE a (n INTEGER);"]))
    assert again.read("SELECT part FROM schema_version") == [("part",)]
    again.close()


def test_data_of_a_newer_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path, "test")
    store.open(Schema("part", ["CREATE TABLE a (n INTEGER)", "ALTER TABLE a ADD COLUMN m"]))
    store.close()
    with pytest.raises(NewerData, match=r"part version 2, this program knows 1.*update the program"):
        store.open(Schema("part", ["CREATE TABLE a (n INTEGER)"]))
    store.open(Schema("part", ["CREATE TABLE a (n INTEGER)", "ALTER TABLE a ADD COLUMN m"]))
    store.close()


def test_a_folder_that_cannot_be_one_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        Store(tmp_path / "file", "test").open(WORDS)


def test_a_database_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "test.sqlite3").write_bytes(b"something else entirely, and long enough to be looked at" * 100)
    store = Store(tmp_path, "test")
    with pytest.raises(sqlite3.DatabaseError) as caught:
        store.open(WORDS)
    assert is_store_failure(caught.value)


def test_every_commit_is_on_the_disk_when_it_returns(store: Store) -> None:
    assert store.read("PRAGMA journal_mode") == [("wal",)]
    assert store.read("PRAGMA synchronous") == [(2,)]
