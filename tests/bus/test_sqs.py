"""What only SQS can do to a bus, and what may be expected of it beyond the suite."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from services.chassis.bus.port import Message
from services.chassis.bus.routes import Route
from services.chassis.bus.sqs import poller, wire
from services.chassis.bus.sqs.bus import SqsBus
from services.chassis.bus.sqs.client import Entry
from services.chassis.bus.sqs.queues import attributes
from tests.bus.adapters import DEADLINE_S, Listener, SqsLab, until, up
from tests.harness.waiting import wait_until

TOPIC = "a"


def put(lab: SqsLab, reader: str, *bodies: str, stream: str = TOPIC, identity: str = "") -> None:
    """Send as a person with the console does."""
    client = lab.server.client()
    url = client.find(lab.server.address.queue(TOPIC, reader)).url
    for n, body in enumerate(bodies):
        client.send(url, [Entry(body, stream, identity or f"put-{time.monotonic_ns()}-{n}")])
    client.close()


async def test_the_stand_in_swallows_a_known_identity_also_after_a_delete(sqs: SqsLab) -> None:
    heard = Listener()
    bus = sqs.bus()
    bus.subscribe(TOPIC, heard)
    await up(bus)
    put(sqs, "bus-0", "first", identity="same")
    await until(lambda: heard.payloads == [b"first"], "the first")
    await until(lambda: sqs.server.calls().get("DeleteMessageBatch", 0) == 1, "its end")
    put(sqs, "bus-0", "again", identity="same")
    put(sqs, "bus-0", "other", identity="other")
    await until(lambda: heard.payloads == [b"first", b"other"], "the other alone")
    assert sqs.server.calls()["swallowed"] == 1


async def test_a_payload_that_is_sent_again_is_not_swallowed(sqs: SqsLab) -> None:
    heard = Listener()
    reader, writer = sqs.bus(), sqs.bus()
    reader.subscribe(TOPIC, heard)
    await up(reader, writer)
    for times in range(1, 4):
        writer.publish(TOPIC, b"same")
        await until(lambda: heard.payloads == [b"same"] * times, f"it for the {times}. time")  # noqa: B023 - awaited
    again = sqs.bus()
    await up(again)
    again.publish(TOPIC, b"same")
    await until(lambda: len(heard.messages) == 4, "it from a service that was started anew")


async def test_any_bytes_come_through_and_none_at_all_too(sqs: SqsLab) -> None:
    heard = Listener()
    bus = sqs.bus()
    bus.subscribe(TOPIC, heard)
    await up(bus)
    payloads = [bytes(range(256)), b"", "♟".encode(), b"base64:x", b"\xff" * wire.MAX_PAYLOAD]
    for payload in payloads:
        bus.publish(TOPIC, payload)
    await until(lambda: len(heard.messages) == len(payloads), "all")
    assert heard.payloads == payloads


async def test_what_was_not_handled_comes_to_the_next_one(sqs: SqsLab) -> None:
    """A delete before the handler would lose it: the first one ends with the message in its hands."""
    options = replace(sqs.options(), visibility=2.0)
    first, heard = sqs.made(options), Listener()
    first.subscribe(TOPIC, lambda _: None)
    await up(first)
    first.inbox.close()  # as if the process were gone: what arrives is never handled
    put(sqs, "bus-0", "one", "two")
    await until(lambda: sqs.server.calls().get("ReceiveMessage", 0) >= 1, "a poll")
    await asyncio.sleep(0.5)
    await first.stop()
    second = sqs.made(options)
    second.subscribe(TOPIC, heard)
    await up(second)
    await until(lambda: heard.payloads == [b"one", b"two"], "both, in order")


async def test_the_visibility_is_extended_while_the_loop_is_busy(sqs: SqsLab) -> None:
    options = replace(sqs.options(), visibility=2.0)
    bus, heard = sqs.made(options), Listener()

    def extended() -> int:
        return sqs.server.calls().get("ChangeMessageVisibilityBatch", 0)

    def slow(message: Message) -> None:
        heard(message)
        time.sleep(3)  # a handler that holds the loop up for longer than the visibility
        wait_until(lambda: extended() >= 3, DEADLINE_S, "three extensions")

    bus.subscribe(TOPIC, slow)
    await up(bus)
    put(sqs, "bus-0", "once")
    await until(lambda: bool(heard.messages), "the message")
    await until(lambda: sqs.server.calls().get("DeleteMessageBatch", 0) == 1, "its end")
    await asyncio.sleep(1)
    assert heard.payloads == [b"once"]


async def test_a_stream_whose_first_message_is_never_handled_is_parked_with_an_alarm(
    sqs: SqsLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "PARK_AFTER", 1)
    monkeypatch.setattr(poller, "PARKED_LOOK", 1.0)
    sqs.declare(TOPIC, "bus-0")
    put(sqs, "bus-0", "poison", "behind")
    client = sqs.server.client()
    client.receive(client.find(sqs.server.address.queue(TOPIC, "bus-0")).url, 0)  # by one that died of it
    client.close()
    bus, heard = sqs.bus(), Listener()
    bus.subscribe(TOPIC, heard)
    with capture_logs() as logs:
        await up(bus)
        await until(lambda: sum("ALARM" in line["event"] for line in logs) >= 2, "two alarms")
    assert heard.payloads == []  # nothing from behind it either
    assert sqs.server.calls().get("DeleteMessageBatch", 0) == 0


async def test_a_command_from_before_the_start_is_marked_and_a_link_s_frame_is_not(sqs: SqsLab) -> None:
    names = {"command": Route("command", "late", (), asks=True), "link": Route("link", "late", (), asks=False)}
    sqs.routes.extend(names.values())
    sqs.server.make(sqs.routes)
    writer, heard = sqs.bus(), Listener()
    await up(writer)
    told: list[bool] = []
    for topic in names:
        writer.publish(topic, b"old", delivered=told.append)
    await until(lambda: told == [True, True], "both in their queues")
    await asyncio.sleep(2)  # the server tells its time in whole seconds
    late = sqs.made(replace(sqs.options(), reader="late"))
    for topic in names:
        late.subscribe(topic, heard)
    await up(late)
    writer.publish("command", b"new")
    await until(lambda: len(heard.messages) == 3, "all")
    found = {(message.topic, message.payload): message.retained for message in heard.messages}
    assert found == {("command", b"old"): True, ("link", b"old"): False, ("command", b"new"): False}


async def test_a_message_for_no_topic_is_dropped_and_said(sqs: SqsLab) -> None:
    bus, heard = sqs.bus(), Listener()
    bus.subscribe(TOPIC, heard)
    await up(bus)
    with capture_logs() as logs:
        put(sqs, "bus-0", "x", stream="elsewhere")
        put(sqs, "bus-0", "base64:%%%")
        put(sqs, "bus-0", "y")
        await until(lambda: heard.payloads == [b"y"], "the good one")
    assert sum(line["log_level"] == "error" for line in logs) == 2


async def test_a_missing_queue_is_named_with_what_to_do(sqs: SqsLab) -> None:
    sqs.routes.append(Route("unmade", "bus-0", (), asks=False))
    bus = sqs.bus()
    bus.subscribe("unmade", Listener())
    told: list[bool] = []
    with capture_logs() as logs:
        await bus.start()
        await until(lambda: any("queues create" in str(line.get("reason")) for line in logs), "the name")
        assert not bus.connected
        writer = sqs.bus()
        await up(writer)
        writer.publish("unmade", b"x", delivered=told.append)
        await until(lambda: told == [False], "the answer")
        assert writer.connected
    assert "test-unmade-bus-0.fifo" in json.dumps([str(line) for line in logs])


async def test_wildcards_and_undeclared_topics_are_refused_at_once(sqs: SqsLab) -> None:
    bus = SqsBus(sqs.options())
    for topic in ("a/+", "a/#", "undeclared"):
        with pytest.raises(ValueError, match=topic.replace("+", r"\+")):
            bus.subscribe(topic, Listener())


async def test_queues_are_made_twice_without_harm_and_take_new_attributes(sqs: SqsLab) -> None:
    route = Route("again", "one", (), asks=False)
    sqs.server.make([route])
    client = sqs.server.client()
    name = sqs.server.address.queue("again", "one")
    client.create(name, attributes(replace(route, asks=True)))
    client.create(name, attributes(route))
    assert client.find(name).url
    client.close()
