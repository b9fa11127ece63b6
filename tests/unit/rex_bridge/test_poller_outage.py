"""A printer out of reach in mid-print, a bridge started again: the print keeps its id, one start and one end."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from contracts.events import EventKind
from contracts.presence import Availability
from contracts.printers import RexStatus
from services.rex_bridge import telemetry, trouble
from services.rex_bridge.state import Trouble, Wire
from tests.unit.rex_bridge.drive import Drive, printing, settings

STARTED, FINISHED, FAILED = EventKind.STARTED, EventKind.FINISHED, EventKind.FAILED


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


def test_wall_time_that_jumps_forwards_is_no_time_of_the_print() -> None:
    drive = printing(boot="this one")
    drive.run(60)
    drive.restart()
    drive.wall_offset = 20 * 365 * 86400.0  # a clock without a battery has found its time server
    drive.run(2)
    assert drive.payload.elapsed == pytest.approx(63, abs=31)


def test_after_a_reboot_the_wall_clock_is_all_there_is() -> None:
    drive = printing(boot="this one")
    drive.run(60)
    drive.boot = "another one"
    drive.restart()
    drive.wall_offset = 600.0
    drive.run(2)
    assert drive.payload.elapsed == pytest.approx(663, abs=31)


def test_the_end_while_the_bridge_was_down_is_told_once() -> None:
    drive = printing()
    drive.run(60)
    drive.restart()
    drive.machine.complete()
    drive.run(5)
    drive.restart()
    drive.run(5)
    assert drive.kinds() == [STARTED, FINISHED]


def test_idle_after_a_restart_is_not_taken_for_an_end_before_our_eyes() -> None:
    drive = printing()
    drive.run(60)
    drive.restart()
    drive.machine.lose_power()
    drive.run(5)
    assert drive.kinds() == [STARTED, FAILED]


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


def test_trouble_of_another_kind_waits_anew() -> None:
    drive = printing()
    drive.manner = "off"
    drive.holds[-1].closed = drive.time
    drive.run(25)
    drive.manner = "refuse"
    drive.run(20)
    assert drive.status() is RexStatus.PRINTING
    drive.run(30)
    assert drive.status() is RexStatus.BUSY_ELSEWHERE


def test_two_short_outages_are_not_one_long() -> None:
    drive = printing()
    for _ in range(3):
        drive.manner = "off"
        drive.holds[-1].closed = drive.time
        drive.run(20)
        drive.manner = None
        drive.run(10)
    assert drive.kinds() == [STARTED]


@pytest.mark.parametrize("manner", ["drop_later", "refuse", "error"])
def test_nothing_is_tried_again_without_a_pause(manner: str) -> None:
    drive = printing()
    tried = drive.tried
    drive.manner = manner
    drive.holds[-1].closed = drive.time
    drive.run(60)
    assert drive.tried - tried < 15


@pytest.mark.parametrize(("proven", "busy"), [(True, False), (False, True)])
def test_silence_is_a_second_client_only_on_a_connection_that_never_answered(proven: bool, busy: bool) -> None:
    drive = printing()
    state = dataclasses.replace(drive.state, wire=Wire(open=True, proven=proven))
    after, _ = trouble.met(state, Trouble.SILENT, "no reply", drive.now, settings())
    assert after.trouble_busy is busy
