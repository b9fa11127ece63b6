"""One printer's rim: carries out what the poller wants, publishes what follows, and decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Sequence

from contracts import channels
from contracts.commands import BadCommand, parse_command
from contracts.events import EventKind
from contracts.presence import Availability
from contracts.printers import REX_VERBS, RexEvent
from services.chassis import log
from services.chassis.announcements import Announcements
from services.chassis.bus.callbacks import guarded
from services.chassis.bus.port import Bus, Message
from services.chassis.clock import Now, boot_id, now
from services.chassis.retained import Retained
from services.chassis.store import Store, Unit, is_store_failure
from services.rex_bridge import control, memory, orders, poller, telemetry
from services.rex_bridge.control import Order
from services.rex_bridge.repeats import Repeats
from services.rex_bridge.replies import Identity
from services.rex_bridge.session import NoSession, Session
from services.rex_bridge.settings import PrinterAddress, RexBridgeSettings
from services.rex_bridge.sink import Sink
from services.rex_bridge.state import (
    Answered,
    Ask,
    Close,
    Closed,
    Due,
    Effect,
    Failed,
    Heard,
    Open,
    Opened,
    Ordered,
    Post,
    Say,
    Show,
    Sleep,
    State,
    Stopping,
    Todo,
)
from services.rex_bridge.steady import Steady

_log = log.get(__name__)

API_PAUSES_EVERY = 10.0
"""Seconds between two pauses for the HTTP API."""
AFTER_A_DEFECT = 5.0
"""Seconds until what failed is tried again."""


class Printer:
    """One printer, isolated from the others: its own task, connection, topics and API thread."""

    def __init__(
        self,
        address: PrinterAddress,
        settings: RexBridgeSettings,
        store: Store,
        bus: Bus,
        events: Announcements,
        introduced: Callable[[], None],
    ) -> None:
        self.id = address.id
        self._settings = settings
        self._events = events
        self._introduced = introduced
        self._known_as: Identity | None = None
        self._session = Session(address)
        self._wake = asyncio.Event()
        self._api_paused = -math.inf
        self._defect: str | None = None
        self._repeats = Repeats()
        self._task: asyncio.Task[None] | None = None
        root = settings.topic_root
        self._command_topic = channels.REX_COMMAND.topic(root, printer=address.id)
        self._event_topic = channels.REX_EVENT.topic(root, printer=address.id)
        self._bus = bus
        self._store = store
        self._shown = Retained(bus, channels.REX_STATE.topic(root, printer=address.id))
        self._available = Retained(bus, channels.REX_AVAILABILITY.topic(root, printer=address.id), interval=0.0)
        self._sink = self._make_sink()
        self._actor = self._make_actor(State(address.id, due=0.0))

    @property
    def state(self) -> State:
        """What is known."""
        return self._actor.state

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written, or nothing be done at all; None while all is well."""
        return self._defect or self._actor.trouble

    def start(self) -> None:
        """Subscribe and begin to look, at the print that was under way when the bridge ended."""
        moment = now()
        tracker = memory.recall(self._store, self.id, moment.wall)
        self._actor = self._make_actor(State(self.id, due=moment.mono, boot=boot_id(), tracker=tracker))
        self._answer_what_was_left()
        self._shown.start()
        self._available.start()
        self._bus.subscribe(self._command_topic, self._commanded)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Let go of the printer, and say that nobody looks at it any more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            guarded(self._actor.feed, Stopping())
        if self._sink is not None:
            self._sink.stop()
        await self._session.close()
        self._available.set(Availability.OFFLINE.value.encode(), now=True)

    def again(self) -> None:
        """Publish what is shown once more, for a reader that has just started."""
        self._shown.again()
        self._available.again()

    # --- the rim of the actor --------------------------------------------------------------------------------------

    def persist(self, unit: Unit, before: State, after: State, effects: Sequence[Effect]) -> None:
        """Commit the print and what is said of it together."""
        if after.tracker != before.tracker:
            memory.keep(unit, self.id, after.tracker)
        waiting = orders.unanswered_in(after)
        if waiting != orders.unanswered_in(before):
            memory.keep_orders(unit, self.id, waiting)
        for effect in effects:
            if isinstance(effect, Say):
                self._events.add(unit, self._event_topic, self._event(effect).to_bytes())
        if after.reach is not before.reach:
            unit.after_commit(lambda: _log.info("printer", printer=self.id, reach=after.reach, reason=after.reason))

    def unwritten(self, effect: Effect) -> None:
        """It waits in memory for the broker then."""
        if isinstance(effect, Say):
            self._events.add_unwritten(self._event_topic, self._event(effect).to_bytes())

    def perform(self, state: State, effects: Sequence[Effect]) -> None:
        """Publish what changed."""
        moment = now()
        for effect in effects:
            if isinstance(effect, Show):
                self._show(state, moment, effect.at_once)
            elif isinstance(effect, Post) and self._sink is not None:
                self._sink.offer(telemetry.payload(state, moment).to_bytes())

    # --- what it does ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                self._actor.feed(await self._do(poller.todo(self._actor.state)))
                self._defect = None
            except Exception as error:
                # A defect: said aloud, and not the end of this printer. While it lasts nothing is known of it.
                _log.exception("a step failed; it is tried again", printer=self.id, after=AFTER_A_DEFECT)
                self._defect = f"{self.id} is not watched, a step fails ({type(error).__name__}: {error}): see the log"
                await asyncio.sleep(AFTER_A_DEFECT)

    async def _do(self, todo: Todo) -> Heard:
        try:
            match todo:
                case Sleep(until):
                    return await self._sleep(until)
                case Open():
                    await self._session.open()
                    return Opened()
                case Ask(command, within):
                    return Answered(await self._session.ask(command, within))
                case Close():
                    await self._session.close()
                    return Closed()
        except NoSession as error:
            return Failed(error.trouble, error.text)

    async def _sleep(self, until: float) -> Heard:
        """Until *until*, or until an order has changed what is to be done."""
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._wake.wait()
        return Due()

    def _step(self, state: State, heard: Heard, moment: Now) -> poller.Outcome:
        return poller.step(state, heard, moment, self._settings)

    def _show(self, state: State, moment: Now, at_once: bool) -> None:
        available = telemetry.availability(state)
        if available is None:
            return  # what was said before the restart is still the best that is known
        if state.readings.identity != self._known_as:
            self._known_as = state.readings.identity
            self._introduced()
        self._available.set(available.value.encode())
        self._shown.set(telemetry.payload(state, moment).to_bytes(), now=at_once)

    # --- what it is told -------------------------------------------------------------------------------------------

    def _commanded(self, message: Message) -> None:
        try:
            command = parse_command(message.payload, REX_VERBS, retained=message.retained)
            if command.id is not None and not self._repeats.add(message.payload, now().mono):
                _log.warning("a command came twice; obeyed and answered once", printer=self.id, id=command.id)
                return
            self._order(control.understand(command, self._settings))
        except BadCommand as error:
            _log.warning("command refused", printer=self.id, topic=message.topic, reason=str(error))
            say = Say(EventKind.REFUSED, reason=str(error)[:500], command=error.word, command_id=error.command_id)
            self._answer(say)

    def _answer(self, say: Say) -> None:
        try:
            with self._store.transaction() as unit:
                self._events.add(unit, self._event_topic, self._event(say).to_bytes())
        except Exception as error:
            if not is_store_failure(error):
                raise
            self.unwritten(say)

    def _answer_what_was_left(self) -> None:
        """A kill answers nobody; where nothing can be written it is done at the next start."""
        left = [] if self._store.restored() else memory.unanswered(self._store, self.id)
        if not left:
            return
        try:
            with self._store.transaction() as unit:
                for order in left:
                    say = orders.answer(self._actor.state, order, False, orders.KILLED)
                    self._events.add(unit, self._event_topic, self._event(say).to_bytes())
                memory.keep_orders(unit, self.id, ())
        except Exception as error:
            if not is_store_failure(error):
                raise
            _log.error("commands from before the start are not answered yet", printer=self.id, error=str(error))

    def _order(self, order: Order) -> None:
        _log.info("order", printer=self.id, verb=order.verb, value=order.value, id=order.command_id)
        self._actor.feed(Ordered(order))
        self._wake.set()

    def _pause_for_api(self) -> None:
        """The HTTP API answered 418; it does so until the state that it gets says paused."""
        moment = now().mono
        # It does so after every look, and a printer that cannot be paused just now would be refused once a second.
        if moment - self._api_paused >= API_PAUSES_EVERY and orders.to_be_paused(self.state):
            self._api_paused = moment
            self._order(Order("pause", note="asked for by the HTTP API with status 418"))

    def _event(self, say: Say) -> RexEvent:
        return RexEvent(
            event=say.kind, command=say.command, id=say.command_id, job=say.job, reason=say.reason,
            print_id=say.print_id, time=now().wall,
        )  # fmt: skip

    def _make_actor(self, state: State) -> Steady:
        return Steady(self._store, state, self._step, self)

    def _make_sink(self) -> Sink | None:
        url, token = self._settings.rex_api_url, self._settings.rex_api_token
        if url is None:
            return None
        return Sink(self.id, url, token.get_secret_value() if token else None, self._pause_for_api)
