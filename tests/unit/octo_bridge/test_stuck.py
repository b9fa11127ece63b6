"""An OctoPrint that waits for an answer that never comes is given a new connection; no other's job is touched."""

from __future__ import annotations

import pytest

from contracts.events import EventKind
from contracts.printers import Link
from services.octo_bridge import events as e
from services.octo_bridge.effects import Announce, Connect, Disconnect
from services.octo_bridge.state import Printer
from tests.unit.octo_bridge.machine import Rig, job_id, run


def problems(rig: Rig) -> list[str]:
    return [a.event.reason or "" for a in rig.of(Announce) if a.event.event is EventKind.PROBLEM]


def printing(rig: Rig) -> Rig:
    rig.start()
    return rig


@pytest.mark.parametrize("printer", [Printer.PRINTING, Printer.FINISHING, Printer.CANCELLING, Printer.STARTING])
def test_a_job_that_does_not_get_on_costs_the_connection_and_is_said(printer: Printer) -> None:
    rig = printing(Rig(stuck_after=60).ready())
    rig.feed(rig.seen(printer=printer))
    rig.wait(59)
    assert not rig.of(Disconnect)
    rig.wait(2)
    assert len(rig.of(Disconnect)) == 1
    assert "opened anew" in problems(rig)[-1]
    rig.wait(50)
    assert len(rig.of(Disconnect)) == 1, "one attempt has its time"
    rig.wait(15)
    assert len(rig.of(Disconnect)) == 2


def test_behind_the_end_of_a_job_too() -> None:
    rig = printing(Rig(stuck_after=60).ready())
    path = rig.machine.jobs[0].path
    rig.feed(e.Happened(e.Happening.DONE, path), rig.seen(printer=Printer.FINISHING))
    assert not rig.machine.jobs
    rig.wait(61)
    assert len(rig.of(Disconnect)) == 1
    rig.feed(rig.seen(printer=Printer.OFFLINE))
    rig.wait(3)
    assert rig.of(Connect)


def test_a_job_that_gets_on_is_left_alone() -> None:
    rig = printing(Rig(stuck_after=60).ready())
    for position in range(200, 1000, 100):
        rig.wait(50)
        rig.feed(rig.seen(filepos=position))
    assert not rig.of(Disconnect)


def test_a_paused_job_waits_for_its_person() -> None:
    rig = printing(Rig(stuck_after=60).ready())
    rig.feed(rig.seen(printer=Printer.PAUSED))
    rig.hot()
    rig.wait(100)
    assert not rig.of(Disconnect)


def test_somebody_elses_job_may_take_its_time() -> None:
    rig = Rig(stuck_after=60).ready()
    rig.feed(rig.seen(printer=Printer.PRINTING, path="somebody/benchy.gcode", filepos=5))
    rig.wait(600)
    assert not rig.of(Disconnect)


def drawn(rig: Rig) -> Rig:
    """A job was drawn, and the nozzle is hot from it."""
    path = printing(rig).machine.jobs[0].path
    rig.feed(e.Happened(e.Happening.DONE, path), rig.seen(printer=Printer.OPERATIONAL, path=None))
    assert not rig.machine.jobs
    return rig


def test_heaters_that_are_not_switched_off_although_it_was_asked_for() -> None:
    rig = drawn(Rig(stuck_after=60).ready())
    rig.wait(70)
    assert not rig.of(Disconnect), "idle and hot is as it should be"
    rig.command("disarm")
    rig.wait(59)
    assert not rig.of(Disconnect)
    rig.wait(3)
    assert len(rig.of(Disconnect)) == 1
    assert "heaters" in problems(rig)[-1]


def test_without_fresh_readings_nobody_knows_that_they_are_hot() -> None:
    rig = drawn(Rig(stuck_after=60).ready())
    rig.command("disarm")
    rig.wait(100, watched=False)
    assert not rig.of(Disconnect)


def test_octoprint_that_was_away_is_given_its_time_again() -> None:
    rig = printing(Rig(stuck_after=60).ready())
    rig.wait(50)
    rig.feed(e.Unreachable(Link.NO_OCTOPRINT, "nothing answers"))
    rig.wait(100, watched=False)
    rig.feed(rig.seen())
    assert not rig.of(Disconnect)
    assert rig.machine.jobs[0].id == job_id(1)


def test_a_bridge_that_has_just_begun_gives_a_hot_printer_time_to_cool() -> None:
    rig = drawn(Rig(stuck_after=60).ready())
    rig.command("disarm")
    rig = rig.restarted()
    hot = rig.seen(printer=Printer.OPERATIONAL, nozzle=(205.0, 205.0), bed=(60.0, 60.0))
    rig.feed(e.PushChanged(True), hot, e.LogRead("mark-1", None))
    rig.wait(59)
    assert not rig.of(Disconnect)
    rig.wait(2)
    assert rig.of(Disconnect)


def test_heaters_that_are_not_switched_on_although_a_job_waits_for_them() -> None:
    rig = Rig(stuck_after=60).ready()
    rig.feed(rig.seen(nozzle=(21.0, 0.0), bed=(21.0, 0.0)), e.RunTaken(run(1)))
    rig.wait(55)
    assert not rig.of(Disconnect)
    rig.wait(10)
    assert len(rig.of(Disconnect)) == 1
