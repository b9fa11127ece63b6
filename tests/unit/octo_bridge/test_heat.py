"""Heaters and timers: hot only for a job that may run, and safe by themselves in every state but a foreign job's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.printers import Heaters, Latch, Link
from services.octo_bridge import events as e
from services.octo_bridge.effects import SetTargets, Submit
from services.octo_bridge.handlers_heat import UNANSWERED, targets
from services.octo_bridge.octolog import Slice
from services.octo_bridge.state import Heat, Job, Machine, Phase, Printer
from tests.unit.octo_bridge.machine import Rig, run, settings

OFF, STANDBY, HOT = SetTargets(0, 0), SetTargets(150, 60), SetTargets(205, 60)


def cold() -> Rig:
    rig = Rig().ready()
    rig.feed(rig.seen(nozzle=(20.0, 0.0), bed=(20.0, 0.0)))
    rig.wait(3)
    rig.effects.clear()
    return rig


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


def test_targets_are_asked_for_again_until_the_printer_shows_them() -> None:
    rig = cold()
    rig.feed(e.RunTaken(run(1)))
    rig.wait(10)
    assert 4 <= rig.of(SetTargets).count(HOT) <= 7
    rig.feed(rig.seen(nozzle=(100.0, 205.0), bed=(40.0, 60.0)))
    rig.effects.clear()
    rig.wait(10)
    assert not rig.of(SetTargets)


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


@pytest.mark.parametrize("link", [Link.NO_OCTOPRINT, Link.WRONG_KEY, Link.STARTING])
def test_nothing_is_asked_of_an_octoprint_that_is_not_there(link: Link) -> None:
    rig = Rig().ready()
    rig.feed(e.Unreachable(link, "not there"))
    rig.effects.clear()
    rig.wait(10, watched=False)
    assert not rig.of(SetTargets)


@given(st.sampled_from(Heaters), st.floats(170, 230), st.floats(0, 70))
def test_no_target_is_ever_above_the_caps(mode: Heaters, nozzle: float, bed: float) -> None:
    s = settings(nozzle=nozzle, bed=bed)
    asked = targets(mode, s.model_copy(update={"nozzle": nozzle + 100, "bed": bed + 100}))
    assert asked[0] <= s.nozzle_cap
    assert asked[1] <= s.bed_cap


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


def test_a_nozzle_that_was_told_to_cool_is_not_hot_because_an_older_picture_says_so() -> None:
    rig = Rig().ready()
    rig.start()
    job = rig.machine.running
    assert job is not None
    rig.feed(e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL))
    rig.answers = False
    rig.command("disarm")
    assert rig.of(SetTargets) == [SetTargets(0.0, 0.0)]
    rig.command("arm")
    rig.feed(e.RunTaken(run(2, after=job.id)))
    rig.feed(rig.seen(nozzle=(205.0, 205.0), bed=(60.0, 60.0)))
    assert not rig.of(Submit), "OctoPrint has answered neither request"
    rig.wait(2.5)
    assert not rig.of(Submit)
    for _ in range(rig.machine.targets_open - 1):
        rig.feed(e.Asked("targets", False, "503"))
    rig.answers = True
    rig.feed(e.Asked("targets", False, "503"))
    rig.feed(rig.seen(nozzle=(205.0, 205.0), bed=(60.0, 60.0)))
    assert not rig.of(Submit), "it may have been read before"
    rig.wait(2.5)
    rig.hot()
    assert rig.of(Submit)


@pytest.mark.parametrize("takes", [1.9, 3.0, 8.0])
def test_an_octoprint_that_answers_slowly_is_asked_once_and_not_waited_for_forever(takes: float) -> None:
    rig = Rig().ready()
    rig.command("disarm")
    rig.answers = False
    rig.command("arm")
    rig.feed(e.RunTaken(run(1)))
    due: list[float] = []
    begun = rig.mono
    while rig.mono < begun + 60 and not rig.of(Submit):
        asked = len(rig.of(SetTargets))
        rig.wait(0.25, 0.25, watched=False)
        rig.feed(rig.seen(nozzle=(205.0, 205.0), bed=(60.0, 60.0)))
        for _ in rig.of(SetTargets)[asked:]:
            due.append(max([rig.mono, *due]) + takes)  # one after the other
        for at in [at for at in due if at <= rig.mono]:
            rig.feed(e.Asked("targets", True))
            due.remove(at)
    assert rig.of(Submit)
    assert len(rig.of(SetTargets)) < 6
    assert rig.machine.targets_open == 0


def test_a_request_whose_answer_never_comes_is_given_up() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL))
    rig.answers = False
    rig.command("disarm")
    rig.wait(UNANSWERED + 5, 1.0)
    assert len(rig.of(SetTargets)) == 2


def came_back(rig: Rig, nozzle: float = 205.0) -> Rig:
    """The bridge after a restart, in front of a printer that is as hot as it left it."""
    again = rig.restarted()
    hot = {"nozzle": (nozzle, nozzle), "bed": (60.0, 60.0)}
    again.feed(e.PushChanged(True), again.seen(printer=Printer.OPERATIONAL, **hot))
    return again


def test_a_bridge_that_comes_back_armed_and_has_a_job_leaves_the_heat_that_it_needs() -> None:
    rig = Rig().ready()
    rig.machine = rig.machine.keep(contacted=True)
    rig.command("pause")
    rig.feed(e.RunTaken(run(1)))
    rig.command("resume")
    rig.machine = replace(rig.machine, jobs=tuple(replace(job, phase=Phase.ACCEPTED) for job in rig.machine.jobs))
    again = came_back(rig)
    again.wait(1)
    again.feed(e.LogRead("mark-2", Slice(whole=True)))
    assert SetTargets(0.0, 0.0) not in again.of(SetTargets)
    assert again.of(Submit)


@pytest.mark.parametrize("why", ["not armed", "heated otherwise", "stopped", "no job", "paused"])
def test_and_switches_it_off_where_it_is_not(why: str) -> None:
    rig = Rig().ready()
    if why != "no job":
        rig.command("pause")
        rig.feed(e.RunTaken(run(1)))
    if why not in ("no job", "paused"):
        rig.machine = rig.machine.keep(latch=Latch.NONE)
    if why == "stopped":
        rig.command("stop")
    elif why == "not armed":
        rig.command("disarm")
    again = came_back(rig, nozzle=180.0 if why == "heated otherwise" else 205.0)
    again.feed(e.LogRead("mark-2", None))
    again.wait(1)
    assert SetTargets(0.0, 0.0) in again.of(SetTargets)


def test_readings_that_come_right_behind_every_request_are_believed() -> None:
    rig = Rig().ready()
    rig.command("disarm")
    rig.command("arm")
    rig.feed(e.RunTaken(run(1)))
    rig.feed(rig.seen(nozzle=(190.0, 0.0), bed=(50.0, 0.0)))
    for _ in range(3):
        rig.mono = rig.machine.last_asked("targets") + 2.0
        rig.feed(e.Tick())
        rig.mono += 0.1
        rig.feed(rig.seen(nozzle=(205.0, 205.0), bed=(60.0, 60.0)))
    assert rig.of(Submit)


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
