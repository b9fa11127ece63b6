"""Targets at OctoPrint: how often they are asked for, and what an old picture or a slow answer says of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.printers import Heaters, Latch, Link
from services.octo_bridge import events as e
from services.octo_bridge.effects import SetTargets, Submit
from services.octo_bridge.handlers_heat import UNANSWERED, targets
from services.octo_bridge.octolog import Slice
from services.octo_bridge.state import Phase, Printer
from tests.unit.octo_bridge.machine import HOT, Rig, came_back, cold, run, settings


def test_targets_are_asked_for_again_until_the_printer_shows_them() -> None:
    rig = cold()
    rig.feed(e.RunTaken(run(1)))
    rig.wait(10)
    assert 4 <= rig.of(SetTargets).count(HOT) <= 7
    rig.feed(rig.seen(nozzle=(100.0, 205.0), bed=(40.0, 60.0)))
    rig.effects.clear()
    rig.wait(10)
    assert not rig.of(SetTargets)


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
