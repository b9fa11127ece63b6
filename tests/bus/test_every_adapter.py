"""What services may expect of any bus; every adapter passes the same tests."""

from __future__ import annotations

import asyncio
from functools import partial

from services.chassis.bus.port import Message, Presence
from tests.bus.adapters import STOPS_WITHIN_S, Lab, Listener, Marker, needs, until, up

PRESENCE = Presence("service/one/availability")


async def test_a_message_reaches_every_subscriber_and_no_other(lab: Lab) -> None:
    one, two, other = Listener(), Listener(), Listener()
    buses = [lab.bus(), lab.bus(), lab.bus()]
    buses[0].subscribe("a/b/c", one)
    buses[1].subscribe("a/b/c", two)
    buses[2].subscribe("a/b", other)
    await up(*buses)
    buses[2].publish("a/b/c", b"\x00\xff payload")
    await until(lambda: bool(one.messages and two.messages), "the message")
    await Marker(lab)(buses[2])
    assert one.messages == two.messages == [Message("a/b/c", b"\x00\xff payload")]
    assert other.messages == []


async def test_wildcards_match(lab: Lab) -> None:
    needs(lab, "wildcards")
    one, two, other = Listener(), Listener(), Listener()
    buses = [lab.bus(), lab.bus(), lab.bus()]
    buses[0].subscribe("a/+/c", one)
    buses[1].subscribe("a/#", two)
    buses[2].subscribe("a/+", other)
    await up(*buses)
    buses[2].publish("a/b/c", b"1")
    await until(lambda: bool(one.messages and two.messages), "the message")
    await Marker(lab)(buses[2])
    assert one.messages == two.messages == [Message("a/b/c", b"1")]
    assert other.messages == []


async def test_a_bus_hears_itself(lab: Lab) -> None:
    heard = Listener()
    bus = lab.bus()
    bus.subscribe("a", heard)
    await up(bus)
    bus.publish("a", b"1")
    await until(lambda: heard.payloads == [b"1"], "its own message")


async def test_messages_of_a_topic_arrive_in_the_order_in_which_they_were_published(lab: Lab) -> None:
    heard = Listener()
    reader, writer = lab.bus(), lab.bus()
    reader.subscribe("a", heard)
    await up(reader, writer)
    sent = [str(n).encode() for n in range(lab.many)]
    for payload in sent:
        writer.publish("a", payload)
    await until(lambda: len(heard.messages) >= len(sent), "all messages")
    assert heard.payloads == sent


async def test_messages_of_one_subscription_arrive_in_order_over_its_topics(lab: Lab) -> None:
    needs(lab, "wildcards")
    heard = Listener()
    reader, writer = lab.bus(), lab.bus()
    reader.subscribe("a/#", heard)
    await up(reader, writer)
    sent = [str(n).encode() for n in range(lab.many)]
    for n, payload in enumerate(sent):
        writer.publish(f"a/{n % 3}", payload)
    await until(lambda: len(heard.messages) >= len(sent), "all messages")
    assert heard.payloads == sent


async def test_delivered_is_called_once_with_true_when_the_broker_has_the_message(lab: Lab) -> None:
    bus = lab.bus()
    await up(bus)
    told: list[tuple[int, bool]] = []

    def tell(n: int, ok: bool) -> None:
        told.append((n, ok))

    for n in range(300):
        bus.publish("a", b"x", delivered=partial(tell, n))
    assert told == []  # never before publish() has returned
    await until(lambda: len(told) >= 300, "all confirmations")
    assert sorted(told) == [(n, True) for n in range(300)]


async def test_a_retained_message_is_given_to_whoever_comes_later_and_marked(lab: Lab) -> None:
    needs(lab, "retained", "wildcards")
    early, late = Listener(), Listener()
    writer, reader = lab.bus(), lab.bus()
    writer.subscribe("state/+", early)
    await up(writer)
    writer.publish("state/a", b"old", retain=True)
    writer.publish("state/a", b"new", retain=True)
    writer.publish("state/b", b"passing")
    await until(lambda: len(early.messages) == 3, "the messages")
    assert not any(message.retained for message in early.messages)
    reader.subscribe("state/+", late)
    await up(reader)
    await until(lambda: bool(late.messages), "the retained message")
    await Marker(lab)(reader)
    assert late.messages == [Message("state/a", b"new", retained=True)]


async def test_an_empty_payload_ends_a_retained_message(lab: Lab) -> None:
    needs(lab, "retained")
    late = Listener()
    writer, reader = lab.bus(), lab.bus()
    await up(writer)
    writer.publish("state", b"kept", retain=True)
    writer.publish("state", b"", retain=True)
    await Marker(lab)(writer)
    reader.subscribe("state", late)
    await up(reader)
    await Marker(lab)(reader)
    assert late.messages == []


async def test_a_subscription_after_the_connect_is_given_what_is_retained(lab: Lab) -> None:
    needs(lab, "retained")
    heard = Listener()
    bus, writer = lab.bus(), lab.bus()
    await up(bus, writer)
    writer.publish("late", b"kept", retain=True)
    await Marker(lab)(writer)
    bus.subscribe("late", heard)
    await until(lambda: heard.messages == [Message("late", b"kept", retained=True)], "the retained message")


async def test_a_subscription_after_the_connect_is_in_force_soon_and_after_a_loss(lab: Lab) -> None:
    heard = Listener()
    bus, writer = lab.bus(), lab.bus()
    await up(bus, writer)
    bus.subscribe("late", heard)

    def arrived() -> bool:
        writer.publish("late", b"fresh")
        return bool(heard.messages)

    await until(arrived, "a fresh message")
    lab.crash()
    await until(lambda: not (bus.connected or writer.connected), "the loss")
    lab.recover()
    await until(lambda: bus.connected and writer.connected, "the connections")
    writer.publish("late", b"after")
    await until(lambda: heard.payloads[-1] == b"after", "a message after the reconnect")


async def test_presence_is_announced_on_every_connect_and_taken_back_at_the_end(lab: Lab) -> None:
    needs(lab, "wills", "retained")
    heard = Listener()
    watcher, bus = lab.bus(), lab.bus(PRESENCE)
    watcher.subscribe(PRESENCE.topic, heard)
    await up(watcher)
    await up(bus)
    await until(lambda: heard.payloads == [b"online"], "online")
    lab.cut(bus)
    await until(lambda: heard.payloads == [b"online", b"offline", b"online"], "the will, and online again")
    await until(lambda: bus.connected, "the connection")
    await bus.stop()
    await until(lambda: heard.payloads[3:] == [b"offline"], "offline")
    late, kept = lab.bus(), Listener()
    late.subscribe(PRESENCE.topic, kept)
    await up(late)
    await until(lambda: kept.messages == [Message(PRESENCE.topic, b"offline", retained=True)], "the retained offline")


async def test_presence_comes_before_anything_that_connect_callbacks_say(lab: Lab) -> None:
    needs(lab, "wills", "wildcards")
    heard = Listener()
    watcher, bus = lab.bus(), lab.bus(PRESENCE)
    watcher.subscribe("#", heard)
    bus.on_connect(lambda: bus.publish("state", b"mine"))
    await up(watcher)
    await up(bus)
    await until(lambda: len(heard.messages) == 2, "both")
    assert heard.payloads == [b"online", b"mine"]


async def test_on_connect_subscriptions_are_in_force(lab: Lab) -> None:
    heard, connects = Listener(), []
    bus = lab.bus()
    bus.subscribe("a", heard)

    def connect() -> None:
        connects.append(bus.connected)
        bus.publish("a", b"1")

    bus.on_connect(connect)
    await up(bus)
    await until(lambda: heard.payloads == [b"1"], "its own message")
    lab.crash()
    await until(lambda: not bus.connected, "the loss")
    lab.recover()
    await until(lambda: heard.payloads == [b"1", b"1"], "its own message again")
    assert connects == [True, True]


async def test_on_disconnect_tells_once_and_why(lab: Lab) -> None:
    bus = lab.bus()
    reasons: list[str] = []
    bus.on_disconnect(reasons.append)
    await up(bus)
    lab.crash()
    await until(lambda: bool(reasons), "the loss")
    assert not bus.connected
    lab.recover()
    await until(lambda: bus.connected, "the connection")
    assert len(reasons) == 1
    assert reasons[0]


async def test_publishing_while_disconnected_is_not_queued_and_said(lab: Lab) -> None:
    heard = Listener()
    told: list[bool] = []
    bus = lab.bus()
    bus.subscribe("a", heard)
    bus.publish("a", b"before the start")
    await up(bus)
    lab.crash()
    await until(lambda: not bus.connected, "the loss")
    bus.publish("a", b"lost", delivered=told.append)
    assert told == []
    await until(lambda: told == [False], "the answer")
    lab.recover()
    await until(lambda: bus.connected, "the connection")
    bus.publish("a", b"fresh", delivered=told.append)
    await until(lambda: bool(heard.messages), "the fresh message")
    await Marker(lab)(bus)
    assert heard.payloads == [b"fresh"]
    await until(lambda: len(told) >= 2, "the other answer")
    assert told == [False, True]


async def test_publishing_before_the_start_is_said_too(lab: Lab) -> None:
    told: list[bool] = []
    bus = lab.bus()
    bus.publish("a", b"early", delivered=told.append)
    await bus.start()
    await until(lambda: told == [False], "the answer")


async def test_a_message_that_is_too_large_is_not_sent_and_costs_no_connection(lab: Lab) -> None:
    heard = Listener()
    reasons: list[str] = []
    told: list[bool] = []
    bus = lab.bus()
    bus.subscribe("a", heard)
    bus.on_disconnect(reasons.append)
    await up(bus)
    most = bus.capabilities.max_payload
    bus.publish("a", b"x" * (most + 1), delivered=told.append)
    bus.publish("a", b"y" * most, delivered=told.append)
    await until(lambda: len(heard.messages) == 1, "the largest that fits")
    assert heard.payloads == [b"y" * most]
    await until(lambda: len(told) == 2, "both answers")
    assert sorted(told) == [False, True]
    assert reasons == []


async def test_callbacks_that_raise_stop_nothing(lab: Lab) -> None:
    def fail(*_: object) -> None:
        raise KeyError("defect")

    heard, told = Listener(), []
    bus = lab.bus()
    bus.on_connect(fail)
    bus.on_connect(lambda: told.append("connected"))
    bus.on_disconnect(fail)
    bus.subscribe("bad", fail)
    bus.subscribe("good", heard)
    await up(bus)
    bus.publish("bad", b"1", delivered=fail)
    bus.publish("good", b"2")
    await until(lambda: heard.payloads == [b"2"], "the other message")
    lab.crash()
    await until(lambda: not bus.connected, "the loss")
    lab.recover()
    await until(lambda: bus.connected, "the connection")
    bus.publish("good", b"3")
    await until(lambda: heard.payloads == [b"2", b"3"], "a message after the reconnect")
    assert told == ["connected", "connected"]


async def test_callbacks_run_on_the_loop_and_not_within_publish(lab: Lab) -> None:
    depth: list[int] = []
    bus = lab.bus()

    def echo(message: Message) -> None:
        asyncio.get_running_loop()  # raises on any other thread
        depth.append(len(depth))
        if len(depth) < 5:
            bus.publish("a", b"again")
            assert len(depth) == depth[-1] + 1  # nothing was called meanwhile

    bus.subscribe("a", echo)
    await up(bus)
    bus.publish("a", b"first")
    await until(lambda: len(depth) == 5, "five echoes")


async def test_nothing_is_called_after_stop(lab: Lab) -> None:
    heard = Listener()
    told: list[bool] = []
    reasons: list[str] = []
    bus, writer = lab.bus(PRESENCE), lab.bus()
    bus.subscribe("a", heard)
    bus.on_disconnect(reasons.append)
    await up(bus, writer)
    bus.publish("b", b"1", delivered=told.append)
    stopping = asyncio.create_task(bus.stop())
    for _ in range(100):
        writer.publish("a", b"x")
    async with asyncio.timeout(STOPS_WITHIN_S):
        await stopping
    before = len(heard.messages), len(told)
    bus.publish("b", b"2", delivered=told.append)
    lab.crash()
    await until(lambda: not writer.connected, "the loss")
    assert ((len(heard.messages), len(told)), reasons, bus.connected) == (before, [], False)


async def test_a_stop_at_once_leaves_nobody_connected(lab: Lab) -> None:
    needs(lab, "wills")
    heard = Listener()
    watcher, bus = lab.bus(), lab.bus(PRESENCE)
    watcher.subscribe(PRESENCE.topic, heard)
    await up(watcher)
    await bus.start()
    await bus.stop()
    await Marker(lab)(watcher)
    assert not bus.connected
    assert b"online" not in heard.payloads


async def test_a_stop_without_a_broker_is_quick(lab: Lab) -> None:
    lab.crash()
    bus = lab.bus(PRESENCE)
    await bus.start()
    await asyncio.sleep(0)
    async with asyncio.timeout(STOPS_WITHIN_S):
        await bus.stop()
    lab.recover()


async def test_a_bus_connects_to_a_broker_that_comes_later_and_after_every_loss(lab: Lab) -> None:
    lab.crash()
    bus = lab.bus()
    connects: list[int] = []
    bus.on_connect(lambda: connects.append(1))
    await bus.start()

    async def comes_and_goes(times: int) -> None:
        lab.recover()
        await until(lambda: bus.connected and len(connects) == times, "the connection")
        lab.crash()
        await until(lambda: not bus.connected, "the loss")

    for times in range(1, 4):
        await comes_and_goes(times)
    lab.recover()
