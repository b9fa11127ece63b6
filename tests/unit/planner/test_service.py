"""The planner as its neighbours see it: over a bus, against a bridge that keeps to the protocol."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from contracts import channels
from contracts.chat import Role
from services.planner.turn import UNTAKEN_MOST
from tests.unit.planner.stack import Stack, message, until

SQUARES = [f"{file}{rank}" for file in "abcdefgh" for rank in range(1, 9)]
END = ["accepted", "planned", "printing", "drawn"]


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    stack = Stack(tmp_path)
    await stack.start()
    yield stack
    await stack.stop()


async def test_a_request_is_drawn_and_every_step_is_said(stack: Stack) -> None:
    await stack.ready()
    stack.send(channels.MOVE_REQUEST, "a1 h8")
    await until(lambda: stack.statuses("1-1") == END, "the whole way of the move")
    assert [run.move_id for run in stack.bridge.model.drawn] == ["1-1"]
    await until(lambda: stack.on(channels.BOARD_DRAWING)[-1]["lines"], "the drawing")
    line = stack.on(channels.BOARD_DRAWING)[-1]["lines"][0]
    assert (line["from"], line["to"], line["ordinal"]) == ("a1", "h8", 1)


async def test_nothing_is_planned_before_the_plate_is_confirmed(stack: Stack) -> None:
    await until(lambda: stack.planner._state().header.epoch is not None, "the bridge's first word")
    stack.send(channels.MOVE_REQUEST, "a1 h8")
    await until(lambda: stack.statuses("1-1"), "accepted")
    await until(lambda: "confirm_empty" in (stack.on(channels.BOARD_STATE)[-1]["held_reason"] or ""), "why it is held")
    assert stack.statuses("1-1") == ["accepted"]
    await stack.ready()
    await until(lambda: stack.statuses("1-1") == END, "the whole way of the move")


async def test_a_bridge_that_is_away_finds_no_more_than_so_many_messages(stack: Stack) -> None:
    await stack.ready()
    stack.bridge._consumer.stop()
    for n in range(UNTAKEN_MOST):
        stack.send(channels.BOARD_COMMAND, "confirm_empty")
        stack.chat(message("!resume", "mod", f"r{n}", Role.MODERATOR))
    stack.send(channels.BOARD_COMMAND, "skip")
    answers = partial(stack.on, channels.BOARD_EVENT)
    await until(lambda: [e for e in answers() if e.get("command") == "skip"], "the last answer")
    await until(lambda: len(stack.on(channels.CHAT_REPLY)) == UNTAKEN_MOST, "the last reply")
    assert UNTAKEN_MOST <= stack.planner._plan.waiting <= 2 * UNTAKEN_MOST
    stack.send(channels.BOARD_COMMAND, "confirm_empty")
    await until(lambda: "start octo_bridge" in (answers()[-1].get("reason") or ""), "why it is refused")


async def test_chat_is_drawn_and_answered(stack: Stack) -> None:
    await stack.ready()
    stack.chat(message("a1 h8"))
    stack.chat(message("hello there", message_id="m2"))
    stack.chat(message("a1 a1", message_id="m3"))
    stack.chat(message("a1 h8", message_id="m1"))  # delivered twice
    await until(lambda: len(stack.on(channels.CHAT_REPLY)) == 2, "two replies")
    await until(lambda: stack.statuses("1-1") == END, "the whole way of the move")
    assert [r["reply_to"] for r in stack.on(channels.CHAT_REPLY)] == ["m1", "m3"]
    assert "1-2" not in {s["move_id"] for s in stack.on(channels.MOVE_STATUS)}


async def test_the_same_request_id_is_answered_again_and_never_drawn_again(stack: Stack) -> None:
    await stack.ready()
    for _ in range(3):
        stack.send(channels.MOVE_REQUEST, {"from": "a1", "to": "b2", "request_id": "r1"})
    await until(lambda: "drawn" in stack.statuses("1-1"), "drawn")
    before = len(stack.statuses("1-1"))
    await stack.kill_planner()
    stack.send(channels.MOVE_REQUEST, {"from": "a1", "to": "b2", "request_id": "r1"})
    await until(lambda: len(stack.statuses("1-1")) > before, "the answer again")
    assert stack.statuses("1-1")[-1] == "drawn"
    assert len(stack.bridge.model.drawn) == 1


async def test_sixty_moves_in_the_order_of_their_ordinals_over_kills(stack: Stack) -> None:
    await stack.ready()
    rng = random.Random(7)
    for n in range(60):
        start, end = rng.sample(SQUARES, 2)
        stack.send(channels.MOVE_REQUEST, {"from": start, "to": end, "request_id": f"r{n}"})
    for drawn in (5, 20, 40, 50):
        await until(partial(_has_drawn, stack, drawn), f"{drawn} drawn")
        await stack.kill_planner()
    await until(lambda: stack.on(channels.BOARD_STATE)[-1]["counts"]["drawn"] == 60, "all drawn")
    assert [run.ordinal for run in stack.bridge.model.drawn] == list(range(1, 61))
    ends = [s for s in stack.on(channels.MOVE_STATUS) if s["state"] == "drawn"]
    assert len({s["move_id"] for s in ends}) == 60


def _has_drawn(stack: Stack, count: int) -> bool:
    return len(stack.bridge.model.drawn) >= count


async def test_commands_are_answered_once_each(stack: Stack) -> None:
    stack.send(channels.BOARD_COMMAND, {"command": "accept", "arguments": ["off"], "id": "c1"})
    stack.send(channels.BOARD_COMMAND, {"command": "acept", "id": "c2"})
    stack.send(channels.BOARD_COMMAND, b"\xff\xfe")
    stack.send(channels.BOARD_COMMAND, {"command": "clear", "id": "c3"}, retain=True)
    stack.send(channels.MOVE_REQUEST, "a1 h8")
    await until(lambda: stack.on(channels.MOVE_STATUS), "the refusal")
    assert [e["event"] for e in stack.answers("c1")] == ["done"]
    assert [e["event"] for e in stack.answers("c2")] == ["refused"]
    assert stack.on(channels.MOVE_STATUS)[0]["state"] == "refused"


async def test_retained_commands_and_requests_are_refused_and_said_so(stack: Stack) -> None:
    stack.send(channels.BOARD_COMMAND, {"command": "clear", "id": "old"}, retain=True)
    stack.send(channels.MOVE_REQUEST, {"from": "a1", "to": "b2", "request_id": "old"}, retain=True)
    await until(lambda: stack.answers("old"), "the answer to the first delivery")
    await stack.kill_planner()
    await until(lambda: len(stack.answers("old")) > 1, "the answer to the retained one")
    assert "retained" in stack.answers("old")[-1]["reason"]
    await until(lambda: stack.on(channels.MOVE_STATUS)[-1]["state"] == "refused", "the refusal of the retained request")
    assert "retained" in stack.on(channels.MOVE_STATUS)[-1]["reason"]
