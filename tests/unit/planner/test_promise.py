"""The promise, against random histories: requests, outcomes, commands and kills at every commit, on real rows.

Every accepted move ends in exactly one way, moves are drawn in the order of their ordinals, none twice unless a person
says so, at most two runs are with the bridge, and what the rows say after a kill is what was in memory before it.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.board import BOARD_VERBS, Plate
from contracts.chat import MessageDeleted, UserCleared
from contracts.commands import parse_command
from contracts.moves import ENDS, MoveState
from contracts.plan import PLAN_BODY, JobEnd, MachineNotice
from services.chassis.actor import Actor
from services.chassis.clock import Now
from services.chassis.link.outbox import SCHEMA as OUTBOX
from services.chassis.link.outbox import Outbox
from services.chassis.store import Store, Unit
from services.planner import handlers, persistence
from services.planner.effects import Effect, Send, Tell
from services.planner.game import OUTSTANDING, Game, Setup
from services.planner.inputs import (
    ChatHeard,
    Commanded,
    DiskMeasured,
    Input,
    OutcomeHeard,
    OutcomesMissed,
    Requested,
    Started,
)
from services.planner.requests import read_request
from services.planner.settings import PlannerSettings
from tests.unit.planner.bench import START
from tests.unit.planner.model_bridge import ModelBridge
from tests.unit.planner.test_chat import said

MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
users = st.sampled_from(["u1", "u2", "u3"])


class Killed(Exception):
    """The process died before the commit."""


class Rig:
    """The planner's core on its real rows and its real outbox. *kill_next* lets the next transaction die."""

    def __init__(self, folder: Path) -> None:
        self.setup = Setup.of(PlannerSettings(data_dir=folder, waiting_total=12, board_lines=6, cooldown_user=0))
        self.folder = folder
        self.kill_next = False
        self.told: list[tuple[str, MoveState]] = []
        self.ordinals: dict[str, set[int | None]] = {}
        self.sent = 0
        self.open()

    def open(self) -> None:
        self.store = Store(self.folder, "planner")
        self.store.open(OUTBOX, persistence.SCHEMA)
        self.rows = persistence.Rows(self.store)
        self.outbox = Outbox(self.store, "plan")
        game = self.rows.load(self.setup, Now(START, 0.0))
        self.actor: Actor[Game, Input, Effect] = Actor(self.store, game, self._step, self, lambda: Now(START, 0.0))
        self.actor.feed(Started())

    def _step(self, game: Game, event: Input, now: Now) -> tuple[Game, Sequence[Effect]]:
        return handlers.step(self.setup, game, event, now)

    def restart(self) -> None:
        before = self.actor.state
        self.store.close()
        self.open()
        after = self.actor.state
        # None is a promise: the disk is measured anew, the nozzle is purged once more than it might need, and of two
        # that ended in one step either may be shown last.
        assert replace(after, last=None) == replace(before, last=None, disk_low=False, moved_at=-math.inf)

    def feed(self, event: Input, *, kill: bool) -> None:
        """Feed it, dying before the commit first if asked to; then it comes again, as its link would bring it."""
        if kill:
            self.kill_next = True
            with suppress(Killed):
                self.actor.feed(event)
            self.restart()
        self.actor.feed(event)

    def persist(self, unit: Unit, before: Game, after: Game, effects: Sequence[Effect]) -> None:
        self.rows.write(unit, before, after, effects, START)
        for effect in effects:
            if isinstance(effect, Send):
                self.outbox.append(unit, effect.body)
        if self.kill_next:
            self.kill_next = False
            raise Killed
        for status in (e.status for e in effects if isinstance(e, Tell)):
            if status.move_id is not None:
                self.told.append((status.move_id, status.state))
                self.ordinals.setdefault(status.move_id, set()).update({status.ordinal} - {None})

    def perform(self, state: Game, effects: Sequence[Effect]) -> None:
        pass


class Promise(RuleBasedStateMachine):
    """Random histories."""

    @initialize(ready=st.sampled_from([True, True, True, False]))
    def begin(self, ready: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self.rig = Rig(self.folder)
        self.bridge = ModelBridge()
        self.bridge.begin()
        self.redrawn: set[str] = set()
        self.count = 0
        self.kill = False
        if ready:
            self.bridge_reads(9)
            self.planner_reads(9)
            self.obey("confirm_empty")
            self.bridge_reads(9)

    def teardown(self) -> None:
        if not hasattr(self, "rig"):
            return
        try:
            self.drain()
        finally:
            self.rig.store.close()
            shutil.rmtree(self.folder)

    def feed(self, event: Input) -> None:
        kill, self.kill = self.kill, False
        self.rig.feed(event, kill=kill)

    @rule()
    def kill_in_next_step(self) -> None:
        self.kill = True

    @rule()
    def kill_between_steps(self) -> None:
        self.rig.restart()

    @rule(who=st.lists(users | st.none(), min_size=1, max_size=4))
    def ask(self, who: list[str | None]) -> None:
        for user in who:
            self.count += 1
            line = "{0}1 {0}2".format("abcdefgh"[self.count % 8])  # short ones, for the sake of time
            if user is None:
                self.feed(Requested(read_request(line.encode(), self.rig.setup.geometry)))
            else:
                self.feed(ChatHeard(said(line, user, f"m{self.count}")))

    @rule(words=st.sampled_from(["skip", "undo", "accept on", "resolve drawn", "resolve redraw", "resolve skip"]))
    def often_said(self, words: str) -> None:
        self.obey(words)

    @rule(words=st.sampled_from(["clear", "new_board", "confirm_empty", "accept off", "ban u2", "unban u2"]))
    def seldom_said(self, words: str) -> None:
        self.obey(words)

    @rule(number=st.integers(1, 30), user=users, whole=st.booleans())
    def moderate(self, number: int, user: str, whole: bool) -> None:
        deleted = MessageDeleted(source="twitch", channel="c", message_id=f"m{number}", received_at=START)
        cleared = UserCleared(source="twitch", channel="c", user_id=user, received_at=START)
        self.feed(ChatHeard(cleared if whole else deleted))

    @rule(free=st.sampled_from([10**6, 10**9, 10**9, 10**9]))
    def disk(self, free: int) -> None:
        self.feed(DiskMeasured(free))

    @rule(what=st.lists(st.sampled_from(["send", "answer", "begin", "draw"]), min_size=2, max_size=12))
    def work(self, what: list[str]) -> None:
        for one in what:
            if one == "send":
                self.bridge_reads(2)
            elif one == "answer":
                self.planner_reads(2)
            elif one == "begin":
                self.bridge.advance()
            else:
                self.bridge.finish(JobEnd.DRAWN)

    @rule(end=st.sampled_from([JobEnd.FAILED, JobEnd.CANCELLED]))
    def go_wrong(self, end: JobEnd) -> None:
        self.bridge_reads(2)
        self.bridge.advance()
        self.bridge.finish(end)

    @rule(drawn=st.booleans())
    def leave_in_doubt(self, drawn: bool) -> None:
        self.bridge_reads(2)
        self.bridge.advance()
        self.bridge.finish(JobEnd.UNCERTAIN, really_drawn=drawn)

    @rule()
    def bridge_refuses(self) -> None:
        self.bridge_reads(2)
        self.bridge.refuse_next()

    @rule(lost=st.booleans())
    def machine_changes(self, lost: bool) -> None:
        if self.bridge.running is None:
            self.bridge.new_epoch(Plate.UNKNOWN if lost else None)

    def obey(self, words: str) -> None:
        if words == "resolve redraw" and self.rig.actor.state.uncertain():
            self.redrawn.add(self.rig.actor.state.uncertain()[0].id)
        self.feed(Commanded(parse_command(words.encode(), BOARD_VERBS)))

    def bridge_reads(self, count: int) -> None:
        for row in self.rig.outbox.rows(self.rig.sent, count):
            self.bridge.take(PLAN_BODY.validate_json(row.body))
            self.rig.sent = row.seq

    def planner_reads(self, count: int) -> None:
        for _ in range(min(count, len(self.bridge.said))):
            self.feed(OutcomeHeard(self.bridge.said.pop(0)))

    @invariant()
    def moves_end_once(self) -> None:
        ended = [move_id for move_id, state in self.rig.told if state in ENDS]
        assert len(ended) == len(set(ended)), "a move ended twice"

    @invariant()
    def at_most_two_are_outstanding(self) -> None:
        assert len(self.rig.actor.state.outstanding()) <= OUTSTANDING
        assert len(self.bridge.waiting) + (self.bridge.running is not None) <= OUTSTANDING

    @invariant()
    def drawn_in_order_and_never_twice(self) -> None:
        seen: set[str] = set()
        last = 0
        for run in self.bridge.drawn:
            if run.move_id in seen:
                assert run.move_id in self.redrawn, "drawn twice without anybody's word"
            assert run.ordinal >= last, "out of order"
            last = run.ordinal
            seen.add(run.move_id)

    @invariant()
    def an_ordinal_is_given_once(self) -> None:
        assert all(len(given) <= 1 for given in self.rig.ordinals.values())

    def drain(self) -> None:
        """From wherever it is, everything accepted comes to its end once the world is well."""
        for _ in range(300):
            self.bridge_reads(10)
            self.planner_reads(10)
            if not self.bridge.advance():
                self.bridge.finish(JobEnd.DRAWN)
            state = self.rig.actor.state
            if state.uncertain():
                self.obey("resolve drawn")
            elif not state.outstanding() and not self.bridge.said and self.rig.sent == self.rig.outbox.head().next - 1:
                if not state.moves:
                    break
                self.obey("accept on")
                self.obey("confirm_empty")
        state = self.rig.actor.state
        assert not state.moves, f"never ended: {sorted(state.moves)}"
        accepted = {move_id for move_id, told in self.rig.told if told is MoveState.ACCEPTED}
        assert accepted == {move_id for move_id, told in self.rig.told if told in ENDS}
        said_so = {move_id for move_id, told in self.rig.told if told in (MoveState.DRAWN, MoveState.UNCERTAIN)}
        assert {run.move_id for run in self.bridge.drawn} <= said_so, "drawn, and nobody was told"
        self.moves_end_once()
        self.drawn_in_order_and_never_twice()


Promise.TestCase.settings = settings(max_examples=30, stateful_step_count=40, suppress_health_check=list(HealthCheck))
TestPromise = Promise.TestCase


def test_a_run_that_was_asked_back_is_not_asked_back_once_more_after_a_restart(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.feed(OutcomeHeard(MachineNotice(epoch=1, plate=Plate.UNKNOWN, time=START)), kill=False)
    rig.feed(Commanded(parse_command(b"confirm_empty", BOARD_VERBS)), kill=False)
    rig.feed(Requested(read_request(b"a1 b1", rig.setup.geometry)), kill=False)
    for _ in range(2):
        rig.feed(Commanded(parse_command(b"new_board", BOARD_VERBS)), kill=False)
        rig.restart()
    assert ['"revoke"' in row.body for row in rig.outbox.rows(0, 10)] == [False, False, True]
    rig.store.close()


def test_moves_that_are_taken_back_do_not_pile_up_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persistence, "SKIPPED_KEPT", 3)
    rig = Rig(tmp_path)
    rig.feed(OutcomeHeard(MachineNotice(epoch=1, plate=Plate.UNKNOWN, time=START)), kill=False)
    rig.feed(Commanded(parse_command(b"confirm_empty", BOARD_VERBS)), kill=False)
    rig.feed(Requested(read_request(b"a1 b1", rig.setup.geometry)), kill=False)
    rig.feed(OutcomesMissed("lost"), kill=False)
    rig.feed(Commanded(parse_command(b"resolve skip", BOARD_VERBS)), kill=False)
    rig.feed(Commanded(parse_command(b"new_board", BOARD_VERBS)), kill=False)
    for request in [b'{"from": "a1", "to": "b1", "request_id": "r"}', *[b"a1 b1"] * 9]:
        rig.feed(Requested(read_request(request, rig.setup.geometry)), kill=False)
        rig.feed(Commanded(parse_command(b"undo", BOARD_VERBS)), kill=False)
    kept = [number for (number,) in rig.store.read("SELECT number FROM moves ORDER BY number")]
    assert kept == [1, 2, 9, 10, 11], "what may lie on a plate, what can be asked again, and the newest"
    rig.store.close()
