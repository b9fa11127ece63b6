"""The services themselves, steered and watched from a real Home Assistant."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from deploy.simulators.waiting import wait_until
from tests.home_assistant.conftest import House
from tests.home_assistant.stack import Lab

BACK_WITHIN = 60
HOT_WITHIN = 120
"""Seconds from cold to the first line on the Virtual Printer."""
OWN = {
    "chat_ingest": {"binary_sensor.board_chat", "sensor.board_chat_received"},
    "planner": {"sensor.board_state", "switch.board_accepting", "text.board_move", "event.board_moves"},
    "octo_bridge": {"sensor.ender_state", "switch.ender_armed", "binary_sensor.board_octoprint"},
    "rex_bridge": {"sensor.rex_state", "button.rex_pause", "number.rex_set_bed", "sensor.spare_state"},
}


@pytest.fixture(scope="module")
def lab(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("lab"), house.broker, house.home.client, "live")
    try:
        made.start()
        wait_until(made.settled, 30, lambda: f"everything to be there; away: {made.away()}, {len(made.states())}")
        yield made
    finally:
        made.stop()


def answered(lab: Lab, entity: str, kind: str, command: str, deadline_s: float = 30) -> str:
    """The reason of an answer that Home Assistant shows."""
    wait_until(
        lambda: (lab.attribute(entity, "event_type"), lab.attribute(entity, "command")) == (kind, command),
        deadline_s,
        lambda: f"{kind} {command}; {lab.client.states()[lab.id(entity)]}",
    )
    return str(lab.attribute(entity, "reason"))


def test_a_press_that_is_refused_says_why(lab: Lab) -> None:
    lab.press("ender_park")
    assert "arm" in answered(lab, "event.ender_answer", "refused", "park")


def test_a_move_typed_there_is_drawn(lab: Lab) -> None:
    lab.press("board_confirm_empty")
    lab.wait("sensor.board_plate", "known", 30)
    lab.call("switch.turn_on", "switch.ender_armed")
    lab.wait("switch.ender_armed", "on", 30)
    lab.call("text.set_value", "text.board_move", value="a1 h8")
    wait_until(lambda: lab.attribute("event.board_moves", "event_type") == "drawn", HOT_WITHIN, "it to be drawn")
    shown = [(m.json["state"], m.json["move_id"]) for m in lab.probe.seen("printer/ender/state")]
    assert ("printing", "1-1") in shown
    lab.wait("sensor.board_drawn", "1", 30)
    assert lab.state("sensor.board_last") == "a1 h8"


def test_pause_pauses_the_virtual_printer_and_resume_goes_on(lab: Lab) -> None:
    mark = lab.probe.mark()
    lab.call("text.set_value", "text.board_move", value="a8 h1")
    lab.wait("sensor.ender_state", "printing", HOT_WITHIN)
    lab.press("ender_pause")
    began = time.monotonic()
    lab.probe.wait("printer/ender/event", lambda m: m.json["event"] == "latched", since=mark, deadline_s=30)
    lab.wait("sensor.ender_latch", "pause", 30)
    lab.wait("sensor.ender_state", lambda state: state in ("pausing", "paused"), 30)
    print(f"paused in Home Assistant {time.monotonic() - began:.2f} s after the button")
    lab.wait("sensor.ender_state", "paused", 30)
    lab.press("ender_resume")
    lab.wait("sensor.ender_latch", "none", 30)
    lab.wait("sensor.board_drawn", "2", 90)


def test_state_messages_come_at_most_twice_a_second_while_it_prints(lab: Lab) -> None:
    first, last = (f(lab.probe.seen("printer/ender/state"), key=lambda m: m.time_s).time_s for f in (min, max))
    for topic in ("printer/ender/state", "printer/rex/state", "board/state"):
        times = [message.time_s for message in lab.probe.seen(topic)]
        busiest = max((sum(start <= t < start + 5 for t in times) for start in times), default=0)
        print(f"{topic}: {len(times)} in {last - first:.0f} s, at most {busiest} in 5 s")
        # Ten, the one at the start of the window, an order's effect, which is shown at once, and what is said again to
        # the broker after a connect and to a Home Assistant that has just started.
        assert busiest <= 14, topic


def test_pause_pauses_the_rex(lab: Lab) -> None:
    lab.wait("sensor.rex_state", "printing", 30)
    lab.press("rex_pause")
    wait_until(lambda: lab.printers["rex"].view()["paused"], 20, lambda: str(lab.printers["rex"].view()))
    lab.wait("sensor.rex_state", "paused", 30)
    lab.press("rex_resume")
    lab.wait("sensor.rex_state", "printing", 30)


def test_the_accept_switch_stops_new_moves_and_shows_the_state_only(lab: Lab) -> None:
    lab.call("switch.turn_off", "switch.board_accepting")
    lab.wait("switch.board_accepting", "off", 20)
    lab.call("text.set_value", "text.board_move", value="b2 c3")
    wait_until(lambda: lab.attribute("event.board_moves", "event_type") == "refused", 30, "the refusal")
    assert lab.attribute("event.board_moves", "reason")
    lab.call("switch.turn_on", "switch.board_accepting")
    lab.wait("switch.board_accepting", "on", 20)


def test_a_target_is_set_where_that_is_enabled(lab: Lab) -> None:
    lab.call("number.set_value", "number.rex_set_bed", value=55)
    lab.wait("number.rex_set_bed", "55.0", 30)


@pytest.mark.parametrize("service", sorted(OWN))
def test_a_killed_service_takes_only_its_own_entities_along(lab: Lab, service: str) -> None:
    before = lab.states()
    process = lab.stack.service(service)
    process.kill()
    try:
        wait_until(lambda: OWN[service] <= set(lab.away()), 20, lambda: f"its entities to be away; away: {lab.away()}")
        others = [entity for other, own in OWN.items() if other != service for entity in own]
        assert not [entity for entity in others if lab.state(entity) == "unavailable"]
        assert lab.state(f"binary_sensor.board_{service}") == "off"
    finally:
        process.start()
    began = time.monotonic()
    wait_until(lab.settled, 60, lambda: f"everything to be back; away: {lab.away()}")
    print(f"{service} back after {time.monotonic() - began:.1f} s")
    assert events(before) == events(lab.states())


def events(states: dict[str, str]) -> dict[str, str]:
    """When each event fired last, of those that a restart of a printer's bridge must not fire."""
    return {
        entity: state for entity, state in states.items() if entity.startswith("event.") and "machine" not in entity
    }


def test_a_restart_of_home_assistant_brings_everything_back(lab: Lab, house: House) -> None:
    before, mark = lab.states(), lab.probe.mark()
    house.home.stop()
    began = time.monotonic()
    house.home.resume()
    wait_until(lab.settled, BACK_WITHIN, lambda: f"everything to be back; away: {lab.away()}")
    print(f"all back {time.monotonic() - began:.1f} s after the start")
    assert events(before) == events(lab.states())
    assert commands(lab, mark) == [], "something was pressed by itself"


def test_a_restart_of_the_broker_brings_everything_back(lab: Lab, house: House) -> None:
    before, mark = lab.states(), lab.probe.mark()
    house.broker.stop()
    wait_until(lambda: len(lab.away()) > 90, 30, "everything to be away")
    house.broker.start()
    began = time.monotonic()
    wait_until(lab.settled, BACK_WITHIN, lambda: f"everything to be back; away: {lab.away()}")
    print(f"all back {time.monotonic() - began:.1f} s after the broker")
    assert events(before) == events(lab.states())
    lab.probe.wait_connected()
    assert commands(lab, mark) == []


def commands(lab: Lab, mark: int) -> list[str]:
    """Every command since *mark*."""
    return [m.topic for m in lab.probe.seen(since=mark) if m.topic.endswith(("/command", "/request"))]


def test_a_printer_that_left_the_settings_is_gone(lab: Lab) -> None:
    assert lab.state("sensor.spare_state") is not None
    lab.replace("rex_bridge", BOARDCAST_REX_PRINTERS=lab.addresses("rex"))
    wait_until(lambda: not of(lab, "spare_"), 30, lambda: f"it to be gone; left: {of(lab, 'spare_')}")
    names = {device["identifiers"][0][1] for device in lab.client.ask("config/device_registry/list")
             if device["identifiers"]}  # fmt: skip
    assert "live_spare" not in names
    assert "live_rex" in names
    assert not [e for e in lab.client.ask("config/entity_registry/list") if "live_spare" in e["unique_id"]]


def test_a_printer_that_leaves_while_home_assistant_is_down_is_gone_too(lab: Lab, house: House) -> None:
    lab.replace("rex_bridge", BOARDCAST_REX_PRINTERS=lab.addresses("rex", "spare"))
    wait_until(lambda: len(of(lab, "spare_")) > 15, 60, "it to be there again")
    house.home.stop()
    lab.replace("rex_bridge", BOARDCAST_REX_PRINTERS=lab.addresses("rex"))
    lab.stack.wait_for_health("rex_bridge")
    house.home.resume()
    wait_until(
        lambda: not [e for e in lab.client.ask("config/entity_registry/list") if "live_spare" in e["unique_id"]],
        30,
        lambda: f"it to be gone; left: {of(lab, 'spare_')}",
    )


def of(lab: Lab, start: str) -> list[str]:
    """The entities of one device."""
    return [entity for entity in lab.states() if entity.partition(".")[2].startswith(start)]


def test_home_assistant_complains_of_nothing_but_the_restarts_themselves(house: House, lab: Lab) -> None:
    restarts = ("The connection was lost", "The client is not currently connected")
    assert [r for r in house.home.complaints() if not any(words in r for words in restarts)] == []
