"""A disk that takes no writes: heaters still go off, a stop still stops, and everything is written down afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.commands import parse_command
from contracts.events import Event
from contracts.plan import Control, ControlWord
from contracts.printers import ENDER_VERBS, Heaters, Latch
from services.chassis import announcements
from services.chassis.actor import Actor
from services.chassis.store import Store, Unit
from services.octo_bridge import events as e
from services.octo_bridge.effects import Announce, Effect, JobAction, ReadLog, SetTargets, Submit
from services.octo_bridge.handlers_picture import CATCHES_UP, GOES_ON
from services.octo_bridge.journal import SCHEMA, Journal
from services.octo_bridge.octolog import Slice
from services.octo_bridge.reporting import health
from services.octo_bridge.state import Machine, Printer
from services.octo_bridge.unwritten import WAITING_MOST, Guarded, _makes_safe
from tests.unit.octo_bridge.machine import PLANNER, Rig, run

OFF, CANCEL = SetTargets(0, 0), JobAction("cancel")


class Disk(Store):
    """A store whose commits fail, as on a full disk, as soon as there is anything to write."""

    full = False

    @contextmanager
    def transaction(self) -> Iterator[Unit]:
        with super().transaction() as unit:
            connection = self._open_connection()
            before = connection.total_changes
            yield unit
            if self.full and connection.total_changes != before:
                raise sqlite3.OperationalError("database or disk is full")


class Rim:
    """The rows of the real one; keeps what it was to perform."""

    def __init__(self, store: Store) -> None:
        self._journal = Journal(store)
        self.performed: list[Effect] = []

    def persist(self, unit: Unit, before: Machine, after: Machine, effects: Sequence[Effect]) -> None:
        self._journal.save(unit, before, after)
        for effect in effects:
            if isinstance(effect, Announce):
                unit.execute("INSERT INTO announcements (topic, payload) VALUES ('t', ?)", (effect.event.to_bytes(),))

    def perform(self, state: Machine, effects: Sequence[Effect]) -> None:
        self.performed += effects


class Bench:
    """A machine that draws, ready to lose its disk."""

    def __init__(self, folder: Path) -> None:
        self.disk = Disk(folder, "octo_bridge")
        self.disk.open(SCHEMA, announcements.SCHEMA)
        self.rig = Rig().ready()
        self.job = self.rig.start()
        with self.disk.transaction() as unit:
            Journal(self.disk).save(unit, None, self.rig.machine)
        self.rim = Rim(self.disk)
        self.without_rows: list[Effect] = []
        self.published: list[Event] = []
        actor = Actor(self.disk, self.rig.machine, self.rig.core, self.rim, lambda: self.rig.now)
        self.guarded = Guarded(
            actor, self.rig.core, self.without_rows.append, self.published.append, lambda: None, lambda: self.rig.now
        )
        self.actor = actor

    def feed(self, *inputs: e.Input) -> None:
        for event in inputs:
            asked = self.targets_asked()
            self.guarded.feed(event)
            for _ in range(self.targets_asked() - asked):
                self.feed(e.Asked("targets", True))

    def targets_asked(self) -> int:
        return sum(isinstance(effect, SetTargets) for effect in self.asked())

    def wait(self, seconds: float, step: float = 1.0) -> None:
        end = self.rig.mono + seconds
        while self.rig.mono < end:
            self.rig.mono += step
            self.rig.machine = self.guarded.state
            self.feed(e.Tick(), self.rig.seen())

    def command(self, word: str) -> None:
        self.feed(e.Commanded(parse_command(word.encode(), ENDER_VERBS)))

    def answers(self) -> list[tuple[str, str | None]]:
        rows = self.disk.read("SELECT payload FROM announcements ORDER BY id")
        said = [Event.model_validate_json(payload) for (payload,) in rows]
        return [(event.event.value, event.command) for event in said if event.command is not None]

    def asked(self) -> list[Effect]:
        return [*self.rim.performed, *self.without_rows]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.disk.close()


def test_the_heaters_go_off_after_thirty_minutes_and_are_asked_for_again(bench: Bench) -> None:
    bench.disk.full = True
    bench.wait(1790)
    assert OFF not in bench.asked()
    bench.wait(20)
    assert bench.without_rows.count(OFF) >= 5
    assert "heaters_off" in [event.event.value for event in bench.published]
    assert bench.guarded.state.heat.mode is Heaters.OFF


def test_a_stop_cancels_and_switches_off_is_said_and_is_answered_once_when_it_is_written(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("stop")
    bench.wait(3)
    assert bench.without_rows.count(CANCEL) >= 3
    assert bench.without_rows.count(OFF) >= 2
    assert bench.actor.state.kept.latch is Latch.NONE
    assert bench.guarded.state.kept.latch is Latch.STOP
    (said,) = [event for event in bench.published if "acts now" in (event.reason or "")]
    assert "BOARDCAST_DATA_DIR" in (said.reason or "")
    assert bench.answers() == []

    bench.disk.full = False
    bench.feed(e.Tick())
    assert (bench.actor.state.kept.latch, bench.guarded.state) == (Latch.STOP, bench.actor.state)
    assert bench.answers() == [("done", "stop")]
    bench.wait(3)
    assert bench.answers() == [("done", "stop")]


@pytest.mark.parametrize(("word", "asks"), [("cancel", [CANCEL]), ("pause", [])])
def test_cancel_and_pause_act_too(bench: Bench, word: str, asks: list[Effect]) -> None:
    bench.disk.full = True
    bench.command(word)
    assert [effect for effect in bench.without_rows if isinstance(effect, JobAction)] == asks
    bench.feed(e.Happened(e.Happening.CANCELLED, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.answers() == [("done", word)]
    assert bench.actor.state.kept.latch is Latch(word)


def test_everything_else_is_refused_plainly_and_changes_nothing(bench: Bench) -> None:
    bench.disk.full = True
    for word in ("arm", "disarm"):
        bench.command(word)
    assert [(event.event.value, event.command) for event in bench.published] == [
        ("refused", "arm"), ("refused", "disarm"),
    ]  # fmt: skip
    assert all("nothing can be written" in (event.reason or "") for event in bench.published)
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.answers() == []


def test_a_stop_over_the_link_acts_although_its_transaction_is_undone(bench: Bench) -> None:
    control = e.ControlTaken(Control(planner=PLANNER, command=ControlWord.STOP, epoch=1, by="chat"))
    bench.disk.full = True
    for _ in range(3):  # the link hands it over again and again
        with pytest.raises(sqlite3.OperationalError), bench.disk.transaction() as unit:
            bench.guarded.feed_within(unit, control)
        bench.feed(e.Tick())
    assert len([event for event in bench.published if "acts now" in (event.reason or "")]) == 1
    assert {CANCEL, OFF} <= set(bench.without_rows)
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.actor.state.kept.latch is Latch.STOP


def test_nothing_is_heated_moved_or_sent_without_a_row(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.rim.performed.clear()
    bench.disk.full = True
    with pytest.raises(sqlite3.OperationalError), bench.disk.transaction() as unit:
        bench.guarded.feed_within(unit, e.RunTaken(run(2, after=bench.job.id)))
    bench.wait(5)
    assert not [effect for effect in bench.asked() if isinstance(effect, Submit | SetTargets)]


def test_what_is_done_without_a_row_is_only_ever_less(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("pause")
    bench.feed(bench.rig.seen(nozzle=(200.0, 150.0)))  # somebody cooled it by hand: the bridge would heat again
    bench.wait(5)
    assert bench.guarded.state.heat.mode is Heaters.HOT
    assert not [effect for effect in bench.asked() if isinstance(effect, SetTargets)]
    assert not _makes_safe(JobAction("resume"), bench.guarded.state)


def test_it_is_unwell_until_the_disk_takes_writes(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("disarm")
    told = health(bench.guarded.state, broker=True, trouble=bench.guarded.trouble)
    assert (told.ok, "make room" in told.text) == (False, True)
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.guarded.trouble is None


def test_a_defect_is_no_full_disk(bench: Bench) -> None:
    def broken(state: Machine, event: e.Input, now: object, /) -> tuple[Machine, list[Effect]]:
        raise KeyError("defect")

    bench.actor._step = broken
    bench.feed(e.Tick())
    assert (bench.guarded.trouble, bench.without_rows) == (None, [])


@pytest.mark.parametrize(("gap", "stalled"), [(0.3, False), (2.0, True)])
def test_missed_ticks_are_a_stall(bench: Bench, gap: float, stalled: bool) -> None:
    bench.feed(e.Tick())
    bench.rig.mono += gap
    bench.feed(e.Tick())
    assert (bench.actor.state.behind_until > bench.rig.mono) is stalled
    with bench.disk.transaction() as unit:
        bench.rig.mono += gap + GOES_ON + CATCHES_UP
        bench.guarded.feed_within(unit, e.RunTaken(run(2)))
    assert bench.actor.state.behind_until > bench.rig.mono


def test_what_octoprint_says_once_while_nothing_can_be_written_is_taken_when_it_can(bench: Bench) -> None:
    bench.disk.full = True
    bench.feed(e.Happened(e.Happening.RESET), e.Happened(e.Happening.CANCELLED, bench.job.path))
    bench.wait(2)
    bench.disk.full = False
    bench.wait(2)
    assert not bench.actor.state.position_known
    assert not bench.actor.state.jobs, "its end was heard of"


def test_the_answer_to_an_upload_that_came_while_nothing_could_be_written_is_not_lost(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL, path=None))
    bench.feed(e.RunTaken(run(2, after=bench.job.id)))
    bench.wait(1)
    sent = bench.actor.state.running
    assert sent is not None
    bench.disk.full = True
    bench.feed(e.Posted(sent.id, sent.attempt, e.Post.LATE, "slow"))
    bench.disk.full = False
    bench.wait(1)
    head = bench.actor.state.head
    assert head is not None
    assert (head.id, head.begun) == (sent.id, False)


def test_a_stop_is_kept_however_much_octoprint_says_while_nothing_can_be_written(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("stop")
    for _ in range(WAITING_MOST + 5):
        bench.feed(e.Logged("Recv: echo: cold extrusion prevented"))
    bench.disk.full = False
    bench.wait(1)
    assert bench.actor.state.kept.latch is Latch.STOP
    assert ("done", "stop") in bench.answers()


def test_a_plan_does_not_overtake_the_stop_that_was_ordered_while_nothing_could_be_written(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.disk.full = True
    bench.command("stop")
    assert bench.guarded.state.kept.latch is Latch.STOP
    bench.disk.full = False
    bench.rim.performed.clear()
    bench.rig.machine = bench.guarded.state
    plan = e.RunTaken(run(2, epoch=bench.actor.state.kept.epoch, after=bench.actor.state.kept.last_drawn))
    with bench.disk.transaction() as unit:
        bench.guarded.feed_within(unit, plan)
    assert bench.actor.state.kept.latch is Latch.STOP
    assert not [effect for effect in bench.rim.performed if isinstance(effect, Submit)]
    bench.feed(e.Tick())
    assert bench.answers() == [("done", "stop")], "once"


def test_a_plan_whose_transaction_is_undone_takes_nothing_of_what_waits_with_it(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("stop")
    with pytest.raises(sqlite3.OperationalError), bench.disk.transaction() as unit:
        bench.guarded.feed_within(unit, e.RunTaken(run(2)))
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.actor.state.kept.latch is Latch.STOP


def test_a_connection_that_was_lost_while_nothing_could_be_written_costs_the_position(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    assert bench.actor.state.position_known
    bench.disk.full = True
    bench.command("pause")
    bench.feed(e.PrinterChanged(Printer.OFFLINE), e.PrinterChanged(Printer.OPERATIONAL))
    bench.disk.full = False
    bench.feed(e.Tick())
    assert not bench.actor.state.position_known


def test_octoprints_log_is_read_when_the_disk_takes_writes_again_and_nothing_is_sent_before(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.disk.full = True
    bench.command("pause")
    bench.disk.full = False
    bench.rim.performed.clear()
    bench.feed(e.Tick())
    assert not bench.actor.state.octo.caught_up
    assert any(isinstance(effect, ReadLog) for effect in bench.rim.performed)


def test_the_answer_to_an_upload_is_kept_however_much_else_is_said(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("pause")
    bench.feed(e.Posted("another", 1, e.Post.DOUBT))
    bench.feed(*[e.Logged(f"line {n}") for n in range(WAITING_MOST + 5)])
    assert e.Posted("another", 1, e.Post.DOUBT) in bench.guarded._waiting
    assert e.Logged("line 0") not in bench.guarded._waiting


def test_the_log_is_read_for_the_whole_time_in_which_nothing_could_be_written(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.disk.full = True
    bench.command("pause")
    bench.rim.performed.clear()
    bench.wait(10)
    assert not [effect for effect in bench.asked() if isinstance(effect, ReadLog)], "not as long as it lasts"
    bench.disk.full = False
    bench.feed(e.Tick())
    assert [effect for effect in bench.rim.performed if isinstance(effect, ReadLog)]


def test_what_the_log_says_is_kept_until_it_can_be_written(bench: Bench) -> None:
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path), bench.rig.seen(printer=Printer.OPERATIONAL))
    bench.feed(e.PushChanged(False), e.PushChanged(True))
    (asked,) = [effect for effect in bench.rim.performed if isinstance(effect, ReadLog)][-1:]
    bench.disk.full = True
    bench.feed(e.LogRead("mark-2", Slice(whole=True, reset=True), None, asked))
    bench.disk.full = False
    bench.feed(e.Tick())
    assert bench.actor.state.kept.mark == "mark-2"
    assert not bench.actor.state.position_known
    bench.rig.mono += 3
    bench.feed(e.Tick())
    assert bench.actor.state.log_asked, "and it is read again, for nobody was heard meanwhile"


def test_a_cancel_over_the_link_acts_once_although_it_is_handed_over_again(bench: Bench) -> None:
    control = e.ControlTaken(Control(planner=PLANNER, command=ControlWord.CANCEL, epoch=1, by="chat"))
    bench.disk.full = True
    with pytest.raises(sqlite3.OperationalError), bench.disk.transaction() as unit:
        bench.guarded.feed_within(unit, control)
    bench.disk.full = False
    bench.feed(e.Tick(), e.Happened(e.Happening.CANCELLED, bench.job.path, "boardcast"))
    bench.rig.mono += 2
    bench.feed(e.Tick())
    bench.command("resume")
    bench.rig.mono += 60  # a sender waits longer and longer
    bench.feed(e.Tick())
    latches = [bench.actor.state.kept.latch]

    def hand_over(undone: bool = False) -> None:
        with bench.disk.transaction() as unit:
            bench.guarded.feed_within(unit, e.RunTaken(run(9)))
            bench.guarded.feed_within(unit, control)
            if undone:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        hand_over(undone=True)
    for _ in range(2):
        hand_over()
        latches.append(bench.actor.state.kept.latch)
    # It was obeyed before the resume; another one is another one.
    assert latches == [Latch.NONE, Latch.NONE, Latch.CANCEL]


def test_a_link_that_can_write_again_ends_what_goes_on_in_memory(bench: Bench) -> None:
    bench.disk.full = True
    bench.command("pause")
    bench.disk.full = False
    with bench.disk.transaction() as unit:
        bench.guarded.feed_within(unit, e.RunTaken(run(9)))
    assert bench.guarded.trouble is None
    assert bench.guarded.state is bench.actor.state


def test_a_defect_in_what_waited_does_not_swallow_what_comes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.disk.full = True
    bench.feed(e.Happened(e.Happening.DONE, bench.job.path))
    bench.disk.full = False
    poison = e.Logged("poison")
    bench.guarded._waiting = (poison,)
    feed = bench.actor.feed

    def defective(event: e.Input) -> None:
        if event is poison:
            raise ValueError("nobody thought of it")
        feed(event)

    monkeypatch.setattr(bench.actor, "feed", defective)
    bench.command("stop")
    assert bench.actor.state.kept.latch is Latch.STOP
    assert bench.answers() == [("done", "stop")]
