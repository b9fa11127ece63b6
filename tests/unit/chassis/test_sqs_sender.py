"""The sending half of a connection, against an SQS that is a list."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from services.chassis.bus.inbox import Inbox
from services.chassis.bus.sqs.client import Client, Entry, Found, QueueMissing, SqsError
from services.chassis.bus.sqs.sender import AT_ONCE, Outgoing, Sender


class FakeSqs(Client):
    """Takes everything for the queue `good`; refuses bodies that say so; a body `lost` costs the connection, and
    `defect` is one that nobody has thought of."""

    def __init__(self) -> None:
        super().__init__("nowhere", None, 0)
        self.sent: list[list[str]] = []

    def find(self, name: str) -> Found:
        if name != "good":
            raise QueueMissing(name)
        return Found(name, 0.0)

    def send(self, url: str, entries: Sequence[Entry]) -> dict[int, str]:
        bodies = [entry.body for entry in entries]
        if "lost" in bodies:
            raise SqsError("gone")
        if "defect" in bodies:
            raise KeyError("defect")
        self.sent.append(bodies)
        return {place: "no" for place, body in enumerate(bodies) if body == "refused"}


async def told(bodies: Sequence[str], *, queue: str = "good", close_first: bool = False) -> tuple[list[bool], FakeSqs]:
    """What was said of each body, by its place, within a second."""
    sqs, inbox, answers = FakeSqs(), Inbox(), dict[int, bool]()
    inbox.open(asyncio.get_running_loop())
    sender = Sender(sqs, inbox, lambda _: None)
    if close_first:
        sender.close()
    for place, body in enumerate(bodies):
        sender.put(Outgoing(queue, Entry(body, "stream", str(place)), partial(answers.__setitem__, place)))
    assert not answers  # never before put() has returned
    sender.start()
    end = asyncio.get_running_loop().time() + 5
    while len(answers) < len(bodies):
        assert asyncio.get_running_loop().time() < end, f"{len(answers)} of {len(bodies)} answers"
        await asyncio.sleep(0.001)
    sender.close()
    return [answers[place] for place in range(len(bodies))], sqs


async def test_batches_are_full_and_in_order() -> None:
    answers, sqs = await told([str(n) for n in range(25)])
    assert answers == [True] * 25
    assert sqs.sent == [[str(n) for n in range(start, min(start + 10, 25))] for start in (0, 10, 20)]


async def test_one_refused_message_is_told_alone() -> None:
    assert (await told(["a", "refused", "b"]))[0] == [True, False, True]


async def test_a_failing_call_and_a_missing_queue_are_told() -> None:
    assert (await told(["lost", "a"]))[0] == [False, False]
    assert (await told(["a", "b"], queue="bad"))[0] == [False, False]


async def test_a_defect_does_not_end_the_sending() -> None:
    """A sender that is gone would keep everything that is put behind it, while the bus looks connected."""
    answers, sqs = await told(["defect", *["a"] * AT_ONCE])
    assert answers == [False] * 10 + [True] * (AT_ONCE - 9)
    assert sum(map(len, sqs.sent)) == AT_ONCE - 9


async def test_what_is_put_after_the_end_is_told_too_and_never_sent() -> None:
    answers, sqs = await told(["a"] * (2 * AT_ONCE + 1), close_first=True)
    assert not any(answers)
    assert sqs.sent == []
