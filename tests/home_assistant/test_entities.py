"""Every entity of every table in a real Home Assistant, as it was described."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from deploy.simulators.waiting import wait_until
from services.chassis.discovery.entities import BinarySensor, Device, Entity, Number, Sensor
from services.chassis.discovery.payload import Install, device_payload
from tests.harness.mqtt_probe import MqttProbe
from tests.home_assistant.announced import announced, entity_id, publish, say_states, service_topic, shown
from tests.home_assistant.conftest import House

ROOT = "tables"
EVERY = [(part.device, entity) for part in shown(ROOT) for entity in part.device.entities]
VALUES = {
    "sensor.tables_ender_state": "printing",
    "sensor.tables_ender_nozzle_actual": "204.6",
    "sensor.tables_ender_bed_target": "60.0",
    "sensor.tables_ender_progress": "37.5",
    "sensor.tables_ender_elapsed": "12",
    "sensor.tables_ender_remaining": "20",
    "sensor.tables_ender_finish_at": "2026-05-04T12:00:00+00:00",
    "sensor.tables_ender_job": "3fa9c1d2-7-42-1",
    "sensor.tables_ender_z": "0.2",
    "sensor.tables_ender_plate": "known",
    "sensor.tables_ender_latch": "none",
    "binary_sensor.tables_ender_printing": "on",
    "binary_sensor.tables_ender_problem": "off",
    "binary_sensor.tables_ender_connected": "on",
    "binary_sensor.tables_board_octo_bridge": "on",
    "binary_sensor.tables_board_rex_bridge": "on",
    "switch.tables_ender_armed": "on",
    "sensor.tables_rex_state": "paused",
    "sensor.tables_rex_remaining": "600",
    "switch.tables_rex_light": "on",
    "number.tables_rex_set_nozzle": "200.0",
    "binary_sensor.tables_rex_connected": "on",
    "sensor.tables_board_state": "drawing",
    "sensor.tables_board_waiting": "3",
    "sensor.tables_board_drawn": "39",
    "sensor.tables_board_refused": "5",
    "sensor.tables_board_last": "a1 h8",
    "text.tables_board_move": "a1 h8",
    "switch.tables_board_accepting": "on",
    "binary_sensor.tables_board_chat": "on",
    "binary_sensor.tables_board_octoprint": "on",
    "binary_sensor.tables_board_planner": "on",
    "sensor.tables_board_chat_received": "100",
}


@pytest.fixture(scope="module")
def probe(house: House) -> Iterator[MqttProbe]:
    with announced(house.broker, ROOT) as client:
        wait_until(lambda: missing(house) == set(), 20, lambda: f"all entities; missing: {missing(house)}")
        yield client


@pytest.fixture(scope="module")
def registry(house: House, probe: MqttProbe) -> dict[str, dict[str, Any]]:
    return {entry["entity_id"]: entry for entry in house.home.client.ask("config/entity_registry/list")}


@pytest.fixture(scope="module")
def states(house: House, probe: MqttProbe) -> dict[str, dict[str, Any]]:
    wait_until(lambda: not wrong(house, VALUES), 30, lambda: f"the values; wrong: {wrong(house, VALUES)}")
    return house.home.client.states()


def missing(house: House) -> set[str]:
    there = house.home.client.states()
    return {entity_id(ROOT, device, entity) for device, entity in EVERY} - set(there)


def wrong(house: House, wanted: dict[str, str]) -> dict[str, object]:
    there = house.home.client.states()
    return {key: there.get(key, {}).get("state") for key in wanted if there.get(key, {}).get("state") != wanted[key]}


@pytest.mark.parametrize(("device", "entity"), EVERY, ids=[entity_id(ROOT, d, e) for d, e in EVERY])
def test_an_entity_is_there_as_it_was_described(
    registry: dict[str, dict[str, Any]], states: dict[str, dict[str, Any]], device: Device, entity: Entity
) -> None:
    entry = registry[entity_id(ROOT, device, entity)]
    assert entry["unique_id"] == f"{ROOT}_{device.key}_{entity.key}"
    assert entry["original_name"] == entity.name
    assert entry["entity_category"] == (entity.category and entity.category.value)
    assert entry["icon"] is None, "the icon is the table's, not a user's"
    attributes = states[entry["entity_id"]]["attributes"]
    assert attributes.get("icon") == entity.icon
    for key in entity.attributes:
        assert key in attributes
    if isinstance(entity, Sensor):
        assert attributes.get("unit_of_measurement") == entity.unit
        assert attributes.get("state_class") == entity.state_class
        assert attributes.get("options") == (list(entity.choices) or None)
    if isinstance(entity, Sensor | BinarySensor | Number):
        wanted = "enum" if isinstance(entity, Sensor) and entity.choices else entity.device_class
        assert attributes.get("device_class") == wanted


def test_the_values_are_those_of_the_states(states: dict[str, dict[str, Any]]) -> None:
    assert {key: states[key]["state"] for key in VALUES} == VALUES


def test_services_that_share_a_device_make_one_of_it(house: House, registry: dict[str, dict[str, Any]]) -> None:
    devices = {
        device["identifiers"][0][1]: device
        for device in house.home.client.ask("config/device_registry/list")
        if device["identifiers"] and str(device["identifiers"][0][1]).startswith(f"{ROOT}_")
    }
    assert set(devices) == {f"{ROOT}_board", f"{ROOT}_ender", f"{ROOT}_rex"}
    hub = devices[f"{ROOT}_board"]
    assert (hub["name"], hub["manufacturer"], hub["model"]) == ("Boardcast", "Boardcast", "Drawing pipeline")
    assert {devices[f"{ROOT}_{printer}"]["via_device_id"] for printer in ("ender", "rex")} == {hub["id"]}
    rex = devices[f"{ROOT}_rex"]
    assert (rex["name"], rex["sw_version"], rex["serial_number"]) == ("Lab printer", "v1.5", "SN1")
    on_hub = {entry["entity_id"] for entry in registry.values() if entry["device_id"] == hub["id"]}
    assert {"sensor.tables_board_state", "binary_sensor.tables_board_chat", "binary_sensor.tables_board_octoprint"} < (
        on_hub
    )


def test_measurements_have_long_term_statistics(house: House, states: dict[str, dict[str, Any]]) -> None:
    wanted = {
        entity_id(ROOT, device, entity)
        for device, entity in EVERY
        if isinstance(entity, Sensor) and entity.state_class is not None
    }
    assert len(wanted) > 15
    known = {row["statistic_id"]: row for row in house.home.client.ask("recorder/list_statistic_ids")}
    assert wanted <= set(known)
    assert known["sensor.tables_ender_nozzle_actual"]["display_unit_of_measurement"] == "°C"


def test_a_service_that_died_takes_only_its_own_entities_along(house: House, probe: MqttProbe) -> None:
    others = {"sensor.tables_board_state": "drawing", "sensor.tables_rex_state": "paused"}
    bridge = {"binary_sensor.tables_board_octoprint": "unavailable", "sensor.tables_ender_state": "unavailable",
              "button.tables_ender_pause": "unavailable", "binary_sensor.tables_board_octo_bridge": "off"}  # fmt: skip
    probe.publish("service/octo_bridge/availability", "offline", retain=True)
    wait_until(lambda: not wrong(house, bridge), 20, lambda: f"the bridge to be away: {wrong(house, bridge)}")
    assert not wrong(house, others)
    probe.publish("service/octo_bridge/availability", "online", retain=True)
    wait_until(lambda: not wrong(house, VALUES), 30, lambda: f"all to be back: {wrong(house, VALUES)}")


def test_a_printer_that_is_off_is_said_to_be_offline(house: House, probe: MqttProbe) -> None:
    probe.publish("printer/rex/availability", "offline", retain=True)
    wanted = {"sensor.tables_rex_nozzle_actual": "unavailable", "binary_sensor.tables_rex_connected": "off",
              "sensor.tables_rex_state": "paused", "button.tables_rex_pause": "unavailable"}  # fmt: skip
    wait_until(lambda: not wrong(house, wanted), 20, lambda: str(wrong(house, wanted)))
    probe.publish("printer/rex/availability", "online", retain=True)
    wait_until(lambda: not wrong(house, VALUES), 20, lambda: str(wrong(house, VALUES)))


def test_what_is_not_known_is_unknown(house: House, probe: MqttProbe) -> None:
    say_states(partial(publish, probe), ROOT, shown(ROOT), full=False)
    unknown = dict.fromkeys(
        ("sensor.tables_ender_state", "sensor.tables_ender_nozzle_actual", "sensor.tables_ender_finish_at",
         "sensor.tables_ender_progress", "sensor.tables_ender_job", "sensor.tables_ender_latch",
         "sensor.tables_rex_state", "sensor.tables_rex_remaining", "switch.tables_rex_light",
         "number.tables_rex_set_bed", "sensor.tables_board_current"), "unknown",
    )  # fmt: skip
    wanted = unknown | {"sensor.tables_board_plate": "unconfirmed", "sensor.tables_board_state": "held",
                        "text.tables_board_move": "", "binary_sensor.tables_board_chat": "off"}  # fmt: skip
    wait_until(lambda: not wrong(house, wanted), 30, lambda: f"unknown: {wrong(house, wanted)}")
    say_states(partial(publish, probe), ROOT, shown(ROOT), full=True)
    wait_until(lambda: not wrong(house, VALUES), 30, lambda: f"known again: {wrong(house, VALUES)}")


def test_a_printer_that_was_renamed_keeps_its_entities_and_their_history(house: House, probe: MqttProbe) -> None:
    def entries() -> dict[str, str]:
        listed = house.home.client.ask("config/entity_registry/list")
        return {entry["entity_id"]: entry["id"] for entry in listed if "tables_rex_" in entry["entity_id"]}

    def names() -> set[str]:
        return {device["name"] for device in house.home.client.ask("config/device_registry/list")}

    before = entries()
    renamed = dataclasses.replace(shown(ROOT)[0].device, name="Office printer")
    install = Install(ROOT, "rex_bridge", "homeassistant", "0.1", service_topic(ROOT, "rex_bridge"))
    publish(probe, install.topic("rex"), json.dumps(device_payload(renamed, install)).encode())
    wait_until(lambda: "Office printer" in names(), 30, lambda: str(names()))
    assert "Lab printer" not in names()
    assert entries() == before
    wait_until(lambda: not wrong(house, VALUES), 30, lambda: str(wrong(house, VALUES)))


def test_home_assistant_has_nothing_to_complain_of(house: House, states: dict[str, dict[str, Any]]) -> None:
    assert house.home.complaints() == []
