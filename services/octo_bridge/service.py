"""octo_bridge as a running service: links, commands, core, OctoPrint, state, wired together."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from contracts import channels
from contracts.events import Event
from contracts.plan import PLAN_BODY
from contracts.presence import Availability, render_dead_letter
from contracts.printers import Heaters, Link
from services.chassis import announcements
from services.chassis.actor import Actor
from services.chassis.announcements import Announcements
from services.chassis.bus.port import Message, Presence
from services.chassis.clock import boot_id, now
from services.chassis.dead_letters import DeadLetters
from services.chassis.discovery import memory
from services.chassis.discovery.announcer import Discovery
from services.chassis.health import Health
from services.chassis.link import outbox, positions
from services.chassis.link.consumer import LinkConsumer
from services.chassis.link.outbox import Outbox
from services.chassis.link.sender import LinkSender, LinkTopics
from services.chassis.retained import Retained
from services.chassis.service import Parts
from services.chassis.tasks import forever
from services.octo_bridge import approval, home_assistant, journal, readiness, reporting
from services.octo_bridge.effects import Submit
from services.octo_bridge.events import ApprovalRead, Input, Restored, Tick
from services.octo_bridge.inbox import PlanReader, command_of
from services.octo_bridge.journal import Journal
from services.octo_bridge.push import Push
from services.octo_bridge.rim import BridgeRim
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import Heat, Machine
from services.octo_bridge.step import Core
from services.octo_bridge.unwritten import Guarded
from services.octo_bridge.worker import Worker

NAME = "octo_bridge"
SCHEMAS = (outbox.SCHEMA, positions.SCHEMA, announcements.SCHEMA, memory.SCHEMA, journal.SCHEMA)
TICK = 0.25


def presence(settings: BridgeSettings) -> Presence:
    """Where this service says that it is there."""
    return Presence(channels.SERVICE_AVAILABILITY.topic(settings.topic_root, service=NAME))


class OctoBridge:
    """The service."""

    def __init__(self, parts: Parts[BridgeSettings]) -> None:
        self._settings, self._store, self._bus = parts.settings, parts.store, parts.bus
        root = parts.settings.topic_root
        self._journal = Journal(parts.store)
        self._announcements = Announcements(parts.store, parts.bus)
        self._retained = Retained(parts.bus, channels.ENDER_STATE.topic(root))
        self._availability = Retained(parts.bus, channels.ENDER_AVAILABILITY.topic(root))
        self._discovery = Discovery(NAME, parts.settings, presence(parts.settings), parts.store, parts.bus)
        self._dead = DeadLetters(parts.bus, channels.DEAD_LETTER.topic(root, service=NAME), render_dead_letter)
        names = LinkTopics(*channels.OUTCOME_LINK.addresses(root))
        self._outcome = LinkSender(Outbox(parts.store, names.name), parts.bus, names, self._dead)
        self._worker = Worker(parts.settings, self._feed, self._withheld)
        self._push = Push(parts.settings.octoprint_url or "", self._worker.login, self._feed)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take up what the journal holds; the machine is looked at before anything is sent to it."""
        self._actor = self._make_actor()
        root = self._settings.topic_root
        names = LinkTopics(*channels.PLAN_LINK.addresses(root))
        reader = PlanReader(self._actor, self._journal)
        self._plans = LinkConsumer(self._store, self._bus, names, PLAN_BODY, reader, self._dead)
        self._worker.start()
        if self._store.restored():
            with self._store.transaction() as unit:
                self._actor.feed_within(unit, Restored())
                self._store.forget_restored(unit)
        self._plans.start()
        self._outcome.start()
        self._announcements.start()
        self._retained.start()
        self._availability.start()
        again = (self._retained.again, self._availability.again)
        self._discovery.start(home_assistant.table(self._settings), again)
        self._bus.subscribe(channels.ENDER_COMMAND.topic(root), self._on_command)
        self._show()
        self._tasks = [
            asyncio.create_task(forever(name, work))
            for name, work in (
                ("looking at OctoPrint", lambda: self._worker.poll(self._poll_every)),
                ("the push socket", self._push.run),
                ("the timers", self._tick),
            )
        ]

    async def stop(self) -> None:
        """Take nothing more. A job in the printer's hands goes on; the journal knows of it."""
        self._plans.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._worker.stop()
        self._outcome.stop()
        self._retained.stop()
        self._discovery.stop()
        self._availability.set(Availability.OFFLINE.value.encode(), now=True)
        self._availability.stop()

    def health(self) -> Health:
        """Not well while OctoPrint or the printer cannot be used."""
        return reporting.health(self._actor.state, broker=self._bus.connected, trouble=self._actor.trouble)

    def _make_actor(self) -> Guarded:
        kept, jobs = self._journal.load()
        moment = now()
        state = journal.restored(kept, jobs, boot_id(), moment.mono)
        state = replace(state, accounted=self._journal.sent_since(state.kept.mark))
        state = replace(state, approval=approval.read(self._settings.data_dir))
        if state.running is not None and not state.running.run.dry:
            # It may be in the middle of a line; the heaters stay as they are until it is known.
            state = replace(state, heat=Heat(Heaters.HOT, moment.mono))
        with self._store.transaction() as unit:
            self._journal.prune(unit)
            self._journal.save(unit, Machine(kept=kept, jobs=jobs) if kept is not None else None, state)
        rim = BridgeRim(
            self._settings.topic_root, self._journal, self._outcome, self._announcements, self._worker, self._show
        )
        core = Core(self._settings)
        actor = Actor(self._store, state, core, rim)
        return Guarded(actor, core, self._worker.perform, self._publish, self._show)

    def _publish(self, event: Event) -> None:
        self._bus.publish(channels.ENDER_EVENT.topic(self._settings.topic_root), event.to_bytes())

    def _feed(self, event: Input) -> None:
        self._actor.feed(event)

    def _withheld(self, effect: Submit) -> str | None:
        return readiness.withheld(self._actor.state, effect.job_id, effect.attempt, now(), self._settings)

    def _on_command(self, message: Message) -> None:
        # The doctor is called beside a running bridge: that it took its word back is looked for when somebody arms.
        self._feed(ApprovalRead(approval.read(self._settings.data_dir)))
        self._feed(command_of(message))

    def _poll_every(self) -> float:
        octo = self._actor.state.octo
        calm = octo.push and octo.link is Link.OK
        return self._settings.poll_every if calm else self._settings.poll_every_without_push

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._hear_doctor()
            self._feed(Tick())

    def _hear_doctor(self) -> None:
        """Its word is heard when it is given, so that nobody is sent to the doctor again who has just been there."""
        word = approval.read(self._settings.data_dir)
        if word is not None and word != self._actor.state.approval:
            self._feed(ApprovalRead(word))

    def _show(self) -> None:
        state = reporting.ender_state(self._actor.state, now(), self._settings)
        self._retained.set(state.to_bytes())
        there = Availability.ONLINE if state.printer_connected else Availability.OFFLINE
        self._availability.set(there.value.encode())
