"""SQS in the broker's place by the override and what stands in .env, with containers that are built for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contracts import channels
from services.chassis.bus.sqs import wire
from services.chassis.bus.sqs.client import Entry
from tests.bus.sqs_server import CREDENTIALS, URL, SqsServer
from tests.compose.house import House
from tests.compose.person import ENDS, STATUS, Person
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
SERVICES = ("chat_ingest", "planner", "octo_bridge", "rex_bridge")
AROUND_A_KILL = 30


@pytest.fixture
def sqs(tmp_path: Path, gateway: str) -> Iterator[SqsServer]:
    """An SQS that is no part of the stack, without any queue."""
    made = SqsServer(tmp_path / "sqs", gateway)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def over_sqs(house: House, sqs: SqsServer) -> Iterator[House]:
    """The house with the override, its queues made as docs/sqs.md says."""
    dotenv = house.folder / ".env"
    before = dotenv.read_text()
    settings = CREDENTIALS | {
        "COMPOSE_FILE": "compose.yaml:deploy/compose/sqs.yaml",
        "BOARDCAST_SQS_URL": URL,
        "BOARDCAST_SQS_ENDPOINT": sqs.endpoint,
    }
    dotenv.write_text(before + "".join(f"{name}={value}\n" for name, value in settings.items()))
    try:
        made = house.compose("run", "--rm", "--build", "-T", "planner", "queues", "create").stdout
        assert len([line for line in made.split() if line.endswith(".fifo")]) == 10, made
        house.compose("up", "--build", "--detach", "--wait", "--wait-timeout", "120")
        yield house
    finally:
        dotenv.write_text(before)
        house.up()


def test_moves_and_commands_go_over_sqs_and_a_kill_doubles_nothing(
    over_sqs: House, sqs: SqsServer, person: Person
) -> None:
    for service in SERVICES:
        environment = over_sqs.container(service).attrs["Config"]["Env"]
        assert f"BOARDCAST_BUS_URL={URL}" in environment
    person.ready()
    _send(sqs, channels.BOARD_COMMAND, "accept off")
    person.probe.wait(channels.BOARD_STATE.address, lambda m: m.json["accepting"] is False, deadline_s=30)
    _send(sqs, channels.BOARD_COMMAND, "accept on")
    person.probe.wait(channels.BOARD_STATE.address, lambda m: m.json["accepting"] is True, deadline_s=30)
    mark = person.probe.mark()
    _send(sqs, channels.MOVE_REQUEST, "h1 h2")
    typed = person.probe.wait(STATUS, lambda m: m.json["state"] in ENDS, since=mark, deadline_s=60).json
    assert typed["state"] == "drawn", typed
    assert len(person.drawings_of(typed["move_id"])) == 1

    asked = [f"over sqs {number}" for number in range(AROUND_A_KILL)]
    mark = person.probe.mark()
    for request in asked:
        person.ask(request)
    wait_until(lambda: len(_ended(person, asked)) >= AROUND_A_KILL // 5, 60, "some to be drawn")
    with ThreadPoolExecutor(1) as hand:
        # A container has to start for it: there is something to be drawn for as long as that takes.
        killed = hand.submit(over_sqs.kill_first_process, "planner")
        while not killed.done():
            if len(asked) - len(_ended(person, asked)) < AROUND_A_KILL // 2:
                asked.append(f"over sqs {len(asked)}")
                person.ask(asked[-1])
            time.sleep(0.02)
        killed.result()
    person.probe.wait("service/planner/availability", lambda m: m.text == "offline", since=mark, deadline_s=60)
    assert len(_ended(person, asked)) < len(asked), "the kill came too late to mean anything"
    moves = [person.drawn(request) for request in asked]
    assert [len(person.drawings_of(move)) for move in moves] == [1] * len(moves)
    # And by no secret way: each had a plan and an outcome, whose receipts may share a call.
    assert sqs.calls()["SendMessageBatch"] > AROUND_A_KILL
    assert sqs.calls().get("swallowed", 0) == 0


def _ended(person: Person, asked: list[str]) -> set[str]:
    return {request for request in asked if ENDS & set(person.states(request))}


def _send(sqs: SqsServer, channel: channels.Channel, text: str) -> None:
    """As a person with AWS's command line does."""
    (reader,) = channel.readers
    topic = channel.topic()
    client = sqs.client()
    url = client.find(sqs.address.queue(topic, reader)).url
    refused = client.send(url, [Entry(wire.encode(text.encode()), topic, f"person-{text}")])
    client.close()
    assert not refused
