"""What people are told, how often, and to where."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import Event, EventKind
from services.chassis.settings import BadSettings, load
from services.notifier import budget, notices
from services.notifier.budget import REMEMBERED, Budget
from services.notifier.notices import Notice
from services.notifier.settings import DEFAULT_KINDS, NotifierSettings

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def event(kind: EventKind, **values: str) -> Event:
    return Event.model_validate({"event": kind, "time": NOW, **values})


def test_an_event_is_a_line_that_a_person_understands() -> None:
    found = notices.notice("rex", event(EventKind.FINISHED, job="cube.gx"), DEFAULT_KINDS)
    assert found == Notice("rex: print finished", "cube.gx")
    found = notices.notice("rex", event(EventKind.PROBLEM, job="cube.gx", reason="does not answer"), DEFAULT_KINDS)
    assert found == Notice("rex: problem", "cube.gx: does not answer", urgent=True)
    found = notices.notice("board", event(EventKind.BOARD_FULL), DEFAULT_KINDS)
    assert found == Notice("board: the board is full", "board: the board is full")
    found = notices.notice("ender", event(EventKind.UNCERTAIN, move_id="7-42"), DEFAULT_KINDS)
    assert found is not None
    assert (found.body, found.urgent) == ("7-42", True)


@pytest.mark.parametrize("kind", [EventKind.DONE, EventKind.REFUSED, EventKind.HELD, EventKind.UNKNOWN])
def test_what_nobody_wants_is_no_notice(kind: EventKind) -> None:
    assert notices.notice("rex", event(kind), DEFAULT_KINDS) is None


def test_long_and_hidden_text_is_made_safe() -> None:
    hidden = "\u202e\u200b\x1b\r\n"
    reason = hidden + "c" * 500
    found = notices.notice("rex", event(EventKind.STARTED, job="a\u202e" + "b" * 200, reason=reason), DEFAULT_KINDS)
    assert found is not None
    assert found.body.isprintable()
    assert len(found.body) <= 64 + 2 + 300


@given(st.lists(st.floats(0, 20), max_size=80), st.integers(1, 5), st.floats(1, 30))
def test_never_more_than_the_burst_and_one_every_so_often(gaps: list[float], burst: int, every: float) -> None:
    known, now, sent, told, asked = Budget(float(burst), 0.0), 0.0, 0, 0, 0
    for gap in gaps:
        now += gap
        known, count = budget.settle(known, now, burst, every)
        sent, told = sent + (count > 0), told + count
        known, allowed = budget.spend(known, now, burst, every)
        asked, sent = asked + 1, sent + allowed
        told += allowed
        assert sent <= burst + now / every + 1e-6
    # Whatever was not sent is still known of.
    assert told + known.left_out == asked


def test_what_was_left_out_is_told_once_there_is_room() -> None:
    known = Budget(1.0, 0.0)
    known, first = budget.spend(known, 0.0, 1, 30)
    known, second = budget.spend(known, 1.0, 1, 30)
    assert (first, second) == (True, False)
    known, count = budget.settle(known, 20.0, 1, 30)
    assert count == 0
    known, count = budget.settle(known, 31.0, 1, 30)
    assert count == 1
    assert budget.settle(known, 100.0, 1, 30)[1] == 0


def test_the_same_message_twice_is_one() -> None:
    known = Budget(1.0, 0.0)
    known, new = budget.hear(known, b"a")
    assert new
    assert not budget.hear(known, b"a")[1]
    for number in range(REMEMBERED):
        known, _ = budget.hear(known, bytes([number % 256, number // 256, 1]))
    assert len(known.heard) == REMEMBERED
    assert budget.hear(known, b"a")[1]


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARDCAST_NOTIFY_URLS", "json://localhost/a,b, discord://1/secret\ntgram://2/3,")
    monkeypatch.setenv("BOARDCAST_NOTIFY_ON", "finished, FAILED")
    found = load(NotifierSettings)
    assert found.urls == ("json://localhost/a,b", "discord://1/secret", "tgram://2/3")
    assert found.notify_on == (EventKind.FINISHED, EventKind.FAILED)
    assert "secret" not in str(found)
    monkeypatch.setenv("BOARDCAST_NOTIFY_ON", " , ")
    with pytest.raises(BadSettings, match="nothing would ever be told"):
        load(NotifierSettings)
    monkeypatch.setenv("BOARDCAST_NOTIFY_ON", "explosion")
    with pytest.raises(BadSettings, match="no event is called 'explosion'"):
        load(NotifierSettings)


def test_a_notifier_without_targets_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOARDCAST_NOTIFY_URLS", raising=False)
    assert "where notices are to go" in load(NotifierSettings).missing()[0]
