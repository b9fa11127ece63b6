"""A rehearsal is run cold: no heater is needed for it, none is switched on, and it cannot move filament."""

from __future__ import annotations

from dataclasses import replace

from contracts.plan import JobEnd, Run
from contracts.printers import Heaters
from services.octo_bridge import events as e
from services.octo_bridge.effects import Gather, SetTargets, Submit, Tell
from services.octo_bridge.evidence import Evidence, History
from services.octo_bridge.state import Phase, Printer
from tests.unit.octo_bridge.machine import HOT, Rig, came_back, cold, run

MOTION = ("G90", "G0 Z13 F300", "G0 X30 Y30 F7200", "G1 Z10.25 F300", "G1 X90 Y90 Z10.25 F2400", "G0 Z13 F300")


def dry(number: int = 1, lines: tuple[str, ...] = MOTION) -> Run:
    return run(number).model_copy(update={"dry": True, "gcode": lines})


def test_it_is_sent_to_a_cold_printer_and_heats_nothing() -> None:
    rig = cold()
    rig.feed(e.RunTaken(dry()))
    assert len(rig.of(Submit)) == 1
    assert HOT not in rig.of(SetTargets)
    assert rig.mode() is Heaters.OFF


def test_a_real_run_is_heated_for_as_ever() -> None:
    rig = cold()
    rig.feed(e.RunTaken(run(1)))
    assert not rig.of(Submit)
    assert rig.of(SetTargets)[-1] == HOT


def test_one_that_moves_filament_is_refused() -> None:
    rig = cold()
    rig.feed(e.RunTaken(dry(lines=run(1).gcode)))
    answers = [effect.body for effect in rig.of(Tell)]
    assert [a.end for a in answers if a.kind == "ended"] == [JobEnd.REFUSED]
    assert not rig.of(Submit)


def sent() -> Rig:
    """A rehearsal that runs on a cold printer."""
    rig = cold()
    rig.feed(e.RunTaken(dry()))
    job = rig.machine.running
    assert job is not None
    rig.feed(e.Posted(job.id, job.attempt, e.Post.TAKEN))
    rig.printing(job)
    return rig


def path(rig: Rig) -> str:
    job = rig.machine.running
    assert job is not None
    assert job.path is not None
    return job.path


def test_while_it_runs_nothing_is_heated_either() -> None:
    rig = sent()
    rig.wait(10)
    assert HOT not in rig.of(SetTargets)
    assert rig.mode() is Heaters.OFF


def test_a_bridge_that_comes_back_to_one_takes_up_no_heat_that_somebody_left() -> None:
    rig = cold()
    rig.machine = rig.machine.keep(contacted=True)
    rig.command("pause")
    rig.feed(e.RunTaken(dry()))
    rig.command("resume")
    rig.machine = replace(rig.machine, jobs=tuple(replace(job, phase=Phase.ACCEPTED) for job in rig.machine.jobs))
    again = came_back(rig)
    again.wait(1)
    assert HOT not in again.of(SetTargets)
    assert again.mode() is Heaters.OFF


def test_it_ends_drawn_although_the_nozzle_was_cold() -> None:
    rig = sent()
    rig.feed(e.Happened(e.Happening.DONE, path(rig)))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]


def test_after_a_doubt_no_temperature_speaks_against_it() -> None:
    rig = sent()
    rig.feed(e.PushChanged(False))
    rig.feed(rig.seen(printer=Printer.OPERATIONAL))
    rig.wait(5)
    asked = rig.of(Gather)[-1]
    rig.feed(e.EvidenceFound(asked.job_id, asked.attempt, Evidence(True, History.SUCCESS, False, None, 22.0)))
    assert [end.end for end in rig.ends()] == [JobEnd.DRAWN]
