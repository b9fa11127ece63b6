"""`make soak SOAK_MOVES=5000`: nothing grows, nothing gets slower, no promise is broken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.faults import SERVICES
from tests.chaos.soak import Soak

HISTORY_KB = 6000
"""A thousand moves of history, which are meant to stay."""
MEMORY_KB = 4000
"""A thousand moves. What Python holds stays the same (measured); what lies in pieces grows slowly."""
GROWS = ("resident_kb", "files", "database_kb")
# Fewer than 5,000 end before the databases have reached their bounds.
MOVES = int(os.environ.get("SOAK_MOVES", "5000"))


@pytest.mark.soak
def test_many_moves_over_several_boards_cost_no_more_at_the_end_than_at_the_beginning(tmp_path: Path) -> None:
    seen = Soak(tmp_path, seed=1, rate=100, steering=False).endure(MOVES)
    part = min(500, MOVES // 4)
    first, last = seen.seconds(part)
    print(f"{len(seen.drawn_at)} moves, {seen.boards} boards; {part} moves took {first:.0f} s first, {last:.0f} s last")
    for name in SERVICES:
        slopes = ", ".join(f"{what} {1000 * seen.slope(name, what):+.1f}" for what in GROWS)
        quarters = [sample.resident_kb for sample in seen.samples[name][:: max(1, len(seen.samples[name]) // 4)]]
        print(f"{name}: {seen.samples[name][-1]}; a thousand moves: {slopes}; KB resident by quarters: {quarters}")
    for name in SERVICES:
        memory, files, disk = (1000 * seen.slope(name, what) for what in GROWS)
        assert memory < MEMORY_KB, f"{name}'s memory grows"
        assert files < 1, f"{name} leaves files open"
        assert disk < (HISTORY_KB if name == "planner" else 100), f"{name}'s database grows"
    assert seen.verdicts == []
    assert last < 1.3 * first, "it gets slower"
