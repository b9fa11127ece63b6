"""A whole evening from chat to plastic: nothing lost, nothing drawn that moderators took out, nobody flooded."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import pytest

from contracts.chat import ChatCleared, ChatMessage, MessageDeleted, UserCleared
from contracts.moves import MoveState
from tests.e2e.evening import picture, posted
from tests.e2e.evening.conftest import OpenHall
from tests.e2e.evening.hall import Hall

BEGAN_ALREADY = 10.0
"""Seconds: so long after a ban was taken the bridge may not know of it yet, a tenth of one on a machine that has time;
then a line that it had been given before is begun, and drawn."""
TIMED_OUT, DELETED, CLEARED, BANNED = (
    "its user was timed out in chat", "the message that asked for it was deleted", "the chat was cleared",
    "its user was banned",
)  # fmt: skip
Record = Callable[[str, object], None]


@pytest.mark.timeout(600)
def test_two_thousand_messages(open_hall: OpenHall, record_property: Record) -> None:
    _evening(open_hall, record_property, count=2_000, within=20, taken_out=5)


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_twenty_thousand_messages(open_hall: OpenHall, record_property: Record) -> None:
    _evening(open_hall, record_property, count=20_000, within=120, taken_out=50)


def _evening(open_hall: OpenHall, record_property: Record, *, count: int, within: float, taken_out: int) -> None:
    """The evening, and all that is to be said of it; *taken_out* moves at least must have met a moderator."""
    began = time.monotonic()
    hall = open_hall(count, within)
    hall.until_over()
    figures = _figures(hall, time.monotonic() - began)
    record_property("figures", figures)
    print(figures)
    _everything_was_heard_in_order_and_once(hall)
    _every_move_has_one_end(hall)
    _the_picture_is_what_the_printer_drew(hall)
    _who_was_shut_out_did_not_draw(hall, taken_out)
    _replies_keep_to_the_limits(hall, within)
    _nothing_went_wrong(hall)


def _figures(hall: Hall, took: float) -> str:
    watch = hall.watch
    ends = Counter(f"{told[-1].state}: {told[-1].reason}" for told in watch.told.values())
    replies = f"{len(watch.replies)} replies, {len(posted.posts(hall.log('chat_ingest')))} posted"
    return f"{took:.0f} s; {len(watch.told)} moves, {dict(ends)}; refused {dict(watch.refused)}; {replies}"


def _everything_was_heard_in_order_and_once(hall: Hall) -> None:
    said, link = hall.evening.said, hall.watch.link
    assert sorted(link) == list(range(1, len(said) + 1))
    for seq, body in enumerate(said, start=1):
        assert link[seq]["kind"] == body.kind
        if isinstance(body, ChatMessage):
            assert (link[seq]["text"], link[seq]["message_id"].partition("-")[2]) == (body.text, body.message_id)
    assert (hall.watch.chat["received"], hall.watch.chat["gaps"]) == (len(said), 0)


def _every_move_has_one_end(hall: Hall) -> None:
    for move in hall.watch.told:
        ends = hall.watch.ends(move)
        assert len(ends) == 1, f"{move}: {ends}"
        assert ends[0] in (MoveState.DRAWN, MoveState.SKIPPED), f"{move}: {hall.watch.told[move][-1]}"


def _the_picture_is_what_the_printer_drew(hall: Hall) -> None:
    jobs = hall.jobs()
    shown = [line for _, lines in sorted(hall.watch.pictures.items()) for line in lines]
    assert [picture.move_of(job) for job in jobs] == [line.move_id for line in shown] == hall.watch.drawn()
    for line, job in zip(shown, jobs, strict=True):
        picture.check(line, job)


def _who_was_shut_out_did_not_draw(hall: Hall, taken_out: int) -> None:
    """Every move that a moderator's word met ended for its reason, unless it had begun by then."""
    watch = hall.watch
    begun = {picture.move_of(job): job.started.timestamp() for job in hall.jobs()}
    out: Counter[str] = Counter()
    for seq, body in enumerate(hall.evening.said, start=1):
        for move, reason in _met(hall, seq):
            last = watch.told[move][-1]
            if last.reason == reason:
                assert move not in begun
                out[reason] += 1
            elif move in begun:
                assert watch.planned_at(move) < watch.taken_at(seq), f"{move} was planned after {body.kind}"
                assert begun[move] < watch.taken_at(seq) + BEGAN_ALREADY, f"{move} was begun after {body.kind}"
    assert sum(out.values()) - out[CLEARED] >= taken_out, out
    assert all(out[reason] for reason in (TIMED_OUT, DELETED, CLEARED)), out
    for user, place in hall.evening.shut_out.items():
        at = watch.taken_at(place + 1)
        assert all(watch.told[move][0].time.timestamp() < at for move in watch.moves_of(user)), user
    assert not hall.evening.shut_out or watch.refused["you may not draw here"]


def _met(hall: Hall, seq: int) -> list[tuple[str, str]]:
    """Moves that number *seq* of the chat was to take out if they waited, and what is said of them then."""
    body, watch = hall.evening.said[seq - 1], hall.watch
    match body:
        case UserCleared():
            return [(move, TIMED_OUT) for move in watch.moves_of(body.user_id) if _accepted_before(hall, move, seq)]
        case MessageDeleted() if body.user_id is not None:
            move = watch.move_for(watch.link[seq]["message_id"], body.user_id)
            return [] if move is None else [(move, DELETED)]
        case ChatCleared():
            return [(move, CLEARED) for move in watch.told]
    user = next((u for u, place in hall.evening.shut_out.items() if place + 1 == seq), None)
    return [(move, BANNED) for move in watch.moves_of(user)] if user is not None else []


def _accepted_before(hall: Hall, move: str, seq: int) -> bool:
    """Whether *move* was accepted before number *seq* of the chat: who was timed out may come back."""
    return hall.watch.told[move][0].time.timestamp() < hall.watch.taken_at(seq)


def _replies_keep_to_the_limits(hall: Hall, within: float) -> None:
    posts = posted.posts(hall.log("chat_ingest"))
    posted.check_limits(posts)
    # Nearly as much as may be said is said, and the answers of whoever waits longest are not what is left out.
    assert len(posts) >= 0.8 * within / 30 * 18
    asked = {body["message_id"] for body in hall.watch.link.values() if body["kind"] == "message"}
    assert all(post.reply_to in asked for post in posts if post.reply_to is not None)


def _nothing_went_wrong(hall: Hall) -> None:
    for service in ("chat_ingest", "planner", "octo_bridge"):
        wrong = [entry for entry in posted.entries(hall.log(service)) if entry["level"] in ("error", "critical")]
        assert not wrong, wrong[:3]
