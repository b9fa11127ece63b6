"""What is shown beside what is known: nothing stale as fresh, nothing of one print at the next."""

from __future__ import annotations

from dataclasses import replace

from contracts.printers import RexStatus
from services.rex_bridge import looks, telemetry
from services.rex_bridge.replies import Progress
from services.rex_bridge.state import Reach
from tests.unit.rex_bridge.drive import Drive, printing


def test_an_idle_printer_is_not_stale_between_two_looks() -> None:
    drive = Drive()
    drive.run(29)
    assert not drive.payload.stale


def test_out_of_reach_is_stale_at_once_and_tells_no_remaining_time() -> None:
    drive = printing()
    drive.run(200)
    assert drive.payload.remaining is not None
    away = replace(drive.state, reach=Reach.AWAY)
    shown = telemetry.payload(away, drive.now)
    assert (shown.stale, shown.remaining, shown.nozzle_actual) == (True, None, None)
    assert (shown.job, shown.print_id, shown.progress) == (
        drive.payload.job,
        drive.payload.print_id,
        drive.payload.progress,
    )


def test_a_paused_print_tells_no_remaining_time() -> None:
    drive = printing()
    drive.run(200)
    drive.machine.pause()
    drive.run(3)
    assert drive.status() is RexStatus.PAUSED
    assert drive.payload.remaining is None


def test_a_finished_print_keeps_its_name_until_somebody_presses_ok() -> None:
    drive = printing()
    drive.machine.complete()
    drive.run(3)
    assert (drive.payload.state, drive.payload.job, drive.payload.print_id) == (RexStatus.COMPLETED, "cube.gx", None)


def test_more_than_all_is_no_progress() -> None:
    drive = printing()
    drive.run(30)
    beyond = replace(drive.state, readings=replace(drive.state.readings, progress=Progress(120, 100)))
    after, _ = looks.finished(beyond, drive.now)
    assert after.tracker.current is not None
    assert after.tracker.current.progress is not None
    assert after.tracker.current.progress < 10
    assert after.estimate.last == drive.state.estimate.last


def test_the_health_line_says_what_it_does() -> None:
    drive = printing()
    drive.run(60)
    assert telemetry.summary(drive.state) == f"rex: printing {drive.payload.progress:g} %"
