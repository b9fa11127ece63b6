"""Payloads as bodies, batches, identities, queue names: what needs no SQS."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.bus.sqs import wire
from services.chassis.bus.sqs.address import LONGEST_NAME, parse_sqs

_ALLOWED = re.compile(r"[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")


@dataclass(frozen=True)
class Item:
    """Anything with a body."""

    body: str


@given(st.binary() | st.text().map(lambda text: text.encode(errors="replace")))
def test_every_payload_comes_back_and_its_body_is_one_that_sqs_takes(payload: bytes) -> None:
    body = wire.encode(payload)
    assert _ALLOWED.fullmatch(body)
    assert wire.decode(body) == payload


@pytest.mark.parametrize("text", [b"arm 2", '{"name": "Zoë ♟"}'.encode()])
def test_text_stays_text(text: bytes) -> None:
    assert wire.encode(text) == text.decode()


@pytest.mark.parametrize("payload", [b"base64:", b"base64:YQ==", b"", b"\x00"])
def test_what_could_be_mistaken_is_marked(payload: bytes) -> None:
    assert wire.encode(payload).startswith("base64:")
    assert wire.decode(wire.encode(payload)) == payload


def test_a_broken_mark_is_said() -> None:
    with pytest.raises(wire.BadBody, match="base64"):
        wire.decode("base64:%%%")


def test_the_largest_payload_fits_whatever_it_holds() -> None:
    assert len(wire.encode(b"\xff" * wire.MAX_PAYLOAD)) <= 256 << 10


@given(st.lists(st.integers(1, wire.MAX_PAYLOAD).map(lambda n: Item("x" * n)), max_size=40))
def test_batches_keep_the_order_and_the_limits(items: list[Item]) -> None:
    found = list(wire.batches(items))
    assert [item for batch in found for item in batch] == items
    assert all(0 < len(batch) <= 10 for batch in found)
    assert all(len(batch) == 1 or sum(len(item.body) for item in batch) <= 256 << 10 for batch in found)


def test_a_message_that_is_sent_again_has_another_identity() -> None:
    stream = "boardcast/v1/link/plan"
    identities = {wire.deduplication_id(stream, epoch, n) for epoch in ("one", "other") for n in range(100)}
    assert len(identities) == 200
    assert all(len(identity) <= 128 for identity in identities)
    assert len(wire.deduplication_id("x" * 500, "f" * 12, 10**12)) <= 128


@pytest.mark.parametrize(
    "url", ["sqs://", "sqs://eu-central-1", "sqs://eu-central-1/", "sqs://Frankfurt/x", "sqs://eu-central-1/a b",
            "sqs://eu-central-1/" + "x" * 21, "sqs://me:secret@eu-central-1/x"],
)  # fmt: skip
def test_a_bad_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ValueError, match="sqs://eu-central-1/boardcast"):
        parse_sqs(url)


def test_a_queue_is_named_after_stack_topic_and_reader() -> None:
    address = parse_sqs("sqs://eu-central-1/home")
    assert address.queue("boardcast/v1/link/plan", "octo_bridge") == "home-boardcast-v1-link-plan-octo_bridge.fifo"
    assert address.queue("b/v1/printer/+/command", "rex_bridge") == "home-b-v1-printer-any-command-rex_bridge.fifo"
    with pytest.raises(ValueError, match="BOARDCAST_TOPIC_ROOT"):
        address.queue("x" * LONGEST_NAME, "r")
