"""What becomes of a print, decided from what was seen last and what is seen now."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.events import EventKind
from services.chassis import backup
from services.chassis.store import Store
from services.rex_bridge import memory, prints
from services.rex_bridge.prints import Print, Sight, Tracker
from services.rex_bridge.replies import Activity

WALL = datetime(2026, 1, 2, tzinfo=UTC)
RUNNING = Tracker(7, Print("rex-20260102-7", WALL, job="cube.gx", progress=40.0))
PRINTING = Sight(Activity.PRINTING, "cube.gx", 41.0)


def kinds(tracker: Tracker, sight: Sight) -> list[EventKind]:
    return [happening.kind for happening in prints.look(tracker, "rex", sight, WALL)[1]]


def idle(**values: bool) -> Sight:
    return Sight(Activity.IDLE, None, None, **values)


@pytest.mark.parametrize(
    ("progress", "sight", "kind"),
    [
        (40.0, Sight(Activity.COMPLETED, None, None), EventKind.FINISHED),
        (40.0, Sight(Activity.FAILED, None, None), EventKind.FAILED),
        (40.0, idle(), EventKind.CANCELLED),
        (96.0, idle(), EventKind.FINISHED),
        (96.0, idle(unseen=True), EventKind.FINISHED),
        (40.0, idle(unseen=True), EventKind.FAILED),
        (40.0, idle(unseen=True, could_have_ended=True), EventKind.FINISHED),
        (None, idle(unseen=True), EventKind.FAILED),
    ],
)
def test_ends(progress: float | None, sight: Sight, kind: EventKind) -> None:
    assert RUNNING.current is not None
    running = replace(RUNNING, current=replace(RUNNING.current, progress=progress))
    after, said = prints.look(running, "rex", sight, WALL)
    assert [happening.kind for happening in said] == [kind]
    assert after == Tracker(7, None)


@pytest.mark.parametrize("activity", [Activity.IDLE, Activity.COMPLETED])
def test_an_ordered_end_is_a_cancel_however_the_printer_calls_it(activity: Activity) -> None:
    assert kinds(prints.cancelling(RUNNING), Sight(activity, None, None, unseen=True)) == [EventKind.CANCELLED]


@pytest.mark.parametrize(
    ("sight", "another"),
    [
        (PRINTING, False),
        (replace(PRINTING, unseen=True), False),
        (replace(PRINTING, job=None, unseen=True), False),
        (replace(PRINTING, job="other.gx"), True),
        # Progress that falls before our eyes is a quirk; out of sight it is another print.
        (replace(PRINTING, progress=2.0), False),
        (replace(PRINTING, progress=2.0, unseen=True), True),
        (replace(PRINTING, progress=None, unseen=True), False),
        (replace(PRINTING, progress=39.0, unseen=True), False),
    ],
)
def test_the_same_print_or_another(sight: Sight, another: bool) -> None:
    after, said = prints.look(RUNNING, "rex", sight, WALL)
    assert after.number == (8 if another else 7)
    assert [h.kind for h in said][-1:] == ([EventKind.STARTED] if another else [])


@pytest.mark.parametrize("activity", [Activity.BUSY, Activity.UNKNOWN])
def test_what_is_not_clear_ends_nothing_and_starts_nothing(activity: Activity) -> None:
    assert kinds(RUNNING, Sight(activity, None, None)) == []
    assert kinds(Tracker(), Sight(activity, None, None)) == []


def test_a_finished_print_that_was_never_seen_running_is_nothing() -> None:
    assert kinds(Tracker(), Sight(Activity.COMPLETED, "cube.gx", None)) == []


def test_found_paused_is_started_and_paused() -> None:
    sight = Sight(Activity.PAUSED, "cube.gx", 3.0, watched=False)
    assert kinds(Tracker(), sight) == [EventKind.STARTED, EventKind.PAUSED]


def test_a_name_that_comes_late_is_taken() -> None:
    nameless = Tracker(7, Print("rex-20260102-7", WALL))
    after, _ = prints.look(nameless, "rex", PRINTING, WALL)
    assert after.current is not None
    assert after.current.job == "cube.gx"


def test_busy_while_paused_is_no_resuming() -> None:
    assert RUNNING.current is not None
    paused = replace(RUNNING, current=replace(RUNNING.current, paused=True))
    assert kinds(paused, Sight(Activity.BUSY, "cube.gx", None)) == []


def test_only_whole_percents_are_written_down() -> None:
    assert prints.look(RUNNING, "rex", replace(PRINTING, progress=40.6), WALL)[0] == RUNNING
    assert prints.look(RUNNING, "rex", PRINTING, WALL)[0] != RUNNING


def test_the_tracker_survives_on_the_disk(tmp_path: Path) -> None:
    store = Store(tmp_path, "rex")
    store.open(memory.SCHEMA)
    assert memory.recall(store, "rex", WALL) == Tracker()
    with store.transaction() as unit:
        memory.keep(unit, "rex", RUNNING)
        unit.execute("INSERT INTO rex_prints VALUES ('broken', '{')")
    store.close()
    store.open(memory.SCHEMA)
    assert memory.recall(store, "rex", WALL) == RUNNING
    assert memory.recall(store, "rex2", WALL) == Tracker()
    assert memory.recall(store, "broken", WALL) == Tracker()
    store.close()


def restored(**values: object) -> Tracker:
    assert RUNNING.current is not None
    return prints.restored(replace(RUNNING, current=replace(RUNNING.current, **values)))  # type: ignore[arg-type]


@pytest.mark.parametrize("activity", [Activity.IDLE, Activity.COMPLETED, Activity.FAILED])
def test_the_end_of_a_print_of_a_backup_is_not_told_again(activity: Activity) -> None:
    after, said = prints.look(restored(lost=True), "rex", Sight(activity, None, None, unseen=True), WALL)
    assert (after.current, said) == (None, ())


def test_a_print_of_a_backup_that_goes_on_is_taken_up_as_it_is() -> None:
    sight = Sight(Activity.PAUSED, "cube.gx", 60.0, unseen=True)
    after, said = prints.look(restored(), "rex", sight, WALL)
    assert said == ()
    assert after.current is not None
    assert (after.current.id, after.current.paused, after.current.from_backup) == ("rex-20260102-7", True, False)
    assert kinds(after, idle()) == [EventKind.CANCELLED]


def test_a_print_of_a_backup_is_not_said_to_be_out_of_reach() -> None:
    assert prints.lose(restored(), "does not answer") == (restored(), ())


def test_another_print_after_a_backup_has_an_id_of_its_own() -> None:
    after, said = prints.look(restored(), "rex", Sight(Activity.PRINTING, "other.gx", 1.0, unseen=True), WALL)
    assert [happening.kind for happening in said] == [EventKind.STARTED]
    assert after.number > 100, "a number that was given since the backup never comes again"


@pytest.mark.parametrize("full", [False, True])
def test_a_backup_that_was_put_back_is_known_for_one(tmp_path: Path, full: bool) -> None:
    store = Store(tmp_path, "rex")
    store.open(memory.SCHEMA)
    with store.transaction() as unit:
        memory.keep(unit, "rex", RUNNING)
    backup.backup(store.path, tmp_path / "copy")
    store.close()
    backup.restore(tmp_path / "copy", tmp_path, "rex")
    store.open(memory.SCHEMA)
    store.read(f"PRAGMA query_only={'ON' if full else 'OFF'}")
    memory.settle_restored(store, WALL)
    assert memory.recall(store, "rex", WALL) == prints.restored(RUNNING)
    assert store.restored() is full
    memory.settle_restored(store, WALL)
    assert memory.recall(store, "rex", WALL) == prints.restored(RUNNING)
    store.close()


@pytest.mark.parametrize("lost", ["DELETE FROM rex_prints", "UPDATE rex_prints SET tracker = '{'"])
def test_an_id_is_not_given_twice_on_a_day_on_which_the_data_folder_was_lost(tmp_path: Path, lost: str) -> None:
    store = Store(tmp_path, "rex")
    store.open(memory.SCHEMA)
    ids: list[str] = []
    for hour in (8, 9):
        moment = WALL.replace(hour=hour)
        tracker, [started] = prints.look(memory.recall(store, "rex", moment), "rex", PRINTING, moment)
        ids.append(started.print.id)
        with store.transaction() as unit:
            memory.keep(unit, "rex", tracker)
            unit.execute(lost)
    assert ids[0] != ids[1]
    store.close()
