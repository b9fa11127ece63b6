"""What is shown beside what is known: nothing stale as fresh, nothing of one print at the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.events import EventKind
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


def test_a_temperature_that_is_not_asked_for_any_more_is_not_shown_as_a_present_one() -> None:
    # As slow as this, an idle printer is asked for nothing but its status.
    drive = printing(latency=0.09)
    drive.run(5)
    assert drive.payload.nozzle_target == 220
    drive.machine.cancel()
    drive.run(3600)
    shown = drive.payload
    assert (shown.state, shown.stale) == (RexStatus.IDLE, False)
    assert (shown.nozzle_actual, shown.nozzle_target) == (None, None)


def test_one_look_without_a_temperature_keeps_the_last_one() -> None:
    drive = Drive()
    drive.run(1)
    drive.latency = 0.09
    drive.run(30)
    assert drive.payload.nozzle_actual == 22


@pytest.mark.parametrize("command", ["M105", "M27"])
def test_a_reading_that_is_not_understood_is_unknown_and_not_the_last_one(command: str) -> None:
    drive = printing()
    drive.run(300)
    ended = (drive.state.readings.temperatures, drive.state.readings.progress)
    assert None not in ended
    drive.garbled = {command}
    drive.run(2)
    unknown = drive.state.readings.temperatures if command == "M105" else drive.state.readings.progress
    assert unknown is None
    assert drive.status() is RexStatus.PRINTING


def test_the_progress_of_one_print_is_never_that_of_the_next() -> None:
    drive = printing()
    drive.run(580)
    drive.machine.complete()
    drive.run(3)
    drive.machine.confirm()
    drive.garbled = {"M27"}
    drive.run(31)
    drive.start_print(file="other.gx")
    drive.run(40)
    assert (drive.payload.job, drive.payload.progress) == ("other.gx", None)
    drive.machine.cancel()
    drive.run(10)
    assert drive.kinds()[-1] is EventKind.CANCELLED


def test_the_health_line_says_what_it_does() -> None:
    drive = printing()
    drive.run(60)
    assert telemetry.summary(drive.state) == f"rex: printing {drive.payload.progress:g} %"
