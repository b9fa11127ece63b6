"""Events: each fires once, also when it was announced twice, and none fires when something starts again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from contracts.events import Event, EventKind
from contracts.moves import MoveState, MoveStatus
from deploy.simulators.waiting import wait_until
from tests.harness.mqtt_probe import MqttProbe
from tests.home_assistant.announced import AT, announced
from tests.home_assistant.conftest import House

ROOT = "events"
PRINT, MACHINE, ANSWER = (f"event.events_ender_{key}" for key in ("print", "machine", "answer"))
MOVES = "event.events_board_moves"
EVERY = (PRINT, MACHINE, ANSWER, MOVES)
TOPIC = "printer/ender/event"


@pytest.fixture(scope="module")
def probe(house: House) -> Iterator[MqttProbe]:
    with announced(house.broker, ROOT) as client:
        wait_until(lambda: all(there(house, entity) for entity in EVERY), 20, "the event entities")
        yield client


def there(house: House, entity: str) -> bool:
    """Whether it has subscribed to its topics: then its availability is known."""
    return house.home.client.states().get(entity, {}).get("state") not in (None, "unavailable")


def event(kind: EventKind, seconds: float, **more: str) -> bytes:
    return Event.model_validate({"event": kind, "time": AT + timedelta(seconds=seconds), **more}).to_bytes()


def fired(house: House, entity: str) -> tuple[str, str | None, str | None]:
    """When *entity* fired last by Home Assistant's own clock, what, and the event's own time."""
    state = house.home.client.states()[entity]
    return state["state"], state["attributes"].get("event_type"), state["attributes"].get("time")


def say(house: House, probe: MqttProbe, entity: str, payload: bytes, kind: str) -> tuple[str, str | None, str | None]:
    before = fired(house, entity)
    probe.publish(TOPIC, payload)

    def now() -> tuple[str, str | None, str | None] | None:
        found = fired(house, entity)
        return found if found != before and found[1] == kind else None

    found = wait_until(now, 30, lambda: f"{entity} to fire {kind}; it says {fired(house, entity)}")
    assert found is not None
    return found


def test_an_event_says_what_happened_and_to_which_job(house: House, probe: MqttProbe) -> None:
    say(house, probe, PRINT, event(EventKind.STARTED, 1, job="j-1", move_id="7-1"), "started")
    attributes = house.home.client.states()[PRINT]["attributes"]
    assert (attributes["job"], attributes["move_id"], attributes["reason"]) == ("j-1", "7-1", None)


def test_a_refused_command_says_why(house: House, probe: MqttProbe) -> None:
    refusal = event(EventKind.REFUSED, 2, command="home", reason="not armed; send arm first")
    say(house, probe, ANSWER, refusal, "refused")
    attributes = house.home.client.states()[ANSWER]["attributes"]
    assert (attributes["command"], attributes["reason"]) == ("home", "not armed; send arm first")


def test_an_event_fires_the_entity_of_its_kind_only(house: House, probe: MqttProbe) -> None:
    before = fired(house, PRINT)
    say(house, probe, MACHINE, event(EventKind.ARMED, 3), "armed")
    assert fired(house, PRINT) == before


def test_an_event_that_is_announced_again_fires_once(house: House, probe: MqttProbe) -> None:
    first = say(house, probe, MACHINE, event(EventKind.LATCHED, 10), "latched")
    second = say(house, probe, MACHINE, event(EventKind.DISARMED, 11), "disarmed")
    assert first != second
    for repeated in (event(EventKind.LATCHED, 10), event(EventKind.DISARMED, 11)):
        probe.publish(TOPIC, repeated)
    say(house, probe, PRINT, event(EventKind.FINISHED, 11), "finished")  # comes after them, on the same topic
    assert fired(house, MACHINE) == second


def test_two_events_of_one_moment_both_fire(house: House, probe: MqttProbe) -> None:
    say(house, probe, MACHINE, event(EventKind.LATCHED, 20), "latched")
    say(house, probe, MACHINE, event(EventKind.HEATERS_OFF, 20), "heaters_off")


def test_a_clock_that_was_set_back_silences_nobody(house: House, probe: MqttProbe) -> None:
    say(house, probe, MACHINE, event(EventKind.PROBLEM, 4000), "problem")
    say(house, probe, MACHINE, event(EventKind.RECOVERED, 30), "recovered")


def test_a_move_that_ended_is_an_event_of_the_board(house: House, probe: MqttProbe) -> None:
    before = fired(house, MOVES)
    for state, reason in ((MoveState.ACCEPTED, None), (MoveState.REFUSED, "the board is full")):
        status = MoveStatus(move_id="7-9", state=state, from_square="a1", to_square="b2", reason=reason, time=AT)
        probe.publish("move/status", status.to_bytes())
    wait_until(lambda: fired(house, MOVES) != before, 30, "the board's event")
    attributes = house.home.client.states()[MOVES]["attributes"]
    assert (attributes["event_type"], attributes["reason"], attributes["from"]) == (
        "refused", "the board is full", "a1",
    )  # fmt: skip


def test_an_event_of_before_a_restart_of_home_assistant_is_remembered_and_not_fired_again(
    house: House, probe: MqttProbe
) -> None:
    last = say(house, probe, PRINT, event(EventKind.UNCERTAIN, 5000, move_id="7-1"), "uncertain")
    house.home.restart()
    wait_until(lambda: fired(house, PRINT) == last, 15, lambda: f"the event as it was, {last}: {fired(house, PRINT)}")
    other = say(house, probe, MACHINE, event(EventKind.ARMED, 5000), "armed")
    probe.publish(TOPIC, event(EventKind.UNCERTAIN, 5000, move_id="7-1"))
    probe.publish(TOPIC, event(EventKind.ARMED, 5000))
    say(house, probe, ANSWER, event(EventKind.DONE, 5000, command="arm"), "done")
    assert (fired(house, PRINT), fired(house, MACHINE)) == (last, other)
    assert house.home.complaints() == []
