"""Jobs on the wire: in order, each once, close together; and nothing at all where nothing may be."""

from __future__ import annotations

import itertools
from statistics import median

from tests.e2e.octo_bridge.conftest import Bench
from tests.harness.waiting import eventually

GAP_MOST_S = 0.25
"""On a machine that does nothing else it is 30 to 40 ms; here other things run beside the test."""


async def test_twenty_jobs_in_order_once_and_close_together(bench: Bench) -> None:
    await bench.ready()
    bench.planner.draw(*range(1, 21))
    await bench.drawn(*range(1, 21))

    assert bench.on_the_wire() == [f"1-{n}" for n in range(1, 21)]
    assert bench.planner.drawn() == [f"1-{n}" for n in range(1, 21)]
    jobs = bench.octoprint.serial_log.jobs()
    gaps = [(b.started - a.finished).total_seconds() for a, b in itertools.pairwise(jobs) if a.finished]
    print(f"gap between jobs: median {median(gaps) * 1000:.0f} ms, worst {max(gaps) * 1000:.0f} ms")
    assert median(gaps) < GAP_MOST_S


async def test_unarmed_nothing_heats_or_moves(bench: Bench) -> None:
    bench.start_bridge()
    await eventually(lambda: bench.planner.epoch, 40, "the machine's epoch")
    bench.planner.draw(1, 2)
    state = await bench.state(lambda s: s["waiting_jobs"] == 2, "two waiting jobs")
    assert not state["armed"]
    # Long enough for everything that follows by itself: a command is answered after it.
    await bench.command("pause")
    await bench.command("resume")
    lines = [line.text for line in bench.octoprint.serial_log.lines()]
    assert not [line for line in lines if line.startswith(("G0", "G1", "G28"))]
    assert not [line for line in lines if line.startswith(("M104", "M140")) and float(line.partition("S")[2]) > 0]
