"""Making safe where nothing can be written: a full disk must not keep a heater on or a job running.

A step that cannot be committed has not happened, and is tried again. What it would have made safer needs no row and is
done all the same, from a copy of the state that goes on in memory for as long as the disk refuses.
"""

from __future__ import annotations

from collections.abc import Callable

from contracts.events import Event, EventKind
from contracts.plan import ControlWord
from contracts.printers import Heaters
from services.chassis import log
from services.chassis.actor import Actor
from services.chassis.clock import Now, now
from services.chassis.store import Unit, is_store_failure
from services.octo_bridge.effects import Announce, Effect, JobAction, Look, SetTargets
from services.octo_bridge.events import (
    Asked,
    CommandBad,
    Commanded,
    ControlTaken,
    Happened,
    Input,
    Logged,
    LogNotRead,
    LogRead,
    Posted,
    PrinterChanged,
    PushChanged,
    Stalled,
    WritesAgain,
)
from services.octo_bridge.state import Machine
from services.octo_bridge.step import Core

_log = log.get(__name__)

STALL = 0.75
"""Seconds without an input, although a tick comes every quarter: a slow commit, or a process that was frozen."""
REMEDY = "make room where BOARDCAST_DATA_DIR is, or mend the disk; until then nothing is drawn"
_SAFER_WORDS = frozenset({"pause", "cancel", "stop"})
_SAFER_CONTROLS = frozenset({ControlWord.PAUSE, ControlWord.CANCEL, ControlWord.STOP})
_SAID = frozenset({EventKind.PROBLEM, EventKind.STANDBY, EventKind.HEATERS_OFF})
"""What is published although no row says so; the rest is said when it is committed."""
_SAID_ONCE = (Posted, Happened, PrinterChanged, Logged, PushChanged, Asked, LogRead, LogNotRead)
"""What OctoPrint, or the worker, says once and never again: it is taken when it can be written."""
HANDED_OVER_WITHIN = 120.0
"""Seconds in which a link hands over again what could not be written; a sender waits for a minute at most."""
WAITING_MOST = 500
"""So many of them: a full disk may stay full for days."""


class Guarded:
    """An actor whose disk may fail. *perform* does an effect, *publish* an event without a row."""

    def __init__(
        self, actor: Actor[Machine, Input, Effect], core: Core, perform: Callable[[Effect], None],
        publish: Callable[[Event], None], changed: Callable[[], None], clock: Callable[[], Now] = now,
    ) -> None:  # fmt: skip
        self._actor = actor
        self._core = core
        self._perform = perform
        self._publish = publish
        self._changed = changed
        self._clock = clock
        self._in_memory: Machine | None = None
        self._waiting: tuple[Input, ...] = ()
        self._offered: tuple[Input, ...] = ()
        self._acted: tuple[tuple[ControlTaken, float], ...] = ()
        self._fed_at: float | None = None
        self.trouble: str | None = None
        """Why the last step could not be committed, and what to do; None while all is well."""

    @property
    def state(self) -> Machine:
        """What is committed, or goes on in memory while nothing can be."""
        return self._in_memory if self._in_memory is not None else self._actor.state

    def feed(self, event: Input) -> None:
        """Take *event*; never raises."""
        if self._was_stalled():
            self._feed(Stalled())
        offered, self._offered = self._offered, ()
        for each in offered:
            self._feed(each)
        self._feed(event)

    def feed_within(self, unit: Unit, event: Input) -> None:
        """Take *event* in a link's transaction. Raises what the store raises; a stop then acts all the same."""
        acted = self._acted_upon(event)
        if acted is not None:
            unit.after_commit(lambda: self._forget_acted(acted))
            return
        if _makes_safer(event):
            # Whether the transaction was committed is known when the next input comes: it ends before.
            self._offered = (*self._offered, event)
            unit.after_commit(lambda: self._taken(event))
        if self._was_stalled():
            self._actor.feed_within(unit, Stalled())
        waiting = self._waiting
        if self.trouble is not None or waiting:
            unit.after_commit(lambda: self._written(waiting))
        # The disk may just have recovered: a plan must not overtake the stop that was ordered before it.
        for each in waiting:
            self._actor.feed_within(unit, each)
        self._actor.feed_within(unit, event)

    def _acted_upon(self, event: Input) -> tuple[ControlTaken, float] | None:
        """The record that this control acted a while ago, although its link's transaction was undone."""
        since = self._clock().mono - HANDED_OVER_WITHIN
        self._acted = tuple(each for each in self._acted if each[1] > since)
        return next((each for each in self._acted if each[0] == event), None)

    def _forget_acted(self, acted: tuple[ControlTaken, float]) -> None:
        self._acted = tuple(each for each in self._acted if each is not acted)

    def _was_stalled(self) -> bool:
        """Whether the last input began so long ago that the ticks since then were missed."""
        moment = self._clock().mono
        stalled = self._fed_at is not None and moment - self._fed_at > STALL
        self._fed_at = moment
        return stalled

    def _taken(self, event: Input) -> None:
        self._offered = tuple(other for other in self._offered if other is not event)

    def _written(self, waiting: tuple[Input, ...]) -> None:
        self._waiting = tuple(other for other in self._waiting if not any(other is each for each in waiting))
        self._recovered()

    def _feed(self, event: Input) -> None:
        try:
            # First of all what was ordered while nothing could be written: nothing is heated or sent before it.
            while self._waiting:
                self._take(self._waiting[0])
                self._waiting = self._waiting[1:]
            self._take(event)
        except Exception as error:
            self._failed(error)
            try:
                self._without_rows(event)
            except Exception:
                # This is what makes the machine safe on a full disk: the next tick must come all the same.
                _log.exception("an input that could not be written met a defect")
        else:
            self._recovered()

    def _take(self, event: Input) -> None:
        """Raises what the store raises. An input that meets a defect is dropped: the next one must be taken."""
        try:
            self._actor.feed(event)
        except Exception as error:
            if is_store_failure(error):
                raise
            _log.exception("an input met a defect", error=str(error))
        else:
            if isinstance(event, ControlTaken):
                # Its link hands it over once more: by then somebody may have said resume.
                self._acted = (*self._acted, (event, self._clock().mono))

    def _failed(self, error: Exception) -> None:
        if self.trouble is None:
            _log.error("nothing can be written; the machine is only made safe", error=str(error), remedy=REMEDY)
            # What is seen from here on is forgotten with the copy in memory: OctoPrint's log is asked for it first.
            self._waiting = (*self._waiting, WritesAgain())
        self.trouble = f"nothing can be written ({error}): {REMEDY}"

    def _recovered(self) -> None:
        if self.trouble is None:
            return
        self.trouble = self._in_memory = None
        _log.info("the disk takes writes again")
        self._changed()

    def _without_rows(self, event: Input) -> None:
        if _makes_safer(event):
            self._remember(event)
        elif isinstance(event, _SAID_ONCE):
            self._keep(event)
        elif isinstance(event, Commanded | CommandBad | ControlTaken):
            self._refuse(event)
            return
        moment = self._clock()
        self._in_memory, effects = self._core(self.state, event, moment)
        for effect in effects:
            if _makes_safe(effect, self._in_memory):
                self._perform(effect)
            elif isinstance(effect, Announce) and effect.event.event in _SAID:
                self._publish(effect.event)
        self._changed()

    def _keep(self, event: Input) -> None:
        said = [other for other in self._waiting if isinstance(other, _SAID_ONCE) and not isinstance(other, Posted)]
        if len(said) >= WAITING_MOST:  # the oldest goes; never what a person ordered, or the answer to an upload
            self._waiting = tuple(other for other in self._waiting if other is not said[0])
        self._waiting = (*self._waiting, event)

    def _remember(self, event: Input) -> None:
        if isinstance(event, ControlTaken) and event in self._waiting:
            return  # the link hands it over again and again
        self._waiting = (*self._waiting, event)
        reason = f"{_word(event)} acts now, but {self.trouble}; it is answered when it is written down"
        self._say(EventKind.PROBLEM, reason)

    def _refuse(self, event: Commanded | CommandBad | ControlTaken) -> None:
        if isinstance(event, Commanded):
            self._say(EventKind.REFUSED, f"{self.trouble}", command=event.command.command, id=event.command.id)
        elif isinstance(event, CommandBad):
            self._say(EventKind.REFUSED, event.reason, command=event.word, id=event.id)

    def _say(self, kind: EventKind, reason: str, command: str | None = None, id: str | None = None) -> None:
        self._publish(Event(event=kind, reason=reason[:500], command=command, id=id, time=self._clock().wall))


def _makes_safer(event: Input) -> bool:
    if isinstance(event, Commanded):
        return event.command.command in _SAFER_WORDS
    return isinstance(event, ControlTaken) and event.control.command in _SAFER_CONTROLS


def _word(event: Input) -> str:
    if isinstance(event, Commanded):
        return event.command.command
    return event.control.command.value if isinstance(event, ControlTaken) else type(event).__name__


def _makes_safe(effect: Effect, state: Machine) -> bool:
    """Only less: no job, no motion, no heat."""
    if isinstance(effect, SetTargets):
        return state.heat.mode in (Heaters.STANDBY, Heaters.OFF)
    return effect == JobAction("cancel") or isinstance(effect, Look)
