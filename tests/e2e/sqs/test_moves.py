"""Chat to SQS to planner to SQS to OctoPrint: every accepted move once and in order, by the serial log."""

from __future__ import annotations

import random
import threading
import time

import pytest

from contracts import channels
from tests.e2e.main_road.table import ENDS, Table, squares
from tests.e2e.sqs.stack import SqsStack
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.octoprint, pytest.mark.slow]
SECONDS = 60
IN_HAND = 12
CHAOS_MOVES = 500
CHAOS_KILLS = 20


def chat(table: Table, number: int, move: tuple[str, str]) -> None:
    """A viewer of their own says *move*."""
    said = {"channel": "c", "message_id": f"m{number}", "user_id": f"u{number}", "text": " ".join(move)}
    table.probe.publish(channels.CHAT_MESSAGE.address, said)


def ended(table: Table) -> int:
    return sum(any(s["state"] in ENDS for s in told) for told in list(table.statuses().values()))


def once_and_in_order(table: Table, count: int) -> None:
    """Exactly *count* moves were accepted, and the serial log has each that was drawn once, by its ordinal."""
    told = table.statuses()
    assert len(told) == count, table.summary()
    ends = {move: {s["state"] for s in said if s["state"] in ENDS} for move, said in told.items()}
    assert all(len(end) == 1 for end in ends.values()), table.summary()
    # Random lines cross, and where the plastic is too high already nothing is drawn: that is an end with a reason.
    full = {move for move, said in told.items() if "full" in (said[-1]["reason"] or "")}
    assert len(full) <= count // 5, table.summary()
    assert all(ends[move] == ({"skipped"} if move in full else {"drawn"}) for move in ends), table.summary()
    ordinal = {move: next((s["ordinal"] for s in said if s["ordinal"]), 0) for move, said in told.items()}
    drawn = table.drawn_moves()
    assert drawn == sorted(told.keys() - full, key=lambda move: ordinal[move] or 0)
    assert len(table.started_jobs()) == len(drawn), "a job was begun twice"


@pytest.mark.timeout(600)
def test_a_minute_of_moves_over_sqs(table: Table, stack: SqsStack) -> None:
    table.ready()
    before, began, asked = stack.sqs.calls(), time.monotonic(), 0
    for number, move in enumerate(squares(seed=10, count=CHAOS_MOVES)):
        if time.monotonic() - began > SECONDS:
            break
        if number % 5 == 4:
            stack.ask(channels.MOVE_REQUEST, f"{move[0]} {move[1]}")
        else:
            chat(table, number, move)
        asked = number + 1
        if asked > IN_HAND:
            table.wait_ended(asked - IN_HAND, 120)
    table.wait_ended(asked, 300)
    took = time.monotonic() - began
    calls = {action: n - before.get(action, 0) for action, n in stack.sqs.calls().items()}
    print(f"{asked} moves in {took:.0f} s, {sum(calls.values()) / asked:.1f} calls a move: {calls}")
    once_and_in_order(table, asked)
    assert asked >= 10
    assert calls.get("swallowed", 0) == 0


def test_a_command_over_sqs_is_obeyed_and_answered_over_mqtt(table: Table, stack: SqsStack) -> None:
    stack.ask(channels.BOARD_COMMAND, "accept off")
    table.probe.wait("board/state", lambda m: m.json["accepting"] is False, deadline_s=40)
    table.answer(channels.BOARD_COMMAND, "accept on", "done")  # and Home Assistant's way works beside it


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_every_accepted_move_once_over_kills_of_planner_and_bridge(table: Table, stack: SqsStack) -> None:
    table.ready()
    rng = random.Random(10)
    stop = threading.Event()

    def strike() -> None:
        """At moments drawn from the seed, while moves are under way."""
        for number in range(CHAOS_KILLS):
            due = (number + 1) * CHAOS_MOVES // (CHAOS_KILLS + 2)
            while ended(table) < due and not stop.wait(0.2):
                pass
            stop.wait(rng.uniform(0, 0.5))  # a moment within a move, not a wait for anything
            stack.restart(("planner", "octo_bridge")[number % 2])

    striker = threading.Thread(target=strike)
    striker.start()
    try:
        for number, move in enumerate(squares(seed=11, count=CHAOS_MOVES)):
            chat(table, number, move)
            if number >= 2 * IN_HAND:
                table.wait_ended(number - 2 * IN_HAND, 180)
        table.wait_ended(CHAOS_MOVES, 300)
    finally:
        stop.set()
        striker.join()
    wait_until(lambda: ended(table) >= CHAOS_MOVES, 60, table.summary)
    once_and_in_order(table, CHAOS_MOVES)
