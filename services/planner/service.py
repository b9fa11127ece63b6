"""The planner's rim: links, topics, timers. It decides nothing."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

from contracts import channels
from contracts.board import BOARD_VERBS
from contracts.chat import CHAT_BODY
from contracts.commands import BadCommand, Command, parse_command
from contracts.events import Event, EventKind
from contracts.moves import MoveState, MoveStatus
from contracts.plan import OUTCOME_BODY
from contracts.presence import render_dead_letter
from services.chassis import log
from services.chassis.actor import Actor
from services.chassis.announcements import Announcements
from services.chassis.bus.port import Message, Presence
from services.chassis.clock import now
from services.chassis.dead_letters import DeadLetters
from services.chassis.discovery.announcer import Discovery
from services.chassis.health import Health
from services.chassis.link.consumer import LinkConsumer
from services.chassis.link.outbox import Outbox
from services.chassis.link.sender import LinkSender
from services.chassis.retained import Retained
from services.chassis.service import Parts
from services.chassis.store import Unit
from services.planner import handlers, home_assistant, reporting
from services.planner.effects import Effect, Reply, Say, Send, Tell
from services.planner.game import Game, Setup, held_reason
from services.planner.history import archive
from services.planner.history.live import LivePicture
from services.planner.inputs import Commanded, DiskMeasured, Input, Requested, Restored, Started
from services.planner.intake import Asked, Intake
from services.planner.persistence import Rows
from services.planner.readers import ChatReader, OutcomeReader
from services.planner.requests import Request, read_request
from services.planner.settings import PlannerSettings
from services.planner.topics import NAME, Topics

_log = log.get(__name__)
DISK_EVERY = 10.0
"""Seconds between two looks at the free disk."""
_FAILED = "the planner could not take it: its disk is full or damaged, or it met a defect; see its log"


class Planner:
    """A running planner."""

    def __init__(self, parts: Parts[PlannerSettings]) -> None:
        self._settings = parts.settings
        self._store = parts.store
        self._bus = parts.bus
        self._topics = Topics(parts.settings.topic_root)
        self._setup = Setup.of(parts.settings, secrets.token_hex(4))
        self._rows = Rows(parts.store)
        dead_letters = DeadLetters(self._bus, self._topics.dead_letters, render_dead_letter)
        self._announcements = Announcements(self._store, self._bus)
        self._plan = LinkSender(Outbox(self._store, self._topics.plan.name), self._bus, self._topics.plan, dead_letters)
        self._board_state = Retained(self._bus, self._topics.of(channels.BOARD_STATE))
        self._board_drawing = Retained(self._bus, self._topics.of(channels.BOARD_DRAWING))
        self._picture = LivePicture(
            self._bus, self._topics.of(channels.BOARD_IMAGE), self._setup.geometry, self._setup.profile.width,
            parts.settings.board_image, lambda: archive.drawn_strokes(self._store.read, self._state().header.board),
        )  # fmt: skip
        self._discovery = Discovery(NAME, parts.settings, Presence(self._topics.availability), parts.store, parts.bus)
        self._dead_letters = dead_letters
        self._intake = Intake(parts.store, self._take, self._not_taken)
        self._stops: tuple[Callable[[], None], ...] = ()
        self._actor: Actor[Game, Input, Effect] | None = None
        self._disk: asyncio.TimerHandle | None = None
        self._shown: Game | None = None

    async def start(self) -> None:
        """Take up the game where it was."""
        game = self._rows.load(self._setup, now())
        self._actor = actor = Actor(self._store, game, partial(handlers.step, self._setup), self)
        chat_reader = ChatReader(actor, self._rows, lambda: self._plan.waiting)
        chat = LinkConsumer(self._store, self._bus, self._topics.chat, CHAT_BODY, chat_reader, self._dead_letters)
        outcome = LinkConsumer(
            self._store, self._bus, self._topics.outcome, OUTCOME_BODY, OutcomeReader(actor), self._dead_letters
        )
        self._plan.start()
        self._announcements.start()
        self._board_state.start()
        self._board_drawing.start()
        self._picture.start()
        self._discovery.start(
            home_assistant.table(self._settings), again=(self._board_state.again, self._board_drawing.again)
        )
        chat.start()
        outcome.start()
        self._stops = (chat.stop, outcome.stop, self._intake.stop)
        self._bus.subscribe(self._topics.of(channels.MOVE_REQUEST), self._on_request)
        self._bus.subscribe(self._topics.of(channels.BOARD_COMMAND), self._on_command)
        if self._store.restored():
            with self._store.transaction() as unit:
                actor.feed_within(unit, Restored())
                self._store.forget_restored(unit)
        actor.feed(Started())
        self._measure_disk()
        self._show(actor.state)

    async def stop(self) -> None:
        """Take nothing any more; everything promised is on the disk."""
        for stop in self._stops:
            stop()
        if self._disk is not None:
            self._disk.cancel()
        self._plan.stop()
        self._board_state.stop()
        self._board_drawing.stop()
        self._picture.stop()
        self._discovery.stop()

    def health(self) -> Health:
        """Well unless it has no broker or no disk; a held board is the game's business."""
        game = self._state()
        if not self._bus.connected:
            return Health(False, "no broker can be reached; check BOARDCAST_BUS_URL")
        if game.disk_low:
            return Health(False, f"less than {self._settings.disk_least_mb} MB of disk are free")
        return Health(True, held_reason(game) or f"{len(game.moves)} moves in hand")

    # --- in --------------------------------------------------------------------------------------------------------

    def _on_request(self, message: Message) -> None:
        self._intake.put(read_request(message.payload, self._setup.geometry, retained=message.retained))

    def _on_command(self, message: Message) -> None:
        self._intake.put(_command(message))

    def _take(self, unit: Unit, asked: Asked) -> None:
        assert self._actor is not None, "the planner is not started"
        if isinstance(asked, Request):
            earlier = self._rows.by_request(asked.request_id) if asked.request_id is not None else None
            self._actor.feed_within(unit, Requested(asked, earlier))
        else:
            self._actor.feed_within(unit, Commanded(asked, self._plan.waiting))

    def _not_taken(self, asked: Asked) -> None:
        if isinstance(asked, Request):
            self._bus.publish(self._topics.of(channels.MOVE_STATUS), _unstored(asked).to_bytes())
            return
        if isinstance(asked, BadCommand):
            word, command_id = asked.word, asked.command_id
        else:
            word, command_id = asked.command, asked.id
        event = Event(event=EventKind.REFUSED, command=word, id=command_id, reason=_FAILED, time=now().wall)
        self._bus.publish(self._topics.of(channels.BOARD_EVENT), event.to_bytes())

    def _measure_disk(self) -> None:
        self._disk = asyncio.get_running_loop().call_later(DISK_EVERY, self._measure_disk)
        try:
            self._feed(DiskMeasured(self._store.free_bytes()))
        except (OSError, sqlite3.Error) as error:
            _log.error("the free disk space cannot be measured", folder=str(self._store.folder), error=str(error))

    def _feed(self, event: Input) -> None:
        assert self._actor is not None, "the planner is not started"
        self._actor.feed(event)

    def _state(self) -> Game:
        assert self._actor is not None, "the planner is not started"
        return self._actor.state

    # --- out -------------------------------------------------------------------------------------------------------

    def persist(self, unit: Unit, before: Game, after: Game, effects: Sequence[Effect]) -> None:
        """Rows, runs and announcements of one step, in its transaction."""
        self._rows.write(unit, before, after, effects, now().wall)
        for effect in effects:
            if isinstance(effect, Send):
                self._plan.append(unit, effect.body)
            elif isinstance(effect, Tell):
                self._announcements.add(unit, self._topics.of(channels.MOVE_STATUS), effect.status.to_bytes())
            elif isinstance(effect, Say):
                self._announcements.add(unit, self._topics.of(channels.BOARD_EVENT), effect.event.to_bytes())

    def perform(self, state: Game, effects: Sequence[Effect]) -> None:
        """What needs no transaction: retained states, replies, log lines."""
        for effect in effects:
            if isinstance(effect, Reply):
                self._bus.publish(self._topics.of(channels.CHAT_REPLY), effect.reply.to_bytes())
            elif isinstance(effect, Tell):
                _log_status(effect.status)
            elif isinstance(effect, Say):
                _log.info("board", event_kind=effect.event.event.value, reason=effect.event.reason)
        self._show(state)

    def _show(self, game: Game) -> None:
        shown, self._shown = self._shown, game
        if game is shown:
            return
        self._board_state.set(reporting.board_state(game, self._setup))
        if shown is None or game.lines is not shown.lines or game.header.board != shown.header.board:
            self._board_drawing.set(reporting.board_drawing(game, self._setup, now()))
            self._picture.changed()


def _command(message: Message) -> Command | BadCommand:
    try:
        return parse_command(message.payload, BOARD_VERBS, retained=message.retained)
    except BadCommand as bad:
        return bad


def _log_status(status: MoveStatus) -> None:
    with log.bind(move_id=status.move_id):
        _log.info("move", state=status.state.value, ordinal=status.ordinal, reason=status.reason)


def _unstored(request: Request) -> MoveStatus:
    return MoveStatus(
        move_id=None, request_id=request.request_id, state=MoveState.REFUSED, reason=_FAILED, time=now().wall
    )
