"""A disk that takes no writes: heaters still go off, a stop still stops, and everything is written down afterwards."""

from __future__ import annotations

import sqlite3

import pytest

from contracts.plan import Control, ControlWord
from contracts.printers import Heaters, Latch
from services.octo_bridge import events as e
from services.octo_bridge.effects import Effect, JobAction, SetTargets, Submit
from services.octo_bridge.handlers_picture import CATCHES_UP, GOES_ON
from services.octo_bridge.reporting import health
from services.octo_bridge.state import Machine, Printer
from services.octo_bridge.unwritten import _makes_safe
from tests.unit.octo_bridge.full_disk import Bench
from tests.unit.octo_bridge.machine import PLANNER, run

OFF, CANCEL = SetTargets(0, 0), JobAction("cancel")


def test_the_heaters_go_off_after_thirty_minutes_and_are_asked_for_again(bench: Bench) -> None:
    bench.disk.full = True
    bench.wait(1790, step=5)
    assert OFF not in bench.asked()
    bench.wait(20)
    assert bench.without_rows.count(OFF) >= 5
    assert "heaters_off" in [event.event.value for event in bench.published]
    assert bench.guarded.state.heat.mode is Heaters.OFF


def test_a_stop_cancels_and_switches_off_is_said_and_is_answered_once_when_it_is_written(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("stop")
    bench.wait(3)
    assert bench.without_rows.count(CANCEL) >= 3
    assert bench.without_rows.count(OFF) >= 2
    assert bench.actor.state.kept.latch is Latch.NONE
    assert bench.guarded.state.kept.latch is Latch.STOP
    (said,) = [event for event in bench.published if "acts now" in (event.reason or "")]
    assert "BOARDCAST_DATA_DIR" in (said.reason or "")
    assert bench.answers() == []

    bench.disk.full = False
    bench.feed(e.Tick())
    assert (bench.actor.state.kept.latch, bench.guarded.state) == (Latch.STOP, bench.actor.state)
    assert bench.answers() == [("done", "stop")]
    bench.wait(3)
    assert bench.answers() == [("done", "stop")]


@pytest.mark.parametrize(("word", "asks"), [("cancel", [CANCEL]), ("pause", [])])
def test_cancel_and_pause_act_too(bench: Bench, word: str, asks: list[Effect]) -> None:
    bench.disk.full = True
    bench.command(word)
    assert [effect for effect in bench.without_rows if isinstance(effect, JobAction)] == asks
    bench.feed(e.Happened(e.Happening.CANCELLED, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.answers() == [("done", word)]
    assert bench.actor.state.kept.latch is Latch(word)


def test_everything_else_is_refused_plainly_and_changes_nothing(bench: Bench) -> None:
    bench.disk.full = True
    for word in ("arm", "disarm"):
        bench.command(word)
    assert [(event.event.value, event.command) for event in bench.published] == [
        ("refused", "arm"), ("refused", "disarm"),
    ]  # fmt: skip
    assert all("nothing can be written" in (event.reason or "") for event in bench.published)
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.answers() == []


def test_a_stop_over_the_link_acts_although_its_transaction_is_undone(bench: Bench) -> None:
    control = e.ControlTaken(Control(planner=PLANNER, command=ControlWord.STOP, epoch=1, by="chat"))
    bench.disk.full = True
    for _ in range(3):  # the link hands it over again and again
        with pytest.raises(sqlite3.OperationalError), bench.disk.transaction() as unit:
            bench.guarded.feed_within(unit, control)
        bench.feed(e.Tick())
    assert len([event for event in bench.published if "acts now" in (event.reason or "")]) == 1
    assert {CANCEL, OFF} <= set(bench.without_rows)
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.actor.state.kept.latch is Latch.STOP


def test_nothing_is_heated_moved_or_sent_without_a_row(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.rim.performed.clear()
    bench.disk.full = True
    with pytest.raises(sqlite3.OperationalError), bench.disk.transaction() as unit:
        bench.guarded.feed_within(unit, e.RunTaken(run(2, after=bench.job.id)))
    bench.wait(5)
    assert not [effect for effect in bench.asked() if isinstance(effect, Submit | SetTargets)]


def test_what_is_done_without_a_row_is_only_ever_less(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("pause")
    bench.feed(bench.rig.seen(nozzle=(200.0, 150.0)))  # somebody cooled it by hand: the bridge would heat again
    bench.wait(5)
    assert bench.guarded.state.heat.mode is Heaters.HOT
    assert not [effect for effect in bench.asked() if isinstance(effect, SetTargets)]
    assert not _makes_safe(JobAction("resume"), bench.guarded.state)


def test_it_is_unwell_until_the_disk_takes_writes(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("disarm")
    told = health(bench.guarded.state, broker=True, trouble=bench.guarded.trouble)
    assert (told.ok, "make room" in told.text) == (False, True)
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.guarded.trouble is None


def test_a_defect_is_no_full_disk(bench: Bench) -> None:
    def broken(state: Machine, event: e.Input, now: object, /) -> tuple[Machine, list[Effect]]:
        raise KeyError("defect")

    bench.actor._step = broken
    bench.feed(e.Tick())
    assert (bench.guarded.trouble, bench.without_rows) == (None, [])


@pytest.mark.parametrize(("gap", "stalled"), [(0.3, False), (2.0, True)])
def test_missed_ticks_are_a_stall(bench: Bench, gap: float, stalled: bool) -> None:
    bench.feed(e.Tick())
    bench.rig.mono += gap
    bench.feed(e.Tick())
    assert (bench.actor.state.behind_until > bench.rig.mono) is stalled
    with bench.disk.transaction() as unit:
        bench.rig.mono += gap + GOES_ON + CATCHES_UP
        bench.guarded.feed_within(unit, e.RunTaken(run(2)))
    assert bench.actor.state.behind_until > bench.rig.mono
