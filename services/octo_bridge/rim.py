"""Between the pure core and the world: what is committed with a step, and what follows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from contracts.channels import ENDER_EVENT
from contracts.plan import JobEnded
from services.chassis import log
from services.chassis.announcements import Announcements
from services.chassis.link.sender import LinkSender
from services.chassis.store import Unit
from services.octo_bridge.effects import Announce, Effect, Tell
from services.octo_bridge.journal import Journal
from services.octo_bridge.state import Machine
from services.octo_bridge.worker import Worker

_log = log.get(__name__)


class BridgeRim:
    """The rim of services.chassis.actor."""

    def __init__(
        self, root: str, journal: Journal, outcome: LinkSender, announcements: Announcements, worker: Worker,
        changed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._events = ENDER_EVENT.topic(root)
        self._journal = journal
        self._outcome = outcome
        self._announcements = announcements
        self._worker = worker
        self._changed = changed

    def persist(self, unit: Unit, before: Machine, after: Machine, effects: Sequence[Effect]) -> None:
        """The journal, the answers to the planner and the events: all or nothing."""
        self._journal.save(unit, before, after)
        for effect in effects:
            if isinstance(effect, Tell):
                if isinstance(effect.body, JobEnded):
                    self._journal.save_end(unit, effect.body)
                self._outcome.append(unit, effect.body)
            elif isinstance(effect, Announce):
                self._announcements.add(unit, self._events, effect.event.to_bytes())

    def perform(self, state: Machine, effects: Sequence[Effect]) -> None:
        """What OctoPrint is asked, now that it is committed that it will be."""
        for effect in effects:
            if isinstance(effect, Announce):
                said = effect.event
                _log.info(
                    said.event.value, move_id=said.move_id, job=said.job, reason=said.reason, command=said.command
                )
            self._worker.perform(effect)
        self._changed()
