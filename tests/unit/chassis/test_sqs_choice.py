"""What is refused at the start by name, what the queues are and who may do what with them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from services.chassis.bus import choose, routes
from services.chassis.bus.sqs import queues
from services.chassis.bus.sqs.address import parse_sqs
from services.chassis.settings import ChassisSettings

SQS = "sqs://eu-central-1/home"


@dataclass(frozen=True)
class Row:
    """A channel as the machinery sees it."""

    name: str
    kind: str
    publishers: tuple[str, ...]
    readers: tuple[str, ...]

    def filter(self, root: str) -> str:
        return f"{root}/{self.name}"


TABLE = (
    Row("plan", "link", ("one",), ("two",)),
    Row("plan_receipt", "receipt", ("two",), ("one",)),
    Row("command", "command", ("operator",), ("two",)),
    Row("news", "state", ("two",), ("viewer",)),
    Row("happened", "event", ("one",), ("watcher",)),
)


def settings(**values: str) -> ChassisSettings:
    """Settings that say SQS, and *values*."""
    return ChassisSettings.model_validate({"bus_url": SQS, **values})


def refusal(name: str, **values: str) -> str | None:
    return choose.refusal(settings(**values), name, TABLE)


def test_what_cannot_be_carried_is_refused_by_name_with_what_to_set() -> None:
    said = refusal("two")
    assert said is not None
    assert "cannot carry news:" in said
    assert "BOARDCAST_STATE_BUS_URL" in said
    assert "happened" not in said  # another service's


@pytest.mark.parametrize("state", ["mqtt://broker:1883", "none"])
def test_a_state_bus_or_its_absence_in_so_many_words_is_enough(state: str) -> None:
    assert refusal("two", state_bus_url=state) is None


def test_a_service_that_would_hear_nothing_is_refused() -> None:
    said = refusal("watcher", state_bus_url="none")
    assert said is not None
    assert "happened" in said
    assert refusal("watcher", state_bus_url="mqtt://broker") is None


def test_a_service_without_a_table_is_refused_on_sqs_alone() -> None:
    assert "declares no channels" in (choose.refusal(settings(state_bus_url="none"), "two", ()) or "")
    assert choose.refusal(ChassisSettings(), "two", ()) is None


def test_a_name_that_sqs_does_not_allow_is_refused_at_the_start() -> None:
    assert "80" in (refusal("two", state_bus_url="none", topic_root="x" * 80) or "")


def test_boto3_is_asked_for_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "find_spec", lambda _: None)
    assert "boardcast[sqs]" in (refusal("two", state_bus_url="none") or "")


@pytest.mark.parametrize("state", ["nonsense", "sqs://eu-central-1/x", "None"])
def test_a_state_bus_that_is_none_of_both_is_no_setting(state: str) -> None:
    with pytest.raises(ValueError, match="state_bus_url"):
        settings(state_bus_url=state)


def test_a_channel_that_names_a_topic_outright_comes_before_one_with_a_parameter() -> None:
    wide = routes.Route("b/printer/+/command", "rex", (), asks=True)
    narrow = routes.Route("b/printer/ender/command", "octo", (), asks=True)
    assert routes.to("b/printer/ender/command", [wide, narrow]) == [narrow]
    assert routes.to("b/printer/rex2/command", [wide, narrow]) == [wide]
    assert routes.to("b/board/state", [wide, narrow]) == []


def test_the_policy_allows_what_a_party_needs_and_no_more() -> None:
    ways = routes.routes(TABLE, "b")
    found = queues.policy(parse_sqs(SQS), ways, "two", "123456789012")
    arn = "arn:aws:sqs:eu-central-1:123456789012:home-b-"
    by_sid = {statement["Sid"]: statement for statement in found["Statement"]}
    assert by_sid["Read"]["Resource"] == [f"{arn}plan-two.fifo", f"{arn}command-two.fifo"]
    assert by_sid["Send"]["Resource"] == [f"{arn}plan_receipt-one.fifo"]
    assert "sqs:SendMessage" not in by_sid["Read"]["Action"]
    assert "sqs:ReceiveMessage" not in by_sid["Send"]["Action"]
    assert not any("*" in action or "Create" in action for s in found["Statement"] for action in s["Action"])
    operator = queues.policy(parse_sqs(SQS), ways, "operator", "*")
    assert [statement["Sid"] for statement in operator["Statement"]] == ["Send"]


def test_no_queue_has_a_dead_letter_queue_and_asking_is_forgotten_soon() -> None:
    for route in routes.routes(TABLE, "b"):
        found = queues.attributes(route)
        assert "RedrivePolicy" not in found
        assert found["ContentBasedDeduplication"] == "false"  # or the second `pause` would be swallowed
        assert int(found["MessageRetentionPeriod"]) == (60 if route.asks else 3600)


def test_the_subcommand_prints_and_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert queues.main(settings(), "two", TABLE, ["list"]) == 0
    assert capsys.readouterr().out.split() == [
        "home-boardcast-plan-two.fifo", "home-boardcast-plan_receipt-one.fifo", "home-boardcast-command-two.fifo",
    ]  # fmt: skip
    assert queues.main(settings(), "two", TABLE, ["policy", "one"]) == 0
    assert json.loads(capsys.readouterr().out)["Version"] == "2012-10-17"
    assert queues.main(settings(), "two", TABLE, ["burn"]) == 2
    assert queues.main(ChassisSettings(), "two", TABLE, ["list"]) == 2
    assert "sqs://" in capsys.readouterr().err
    assert queues.main(settings(), "two", (), ["list"]) == 2
    assert "declares no channels" in capsys.readouterr().err
