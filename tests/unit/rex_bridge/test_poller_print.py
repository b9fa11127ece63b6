"""A print is followed every second, keeps its id over outages and restarts, and has one start and one end."""

from __future__ import annotations

import itertools

import pytest

from contracts.events import EventKind
from contracts.printers import RexStatus
from services.rex_bridge.state import Post, Show
from tests.unit.rex_bridge.drive import Drive, printing

STARTED, FINISHED, FAILED, CANCELLED = EventKind.STARTED, EventKind.FINISHED, EventKind.FAILED, EventKind.CANCELLED


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


def test_the_http_api_gets_every_look_once() -> None:
    drive = printing()
    drive.effects.clear()
    drive.run(10)
    assert len([effect for _, effect in drive.effects if isinstance(effect, Post)]) == 10


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


def test_a_pause_takes_nothing_from_the_remaining_time() -> None:
    drive = printing()
    drive.run(200)
    before = drive.payload.remaining
    drive.machine.pause()
    drive.run(600)
    drive.machine.resume()
    drive.run(2)
    assert before is not None
    assert drive.payload.remaining == pytest.approx(before, abs=15)
