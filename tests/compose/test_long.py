"""What takes minutes: every container killed again and again over fifty moves, and memory over a thousand.

`make soak-compose` runs them.
"""

from __future__ import annotations

import itertools
import time
from functools import partial

import pytest

from tests.compose.person import ENDS, STATUS, Person
from tests.compose.test_failures import BACK_WITHIN_S, online
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.soak, pytest.mark.timeout(3600)]

KILLED = ("chat_ingest", "planner", "broker", "octo_bridge", "rex_bridge")
MOVES, MANY = 50, 1000
SERVICES = ("broker", "chat_ingest", "planner", "octo_bridge", "rex_bridge")


def test_fifty_moves_while_every_container_is_killed(person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    person.ready()
    for number in range(MOVES):
        person.ask(f"long {number}")
    accepted = {f"long {number}" for number in range(MOVES)}
    wait_until(lambda: accepted <= _told(person), 60, "all to be accepted")
    slowest = 0.0
    kills = 0
    for service in itertools.cycle(KILLED):
        if len(_ended(person) & accepted) >= MOVES - 5:
            break
        slowest = max(slowest, _kill(person, service))
        kills += 1
    drawn = [person.drawn(request, deadline_s=300) for request in sorted(accepted)]
    assert len(set(drawn)) == MOVES
    assert [len(person.drawings_of(move)) for move in drawn] == [1] * MOVES
    with capsys.disabled():
        print(f"\n{MOVES} moves drawn once each over {kills} kills; slowest back after {slowest:.1f} s")


def _kill(person: Person, service: str) -> float:
    """SIGKILL, and how long it took until it was back."""
    mark = person.probe.mark()
    began = time.monotonic()
    person.house.kill_first_process(service)
    if service == "broker":
        wait_until(lambda: not person.probe.connected, BACK_WITHIN_S, "the connection to break")
        person.works(BACK_WITHIN_S)
    else:
        gone = person.probe.wait(online(service), lambda m: m.text == "offline", since=mark, deadline_s=BACK_WITHIN_S)
        person.probe.wait(
            online(service), lambda m: m.text == "online" and m.time_s > gone.time_s, since=mark,
            deadline_s=BACK_WITHIN_S,
        )  # fmt: skip
    return time.monotonic() - began


def test_memory_stays_under_its_limit_over_a_thousand_moves(person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    person.ready()
    for asked in range(MANY):
        if asked % 100 == 0:  # never more waiting than the planner takes
            wait_until(partial(_fewer_waiting, person, asked), 600, "moves to end", poll_s=0.5)
        person.ask(f"many {asked}")
    wait_until(lambda: len({r for r in _ended(person) if r.startswith("many")}) == MANY, 1800, "all to end", poll_s=1)
    used = {service: person.house.container(service).stats(stream=False)["memory_stats"] for service in SERVICES}
    with capsys.disabled():
        print()
        for service, memory in used.items():
            print(f"{service:12} {memory['usage'] / 1e6:6.1f} of {memory['limit'] / 1e6:6.1f} MB")
    for service, memory in used.items():
        assert memory["usage"] < memory["limit"] / 2, service
        assert not person.house.container(service).attrs["State"]["OOMKilled"]


def _fewer_waiting(person: Person, asked: int) -> bool:
    return asked - len([request for request in _ended(person) if request.startswith("many")]) < 200


def _told(person: Person) -> set[str]:
    return {seen.json["request_id"] for seen in person.probe.seen(STATUS)}


def _ended(person: Person) -> set[str]:
    return {seen.json["request_id"] for seen in person.probe.seen(STATUS) if seen.json["state"] in ENDS}
