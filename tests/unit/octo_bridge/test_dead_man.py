"""The firmware's own idle limit: set while something is hot, not where all is off; never after a long idle time."""

from __future__ import annotations

from contracts.printers import Heaters
from services.octo_bridge import events as e
from services.octo_bridge.effects import SendLines, Submit
from services.octo_bridge.state import Printer
from tests.unit.octo_bridge.machine import Rig, job_id, run

OFF, ON = SendLines("dead_man", ("M85 S0",)), SendLines("dead_man", ("M85 S2700",))


def drawn(number: int = 1, rig: Rig | None = None) -> Rig:
    """After a move; the first one homes, and sets the limit with it."""
    rig = rig or Rig().ready()
    after = job_id(number - 1) if number > 1 else None
    rig.feed(e.RunTaken(run(number, epoch=rig.machine.kept.epoch, after=after)))
    rig.hot()
    submit = rig.of(Submit)[-1]
    assert ("M85 S2700" in submit.text) is (number == 1)
    rig.feed(e.Posted(submit.job_id, 1, e.Post.TAKEN), e.Happened(e.Happening.DONE, submit.path))
    rig.feed(e.PrinterChanged(Printer.OPERATIONAL))
    return rig


def cold(rig: Rig) -> None:
    rig.wait(1801)
    assert rig.mode() is Heaters.OFF
    rig.feed(rig.seen(nozzle=(100.0, 0.0), bed=(40.0, 0.0)))
    rig.wait(1)


def test_it_stays_as_long_as_the_machine_is_hot_or_in_standby() -> None:
    rig = drawn()
    rig.wait(1700)
    assert rig.mode() is Heaters.STANDBY
    assert not rig.of(SendLines)


def test_it_goes_once_when_the_heaters_are_seen_to_be_off() -> None:
    rig = drawn()
    rig.wait(1801)
    assert not rig.of(SendLines), "the targets are asked for, and not seen yet"
    rig.feed(rig.seen(nozzle=(100.0, 0.0), bed=(40.0, 0.0)))
    rig.wait(600)
    assert rig.of(SendLines) == [OFF]


def test_it_is_set_again_right_after_the_next_move_that_does_not_home() -> None:
    rig = drawn()
    cold(rig)
    rig.effects.clear()
    drawn(2, rig)
    rig.wait(60)
    assert rig.of(SendLines) == [ON]


def test_it_is_not_set_while_a_hot_machine_has_not_moved() -> None:
    rig = drawn()
    cold(rig)
    rig.effects.clear()
    rig.feed(e.RunTaken(run(2, epoch=rig.machine.kept.epoch, after=job_id(1))))
    rig.wait(120)
    assert rig.mode() is Heaters.HEATING
    assert not rig.of(SendLines)


def test_a_paused_job_whose_heaters_are_off_is_not_killed_either() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.command("pause")
    rig.feed(rig.seen(printer=Printer.PAUSED, path=job.path))
    cold(rig)
    assert OFF in rig.of(SendLines)


def test_what_was_turned_down_is_asked_again() -> None:
    rig = drawn()
    cold(rig)
    rig.feed(e.Asked("dead_man", False, "busy"))
    rig.wait(15)
    assert rig.of(SendLines) == [OFF, OFF]


def test_without_the_setting_nothing_is_ever_said_of_it() -> None:
    rig = Rig(dead_man=0).ready()
    rig.start()
    rig.feed(e.Happened(e.Happening.DONE, rig.machine.jobs[0].path), e.PrinterChanged(Printer.OPERATIONAL))
    cold(rig)
    assert not rig.of(SendLines)
