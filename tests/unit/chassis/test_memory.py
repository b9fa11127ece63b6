"""Freed memory leaves the process although something small lies above it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.chassis import memory

REPOSITORY = Path(__file__).parents[3]
FRAGMENTS = """
import sys
from services.chassis import memory

def resident_kb():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))

if sys.argv[1] == "give back":
    memory.give_back()
del_first = bytearray(3 << 20)
del del_first  # from now on malloc takes blocks of this size from the heap, if it is left to itself
before = resident_kb()
large, small = [], []
for _ in range(200):
    large.append(bytearray(300_000))
    small.append(bytearray(600))
del large
print(resident_kb() - before)
"""


def kept_kb(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", FRAGMENTS, how], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=30
    )
    return int(done.stdout)


def test_what_was_freed_goes_back() -> None:
    if not memory.give_back():
        pytest.skip("the C library is not glibc")
    assert kept_kb("give back") < 10_000
    assert kept_kb("left to itself") > 30_000, "or this test shows nothing"
