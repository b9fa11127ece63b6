"""A print is followed every second, keeps its id over outages and restarts, and has one start and one end."""

from __future__ import annotations

import itertools

import pytest

from contracts.events import EventKind
from contracts.presence import Availability
from contracts.printers import RexStatus
from services.rex_bridge import telemetry
from services.rex_bridge.state import Show
from tests.unit.rex_bridge.drive import Drive

STARTED, FINISHED, FAILED, CANCELLED = EventKind.STARTED, EventKind.FINISHED, EventKind.FAILED, EventKind.CANCELLED


def printing(**values: object) -> Drive:
    """A bridge that has seen an idle printer begin to print."""
    drive = Drive(**values)  # type: ignore[arg-type]  # the keywords of Drive and of the settings
    drive.run(1)
    drive.start_print()
    drive.until(lambda: drive.payload.print_id, 31)
    return drive


def test_once_a_second_for_ten_minutes_over_one_connection() -> None:
    drive = printing(latency=0.02)
    drive.machine.job.seconds = 1e6  # type: ignore[union-attr]  # it prints
    began = drive.time
    drive.run(600)
    looks = [at for at, command in drive.heard if command == "M119" and at >= began]
    gaps = [b - a for a, b in itertools.pairwise(looks)]
    assert 598 <= len(looks) <= 601
    assert max(abs(gap - 1.0) for gap in gaps) < 0.1
    assert len(drive.holds) == 2
    assert drive.holds[1].asked.count("M115") == 1


def test_readings_are_shown_with_the_reply_that_brings_them() -> None:
    drive = printing(latency=0.2)
    drive.run(10)
    for command in ("M105", "M27"):
        answered = [at + drive.latency for at, asked in drive.heard if asked == command and at > 33]
        shown = [at for at, effect in drive.effects if isinstance(effect, Show)]
        assert answered
        assert all(any(abs(at - show) < 1e-6 for show in shown) for at in answered[:-1])
    assert len([at for at, effect in drive.effects if isinstance(effect, Show) and 35 < at <= 40]) <= 10


def test_released_between_looks_if_wanted() -> None:
    drive = printing(rex_release_between_polls=True)
    drive.run(10)
    assert len(drive.holds) >= 11
    assert all(hold.closed is not None for hold in drive.holds)


def test_from_start_to_end() -> None:
    drive = printing()
    drive.machine.job.seconds = 60  # type: ignore[union-attr]  # it prints
    drive.until(lambda: drive.machine.completed, 70)
    drive.run(60)
    assert drive.status() is RexStatus.COMPLETED
    assert drive.shown[-1][1].progress == 100
    drive.machine.confirm()
    drive.run(60)
    assert drive.status() is RexStatus.IDLE
    assert (drive.payload.print_id, drive.payload.progress, drive.payload.layer) == (None, None, None)
    assert drive.kinds() == [STARTED, FINISHED]
    assert {say.print_id for say in drive.says} == {"rex-20260102-1"}
    assert {say.job for say in drive.says} == {"cube.gx"}


def test_the_next_print_has_another_id() -> None:
    drive = printing()
    drive.machine.complete()
    drive.run(2)
    drive.start_print(file="other.gx")
    drive.run(31)
    assert [(say.kind, say.print_id, say.job) for say in drive.says] == [
        (STARTED, "rex-20260102-1", "cube.gx"),
        (FINISHED, "rex-20260102-1", "cube.gx"),
        (STARTED, "rex-20260102-2", "other.gx"),
    ]


def test_pauses_are_told_once_each() -> None:
    drive = printing()
    drive.machine.pause()
    drive.run(20)
    assert drive.status() is RexStatus.PAUSED
    drive.machine.resume()
    drive.run(20)
    assert drive.kinds() == [STARTED, EventKind.PAUSED, EventKind.RESUMED]


@pytest.mark.parametrize("dialect", ["rex", "adventurer3", "adventurer4", "creator4", "trex"])
def test_in_every_dialect(dialect: str) -> None:
    drive = printing(dialect=dialect)
    drive.machine.pause()
    drive.run(5)
    drive.machine.resume()
    drive.run(5)
    drive.machine.complete()
    drive.run(5)
    assert drive.kinds() == [STARTED, EventKind.PAUSED, EventKind.RESUMED, FINISHED]
    layers = [shown.layers for _, shown in drive.shown if shown.state is RexStatus.PRINTING]
    assert (100 in layers) == (dialect == "adventurer4")


def test_ended_at_the_printer() -> None:
    drive = printing()
    drive.run(60)
    drive.machine.cancel()
    drive.run(40)
    assert drive.kinds() == [STARTED, CANCELLED]
    assert "at the printer at 1" in (drive.says[-1].reason or "")


def test_an_error_of_the_printer() -> None:
    drive = printing()
    drive.machine.fail()
    drive.run(40)
    assert drive.status() is RexStatus.ERROR
    assert drive.kinds() == [STARTED, FAILED]


def test_busy_in_the_middle_of_a_print_belongs_to_it() -> None:
    drive = printing()
    drive.machine.stop_takes = 5
    drive.machine.cancel()
    drive.run(3)
    assert drive.status() is RexStatus.PRINTING
    assert "BUSY" in (drive.payload.reason or "")
    assert drive.kinds() == [STARTED]


def outage(drive: Drive, seconds: float, manner: str = "off") -> None:
    drive.manner = manner
    if manner != "silent":
        drive.holds[-1].closed = drive.time
    drive.run(seconds)
    drive.manner = None
    drive.run(40)


@pytest.mark.parametrize("manner", ["off", "silent", "drop", "refuse", "error"])
def test_out_of_reach_for_ten_minutes_in_mid_print_is_the_same_print(manner: str) -> None:
    drive = printing()
    drive.machine.job.seconds = 3600  # type: ignore[union-attr]  # it prints
    outage(drive, 600, manner)
    assert drive.status() is RexStatus.PRINTING
    drive.machine.complete()
    drive.run(5)
    assert drive.kinds() == [STARTED, EventKind.PROBLEM, EventKind.RECOVERED, FINISHED]
    assert len({say.print_id for say in drive.says}) == 1
    available = [telemetry.availability(drive.state)]
    assert available == [Availability.ONLINE]


@pytest.mark.parametrize("manner", ["off", "drop"])
def test_availability_changes_once_for_an_outage(manner: str) -> None:
    drive = printing()
    drive.machine.job.seconds = 3600  # type: ignore[union-attr]  # it prints
    began = drive.time
    outage(drive, 600, manner)
    states = [shown.state for at, shown in drive.shown if at > began]
    assert [key for key, _ in itertools.groupby(states)] == [RexStatus.PRINTING, RexStatus.OFFLINE, RexStatus.PRINTING]
    first_stale = next(at for at, shown in drive.shown if at > began and shown.stale)
    assert first_stale - began < 20
    away = [shown for _, shown in drive.shown if shown.state is RexStatus.OFFLINE]
    assert {(shown.job, shown.print_id, shown.stale) for shown in away} == {("cube.gx", "rex-20260102-1", True)}


def test_a_short_drop_is_not_even_stale() -> None:
    drive = printing()
    began = drive.time
    drive.holds[-1].closed = drive.time
    drive.run(10)
    assert not any(shown.stale for at, shown in drive.shown if at > began)
    assert drive.kinds() == [STARTED]
    looks = [at for at, command in drive.heard if command == "M119" and at > began]
    assert max(b - a for a, b in itertools.pairwise(looks)) < 1.2


def test_switched_off_in_mid_print_and_idle_when_it_is_back() -> None:
    drive = printing()
    drive.run(200)
    drive.manner = "off"
    drive.run(100)
    drive.machine.lose_power()
    drive.manner = None
    drive.run(40)
    assert drive.status() is RexStatus.IDLE
    assert drive.kinds() == [STARTED, EventKind.PROBLEM, EventKind.RECOVERED, FAILED]
    assert "lost power" in (drive.says[-1].reason or "")


def test_finished_out_of_sight_when_there_was_time_for_it() -> None:
    drive = printing()
    drive.run(300)
    drive.manner = "off"
    drive.run(1000)
    drive.machine.confirm()
    drive.manner = None
    drive.run(40)
    assert drive.kinds()[-1] is FINISHED
    assert "out of sight" in (drive.says[-1].reason or "")


def test_another_print_after_an_outage_ends_the_first() -> None:
    drive = printing()
    drive.run(300)
    drive.manner = "off"
    drive.run(60)
    drive.start_print(file="cube.gx")
    drive.manner = None
    drive.run(40)
    assert drive.kinds() == [STARTED, EventKind.PROBLEM, EventKind.RECOVERED, FAILED, STARTED]
    assert drive.payload.print_id == "rex-20260102-2"


def test_the_bridge_started_again_in_mid_print_goes_on_with_it() -> None:
    drive = printing()
    drive.run(120)
    drive.restart()
    drive.run(5)
    assert drive.payload.print_id == "rex-20260102-1"
    assert abs((drive.payload.elapsed or 0) - 126) <= 31
    drive.machine.complete()
    drive.run(5)
    drive.restart()
    drive.run(5)
    assert drive.kinds() == [STARTED, FINISHED]


def test_wall_time_that_jumps_backwards_over_a_restart_is_no_negative_time() -> None:
    drive = printing()
    drive.run(60)
    drive.restart()
    drive.wall_offset = -86400.0
    drive.run(2)
    assert drive.payload.elapsed is not None
    assert drive.payload.elapsed >= 0


def test_the_end_while_the_bridge_was_down_is_told_once() -> None:
    drive = printing()
    drive.run(60)
    drive.restart()
    drive.machine.complete()
    drive.run(5)
    drive.restart()
    drive.run(5)
    assert drive.kinds() == [STARTED, FINISHED]


def test_lost_before_a_restart_is_not_told_again_after_it() -> None:
    drive = printing()
    drive.manner = "off"
    drive.run(100)
    drive.restart()
    drive.run(100)
    drive.manner = None
    drive.run(40)
    assert drive.kinds() == [STARTED, EventKind.PROBLEM, EventKind.RECOVERED]


def test_a_restart_into_an_outage_waits_before_it_says_so() -> None:
    drive = printing()
    drive.restart()
    drive.manner = "off"
    drive.run(20)
    assert telemetry.availability(drive.state) is None
    drive.run(30)
    assert telemetry.availability(drive.state) is Availability.OFFLINE


def test_a_print_found_under_way_has_no_elapsed_time() -> None:
    drive = Drive()
    drive.start_print(share=0.4)
    drive.run(5)
    assert (drive.payload.state, drive.payload.elapsed) == (RexStatus.PRINTING, None)
    assert drive.says[0].reason == "it was under way already"


def test_remaining_is_null_until_it_means_something_and_then_near_the_truth() -> None:
    drive = printing()
    drive.run(5)
    assert drive.payload.remaining is None
    drive.run(200)
    job = drive.machine.job
    assert job is not None
    assert drive.payload.remaining == pytest.approx(job.seconds - job.done, rel=0.05)
    assert drive.payload.elapsed == pytest.approx(job.done, abs=31)


def test_every_print_that_is_followed_has_one_start_and_one_end() -> None:
    drive = Drive()
    for number in range(20):
        drive.start_print(seconds=50 + number)
        drive.until(lambda: drive.payload.print_id, 40)
        if number % 3 == 0:
            drive.restart()
        if number % 4 == 1:
            drive.manner = "drop"
            drive.run(12)
            drive.manner = None
        drive.until(lambda: drive.machine.completed, 100)
        drive.run(31)
        drive.machine.confirm()
        drive.run(31)
    ends = [say.print_id for say in drive.says if say.kind is FINISHED]
    assert [say.print_id for say in drive.says if say.kind is STARTED] == ends
    assert len(set(ends)) == 20
