"""Heat that nobody gets: unarmed, under a latch, or while something else keeps the job back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.printers import Heaters, Latch
from services.octo_bridge import events as e
from services.octo_bridge.effects import SetTargets
from services.octo_bridge.journal import restored
from services.octo_bridge.octolog import Slice
from services.octo_bridge.readiness import unready
from services.octo_bridge.state import Heat, Printer
from tests.unit.octo_bridge.machine import Rig, run

OFF, STANDBY, HOT = SetTargets(0, 0), SetTargets(150, 60), SetTargets(205, 60)


def rebooted(latch: Latch) -> Rig:
    """The host was: a job may be in OctoPrint's hands, and nobody has armed the printer since."""
    rig = Rig().ready()
    rig.start()
    kept = replace(rig.machine.kept, latch=latch)
    machine = restored(kept, (replace(rig.machine.jobs[0], doubt="restarted"),), "another boot", rig.mono)
    rig = Rig(replace(machine, heat=Heat(Heaters.HOT, 1000.0)))
    rig.feed(e.PushChanged(True))
    return rig


@pytest.mark.parametrize("latch", [Latch.NONE, Latch.CANCEL])
def test_a_printer_that_nobody_has_armed_is_never_heated_for_a_job_in_doubt(latch: Latch) -> None:
    rig = rebooted(latch)
    rig.feed(rig.seen(printer=Printer.OPERATIONAL, nozzle=(21.0, 0.0), bed=(21.0, 0.0)))
    rig.wait(300)
    assert {(asked.nozzle, asked.bed) for asked in rig.of(SetTargets)} <= {(0.0, 0.0)}


def test_a_job_that_runs_on_unarmed_keeps_its_heat_until_it_no_longer_moves() -> None:
    rig = rebooted(Latch.NONE)
    rig.feed(rig.seen(printer=Printer.PRINTING, path=rig.machine.jobs[0].path, nozzle=(205.0, 205.0), bed=(60.0, 60.0)))
    for filepos in range(200):
        rig.wait(1)
        rig.feed(rig.seen(filepos=filepos))
    assert rig.of(SetTargets) == []
    rig.wait(130)
    assert set(rig.of(SetTargets)) == {OFF}, "and not even standby"


def test_a_printer_that_forgot_its_targets_gets_them_back_only_while_armed() -> None:
    for words, wanted in (((), {HOT}), (("disarm",), set())):
        rig = Rig().ready()
        rig.start()
        rig.effects.clear()
        for word in words:
            rig.command(word)
        rig.feed(rig.seen(nozzle=(204.0, 0.0), bed=(60.0, 0.0)))
        rig.wait(5)
        assert set(rig.of(SetTargets)) == wanted


def test_nothing_stays_hot_for_a_job_that_cannot_be_sent_for_another_reason() -> None:
    rig = Rig().ready()
    rig.command("arm 12")
    rig.feed(e.PushChanged(False), rig.seen(), e.LogRead("mark-2", Slice(whole=True)))
    assert unready(rig.machine, rig.settings) is None
    rig.feed(e.RunTaken(run(1)))
    rig.wait(3 * 3600, step=5)
    assert rig.mode() is Heaters.OFF
    assert rig.of(SetTargets)[-1] == OFF


@pytest.mark.parametrize("latch", ["pause", "cancel"])
@pytest.mark.parametrize("drawing", [False, True])
def test_under_a_latch_no_target_is_raised_and_a_standby_only_lowers(latch: str, drawing: bool) -> None:
    rig = Rig().ready()
    if drawing:
        rig.start()
    rig.command(latch)
    rig.effects.clear()
    rig.feed(rig.seen(printer=Printer.OPERATIONAL, nozzle=(60.0, 0.0), bed=(50.0, 0.0)))
    rig.wait(300)
    assert set(rig.of(SetTargets)) <= {OFF}


def test_under_a_latch_a_hot_machine_goes_to_standby_and_off() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(rig.seen(), e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL))
    rig.command("pause")
    rig.effects.clear()
    rig.wait(125)
    assert set(rig.of(SetTargets)) == {STANDBY}
    rig.feed(rig.seen(nozzle=(150.0, 150.0)))
    rig.effects.clear()
    rig.wait(30)
    assert rig.of(SetTargets) == []
    rig.wait(1800)
    assert rig.of(SetTargets)[-1] == OFF


def test_a_standby_that_was_due_while_the_printer_was_away_is_set_when_it_is_back() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(rig.seen(), e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL))
    rig.command("pause")
    rig.feed(rig.seen(printer=Printer.OFFLINE, nozzle=None, bed=None, heaters=()))
    rig.wait(200, watched=False)
    assert rig.mode() is Heaters.STANDBY
    rig.effects.clear()
    rig.feed(rig.seen(printer=Printer.OPERATIONAL, nozzle=(205.0, 205.0), bed=(60.0, 60.0)))
    rig.wait(5)
    assert set(rig.of(SetTargets)) == {STANDBY}
