"""What waits while nothing can be written: in which order it is taken afterwards, and that nothing of it is lost."""

from __future__ import annotations

import sqlite3

import pytest

from contracts.plan import Control, ControlWord
from contracts.printers import Latch
from services.octo_bridge import events as e
from services.octo_bridge.effects import JobAction, ReadLog, SetTargets, Submit
from services.octo_bridge.octolog import Slice
from services.octo_bridge.state import Printer
from services.octo_bridge.unwritten import WAITING_MOST
from tests.unit.octo_bridge.full_disk import Bench
from tests.unit.octo_bridge.machine import PLANNER, run

OFF, CANCEL = SetTargets(0, 0), JobAction("cancel")


def test_what_octoprint_says_once_while_nothing_can_be_written_is_taken_when_it_can(bench: Bench) -> None:
    bench.disk.full = True
    bench.feed(e.Happened(e.Happening.RESET), e.Happened(e.Happening.CANCELLED, bench.job.path))
    bench.wait(2)
    bench.disk.full = False
    bench.wait(2)
    assert not bench.actor.state.position_known
    assert not bench.actor.state.jobs, "its end was heard of"


def test_the_answer_to_an_upload_that_came_while_nothing_could_be_written_is_not_lost(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL, path=None))
    bench.feed(e.RunTaken(run(2, after=bench.job.id)))
    bench.wait(1)
    sent = bench.actor.state.running
    assert sent is not None
    bench.disk.full = True
    bench.feed(e.Posted(sent.id, sent.attempt, e.Post.LATE, "slow"))
    bench.disk.full = False
    bench.wait(1)
    head = bench.actor.state.head
    assert head is not None
    assert (head.id, head.begun) == (sent.id, False)


def test_a_stop_is_kept_however_much_octoprint_says_while_nothing_can_be_written(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("stop")
    for _ in range(WAITING_MOST + 5):
        bench.feed(e.Logged("Recv: echo: cold extrusion prevented"))
    bench.disk.full = False
    bench.wait(1)
    assert bench.actor.state.kept.latch is Latch.STOP
    assert ("done", "stop") in bench.answers()


def test_a_plan_does_not_overtake_the_stop_that_was_ordered_while_nothing_could_be_written(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.disk.full = True
    bench.command("stop")
    assert bench.guarded.state.kept.latch is Latch.STOP
    bench.disk.full = False
    bench.rim.performed.clear()
    bench.rig.machine = bench.guarded.state
    plan = e.RunTaken(run(2, epoch=bench.actor.state.kept.epoch, after=bench.actor.state.kept.last_drawn))
    with bench.disk.transaction() as unit:
        bench.guarded.feed_within(unit, plan)
    assert bench.actor.state.kept.latch is Latch.STOP
    assert not [effect for effect in bench.rim.performed if isinstance(effect, Submit)]
    bench.feed(e.Tick())
    assert bench.answers() == [("done", "stop")], "once"


def test_a_plan_whose_transaction_is_undone_takes_nothing_of_what_waits_with_it(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("stop")
    with pytest.raises(sqlite3.OperationalError), bench.disk.transaction() as unit:
        bench.guarded.feed_within(unit, e.RunTaken(run(2)))
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.actor.state.kept.latch is Latch.STOP


def test_a_connection_that_was_lost_while_nothing_could_be_written_costs_the_position(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    assert bench.actor.state.position_known
    bench.disk.full = True
    bench.command("pause")
    bench.feed(e.PrinterChanged(Printer.OFFLINE), e.PrinterChanged(Printer.OPERATIONAL))
    bench.disk.full = False
    bench.feed(e.Tick())
    assert not bench.actor.state.position_known


def test_octoprints_log_is_read_when_the_disk_takes_writes_again_and_nothing_is_sent_before(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.disk.full = True
    bench.command("pause")
    bench.disk.full = False
    bench.rim.performed.clear()
    bench.feed(e.Tick())
    assert not bench.actor.state.octo.caught_up
    assert any(isinstance(effect, ReadLog) for effect in bench.rim.performed)


def test_the_answer_to_an_upload_is_kept_however_much_else_is_said(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("pause")
    bench.feed(e.Posted("another", 1, e.Post.DOUBT))
    bench.feed(*[e.Logged(f"line {n}") for n in range(WAITING_MOST + 5)])
    assert e.Posted("another", 1, e.Post.DOUBT) in bench.guarded._waiting
    assert e.Logged("line 0") not in bench.guarded._waiting


def test_the_log_is_read_for_the_whole_time_in_which_nothing_could_be_written(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.disk.full = True
    bench.command("pause")
    bench.rim.performed.clear()
    bench.wait(10)
    assert not [effect for effect in bench.asked() if isinstance(effect, ReadLog)], "not as long as it lasts"
    bench.disk.full = False
    bench.feed(e.Tick())
    assert [effect for effect in bench.rim.performed if isinstance(effect, ReadLog)]


def test_what_the_log_says_is_kept_until_it_can_be_written(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.feed(e.PushChanged(False), e.PushChanged(True))
    (asked,) = [effect for effect in bench.rim.performed if isinstance(effect, ReadLog)][-1:]
    bench.disk.full = True
    bench.feed(e.LogRead("mark-2", Slice(whole=True, reset=True), None, asked))
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.actor.state.kept.mark == "mark-2"
    assert not bench.actor.state.position_known
    bench.rig.mono += 3
    bench.feed(e.Tick())
    assert bench.actor.state.log_asked, "and it is read again, for nobody was heard meanwhile"


def test_a_cancel_over_the_link_acts_once_although_it_is_handed_over_again(bench: Bench) -> None:
    control = e.ControlTaken(Control(planner=PLANNER, command=ControlWord.CANCEL, epoch=1, by="chat"))
    bench.disk.full = True
    with pytest.raises(sqlite3.OperationalError), bench.disk.transaction() as unit:
        bench.guarded.feed_within(unit, control)
    bench.disk.full = False
    bench.feed(e.Tick(), e.Happened(e.Happening.CANCELLED, bench.job.path, "boardcast"))
    bench.rig.mono += 2
    bench.feed(e.Tick())
    bench.command("resume")
    bench.rig.mono += 60  # a sender waits longer and longer
    bench.feed(e.Tick())
    latches = [bench.actor.state.kept.latch]

    def hand_over(undone: bool = False) -> None:
        with bench.disk.transaction() as unit:
            bench.guarded.feed_within(unit, e.RunTaken(run(9)))
            bench.guarded.feed_within(unit, control)
            if undone:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        hand_over(undone=True)
    for _ in range(2):
        hand_over()
        latches.append(bench.actor.state.kept.latch)
    # It was obeyed before the resume; another one is another one.
    assert latches == [Latch.NONE, Latch.NONE, Latch.CANCEL]


def test_a_link_that_can_write_again_ends_what_goes_on_in_memory(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("pause")
    bench.disk.full = False
    with bench.disk.transaction() as unit:
        bench.guarded.feed_within(unit, e.RunTaken(run(9)))
    assert bench.guarded.trouble is None
    assert bench.guarded.state is bench.actor.state


def test_a_defect_in_what_waited_does_not_swallow_what_comes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.disk.full = True
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path))
    bench.disk.full = False
    poison = e.Logged("poison")
    bench.guarded._waiting = (poison,)
    feed = bench.actor.feed

    def defective(event: e.Input) -> None:
        if event is poison:
            raise ValueError("nobody thought of it")
        feed(event)

    monkeypatch.setattr(bench.actor, "feed", defective)
    bench.command("stop")
    assert bench.actor.state.kept.latch is Latch.STOP
    assert bench.answers() == [("done", "stop")]


@pytest.mark.parametrize("theirs", [True, False])
def test_a_cancel_that_acted_without_a_row_does_not_reach_what_was_begun_meanwhile(bench: Bench, theirs: bool) -> None:
    bench.disk.full = True
    bench.command("cancel")
    assert bench.without_rows.count(CANCEL) == 1
    path = bench.job.path
    if theirs:
        bench.feed(e.Happened(e.Happening.CANCELLED, path, by="boardcast"), e.PrinterChanged(Printer.OPERATIONAL))
        path = "other.gcode"
        bench.feed(e.Happened(e.Happening.STARTED, path), e.PrinterChanged(Printer.PRINTING))
    bench.disk.full = False
    bench.feed(e.Tick())
    assert CANCEL not in bench.rim.performed, "who prints is looked at first"
    bench.feed(bench.rig.seen(printer=Printer.PRINTING, path=path))
    bench.wait(3)
    assert (CANCEL in bench.rim.performed) is not theirs
