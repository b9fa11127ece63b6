"""An idle printer is looked at rarely and briefly; one that is held by its slicer is left alone."""

from __future__ import annotations

import pytest

from contracts.presence import Availability
from contracts.printers import RexStatus
from services.rex_bridge import telemetry
from services.rex_bridge.poller import HOLD, next_due
from tests.unit.rex_bridge.drive import Drive

CONTROL = {"M601 S1", "M602", "M25", "M24", "M26"}


def test_one_look_every_thirty_seconds_and_the_connection_is_let_go() -> None:
    drive = Drive()
    drive.run(301)
    assert [round(hold.opened) for hold in drive.holds] == [0, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300]
    assert all(hold.closed is not None and hold.closed - hold.opened < 0.05 for hold in drive.holds)
    assert drive.status() is RexStatus.IDLE
    assert drive.payload.nozzle_actual == 22
    assert (drive.payload.model, drive.payload.stale) == ("FlashForge Adventurer III", False)


def test_the_name_is_asked_for_once_and_again_after_the_printer_was_away() -> None:
    drive = Drive()
    drive.run(65)
    assert [hold.asked for hold in drive.holds] == [["M119", "M105", "M115"], ["M119", "M105"], ["M119", "M105"]]
    drive.manner = "off"
    drive.run(100)
    drive.manner = None
    drive.run(60)
    assert next(hold.asked for hold in drive.holds[3:]) == ["M119", "M105", "M115"]


@pytest.mark.parametrize("latency", [0.01, 0.03, 0.06, 0.09, 0.12])
def test_a_slow_printer_is_asked_less_so_that_it_is_held_no_longer(latency: float) -> None:
    drive = Drive(latency=latency)
    drive.run(200)
    assert drive.status() is RexStatus.IDLE
    assert max((hold.closed or 1e9) - hold.opened for hold in drive.holds) <= max(HOLD, latency) + 1e-9
    assert drive.state.failures == 0


def test_a_question_that_could_not_be_answered_in_time_is_not_begun() -> None:
    drive = Drive(latency=0.09)
    drive.run(1)
    assert drive.holds[0].asked == ["M119"]


@pytest.mark.parametrize("manner", ["error", "refuse", "silent"])
def test_a_slicer_that_holds_the_printer_is_seen_and_not_disturbed(manner: str) -> None:
    drive = Drive()
    drive.run(1)
    drive.manner = manner
    drive.run(100)
    assert drive.status() is RexStatus.BUSY_ELSEWHERE
    assert drive.payload.reason is not None
    assert "REXPrint" in drive.payload.reason
    assert telemetry.availability(drive.state) is Availability.ONLINE
    assert not CONTROL & {command for _, command in drive.heard}
    assert len([at for at, _ in drive.heard if at > 1]) <= 4
    drive.manner = None
    drive.run(31)
    assert drive.status() is RexStatus.IDLE


def test_a_slicer_that_has_control_leaves_the_questions_answered() -> None:
    drive = Drive()
    drive.manner = "control"
    drive.run(40)
    assert drive.status() is RexStatus.IDLE
    assert not CONTROL & {command for _, command in drive.heard}


def test_firmware_that_answers_nothing_without_control_gets_it_back_at_every_look() -> None:
    drive = Drive(dialect="trex")
    drive.run(31)
    assert drive.status() is RexStatus.IDLE
    assert drive.holds[1].asked == ["M119", "M601 S1", "M119", "M105", "M602"]


def test_such_firmware_with_a_slicer_in_control_is_busy() -> None:
    drive = Drive(dialect="trex")
    drive.manner = "control"
    drive.run(31)
    assert drive.status() is RexStatus.BUSY_ELSEWHERE
    assert drive.holds[0].asked == ["M119", "M601 S1"]
    assert all(hold.closed is not None for hold in drive.holds)


def test_firmware_that_gives_control_and_answers_nothing_is_not_asked_for_ever() -> None:
    drive = Drive(dialect="trex")
    drive.manner = "stubborn"
    drive.run(10)
    assert drive.holds[0].asked == ["M119", "M601 S1", "M119"]
    assert drive.status() is RexStatus.BUSY_ELSEWHERE


def test_control_failed_from_firmware_that_answers_freely_is_somebody_else() -> None:
    drive = Drive(dialect="rex")
    drive.run(1)
    drive.dialect = Drive(dialect="trex").dialect
    drive.manner = "control"
    drive.run(31)
    assert drive.status() is RexStatus.BUSY_ELSEWHERE
    assert "M601 S1" not in drive.holds[-1].asked


def test_switched_off_at_night_and_on_in_the_morning() -> None:
    drive = Drive()
    drive.run(1)
    drive.manner = "off"
    drive.run(8 * 3600)
    assert drive.status() is RexStatus.OFFLINE
    assert (drive.payload.stale, drive.payload.nozzle_actual) == (True, None)
    drive.manner = "refuse"  # the host is up before its service
    drive.run(40)
    drive.manner = None
    drive.run(31)
    assert drive.status() is RexStatus.IDLE
    known = [telemetry_state.state for _, telemetry_state in drive.shown]
    changes = [b for a, b in zip([None, *known], known, strict=False) if a is not b]
    assert changes == [RexStatus.IDLE, RexStatus.OFFLINE, RexStatus.BUSY_ELSEWHERE, RexStatus.IDLE]
    assert drive.says == []


def test_one_lost_look_is_not_offline_but_stale() -> None:
    drive = Drive()
    drive.run(29)
    drive.manner = "off"
    drive.until(lambda: drive.state.failures == 1, 10)
    assert (drive.payload.state, drive.payload.stale) == (RexStatus.IDLE, True)
    drive.manner = None
    drive.run(4)
    assert (drive.payload.state, drive.payload.stale) == (RexStatus.IDLE, False)
    assert {s.state for _, s in drive.shown} == {RexStatus.IDLE}


def test_a_printer_that_was_never_there_is_offline_at_once() -> None:
    drive = Drive()
    assert telemetry.availability(drive.state) is None
    drive.manner = "off"
    drive.run(4)
    assert telemetry.availability(drive.state) is Availability.OFFLINE
    assert drive.payload.last_contact is None


def test_something_else_at_the_address_is_offline_with_the_reason() -> None:
    drive = Drive()
    drive.manner = "garbage"
    drive.run(4)
    assert drive.status() is RexStatus.OFFLINE
    assert "BOARDCAST_REX_PRINTERS" in (drive.payload.reason or "")
    assert all(hold.closed is not None for hold in drive.holds)


@pytest.mark.parametrize("fault", ["no_ok", "no_cmd", "double_ok", "merge"])
def test_what_is_missing_or_double_in_a_reply_changes_nothing(fault: str) -> None:
    drive = Drive()
    drive.faults.change({fault: True})
    drive.start_print(share=0.5)
    drive.run(5)
    assert (drive.payload.state, drive.payload.progress, drive.payload.job) == (RexStatus.PRINTING, 50, "cube.gx")


def test_a_look_that_came_late_does_not_shift_the_following_ones() -> None:
    assert next_due(10.0, 1.0, 10.2) == 11.0
    assert next_due(10.0, 1.0, 13.4) == 14.0
    assert next_due(40.0, 1.0, 11.0) == 12.0
    # An order in between is no look of the grid.
    assert next_due(10.0, 1.0, 9.4) == 10.0
