"""What a commit has promised outlives kill -9, and two processes never share a data folder."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from services.chassis.store import FolderInUse, Schema, Store

NUMBERS = Schema("numbers", ["CREATE TABLE numbers (n INTEGER); CREATE TABLE twice (n INTEGER)".replace("; ", ";\n")])
WRITER = """
import sys
from pathlib import Path
from services.chassis.store import Store
from tests.e2e.chassis.test_store_kill import NUMBERS
store = Store(Path(sys.argv[1]), "numbers")
store.open(NUMBERS)
n = store.read("SELECT count(*) FROM numbers")[0][0]
while True:
    with store.transaction() as unit:
        unit.execute("INSERT INTO numbers VALUES (?)", (n,))
        unit.execute("INSERT INTO twice VALUES (?)", (n,))
        unit.after_commit(lambda: print(n, flush=True))
    n += 1
"""


def _writer(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)


def test_nothing_that_was_said_after_a_commit_is_missing_after_kill_9(tmp_path: Path) -> None:
    rng = random.Random(1)
    last = -1
    for _ in range(5):
        process = _writer(tmp_path)
        assert process.stdout is not None
        for _ in range(rng.randrange(1, 100)):
            last = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in process.stdout.read().splitlines() if line)])
        process.stdout.close()
        process.wait()
        store = Store(tmp_path, "numbers")
        store.open(NUMBERS)
        numbers = [n for (n,) in store.read("SELECT n FROM numbers ORDER BY rowid")]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) in (last + 1, last + 2)  # the last commit may have had no time to be said
        assert store.read("SELECT n FROM twice ORDER BY rowid") == [(n,) for n in numbers]
        store.close()


def test_another_process_holds_the_folder_until_it_is_dead(tmp_path: Path) -> None:
    process = _writer(tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    store = Store(tmp_path, "numbers")
    with pytest.raises(FolderInUse, match="already uses the data folder"):
        store.open(NUMBERS)
    process.kill()
    process.wait()
    process.stdout.close()
    store.open(NUMBERS)
    store.close()
