"""Heaters and timers: hot only for a job that may run, and safe by themselves in every state but a foreign job's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.printers import Heaters, Latch, Link
from services.octo_bridge import events as e
from services.octo_bridge.effects import SetTargets, Submit
from services.octo_bridge.state import Heat, Job, Machine, Printer
from tests.unit.octo_bridge.machine import HOT, OFF, STANDBY, Rig, cold, run


def test_nothing_is_heated_before_a_job_waits() -> None:
    rig = cold()
    rig.wait(10)
    assert HOT not in rig.of(SetTargets)


@pytest.mark.parametrize("order", ["disarm", "pause", "cancel", "stop"])
def test_a_waiting_job_heats_only_when_nothing_but_the_cold_is_in_its_way(order: str) -> None:
    rig = cold()
    rig.command(order)
    rig.feed(e.RunTaken(run(1)))
    rig.wait(10)
    assert HOT not in rig.of(SetTargets)


def test_a_waiting_job_is_heated_for_and_sent_when_hot() -> None:
    rig = cold()
    rig.feed(e.RunTaken(run(1)))
    assert rig.of(SetTargets)[-1] == HOT
    assert rig.mode() is Heaters.HEATING
    rig.feed(rig.seen(nozzle=(199.0, 205.0), bed=(60.0, 60.0)))
    assert not rig.of(Submit)
    rig.feed(rig.seen(nozzle=(200.0, 205.0), bed=(55.0, 60.0)))
    assert len(rig.of(Submit)) == 1
    assert rig.mode() is Heaters.HOT


STATES: dict[str, Callable[[Rig, Job], object]] = {
    "idle": lambda rig, job: rig.feed(e.Happened(e.Happening.DONE, job.path)),
    "paused": lambda rig, job: (rig.command("pause"), rig.feed(e.Happened(e.Happening.DONE, job.path))),
    "stalled job": lambda rig, job: None,
    "job paused by hand": lambda rig, job: rig.feed(
        e.Happened(e.Happening.PAUSED, job.path), rig.seen(printer=Printer.PAUSED)
    ),
    "in doubt": lambda rig, job: rig.feed(rig.seen(printer=Printer.OPERATIONAL)),
    "failed": lambda rig, job: rig.feed(
        e.Happened(e.Happening.FAILED, job.path), rig.seen(printer=Printer.OPERATIONAL)
    ),
    "armed no longer": lambda rig, job: (rig.feed(e.Happened(e.Happening.DONE, job.path)), rig.command("disarm")),
}


@pytest.mark.parametrize("state", STATES)
def test_without_motion_standby_after_two_minutes_and_all_off_after_thirty(state: str) -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(rig.seen(nozzle=(205.0, 205.0), bed=(60.0, 60.0)))
    STATES[state](rig, job)
    if state == "armed no longer":
        rig.wait(3)
        assert rig.of(SetTargets)[-1] == OFF
        return
    rig.wait(119)
    assert STANDBY not in rig.of(SetTargets)
    rig.wait(3)
    assert rig.of(SetTargets)[-1] == STANDBY
    rig.wait(1670)
    assert OFF not in rig.of(SetTargets)
    rig.wait(12)
    assert rig.of(SetTargets)[-1] == OFF
    assert rig.mode() is Heaters.OFF


def test_a_job_that_moves_is_not_put_into_standby() -> None:
    rig = Rig().ready()
    job = rig.start()
    for filepos in range(100, 700, 10):
        rig.printing(job, filepos)
        rig.wait(5)
    assert STANDBY not in rig.of(SetTargets)


def test_a_job_that_prints_stays_hot_when_octoprint_is_back() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Unreachable(Link.NO_OCTOPRINT, "the network"))
    rig.wait(130, watched=False)
    rig.effects.clear()
    rig.printing(job, filepos=500)
    assert rig.mode() is Heaters.HOT
    assert {*rig.of(SetTargets)} <= {HOT}


def test_a_job_that_prints_stays_hot_when_nobody_is_armed_and_the_bridge_is_restarted() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.command("disarm")
    rig = rig.restarted()
    rig.feed(rig.seen(printer=Printer.PRINTING, path=job.path, nozzle=(205.0, 205.0), bed=(60.0, 60.0)))
    rig.printing(job, filepos=500)
    assert {*rig.of(SetTargets)} <= {HOT}
    rig.wait(125)
    assert rig.of(SetTargets)[-1] in (STANDBY, OFF)


def test_a_foreign_jobs_heaters_are_left_alone() -> None:
    rig = Rig().ready()
    rig.feed(e.Happened(e.Happening.STARTED, "other.gcode"))
    rig.feed(rig.seen(printer=Printer.PRINTING, path="other.gcode", nozzle=(220.0, 220.0)))
    rig.effects.clear()
    rig.wait(4000, step=5)
    assert not rig.of(SetTargets)
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(1900, step=5)
    assert rig.of(SetTargets)[-1] == OFF


def test_heat_that_a_person_made_by_hand_ends_after_thirty_minutes() -> None:
    rig = cold()
    rig.wait(2000, step=5)
    rig.effects.clear()
    rig.feed(rig.seen(nozzle=(100.0, 180.0)))
    rig.wait(1700, step=5)
    assert not rig.of(SetTargets)
    rig.wait(200, step=5)
    assert OFF in rig.of(SetTargets)


def test_a_heater_that_never_gets_hot_is_given_up_aloud() -> None:
    rig = cold()
    rig.feed(e.RunTaken(run(1)))
    rig.feed(rig.seen(nozzle=(21.0, 205.0), bed=(21.0, 60.0)))
    rig.wait(905)
    assert rig.latch() is Latch.PAUSE
    assert rig.of(SetTargets)[-1] == OFF
    assert "problem" in rig.said()


def test_arming_ends_by_itself_and_takes_the_heat_with_it() -> None:
    rig = Rig().ready()
    rig.feed(e.Happened(e.Happening.DONE, rig.start().path))
    rig.command("arm 0.01")
    rig.wait(37)
    assert rig.machine.kept.armed is None
    assert "disarmed" in rig.said()
    assert rig.of(SetTargets)[-1] == OFF


def test_fresh_data_begin_with_heaters_off() -> None:
    rig = Rig(Machine(boot="x", moved_at=1000.0))
    rig.connect()
    rig.feed(rig.seen(nozzle=(200.0, 205.0)))
    rig.machine = replace(rig.machine, heat=Heat())  # the first picture already shows what an earlier process left hot
    rig.wait(2)
    assert set(rig.of(SetTargets)) == {OFF}


def test_a_machine_that_was_woken_for_a_job_stays_hot_while_the_job_is_sent() -> None:
    rig = Rig().ready()
    rig.start()
    job = rig.machine.running
    assert job is not None
    rig.feed(e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(rig.settings.standby_after + 5)
    assert rig.mode() is Heaters.STANDBY
    rig.feed(rig.seen(nozzle=(150.0, 150.0)))
    rig.effects.clear()
    rig.feed(e.RunTaken(run(2, after=job.id)))
    rig.hot()
    assert rig.of(Submit), "it is hot, and was sent"
    rig.wait(1)
    assert STANDBY not in rig.of(SetTargets), "OctoPrint takes a moment to begin"
    assert rig.mode() is Heaters.HOT


def broken() -> Rig:
    """A job is heated for, and it gets no warmer."""
    rig = cold()
    rig.feed(e.RunTaken(run(1)))
    rig.feed(rig.seen(nozzle=(30.0, 205.0), bed=(30.0, 60.0)))
    return rig


def test_a_broken_heater_is_given_up_however_often_something_else_is_in_the_way_for_a_moment() -> None:
    rig = broken()
    for _ in range(8):
        rig.wait(150)
        rig.feed(e.Stalled())
        if rig.latch() is Latch.PAUSE:
            break
    assert rig.latch() is Latch.PAUSE
    assert rig.of(SetTargets)[-1] == OFF


def test_the_time_that_a_heater_has_begins_anew_for_whoever_mends_it() -> None:
    rig = broken()
    rig.wait(905)
    assert rig.latch() is Latch.PAUSE
    rig.command("resume")
    rig.wait(600)
    assert rig.latch() is Latch.NONE


@pytest.mark.parametrize("between", ["pause", "disarm"])
def test_what_was_heated_for_another_time_counts_no_more(between: str) -> None:
    rig = broken()
    rig.command("arm 12")
    rig.wait(600)
    rig.command(between)
    rig.wait(400)
    rig.command("resume" if between == "pause" else "arm")
    rig.feed(rig.seen(nozzle=(30.0, 205.0), bed=(30.0, 60.0)))
    rig.wait(600)
    assert rig.latch() is Latch.NONE
    rig.wait(310)
    assert rig.latch() is Latch.PAUSE
