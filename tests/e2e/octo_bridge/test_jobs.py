"""Jobs on the wire: in order, each once; and nothing at all where nothing may be. How close together: `make bench`."""

from __future__ import annotations

from tests.e2e.octo_bridge.conftest import Bench
from tests.harness.waiting import eventually


async def test_twenty_jobs_in_order_once(bench: Bench) -> None:
    await bench.ready()
    bench.planner.draw(*range(1, 21))
    await bench.drawn(*range(1, 21))

    assert bench.on_the_wire() == [f"1-{n}" for n in range(1, 21)]
    assert bench.planner.drawn() == [f"1-{n}" for n in range(1, 21)]


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
