"""A disk that fills up and a clock that jumps, for a plain process."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.clock import WallClock
from tests.chaos.disk import Disk

_ASK = """
import sys, time
for line in sys.stdin:
    print(time.time(), time.monotonic(), flush=True)
"""


def test_a_full_disk_refuses_and_a_read_only_one_too(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "data")
    disk.mount()
    try:
        file = disk.folder / "file"
        file.write_bytes(b"x" * 5000)
        disk.fill()
        with pytest.raises(OSError, match="No space") as full:
            file.write_bytes(b"x" * 1_000_000)
        assert full.value.errno == errno.ENOSPC
        disk.free()
        file.write_bytes(b"x" * 1_000_000)
        disk.read_only()
        with pytest.raises(OSError, match="Read-only") as read_only:
            file.write_bytes(b"x")
        assert read_only.value.errno == errno.EROFS
        disk.writable()
        file.write_bytes(b"at last")
    finally:
        disk.unmount(keep=tmp_path / "kept")
    assert (tmp_path / "kept" / "file").read_bytes() == b"at last"
    assert not disk.folder.is_mount()


def test_the_wall_clock_jumps_and_the_monotonic_one_does_not(tmp_path: Path) -> None:
    clock = WallClock(tmp_path / "offset")
    environment = dict(os.environ) | clock.environment() | {"FAKETIME_CACHE_DURATION": "0", "FAKETIME_NO_CACHE": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", _ASK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        times = []
        for jump in (0, 3600, -7200):
            clock.jump(jump)
            process.stdin.write("\n")
            process.stdin.flush()
            times.append([float(word) for word in process.stdout.readline().split()])
        process.stdin.close()
    (wall, mono), (ahead, later), (back, last) = times
    assert ahead - wall == pytest.approx(3600, abs=60)
    assert back - wall == pytest.approx(-3600, abs=60)
    assert mono <= later <= last < mono + 60
