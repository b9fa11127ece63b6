"""Freed memory leaves the process although something small lies above it, and rubbish in cycles does not pile up."""

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
CYCLES = """
import gc, sys
from services.chassis import memory

gc.set_threshold(70)  # a tenth of what it is, so that a tenth of everything else shows the same

class Node:
    alive = most = 0

    def __init__(self):
        self.itself = self
        Node.alive += 1
        Node.most = max(Node.most, Node.alive)

    def __del__(self):
        Node.alive -= 1

program = [[] for _ in range(100_000)]  # what is there from the start
if sys.argv[1] == "settle":
    memory.settle()
recent = []
for _ in range(60_000):
    recent.append(Node())  # each lives long enough to be taken for something that stays
    if len(recent) > 1_000:
        del recent[:500]
print(Node.most)
"""


def said(script: str, how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", script, how], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=30
    )
    return int(done.stdout)


def test_what_was_freed_goes_back() -> None:
    if not memory.give_back():
        pytest.skip("the C library is not glibc")
    assert said(FRAGMENTS, "give back") < 10_000
    assert said(FRAGMENTS, "left to itself") > 30_000, "or this test shows nothing"


def test_rubbish_in_cycles_does_not_wait_until_a_quarter_of_the_program_is_new() -> None:
    settled, left = said(CYCLES, "settle"), said(CYCLES, "left to itself")
    assert settled < 15_000
    assert left > 2 * settled, "or this test shows nothing"
