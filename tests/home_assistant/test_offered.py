"""The blueprints and the dashboard of deploy/home-assistant, in a real Home Assistant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from contracts.events import Event, EventKind
from deploy.simulators.waiting import wait_until
from tests.harness.mqtt_probe import MqttProbe
from tests.home_assistant.announced import AT, announced
from tests.home_assistant.conftest import House

ROOT = "boardcast"


@pytest.fixture(scope="module")
def probe(house: House) -> Iterator[MqttProbe]:
    with announced(house.broker, ROOT) as client:
        wait_until(lambda: set(states(house)) >= {"event.boardcast_board_answer"}, 20, "the entities")
        for entity in ("event.boardcast_ender_print", "event.boardcast_board_events", "switch.boardcast_ender_armed"):
            wait_until(lambda entity=entity: states(house)[entity]["state"] != "unavailable", 30, entity)  # type: ignore[misc]  # a default binds it
        yield client


def states(house: House) -> dict[str, dict[str, Any]]:
    return house.home.client.states()


def told(house: House) -> list[str]:
    """What the phone was sent, as one line each."""
    found = house.home.client.ask("persistent_notification/get")
    return [f"{note['title']} | {note['message']}" for note in found]


def happen(probe: MqttProbe, topic: str, kind: EventKind, seconds: int, **more: str) -> None:
    event = Event.model_validate({"event": kind, "time": AT + timedelta(seconds=seconds), **more})
    probe.publish(topic, event.to_bytes())


@pytest.mark.parametrize("automation", ["automation.tell", "automation.disarm"])
def test_a_blueprint_loads(house: House, automation: str) -> None:
    assert states(house)[automation]["state"] == "on"
    assert house.home.complaints() == []


def test_a_print_that_is_done_is_told(house: House, probe: MqttProbe) -> None:
    happen(probe, "printer/ender/event", EventKind.STARTED, 1, job="line-1")
    happen(probe, "printer/ender/event", EventKind.FINISHED, 2, job="line-1")
    wait_until(lambda: "Print done | line-1" in told(house), 30, lambda: str(told(house)))
    happen(probe, "printer/rex/event", EventKind.FAILED, 3, job="vase.gx", reason="the nozzle is cold")
    wait_until(lambda: "Print failed | vase.gx: the nozzle is cold" in told(house), 30, lambda: str(told(house)))


def test_an_uncertain_move_is_asked_about_and_settled_from_the_phone(house: House, probe: MqttProbe) -> None:
    happen(probe, "board/event", EventKind.UNCERTAIN, 1, move_id="7-42", reason="OctoPrint was restarted")
    wanted = (
        "Was move 7-42 drawn? | OctoPrint was restarted"
        " [BOARDCAST drawn 7-42] [BOARDCAST redraw 7-42] [BOARDCAST skip 7-42]"
    )
    wait_until(lambda: wanted in told(house), 30, lambda: str(told(house)))
    mark = probe.mark()
    for action in ("BOARDCAST drawn 7-42; ban Ann", "SOMETHING drawn 7-42", "BOARDCAST redraw 7-42"):
        requests.post(
            f"{house.home.client.url}/api/events/mobile_app_notification_action",
            headers={"Authorization": f"Bearer {house.home.client.token}"},
            json={"action": action},
            timeout=10,
        ).raise_for_status()
    probe.wait("board/command", lambda m: m.text == "resolve redraw 7-42", since=mark)
    assert [m.text for m in probe.seen("board/command", since=mark)] == ["resolve redraw 7-42"]


def test_the_printer_is_disarmed_when_the_last_one_has_left(house: House, probe: MqttProbe) -> None:
    def put(who: str, where: str) -> None:
        house.home.client.post(f"states/device_tracker.{who}", state=where)

    put("ann", "home")
    put("bob", "home")
    mark = probe.mark()
    put("ann", "not_home")
    put("bob", "not_home")
    probe.wait("printer/ender/command", lambda m: m.text == "disarm", since=mark, deadline_s=30)


def at_rest(house: House) -> bool:
    """Whether no run of the disarming automation is under way: one for each who left, and either may disarm."""
    found = house.home.client.ask("trace/list", domain="automation", item_id="disarm")
    return all(run["state"] == "stopped" for run in found)


def test_nobody_is_away_who_is_not_known_to_be(house: House, probe: MqttProbe) -> None:
    house.home.client.post("states/device_tracker.bob", state="unknown")
    house.home.client.post("states/device_tracker.ann", state="home")
    wait_until(lambda: at_rest(house), 30, "the automation to be at rest")
    since = probe.mark()
    # By Home Assistant itself: what it published before comes on the same connection, and so has arrived with it.
    house.home.client.call("mqtt.publish", topic=f"{probe.root}/board/command", payload="nonsense")
    probe.wait("board/command", since=since)
    mark, before = probe.mark(), runs(house)
    house.home.client.post("states/device_tracker.ann", state="not_home")
    wait_until(lambda: set(runs(house)) - set(before), 30, "the automation to have thought about it")
    assert {how for run, how in runs(house).items() if run not in before} == {"failed_conditions"}
    assert probe.seen("printer/ender/command", since=mark) == []


def runs(house: House) -> dict[str, str]:
    """How each run of the disarming automation ended."""
    found = house.home.client.ask("trace/list", domain="automation", item_id="disarm")
    return {run["run_id"]: run["script_execution"] for run in found if run["state"] == "stopped"}


def test_the_dashboard_loads_and_names_entities_that_exist(house: House, probe: MqttProbe) -> None:
    config = house.home.client.ask("lovelace/config", url_path="boardcast-board", force=True)
    named = set(re.findall(r"\b[a-z_]+\.boardcast_[a-z_]+", json.dumps(config)))
    assert len(named) > 40
    assert named - set(states(house)) == set()


@pytest.mark.parametrize("printer", ["ender", "rex"])
def test_each_printer_offers_triggers_that_fire(house: House, probe: MqttProbe, printer: str) -> None:
    client = house.home.client
    devices = client.ask("config/device_registry/list")
    device = next(d["id"] for d in devices if ["mqtt", f"{ROOT}_{printer}"] in d["identifiers"])
    offered = [t for t in client.ask("device_automation/trigger/list", device_id=device) if t["domain"] == "mqtt"]
    assert {"started", "paused", "finished", "failed"} <= {trigger["type"] for trigger in offered}
    wanted = next(trigger for trigger in offered if trigger["type"] == "failed")
    fired = client.triggered(
        {key: value for key, value in wanted.items() if key != "metadata"},
        lambda: happen(probe, f"printer/{printer}/event", EventKind.FAILED, 60, job="vase.gx", reason="cold"),
    )
    assert fired["payload_json"]["job"] == "vase.gx"
    assert house.home.complaints() == []
