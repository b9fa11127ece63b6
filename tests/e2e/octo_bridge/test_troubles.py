"""Each trouble is a visible state of its own, and is over by itself when its cause is gone."""

from __future__ import annotations

from contracts.plan import ControlWord, JobEnd
from tests.e2e.octo_bridge.conftest import STATE, Bench
from tests.e2e.octo_bridge.fake_planner import line_of
from tests.e2e.octo_bridge.test_latch import LONG, slow_down
from tests.harness.waiting import eventually

HOSTILE = {
    "M112": ["M112"],
    "M302": ["M302 S0"],
    "G91": ["G91"],
    "G92 Z10": ["G92 Z10"],
    "M104": ["M104 S400"],
    "below": ["G1 Z-1"],
    "outside": ["G1 X400"],
    "filament": ["G1 X60 Y60 E100"],
    "filament on the spot": ["G1 E100"],
}


async def test_wrong_key_is_said(bench: Bench) -> None:
    bench.start_bridge(octoprint_api_key="0123456789abcdef0123456789abcdef")
    state = await bench.state(lambda s: s["link"] == "wrong_key", "the wrong key to be seen")
    assert (state["state"], state["problem"]) == ("error", True)
    assert "BOARDCAST_OCTOPRINT_API_KEY" in state["reason"]
    await eventually(lambda: bench.probe.last("printer/ender/availability"), 30, "availability")
    last = bench.probe.last("printer/ender/availability")
    assert last is not None
    assert last.text == "offline"


async def test_hostile_plans_are_refused_and_never_sent(bench: Bench) -> None:
    await bench.ready()
    before = len(bench.octoprint.serial_log.lines())
    head = ["G90", "M83", "G1 Z5 F300", "G1 X50 Y50 F6000", "G1 Z0.25", "G1 E5 F1500"]
    tail = ["G1 E-5 F1500", "G1 Z5 F300"]
    plans = [(*head, *lines, *tail) for lines in HOSTILE.values()]
    plans.append(("G90", "M83", "G1 F300", "G1 E5", "G1 Z5"))  # extrusion before the position is known
    for number, gcode in enumerate(plans, start=1):
        bench.planner.gcode[number] = gcode
        bench.planner.send(bench.planner.run_of(number, predecessor=None))
    await eventually(lambda: len(bench.planner.ended) == len(plans), 40, "an answer to each plan")

    assert {end.end for end in bench.planner.ended.values()} == {JobEnd.REFUSED}
    assert all(end.reason for end in bench.planner.ended.values())
    bench.planner.draw(100)
    await bench.drawn(100)
    sent = [line.text for line in bench.octoprint.serial_log.lines()[before:]]
    for word in ("M112", "M302", "G92 Z10", "M104 S400", "G1 Z-1", "G1 X400", "G1 X60 Y60 E100", "G1 E100"):
        assert word not in sent


async def test_foreign_job_latches_and_makes_the_plate_unknown(bench: Bench) -> None:
    await bench.ready()
    bench.planner.draw(1)
    await bench.drawn(1)
    await bench.free()
    await slow_down(bench)
    epoch = bench.planner.epoch
    assert bench.octoprint.upload("stranger.gcode", "\n".join(line_of(9, slow=LONG)) + "\n", start=True)
    state = await bench.state(lambda s: s["state"] == "foreign", "the stranger's job to be seen")
    assert (state["latch"], state["plate"], state["position_known"]) == ("foreign", "unknown", False)
    assert "stranger.gcode" in state["reason"]
    await bench.event(lambda e: e["event"] == "foreign", "the event")
    assert (await bench.command("resume"))["event"] == "refused"

    bench.octoprint.command("M220 S100000")
    # With OctoPrint's log read: until then the word of who looks at the plate may be taken back.
    asked = "send resume to go on"
    state = await bench.state(
        lambda s: s["state"] == "paused" and asked in (s["reason"] or ""), "the stranger's job to end"
    )
    assert state["epoch"] > epoch
    await eventually(lambda: bench.planner.epoch == state["epoch"], 40, "the planner to know that it is to look again")
    assert (await bench.command("resume"))["event"] == "done"
    bench.planner.control(ControlWord.CONFIRM_EMPTY)
    bench.planner.draw(2)
    await bench.drawn(2)


async def test_cancel_on_octoprints_page_sets_the_latch(bench: Bench) -> None:
    await bench.ready()
    await slow_down(bench)
    bench.planner.draw(1, gcode=line_of(1, slow=LONG))
    await eventually(lambda: bench.octoprint.state() == "Printing", 30, "the job to run")
    bench.octoprint.request("POST", "/api/job", {"command": "cancel"})
    state = await bench.state(lambda s: s["latch"] == "foreign", "the latch")
    assert "cancelled" in state["latch_reason"]
    await eventually(lambda: "1-1" in bench.planner.ended, 40, "the end of the cancelled job")
    assert bench.planner.ended["1-1"].end is JobEnd.CANCELLED


async def test_pause_on_octoprints_page_sets_the_latch_and_resume_goes_on(bench: Bench) -> None:
    await bench.ready()
    await slow_down(bench)
    bench.planner.draw(1, gcode=line_of(1, slow=LONG))
    await eventually(lambda: bench.octoprint.state() == "Printing", 30, "the job to run")
    bench.octoprint.request("POST", "/api/job", {"command": "pause", "action": "pause"})
    await bench.state(lambda s: s["latch"] == "foreign" and s["state"] == "paused", "the latch")
    bench.octoprint.command("M220 S100000")
    await bench.command("resume")
    await bench.drawn(1)


async def test_jog_on_octoprints_page_sets_the_latch_and_costs_the_position(bench: Bench) -> None:
    await bench.ready()
    bench.planner.draw(1)
    await bench.drawn(1)
    await bench.free()
    # The lines of the first job's own homing look the same for a while.
    assert await bench.state(lambda s: s["position_known"], "a known position")

    def jogged() -> bool:
        bench.octoprint.request("POST", "/api/printer/printhead", {"command": "jog", "x": 1})
        last = bench.probe.last(STATE)
        return last is not None and last.json["latch"] == "foreign"

    await eventually(jogged, 40, "the jog to be noticed", poll_s=1.0)
    state = await bench.state(lambda s: not s["position_known"], "the lost position")
    assert "moved" in state["latch_reason"]


async def test_offline_after_error_is_said_and_recovers(bench: Bench) -> None:
    await bench.ready()
    await slow_down(bench)
    bench.planner.draw(1, gcode=line_of(1, slow=LONG))
    bench.planner.draw(2)
    # OctoPrint's answer to the upload comes before its first line: what dies in between was never started.
    await bench.begun()
    since = bench.probe.mark()
    bench.octoprint.misbehave("trigger_fatal_error_marlin")
    await bench.event(lambda e: e["event"] == "problem", "the problem", since)
    await eventually(lambda: "1-1" in bench.planner.ended, 20, "the end of the job")
    assert bench.planner.ended["1-1"].end is JobEnd.FAILED
    await bench.state(lambda s: s["link"] == "ok", "the connection to come back", deadline_s=30)
    await bench.drawn(2)


async def test_unplugged_printer_is_connected_again(bench: Bench) -> None:
    await bench.ready()
    bench.planner.draw(1)
    await bench.drawn(1)
    epoch = bench.planner.epoch
    since = bench.probe.mark()
    bench.octoprint.disconnect()
    await bench.event(lambda e: e["event"] == "problem", "the lost printer", since)
    await bench.event(lambda e: e["event"] == "recovered", "the printer to be back", since)
    bench.planner.draw(2)
    await bench.drawn(2)
    assert bench.planner.epoch > epoch
    last = bench.octoprint.serial_log.jobs()[-1]
    assert "G28 Z" in [line.text for line in last.lines]


async def test_another_planner_is_refused_until_adopted(bench: Bench) -> None:
    await bench.ready()
    bench.planner.draw(1)
    await bench.drawn(1)
    stranger = bench.planner.run_of(2, planner="0badcafe", job_id="0badcafe-1-2-1", predecessor=None)
    bench.planner.send(stranger)
    await eventually(lambda: "1-2" in bench.planner.ended, 40, "the answer to the other planner")
    assert bench.planner.ended["1-2"].end is JobEnd.REFUSED
    assert "adopt" in (bench.planner.ended["1-2"].reason or "")
    epoch = bench.planner.epoch
    assert (await bench.command("adopt"))["event"] == "done"
    await eventually(lambda: bench.planner.epoch > epoch, 40, "the raised epoch")
    await bench.state(lambda s: s["plate"] == "unknown", "the plate to be unknown")


async def test_frozen_octoprint_is_said_and_does_not_keep_the_bridge_from_stopping(bench: Bench) -> None:
    await bench.ready(http_timeout="8")
    bench.planner.draw(1)
    await bench.drawn(1)
    # Frozen before that it would not be given another job.
    await bench.free()
    await bench.state(lambda s: s["state"] == "idle", "the bridge to know it")
    bench.octoprint.process.freeze()
    try:
        bench.planner.draw(2)  # its upload hangs, and OctoPrint finds it in its socket when it wakes
        await bench.state(lambda s: s["state"] == "printing", "the upload to be on its way")
        assert bench.process is not None
        bench.process.terminate()
        assert bench.process.exit_code == 0
    finally:
        bench.octoprint.process.thaw()
    bench.start_bridge(http_timeout="5")
    await bench.drawn(2)
    assert bench.on_the_wire() == ["1-1", "1-2"]
