"""Pause, cancel, stop and arming against a real OctoPrint: committed first, kept over kill -9, never by accident."""

from __future__ import annotations

from contracts.plan import JobEnd
from tests.e2e.octo_bridge.conftest import COMMAND, STATE, Bench
from tests.e2e.octo_bridge.fake_planner import line_of
from tests.harness.waiting import eventually

LONG = 150
"""Lines of 150 mm that keep the Virtual Printer busy for a few seconds with `feed_percent` at 100 %."""


async def slow_down(bench: Bench) -> None:
    """Let moves take time: half a second for the long ones."""
    bench.octoprint.command("M220 S100")


async def test_pause_between_two_jobs_stops_the_next_and_survives_kill_9(bench: Bench) -> None:
    await bench.ready()
    bench.planner.draw(1)
    await bench.drawn(1)
    assert (await bench.command("pause"))["event"] == "done"
    bench.planner.draw(2)
    await bench.state(lambda s: s["waiting_jobs"] == 1, "the second job to wait")

    assert bench.process is not None
    bench.process.kill()
    since = bench.probe.mark()
    bench.start_bridge()
    await eventually(lambda: [s for s in bench.probe.seen(STATE, since=since) if s.json["link"] == "ok"], 40, "a state")
    state = await bench.state(lambda s: s["waiting_jobs"] == 1, "the job still to wait")
    assert (state["latch"], state["state"], state["armed"]) == ("pause", "paused", True)
    assert bench.on_the_wire() == ["1-1"]

    await bench.command("resume")
    await bench.drawn(2)
    assert bench.on_the_wire() == ["1-1", "1-2"]


async def test_retained_pause_at_the_start_does_nothing_and_is_said(bench: Bench) -> None:
    bench.probe.publish(COMMAND, "pause", retain=True)
    await bench.ready()
    refusal = await bench.event(lambda e: e["event"] == "refused", "a word on the retained command")
    assert "retain" in refusal["reason"]
    bench.planner.draw(1)
    await bench.drawn(1)


async def test_typos_are_answered(bench: Bench) -> None:
    bench.start_bridge()
    await bench.state(lambda s: s["link"] == "ok", "the bridge to reach the printer")
    since = bench.probe.mark()
    bench.probe.publish(COMMAND, '{"command": "puase", "id": "x1"}')
    answer = await bench.event(lambda e: e["id"] == "x1", "an answer to the typo", since)
    assert answer["event"] == "refused"
    assert "pause" in answer["reason"]


async def test_cancel_ends_the_running_job_and_what_waits_is_planned_anew(bench: Bench) -> None:
    await bench.ready()
    await slow_down(bench)
    bench.planner.draw(1, gcode=line_of(1, slow=LONG))
    bench.planner.draw(2)
    await bench.state(lambda s: s["state"] == "printing", "the first job to run")
    await bench.command("cancel")
    await eventually(lambda: "1-1" in bench.planner.ended, 40, "the end of the cancelled job")
    assert bench.planner.ended["1-1"].end is JobEnd.CANCELLED

    bench.octoprint.command("M220 S100000")
    state = await bench.state(lambda s: s["state"] == "paused" and s["waiting_jobs"] == 1, "the next job to wait")
    assert (state["latch"], state["position_known"]) == ("cancel", False)
    await bench.command("resume")
    await bench.drawn(2)
    jobs = bench.octoprint.serial_log.jobs()
    assert [line.text for line in jobs[-1].lines if line.text.startswith("G28")] == ["G28 X Y", "G28 Z"]


async def test_stop_cancels_disarms_and_switches_the_heaters_off(bench: Bench) -> None:
    await bench.ready()
    await slow_down(bench)
    bench.planner.draw(1, gcode=line_of(1, slow=LONG))
    await eventually(lambda: bench.octoprint.state() == "Printing", 30, "the job to run")
    await bench.command("stop")
    # The state is told twice a second at most: the one of before the job looks cold and idle as well.
    state = await bench.state(
        lambda s: s["latch"] == "stop" and s["job"] is None and (s["nozzle_target"], s["bed_target"]) == (0, 0),
        "a stop",
    )
    assert (state["armed"], state["heaters"]) == (False, "off")
    await bench.event(lambda e: e["event"] == "heaters_off" and "stopped" in (e["reason"] or ""), "its confirmation")


async def test_without_motion_standby_and_then_heaters_off_while_paused(bench: Bench) -> None:
    await bench.ready(standby_after="2", heaters_off_after="12")
    since = bench.probe.mark()
    bench.planner.draw(1)
    await bench.drawn(1)
    await bench.command("pause")
    # Whoever is late finds the heaters off already, and reads here that it was standby before.
    standby = await bench.told(lambda s: s["heaters"] == "standby" and s["nozzle_target"] == 150, "standby", since)
    assert standby["bed_target"] == 60
    await bench.state(lambda s: s["heaters"] == "off" and (s["nozzle_target"], s["bed_target"]) == (0, 0), "all off")
    await bench.command("resume")
    bench.planner.draw(2)
    await bench.drawn(2)
