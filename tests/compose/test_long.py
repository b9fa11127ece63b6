"""What takes minutes: memory over a thousand moves. `make soak-compose` runs it."""

from __future__ import annotations

from functools import partial

import pytest

from contracts import channels
from tests.compose.person import ENDS, STATUS, Person
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.docker, pytest.mark.soak, pytest.mark.timeout(3600)]

MANY = 1000
WAITING = 200
"""Fewer than the planner takes."""
SERVICES = ("broker", "chat_ingest", "planner", "octo_bridge", "rex_bridge", "octoprint")


def test_memory_stays_under_its_limit_over_a_thousand_moves(person: Person, capsys: pytest.CaptureFixture[str]) -> None:
    person.ready()
    for begin in range(0, MANY, WAITING):
        requests = {f"many {number}" for number in range(begin, begin + WAITING)}
        for request in sorted(requests):
            person.ask(request)
        wait_until(partial(_all_ended, person, requests), 600, "moves to end", poll_s=0.5)
        # A plate takes some 670 of these lines; a person takes it off before it is full.
        person.command(channels.BOARD_COMMAND, "new_board")
        # A confirmation that crosses octo_bridge's own word on the new board does not count.
        person.wait_ender("the plate to be unknown", plate="unknown")
        person.command(channels.BOARD_COMMAND, "confirm_empty")
        person.wait_ender("the plate to be known", plate="known")
    used = {service: person.house.container(service).stats(stream=False)["memory_stats"] for service in SERVICES}
    with capsys.disabled():
        print("", *(f"{service:12} {used[service]['usage'] / 1e6:6.1f} MB" for service in SERVICES), sep="\n")
    for service, memory in used.items():
        assert memory["usage"] < memory["limit"] * 0.75, service
        assert not person.house.container(service).attrs["State"]["OOMKilled"]


def _all_ended(person: Person, wanted: set[str]) -> bool:
    ended = {seen.json["request_id"] for seen in person.probe.seen(STATUS) if seen.json["state"] in ENDS}
    return ended >= wanted
