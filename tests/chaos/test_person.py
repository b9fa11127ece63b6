"""The person and the traffic of a campaign, without a broker: what they say to what they see."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from tests.chaos.person import Person
from tests.chaos.traffic import AHEAD, Traffic
from tests.chaos.truth import Truth
from tests.chaos.world import World
from tests.harness.mqtt_probe import MqttProbe, Seen


@dataclass
class Line:
    """In the place of a probe: what it would see is put there, what is sent is kept."""

    heard: list[Seen] = field(default_factory=list)
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    connected: bool = True

    def mark(self) -> int:
        return len(self.heard)

    def seen(self, topic: str | None = None, *, since: int = 0) -> list[Seen]:
        return [seen for seen in self.heard[since:] if topic in (None, seen.topic)]

    def send(self, topic: str, payload: dict[str, Any]) -> None:
        self.sent.append((topic, payload))

    def put(self, topic: str, body: dict[str, Any]) -> None:
        self.heard.append(Seen(topic, json.dumps(body).encode(), False, 0.0))

    def words(self) -> list[str]:
        """The commands sent, in text."""
        return [" ".join([body["command"], *body["arguments"]]) for _, body in self.sent if "command" in body]


COUNTS = {"waiting": 0, "planned": 0, "printing": 0, "uncertain": 0}


def board(**more: Any) -> dict[str, Any]:
    return {"plate": "known", "held": False, "held_reason": None, "counts": COUNTS} | more


def ender(**more: Any) -> dict[str, Any]:
    return {"plate": "known", "reason": None, "latch": "none", "armed": True} | more


@pytest.fixture
def line() -> Line:
    made = Line()
    made.put("board/state", board())
    made.put("printer/ender/state", ender())
    return made


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    return Truth(tmp_path / "log")


@pytest.fixture
def person(line: Line, truth: Truth) -> Person:
    return Person(cast(World, None), cast(MqttProbe, line), truth, seed=1)


def act(person: Person) -> None:
    person.tick()
    person.tick()


def test_where_all_is_well_nothing_is_said(line: Line, person: Person) -> None:
    act(person)
    assert line.sent == []


@pytest.mark.parametrize(
    ("topic", "state", "said"),
    [
        ("printer/ender/state", ender(armed=False), "arm"),
        ("printer/ender/state", ender(latch="foreign"), "resume"),
        ("printer/ender/state", ender(plate="unknown"), "confirm_empty"),
        ("board/state", board(held_reason="refused: another planner is bound; send adopt to …"), "adopt"),
        ("board/state", board(plate="unknown"), "confirm_empty"),
        ("board/state", board(plate="full"), "new_board"),
    ],
)
def test_what_is_missing_is_done(line: Line, person: Person, topic: str, state: dict[str, Any], said: str) -> None:
    line.put(topic, state)
    act(person)
    assert said in line.words()


def test_a_printer_that_is_held_on_purpose_is_left_alone(line: Line, person: Person) -> None:
    person.hands_off = True
    line.put("printer/ender/state", ender(latch="pause", armed=False))
    act(person)
    assert line.sent == []


def held(move: str) -> dict[str, Any]:
    reason = f"nobody knows whether {move} was drawn (x): say `resolve drawn {move}`, `resolve redraw {move}`"
    return board(counts=COUNTS | {"uncertain": 1}, held_reason=reason)


def test_an_uncertain_move_is_settled_by_what_the_printer_drew(line: Line, person: Person, truth: Truth) -> None:
    line.put("board/state", held("1-7"))
    truth.drawn.append((1.0, "0123abcd-1-7-1-beef"))
    act(person)
    assert line.words() == ["resolve drawn 1-7"]


def test_an_uncertain_move_that_is_not_on_the_plate_is_never_said_to_be(line: Line, person: Person) -> None:
    line.put("board/state", held("1-7"))
    act(person)
    assert line.words()[0] in {"resolve redraw 1-7", "resolve skip 1-7"}


def test_an_answer_is_kept_with_its_time_and_a_refusal_without(line: Line, person: Person) -> None:
    for answer in ("done", "refused"):
        person.say("printer/ender/command", "pause")
        person.tick()
        line.put("printer/ender/event", {"event": answer, "id": line.sent[-1][1]["id"]})
        person.tick()
    done, refused = person.words
    assert done.answered is not None
    assert refused.answered is None
    assert person.unanswered == 0


def test_requests_are_asked_again_until_the_status_and_only_so_many_wait(line: Line, person: Person) -> None:
    traffic = Traffic(cast(MqttProbe, line), person, seed=1, rate=1e6, steering=False)
    act(person)
    for _ in range(50):
        traffic.tick()
    assert traffic.unanswered == traffic.asked == AHEAD == len(line.sent)
    assert {topic for topic, _ in line.sent} == {"move/request", "chat/message"}
    for _, body in list(line.sent):
        user = {"id": body["user_id"]} if "user_id" in body else None
        line.put("move/status", {"state": "accepted", "request_id": body.get("request_id"), "user": user})
    traffic.stopped = True
    traffic.tick()
    assert (traffic.unanswered, traffic.answered) == (0, AHEAD)


def test_a_hold_ends_and_leaves_the_rest_to_the_person(line: Line, person: Person) -> None:
    traffic = Traffic(cast(MqttProbe, line), person, seed=1, rate=1e6)
    traffic._hold("stop", time.time() - 10)
    assert person.hands_off
    traffic.tick()
    assert not person.hands_off
