"""A print followed, steered, interrupted: through a real broker, with the printer and the bridge as processes."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import time
from statistics import median
from urllib.parse import urlsplit

import pytest

from deploy.simulators.flashforge.child import FlashforgeSimulator
from deploy.simulators.mosquitto import Mosquitto
from tests.e2e.rex_bridge.conftest import AVAILABLE, COMMAND, EVENT, STATE, Bridge, Several
from tests.harness.waiting import wait_until

LOOKS = 5
JITTER = 0.5
LATENCY = 0.5
"""Seconds; on a machine that has nothing else to do they are a tenth of it, which is printed."""


def printing(bridge: Bridge, rex: FlashforgeSimulator, **settings: str) -> None:
    bridge.start(**settings)
    bridge.state("idle")
    rex.do("start", hot=True, seconds=600)
    bridge.state("printing")


def amid_a_print(bridge: Bridge, rex: FlashforgeSimulator, **settings: str) -> None:
    """The bridge comes when the print is under way, which saves the wait for a look that finds it begun."""
    rex.do("start", hot=True, seconds=600)
    bridge.start(**settings)
    bridge.state("printing")


def commands(rex: FlashforgeSimulator, word: str) -> list[float]:
    return [at for visit in rex.view()["visits"] for at, command in visit["commands"] if command == word]


@pytest.mark.parametrize("count", [LOOKS, pytest.param(50, marks=[pytest.mark.chaos, pytest.mark.timeout(120)])])
def test_once_a_second_and_on_mqtt_at_once_although_another_printer_hangs(several: Several, count: int) -> None:
    printers = several("rex", "other")
    rex, other = printers["rex"], printers["other"]
    other.do("faults", silent=True)
    amid_a_print(several.bridge, rex)
    before = len(commands(rex, "M27"))
    wait_until(lambda: len(commands(rex, "M27")) >= before + count, 40 + count, "looks")
    looks = commands(rex, "M119")[-count:]
    gaps = [b - a for a, b in itertools.pairwise(looks)]
    print(f"between two looks 1 s and at most {max(abs(gap - 1) for gap in gaps) * 1000:.0f} ms more or less")
    assert abs(median(gaps) - 1) < JITTER, gaps
    asked = commands(rex, "M27")[-count:-1] + commands(rex, "M105")[-count:-1]
    several.bridge.probe.wait(STATE, lambda m: m.time_s > max(asked))  # what the printer was asked is not yet shown
    shown = [seen.time_s for seen in several.bridge.probe.seen(STATE) if not seen.retained]
    assert median(min(at - moment for at in shown if at > moment) for moment in asked) < LATENCY
    # One connection for all of it.
    assert len([visit for visit in rex.view()["visits"] if len(visit["commands"]) > 10]) == 1
    # And the other one was waited for meanwhile.
    assert len(commands(other, "M119")) > 1
    assert several.bridge.probe.wait("printer/other/state").json["state"] == "busy_elsewhere"


def test_pause_resume_and_cancel_by_a_plain_client(
    bridge: Bridge, rex: FlashforgeSimulator, mosquitto: Mosquitto
) -> None:
    printing(bridge, rex)
    publisher = shutil.which("mosquitto_pub")
    assert publisher is not None, "install mosquitto-clients: `make tools`"
    since, began = bridge.probe.mark(), time.monotonic()
    port = str(urlsplit(mosquitto.url).port)
    subprocess.run([publisher, "-p", port, "-t", f"boardcast/v1/{COMMAND}", "-m", "pause"], check=True, timeout=40)
    answer = bridge.answer("pause", since=since)
    assert answer.json["event"] == "done"
    assert rex.view()["paused"]
    shown = bridge.state("paused", since=since)
    print(f"done {answer.time_s - began:.2f} s and shown {shown.time_s - began:.2f} s after the order (aim 2)")
    assert not rex.view()["controlled"]
    bridge.probe.publish(COMMAND, {"command": "resume", "id": "r1"})
    assert bridge.answer("resume").json["id"] == "r1"
    bridge.probe.publish(COMMAND, "cancel")
    assert bridge.answer("cancel").json["event"] == "done"
    names = [name for name, _ in bridge.events() if name not in ("done",)]
    assert names == ["started", "paused", "resumed", "cancelled"]


def test_pause_with_the_slicer_in_the_way_says_why_not(bridge: Bridge, rex: FlashforgeSimulator) -> None:
    rex.do("slicer", on=True)
    amid_a_print(bridge, rex)
    since = bridge.probe.mark()
    bridge.probe.publish(COMMAND, "pause")
    answer = bridge.answer("pause", since=since)
    assert answer.json["event"] == "refused"
    assert "control" in answer.json["reason"]
    assert not rex.view()["paused"]


def test_retained_and_wrong_commands_are_answered_and_not_obeyed(bridge: Bridge, rex: FlashforgeSimulator) -> None:
    bridge.probe.publish(COMMAND, "pause", retain=True)
    amid_a_print(bridge, rex)
    assert "retained" in bridge.answer("pause").json["reason"]
    bridge.probe.publish(COMMAND, "psue")
    wrong = bridge.probe.wait(EVENT, lambda m: "psue" in m.json["reason"])
    assert wrong.json["event"] == "refused"
    bridge.probe.publish(COMMAND, "nozzle 200")
    assert "BOARDCAST_REX_SET_TEMPERATURES" in bridge.answer("nozzle").json["reason"]
    assert not rex.view()["paused"]


def test_temperatures_and_light_where_enabled(bridge: Bridge, rex: FlashforgeSimulator) -> None:
    bridge.start(rex_set_temperatures="true")
    bridge.state("idle")
    for text in ("nozzle 999", "bed 50", "light on"):
        bridge.probe.publish(COMMAND, text)
        assert bridge.answer(text.split()[0]).json["event"] == "done"
    seen = rex.view()
    assert (seen["nozzle_target"], seen["bed_target"], seen["light"]) == (240, 50, True)


@pytest.mark.chaos
def test_the_printer_switched_off_in_mid_print_and_back(bridge: Bridge, rex: FlashforgeSimulator) -> None:
    printing(bridge, rex)
    since = bridge.probe.mark()
    rex.do("power", on=False)
    gone = bridge.state("offline", since=since, deadline_s=40).json
    assert (gone["stale"], gone["job"]) == (True, "cube.gx")
    bridge.probe.wait(EVENT, lambda m: m.json["event"] == "problem")
    rex.do("power", on=True, keep_job=True)
    back = bridge.probe.mark()
    bridge.state("printing", since=back, deadline_s=40)
    rex.do("complete")
    bridge.state("completed", since=back)
    bridge.probe.wait(EVENT, lambda m: m.json["event"] == "finished")
    names = [name for name, _ in bridge.events()]
    assert names == ["started", "problem", "recovered", "finished"]
    assert len({print_id for _, print_id in bridge.events()}) == 1
    assert [seen.text for seen in bridge.probe.seen(AVAILABLE)] == ["online", "offline", "online"]


def test_the_bridge_killed_in_mid_print(bridge: Bridge, rex: FlashforgeSimulator) -> None:
    printing(bridge, rex)
    for _ in range(3):
        since = bridge.probe.mark()
        bridge.restart()
        bridge.state("printing", since=since)
    rex.do("complete")
    bridge.state("completed", since=since)
    bridge.probe.wait(EVENT, lambda m: m.json["event"] == "finished")
    since = bridge.probe.mark()
    bridge.restart()
    bridge.state("completed", since=since)
    events = bridge.events()
    assert [name for name, _ in events] == ["started", "finished"]
    assert len({print_id for _, print_id in events}) == 1
    assert [seen.text for seen in bridge.probe.seen(AVAILABLE)].count("offline") == 0


def test_a_broker_that_was_away_gets_what_happened_meanwhile(
    bridge: Bridge, rex: FlashforgeSimulator, mosquitto: Mosquitto
) -> None:
    bridge.start()
    bridge.state("idle")
    mosquitto.kill()
    rex.do("start", hot=True)
    wait_until(lambda: len(commands(rex, "M27")) > 1, 40, "the bridge to see the print")
    # An event is not kept by a broker: nobody would hear it who comes after the bridge.
    bridge.process.freeze()
    mosquitto.start()
    bridge.probe.wait_connected()
    bridge.process.thaw()
    bridge.probe.wait(EVENT, lambda m: m.json["event"] == "started", deadline_s=40)
    bridge.state("printing")


def test_a_clean_stop_says_that_nobody_looks_any_more(bridge: Bridge, rex: FlashforgeSimulator) -> None:
    amid_a_print(bridge, rex)
    bridge.process.terminate()
    assert bridge.process.exit_code == 0
    bridge.probe.wait(AVAILABLE, lambda m: m.text == "offline")
    wait_until(lambda: all(visit["closed"] for visit in rex.view()["visits"]), 40, "the connection to be closed")
