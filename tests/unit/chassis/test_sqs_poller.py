"""One queue's reading, against an SQS that is a list."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from services.chassis.bus.inbox import Inbox
from services.chassis.bus.sqs.client import Client, Received, SqsError
from services.chassis.bus.sqs.poller import PARK_AFTER, Poller, Reading, Undeleted
from tests.harness.waiting import eventually

DEADLINE_S = 20


class FakeSqs(Client):
    """Gives each batch once, writes down what is done with it, and waits for ever when there is none."""

    def __init__(self, *batches: list[Received]) -> None:
        super().__init__("nowhere", None, 0)
        self.batches = list(batches)
        self.log: list[str] = []
        self.idle = threading.Event()
        self._never = threading.Event()

    def receive(self, url: str, visibility: float) -> list[Received]:
        if not self.batches:
            self.idle.set()
            self._never.wait(60)
            raise SqsError("the test is over")
        return self.batches.pop(0)

    def delete(self, url: str, messages: Sequence[Received]) -> list[Received]:
        self.log.append("delete " + " ".join(message.body for message in messages))
        return [message for message in messages if not message.handle.startswith("throttled")]

    def hide(self, url: str, messages: Sequence[Received], seconds: float) -> None:
        self.log.append(f"hide {seconds:g} " + " ".join(message.body for message in messages))

    def end(self) -> None:
        """Let the thread go."""
        self._never.set()


def received(body: str, times: int = 1) -> Received:
    return Received(body, "stream", times, 0.0, "handle", f"id of {body}")


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def read(sqs: FakeSqs, handle: Callable[[Received], None], clock: Clock, *, closed: bool = False) -> None:
    """Until the queue is empty; with *closed* nobody handles anything, and the reading ends with a batch in hand."""
    inbox = Inbox()
    inbox.open(asyncio.get_running_loop())
    poller = Poller(sqs, inbox, Reading("q", "url", 10.0), handle, lambda reason: sqs.log.append(reason), clock)
    if closed:
        inbox.close()
    poller.start()
    if closed:
        await eventually(lambda: not sqs.batches, DEADLINE_S, "the batch to be received")
        poller.close()
        await eventually(lambda: sqs.log, DEADLINE_S, "something to be done with it")
    else:
        await asyncio.to_thread(sqs.idle.wait, DEADLINE_S)
        poller.close()
    sqs.end()
    inbox.close()


async def test_a_batch_is_deleted_after_it_was_handled_and_a_turn_later() -> None:
    sqs = FakeSqs([received("a"), received("b")], [received("c")])

    def handle(message: Received) -> None:
        sqs.log.append(f"handle {message.body}")
        asyncio.get_running_loop().call_soon(sqs.log.append, f"commit {message.body}")

    await read(sqs, handle, Clock())
    assert sqs.log == ["handle a", "handle b", "commit a", "commit b", "delete a b", "handle c", "commit c", "delete c"]


async def test_an_expired_receipt_deletes_nothing() -> None:
    sqs, clock = FakeSqs([received("slow")], [received("quick")]), Clock()

    def handle(message: Received) -> None:
        clock.now += 11 if message.body == "slow" else 1

    await read(sqs, handle, clock)
    assert sqs.log == ["delete quick"]


async def test_what_was_handled_and_not_deleted_is_not_handed_over_again() -> None:
    """A request for a move needs no id: it would be drawn twice."""
    throttled = replace(received("a1 h8"), handle="throttled")
    sqs, clock = (
        FakeSqs([throttled, received("b2")], [received("a1 h8", 2)], [received("slow")], [received("slow", 2)]),
        Clock(),
    )

    def handle(message: Received) -> None:
        sqs.log.append(f"handle {message.body}")
        clock.now += 11 if message.body == "slow" else 0

    await read(sqs, handle, clock)
    assert sqs.log == [
        "handle a1 h8", "handle b2", "delete a1 h8 b2", "delete a1 h8", "handle slow", "delete slow"
    ]  # fmt: skip


def test_what_was_not_deleted_is_remembered_in_a_bounded_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Undeleted, "MOST", 3)
    undeleted, messages = Undeleted(), [received(str(n)) for n in range(5)]
    undeleted.add(messages)
    undeleted.remove(messages[2:3])
    assert [message.body for message in messages if message in undeleted] == ["3", "4"]


async def test_what_was_not_handled_is_given_back_and_not_deleted() -> None:
    sqs = FakeSqs([received("a")])
    await read(sqs, lambda _: None, Clock(), closed=True)
    assert sqs.log == ["hide 0 a"]


async def test_nothing_passes_a_parked_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.chassis.bus.sqs.poller.PARKED_LOOK", 0.01)
    sqs = FakeSqs([received("good"), received("poison", PARK_AFTER + 1), received("behind")])
    await read(sqs, lambda message: sqs.log.append(f"handle {message.body}"), Clock())
    assert sqs.log == ["handle good", "delete good", "hide 0.01 poison behind"]


class Pauses(threading.Event):
    """Waits for nobody, and counts."""

    times = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.times += 1
        return self.is_set()


async def test_a_server_that_answers_at_once_with_nothing_is_not_asked_without_a_pause() -> None:
    sqs, inbox, clock, pauses = FakeSqs([], [], []), Inbox(), Clock(), Pauses()
    poller = Poller(sqs, inbox, Reading("q", "url", 10.0), lambda _: None, sqs.log.append, clock)
    poller._closed = pauses
    poller.start()
    await asyncio.to_thread(sqs.idle.wait, DEADLINE_S)
    assert pauses.times == 3
    poller.close()
    sqs.end()
