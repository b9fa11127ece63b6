"""The pure core: one input, then everything that follows from the state it leads to.

Most of what the bridge does is derived from the state anew after every input (``settle``), not from the input: a
restart, a lost answer or a repeated one then lead to the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from services.chassis.clock import Now
from services.octo_bridge import events as e
from services.octo_bridge import handlers_asked as asked
from services.octo_bridge import handlers_clean as clean
from services.octo_bridge import handlers_commands as commands
from services.octo_bridge import handlers_dead_man as dead_man
from services.octo_bridge import handlers_doubt as doubt
from services.octo_bridge import handlers_events as happened
from services.octo_bridge import handlers_heat as heat
from services.octo_bridge import handlers_jobs as jobs
from services.octo_bridge import handlers_latch as latch
from services.octo_bridge import handlers_link as link
from services.octo_bridge import handlers_log as log
from services.octo_bridge import handlers_picture as picture
from services.octo_bridge import handlers_reset as reset
from services.octo_bridge import handlers_restored as restored
from services.octo_bridge import handlers_stuck as stuck
from services.octo_bridge import handlers_terminal as terminal
from services.octo_bridge.effects import Effect
from services.octo_bridge.outcome import Result
from services.octo_bridge.settings import BridgeSettings
from services.octo_bridge.state import Machine


class Core:
    """The step function of services.chassis.actor, with its settings."""

    def __init__(self, settings: BridgeSettings) -> None:
        self._settings = settings

    def __call__(self, state: Machine, event: e.Input, now: Now, /) -> tuple[Machine, list[Effect]]:
        state, effects = _take(state, event, now, self._settings)
        state, more = settle(state, now, self._settings)
        return state, [*effects, *more]


def _take(m: Machine, event: e.Input, now: Now, s: BridgeSettings) -> Result:
    match event:
        case e.RunTaken():
            return jobs.take_run(m, event, now, s)
        case e.RevokeTaken():
            return jobs.take_revoke(m, event, now)
        case e.ControlTaken():
            return commands.take_control(m, event, now, s)
        case e.PlanBad():
            return jobs.take_bad(m, event, now)
        case e.PlannerChanged():
            return jobs.take_planner_changed(m, event, now)
        case e.Commanded():
            return commands.take_command(m, event, now, s)
        case e.Restored():
            return restored.take_restored(m, now)
        case e.ApprovalRead():
            return replace(m, approval=event.approval), []
        case e.CommandBad():
            return commands.take_bad_command(m, event, now)
        case _:
            return _take_octoprint(m, event, now, s)


def _take_octoprint(m: Machine, event: e.Input, now: Now, s: BridgeSettings) -> Result:
    match event:
        case e.Seen():
            return picture.take_seen(m, event, now, s)
        case e.Unreachable():
            return link.take_unreachable(m, event, now)
        case e.PushChanged():
            return link.take_push(m, event, now)
        case e.PrinterChanged():
            return picture.take_printer_changed(m, event, now)
        case e.Happened():
            return happened.take_happened(m, event, now, s)
        case e.FirmwareNamed():
            return link.take_firmware(m, event)
        case e.Logged():
            return terminal.take_logged(m, event, now)
        case e.Posted():
            return jobs.take_posted(m, event, now)
        case e.EvidenceFound():
            return doubt.take_evidence(m, event, now, s)
        case e.LogRead():
            return log.take_log_read(m, event, now)
        case e.LogNotRead():
            return replace(m, log_asked=False), []
        case e.Asked():
            return asked.take_asked(m, event, now)
        case e.Stalled():
            return picture.take_stalled(m, now)
        case e.WritesAgain():
            return log.take_writes_again(m)
        case e.FolderGone():
            return clean.take_folder_gone(m, event)
        case _:
            return m, []


def settle(m: Machine, now: Now, s: BridgeSettings) -> Result:
    """Everything that the state asks for: safety first, the next job last."""
    rules: tuple[Callable[[Machine], Result], ...] = (
        lambda m: jobs.greet(m, now),
        lambda m: jobs.sweep(m, now),
        lambda m: jobs.forget_position(m, now),
        lambda m: heat.expire_arming(m, now),
        lambda m: latch.enforce(m, now, s),
        lambda m: heat.choose_mode(m, now, s),
        lambda m: heat.set_targets(m, now, s),
        lambda m: latch.confirm_stop(m, now),
        lambda m: dead_man.keep(m, now, s),
        lambda m: stuck.unstick(m, now, s),
        lambda m: link.connect(m, now, s),
        lambda m: link.ask_firmware(m, now),
        lambda m: log.read_log(m, now),
        lambda m: reset.overlooked(m, now),
        lambda m: happened.settle_called_off(m, now),
        lambda m: doubt.suspect(m, now, s),
        lambda m: doubt.gather(m, now, s),
        lambda m: jobs.send(m, now, s),
        lambda m: clean.clean_up(m, now),
    )
    effects: list[Effect] = []
    for rule in rules:
        m, more = rule(m)
        effects += more
    return m, effects
