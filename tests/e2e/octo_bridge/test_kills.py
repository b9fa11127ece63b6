"""kill -9 of the bridge and of OctoPrint at awkward moments: every job has one end, and none is drawn twice."""

from __future__ import annotations

import asyncio
import random

import pytest

from contracts.plan import JobEnd, JobStarted
from tests.e2e.octo_bridge.conftest import Bench
from tests.e2e.octo_bridge.fake_planner import line_of
from tests.e2e.octo_bridge.test_latch import LONG, slow_down
from tests.harness.waiting import eventually


@pytest.mark.parametrize("seed", [1, 2])
async def test_bridge_killed_at_random_moments_draws_each_move_once(bench: Bench, seed: int) -> None:
    chance = random.Random(seed)
    await bench.ready()
    moves = range(1, 26)
    for first in moves[::5]:
        seen = len(bench.planner.outcomes)
        # A few for each kill: on a slow machine all of them might be drawn before the last one.
        bench.planner.draw(*range(first, first + 5))
        await eventually(lambda seen=seen: len(bench.planner.outcomes) > seen + 2, 40, "some progress")  # type: ignore[misc]  # bound
        await asyncio.sleep(chance.uniform(0, 0.06))  # the moment is the point
        assert bench.process is not None
        bench.process.kill()
        bench.start_bridge()
    await bench.drawn(*moves, deadline_s=60)

    assert bench.on_the_wire() == [f"1-{n}" for n in moves]
    ends = [end.move_id for end in bench.planner.every_end if end.end is not JobEnd.STALE]
    assert ends == [f"1-{n}" for n in moves]


async def test_bridge_killed_in_mid_job_lets_it_end_and_knows_that_it_did(bench: Bench) -> None:
    await bench.ready()
    await slow_down(bench)
    bench.planner.draw(1, gcode=line_of(1, slow=8))
    await eventually(lambda: bench.octoprint.state() == "Printing", 30, "the job to run")
    assert bench.process is not None
    bench.process.kill()
    await eventually(lambda: bench.octoprint.state() == "Operational", 20, "the job's end without a bridge")
    bench.start_bridge()
    await bench.drawn(1)
    assert bench.on_the_wire() == ["1-1"]
    assert len([o for o in bench.planner.outcomes if isinstance(o, JobStarted)]) == 1


async def test_octoprint_killed_in_mid_job_leaves_the_job_uncertain(bench: Bench) -> None:
    await bench.ready()
    await slow_down(bench)
    bench.planner.draw(1, gcode=line_of(1, slow=LONG))
    bench.planner.draw(2)
    await bench.state(lambda s: s["state"] == "printing" and s["waiting_jobs"] == 1, "the job to run")
    await bench.begun()
    before = bench.planner.epoch
    bench.octoprint.kill()
    await bench.state(lambda s: s["link"] == "no_octoprint", "the bridge to miss OctoPrint")
    bench.octoprint.start()
    await eventually(lambda: "1-1" in bench.planner.ended, 20, "the end of the job")

    end = bench.planner.ended["1-1"]
    assert end.end is JobEnd.UNCERTAIN
    assert end.epoch > before
    assert end.reason
    await bench.event(lambda e: e["event"] == "uncertain", "the event")
    await bench.drawn(2)
    assert bench.on_the_wire()[-1] == "1-2"


async def test_octoprint_stopped_and_started_between_jobs(bench: Bench) -> None:
    await bench.ready()
    bench.planner.draw(1)
    await bench.drawn(1)
    bench.octoprint.stop()
    state = await bench.state(lambda s: s["link"] == "no_octoprint", "the bridge to miss OctoPrint")
    assert (state["state"], state["problem"]) == ("offline", True)
    assert "OctoPrint" in state["reason"]
    bench.octoprint.start()
    await bench.state(lambda s: s["link"] == "ok", "the bridge to be back")
    bench.planner.draw(2)
    await bench.drawn(2)
    assert bench.on_the_wire() == ["1-1", "1-2"]
