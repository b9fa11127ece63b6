"""What becomes of an order, and of the print that it was for, when the connection breaks over it or the bridge ends."""

from __future__ import annotations

import pytest

from contracts.events import EventKind
from services.rex_bridge.state import Stopping
from tests.unit.rex_bridge.drive import printing


def test_a_cancel_that_never_reached_the_printer_is_forgotten() -> None:
    drive = printing()
    drive.order("cancel")
    drive.until(lambda: drive.state.tracker.current and drive.state.tracker.current.cancelling, 1)
    drive.manner = "off"
    drive.holds[-1].closed = drive.time
    drive.until(lambda: drive.answers, 20)
    assert drive.answers[0].kind is EventKind.REFUSED
    assert drive.state.tracker.current is not None
    assert not drive.state.tracker.current.cancelling


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
def test_an_order_that_was_obeyed_on_a_connection_that_broke_before_its_answer_is_done(verb: str) -> None:
    drive = printing()
    if verb == "resume":
        drive.machine.pause()
        drive.run(3)
    drive.manner = "answer_lost"
    drive.order(verb)
    drive.until(lambda: drive.answers, 20)
    assert [(answer.kind, answer.reason) for answer in drive.answers] == [(EventKind.DONE, None)]


def test_a_cancel_that_may_have_reached_a_printer_that_is_gone_since_is_not_called_never_sent() -> None:
    drive = printing()
    drive.manner = "answer_lost"
    drive.order("cancel")
    drive.until(lambda: drive.state.failures, 1)
    drive.manner = "off"
    drive.run(30)
    assert [answer.kind for answer in drive.answers] == [EventKind.REFUSED]
    assert (drive.answers[0].reason or "").startswith("sent, but not seen to be obeyed")
    drive.manner = None
    drive.run(60)
    ends = [say.kind for say in drive.says if say.kind in (EventKind.CANCELLED, EventKind.FAILED, EventKind.FINISHED)]
    assert ends == [EventKind.CANCELLED]


def test_a_cancel_that_was_lost_with_the_printer_out_of_reach_is_forgotten_when_it_is_seen_to_print_on() -> None:
    drive = printing()
    drive.machine.deaf = True
    drive.manner = "answer_lost"
    drive.order("cancel")
    drive.until(lambda: drive.state.failures, 1)
    drive.manner = "off"
    drive.run(30)
    drive.manner = None
    drive.run(60)
    drive.machine.complete()
    drive.run(5)
    assert drive.kinds()[-1] is EventKind.FINISHED


def test_a_cancel_is_a_cancelled_print_and_not_a_failed_one() -> None:
    drive = printing()
    drive.order("cancel")
    drive.run(3)
    assert drive.kinds() == [EventKind.STARTED, EventKind.CANCELLED, EventKind.DONE]


def test_a_second_cancel_that_comes_to_nothing_takes_nothing_back_from_the_first() -> None:
    drive = printing()
    drive.machine.stop_takes = 5
    drive.order("cancel")
    drive.until(lambda: drive.state.sent, 1)
    drive.order("cancel")
    drive.holds[-1].closed = drive.time
    drive.manner = "off"
    drive.run(4)
    drive.feed(Stopping())
    assert drive.state.tracker.current is not None
    assert drive.state.tracker.current.cancelling


def test_a_cancel_is_remembered_over_a_restart() -> None:
    drive = printing()
    drive.order("cancel")
    drive.until(lambda: "M26" in drive.asked, 1)
    drive.machine.pass_time(5)
    drive.restart()
    drive.run(3)
    assert drive.kinds() == [EventKind.STARTED, EventKind.CANCELLED]


def test_a_cancel_that_the_printer_did_not_obey_is_not_remembered_for_ever_over_a_restart() -> None:
    drive = printing()
    drive.machine.deaf = True
    drive.order("cancel")
    drive.until(lambda: drive.state.sent, 1)
    drive.restart()
    drive.run(60)
    drive.machine.complete()
    drive.run(5)
    assert drive.kinds() == [EventKind.STARTED, EventKind.FINISHED]


def test_a_connection_that_broke_just_then_is_tried_again_before_an_order_is_refused() -> None:
    drive = printing()
    drive.holds[-1].closed = drive.time
    drive.order("pause")
    drive.run(2)
    assert [a.kind for a in drive.answers] == [EventKind.DONE]


def test_a_printer_that_is_gone_after_an_order_is_said_too() -> None:
    drive = printing()
    drive.machine.pause_takes = 100
    drive.order("pause")
    drive.until(lambda: drive.state.sent, 1)
    drive.manner = "off"
    drive.run(20)
    assert "does not answer" in (drive.answers[0].reason or "")
