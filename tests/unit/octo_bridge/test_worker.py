"""Asking OctoPrint for evidence: one question at a time, and every answer comes to something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from contracts.printers import Link
from services.chassis.clock import now
from services.octo_bridge import worker as worker_module
from services.octo_bridge.effects import Gather, Submit
from services.octo_bridge.events import Asked, EvidenceFound, Input, Post, Posted
from services.octo_bridge.evidence import Evidence, History
from services.octo_bridge.octoprint_requests import Trouble
from services.octo_bridge.worker import DECISION_HOLDS, HEARD_OUT, MARKS_TRIED, Worker
from tests.unit.octo_bridge.machine import job_id, settings

ASKED = Gather(job_id(1), 1, "boardcast/x/j-a1.gcode", "mark", 200.0)


def worker(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Any]) -> tuple[Worker, list[Input], list[Gather]]:
    """One whose question to OctoPrint is answered by *answer*; what it says, and what it was asked."""
    said: list[Input] = []
    asked: list[Gather] = []
    made = Worker(settings(), said.append, lambda _: None)

    async def evidence(effect: Gather) -> Evidence:
        asked.append(effect)
        found: Evidence = await answer()
        return found

    monkeypatch.setattr(made, "_evidence", evidence)
    return made, said, asked


async def settled() -> None:
    """Let the worker's tasks run to where they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_answer_that_nobody_thought_of_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async def odd() -> Evidence:
        raise AttributeError("a list where an object should be")

    asking, said, asked = worker(monkeypatch, odd)
    asking.perform(ASKED)
    await settled()
    (found,) = said
    assert isinstance(found, EvidenceFound)
    assert found.evidence is None
    assert "not understood" in (found.reason or "")
    asking.perform(ASKED)
    await settled()
    assert len(asked) == 2, "it is asked again"


async def test_one_question_is_under_way_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    late = asyncio.Event()

    async def slow() -> Evidence:
        await late.wait()
        return Evidence(True, History.SUCCESS, False, None)

    asking, said, asked = worker(monkeypatch, slow)
    for _ in range(3):
        asking.perform(ASKED)
        await settled()
    assert len(asked) == 1
    late.set()
    await settled()
    assert len(said) == 1


@pytest.mark.parametrize(("refusals", "put"), [(0, True), (MARKS_TRIED - 1, True), (MARKS_TRIED, False)])
async def test_a_mark_is_put_again_while_octoprint_stumbles(
    monkeypatch: pytest.MonkeyPatch, refusals: int, put: bool
) -> None:
    monkeypatch.setattr(worker_module, "MARK_AGAIN", 0)
    made = Worker(settings(), lambda _: None, lambda _: None)
    tried: list[str] = []

    class Stumbling:
        def mark(self, mark: str) -> None:
            tried.append(mark)
            if len(tried) <= refusals:
                raise Trouble(Link.OK, "OctoPrint answered 500", status=500)

    async def do(call: Callable[[Any], None]) -> None:
        call(Stumbling())

    monkeypatch.setattr(made.looks, "do", do)
    if put:
        await made._put_mark("mark")
    else:
        with pytest.raises(Trouble):
            await made._put_mark("mark")
    assert tried == ["mark"] * min(refusals + 1, MARKS_TRIED)


@pytest.mark.parametrize(("late", "post"), [(0.0, Post.TAKEN), (DECISION_HOLDS + 0.5, Post.LATE)])
async def test_nothing_is_sent_upon_a_decision_of_long_ago(
    monkeypatch: pytest.MonkeyPatch, late: float, post: Post
) -> None:
    said: list[Input] = []
    made = Worker(settings(), said.append, lambda _: None)
    moment = now()
    monkeypatch.setattr(worker_module, "now", lambda: moment)  # it stands still, whatever keeps the machine busy

    class Taking:
        def submit(self, path: str, text: str, timeout: float) -> tuple[Post, None]:
            return Post.TAKEN, None

    async def do(call: Callable[[Any], Any]) -> Any:
        return call(Taking())

    monkeypatch.setattr(made.jobs, "do", do)

    def submit(late: float) -> Submit:
        return Submit(job_id(1), 1, "boardcast/x/j-a1.gcode", "G90", moment.mono - late)

    await made._submit(submit(late))
    [answer] = said
    assert isinstance(answer, Posted)
    assert answer.post is post
    for _ in range(4):
        await made._submit(submit(DECISION_HOLDS * 5))
    posts = [answer.post for answer in said if isinstance(answer, Posted)]
    assert Post.TAKEN in posts[1:], "a disk that is always slow does not keep it from drawing for ever"
    assert posts[1] is Post.LATE


async def test_what_came_in_while_a_job_was_decided_upon_is_taken_up_before_it_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the end of an OctoPrint that was killed while the bridge stood still: its socket's end waits in the loop."""
    said: list[Input] = []
    gone: list[str] = []
    made = Worker(settings(), said.append, lambda _: gone[0] if gone else None)

    async def never(call: Callable[[Any], Any]) -> Any:
        raise AssertionError("it was sent")

    async def sockets_end(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        gone.append("the push socket is down")

    monkeypatch.setattr(made.jobs, "do", never)
    made.perform(Submit(job_id(1), 1, "boardcast/x/j-a1.gcode", "G90", now().mono))
    end = asyncio.create_task(sockets_end(4))
    for _ in range(HEARD_OUT + 2):
        await asyncio.sleep(0)
    assert end.done()
    assert said == [Posted(job_id(1), 1, Post.WITHHELD, "the push socket is down")]


async def test_a_request_that_meets_a_defect_is_answered_too(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Input] = []
    made = Worker(settings(), said.append, lambda _: None)

    async def do(call: Callable[[Any], Any]) -> Any:
        raise TypeError("odd")

    monkeypatch.setattr(made.safety, "do", do)
    with pytest.raises(TypeError):
        await made._ask("targets", lambda _: None)
    assert [answer.ok for answer in said if isinstance(answer, Asked)] == [False]
