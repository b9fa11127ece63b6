"""What comes in from the broker: plans on the link, commands on their topic."""

from __future__ import annotations

from typing import Any

from contracts.commands import BadCommand, parse_command
from contracts.plan import Control, Revoke, Run
from contracts.printers import ENDER_VERBS
from services.chassis.bus.port import Message
from services.chassis.store import Unit
from services.octo_bridge.events import (
    CommandBad,
    Commanded,
    ControlTaken,
    Input,
    PlanBad,
    PlannerChanged,
    RevokeTaken,
    RunTaken,
)  # fmt: skip
from services.octo_bridge.journal import Journal
from services.octo_bridge.unwritten import Guarded


class PlanReader:
    """The consumer of link/plan: each body changes the machine in the transaction that moves the link's position."""

    def __init__(self, actor: Guarded, journal: Journal) -> None:
        self._actor = actor
        self._journal = journal

    def take(self, unit: Unit, body: Run | Revoke | Control) -> None:
        """A plan, a revocation, a control."""
        event: Input
        if isinstance(body, Run):
            event = RunTaken(body, self._journal.ended(body.job_id))
        elif isinstance(body, Revoke):
            event = RevokeTaken(body, self._journal.ended(body.job_id))
        else:
            event = ControlTaken(body)
        self._actor.feed_within(unit, event)

    def take_bad(self, unit: Unit, body: dict[str, Any], reason: str) -> None:
        """A body that is no plan; answered by its job id where it has one."""
        job_id = body.get("job_id")
        readable = isinstance(job_id, str) and 0 < len(job_id) <= 60 and set(job_id) <= _JOB_ID
        self._actor.feed_within(unit, PlanBad(job_id if readable and isinstance(job_id, str) else None, reason))

    def take_lost(self, unit: Unit, first: int, last: int) -> None:
        """Plans that will never come: planner and bridge agree again by epoch and job id."""
        self._actor.feed_within(unit, PlannerChanged(f"messages {first} to {last} of the planner are lost"))

    def take_new_history(self, unit: Unit, known: bool, first: int) -> None:
        """A planner that lost its data, or was restored from a backup."""
        self._actor.feed_within(unit, PlannerChanged("the planner begins a new history"))


_JOB_ID = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def command_of(message: Message) -> Commanded | CommandBad:
    """A message on the command topic as an input."""
    try:
        return Commanded(parse_command(message.payload, ENDER_VERBS, retained=message.retained))
    except BadCommand as error:
        return CommandBad(error.word, error.command_id, str(error))
