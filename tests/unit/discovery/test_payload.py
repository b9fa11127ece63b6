"""From a table of entities to the payload that Home Assistant gets."""

from __future__ import annotations

import json

import pytest

from services.chassis.discovery.entities import (
    BinarySensor,
    Button,
    Category,
    Device,
    Event,
    Image,
    Needs,
    Number,
    Sensor,
    Switch,
    Text,
    Trigger,
)
from services.chassis.discovery.payload import Install, device_payload, dropped, tombstones, with_components

INSTALL = Install("kitchen", "mill", "homeassistant", "1.2.3", "t/service/mill")


def component(entity: object) -> dict[str, object]:
    device = Device(key="grinder", name="Grinder", state_topic="t/state", entities=(entity,))  # type: ignore[arg-type]  # any kind
    (found,) = device_payload(device, INSTALL)["components"].values()
    return dict(found)


def test_a_device_says_who_it_is_and_what_it_depends_on() -> None:
    device = Device(
        key="grinder",
        name="Grinder",
        state_topic="t/state",
        availability=("t/grinder",),
        via="hub",
        manufacturer="Acme",
        model="G1",
        firmware="7",
        serial_number="S9",
        entities=(),
    )
    assert INSTALL.topic("grinder") == "homeassistant/device/kitchen_grinder_mill/config"
    assert device_payload(device, INSTALL) == {
        "device": {
            "identifiers": ["kitchen_grinder"],
            "name": "Grinder",
            "manufacturer": "Acme",
            "model": "G1",
            "sw_version": "7",
            "serial_number": "S9",
            "via_device": "kitchen_hub",
        },
        "origin": {"name": "Boardcast mill", "sw_version": "1.2.3"},
        "availability": [{"topic": "t/service/mill"}, {"topic": "t/grinder"}],
        "availability_mode": "all",
        "qos": 1,
        "components": {},
    }


def test_a_measurement() -> None:
    found = component(
        Sensor(key="bed", name="Bed", value="bed_actual", device_class="temperature", unit="°C",
               state_class="measurement", precision=0, category=Category.DIAGNOSTIC)
    )  # fmt: skip
    assert found == {
        "platform": "sensor",
        "unique_id": "kitchen_grinder_bed",
        "default_entity_id": "sensor.kitchen_grinder_bed",
        "name": "Bed",
        "entity_category": "diagnostic",
        "state_topic": "t/state",
        "value_template": "{{ value_json.bed_actual }}",
        "device_class": "temperature",
        "unit_of_measurement": "°C",
        "state_class": "measurement",
        "suggested_display_precision": 0,
    }


def test_names_do_not_reach_the_identity() -> None:
    before = component(Sensor(key="bed", name="Bed", value="b"))
    after = component(Sensor(key="bed", name="Plate", value="b"))
    assert (before["unique_id"], before["default_entity_id"]) == (after["unique_id"], after["default_entity_id"])


def test_a_choice_lists_its_options() -> None:
    found = component(Sensor(key="state", name="State", value="state", choices=("idle", "busy")))
    assert (found["device_class"], found["options"]) == ("enum", ["idle", "busy"])


def test_a_switch_is_never_optimistic() -> None:
    found = component(Switch(key="on", name="On", command="t/command", value="on", on="go", off="halt"))
    assert found["optimistic"] is False
    assert (found["payload_on"], found["payload_off"]) == ("go", "halt")
    assert found["value_template"] == "{{ (value_json.on) | iif('ON', 'OFF', none) }}"


def test_a_number_is_set_by_a_command() -> None:
    found = component(
        Number(key="n", name="N", command="t/command", value="n", set_to="n {{ value | int }}", least=0, most=9)
    )
    assert (found["command_template"], found["min"], found["max"]) == ("n {{ value | int }}", 0, 9)
    assert found["optimistic"] is False


@pytest.mark.parametrize(
    "entity",
    [
        Button(key="b", name="B", command="t/command", press="now"),
        Image(key="i", name="I", image="t/image"),
    ],
)
def test_what_has_no_state_has_no_topic_for_it(entity: object) -> None:
    assert "state_topic" not in component(entity)


def test_what_says_that_the_service_is_there_is_always_available() -> None:
    words = BinarySensor(key="up", name="Up", topic="t/service/mill", words=("online", "offline"), needs=Needs.NOTHING)
    assert component(words)["availability"] == []
    linked = BinarySensor(key="link", name="Link", value="linked", needs=Needs.SERVICE)
    assert component(linked)["availability"] == [{"topic": "t/service/mill"}]
    assert "availability" not in component(Text(key="t", name="T", command="t/command", value="t"))


def test_an_event_names_its_types_and_ignores_the_others() -> None:
    found = component(Event(key="e", name="E", topic="t/event", types=("done", "failed")))
    assert found["event_types"] == ["done", "failed"]
    assert found["state_topic"] == "t/event"
    assert "in ['done', 'failed']" in str(found["value_template"])


def test_two_entities_of_one_key_are_refused() -> None:
    twice = Sensor(key="a", name="A", value="a")
    with pytest.raises(ValueError, match="two entities of grinder are called a"):
        device_payload(Device(key="grinder", name="G", entities=(twice, twice)), INSTALL)


def test_what_is_dropped_is_taken_out_by_name() -> None:
    def payload(*keys: str) -> dict[str, object]:
        entities = tuple(Sensor(key=key, name=key, value=key) for key in keys)
        return dict(device_payload(Device(key="d", name="D", entities=entities), INSTALL))

    lost = dropped(payload("a", "b"), payload("b", "c"))
    assert list(lost) == ["a"]
    body = with_components(payload("b", "c"), tombstones(lost))
    assert body["components"]["a"] == {"platform": "sensor"}
    assert sorted(body["components"]) == ["a", "b", "c"]
    assert list(dropped(payload("a"), None)) == ["a"]
    assert json.dumps(body)


def test_a_trigger_is_a_component_beside_the_entities_and_goes_like_one() -> None:
    started = Trigger(topic="t/event", on="started", subject="print")
    before = device_payload(Device(key="d", name="D", entities=(), triggers=(started,)), INSTALL)
    assert before["components"] == {
        "when_print_started": {
            "platform": "device_automation", "automation_type": "trigger", "topic": "t/event", "payload": "started",
            "value_template": "{{ value_json.event }}", "type": "started", "subtype": "print",
        }
    }  # fmt: skip
    after = device_payload(Device(key="d", name="D", entities=()), INSTALL)
    assert tombstones(dropped(before, after)) == {"when_print_started": {"platform": "device_automation"}}
