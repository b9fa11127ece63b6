"""An actor that goes on in memory where nothing can be written: a full disk must not keep a print from being paused.

What is on the disk only keeps an event from being said twice after a restart. So the state of a printer goes on without
it, what is said goes out without a row, and both are written again as soon as the disk lets them be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from services.chassis import log
from services.chassis.clock import Now, now
from services.chassis.store import Store, Unit, is_store_failure
from services.rex_bridge.state import Effect, Heard, State

_log = log.get(__name__)
REMEDY = "make room where BOARDCAST_DATA_DIR is, or mend the disk"


class Rim(Protocol):
    """The I/O around it."""

    def persist(self, unit: Unit, before: State, after: State, effects: Sequence[Effect]) -> None:
        """Write what changed since *before*, which is on the disk, and what is said."""

    def unwritten(self, effect: Effect) -> None:
        """Say without a row what *persist* could not."""

    def perform(self, state: State, effects: Sequence[Effect]) -> None:
        """Do what needs no transaction; must not block."""


class Steady:
    """Feeds what was heard to the pure step. Lives on the event loop's thread."""

    def __init__(
        self,
        store: Store,
        state: State,
        step: Callable[[State, Heard, Now], tuple[State, Sequence[Effect]]],
        rim: Rim,
        clock: Callable[[], Now] = now,
    ) -> None:
        self._store = store
        self._step = step
        self._rim = rim
        self._clock = clock
        self._written = state
        self.state = state
        self.trouble: str | None = None
        """Why the last step could not be written; None while all is well."""

    def feed(self, event: Heard) -> None:
        """Take *event*. Raises what the step or the rim raises for a defect; then nothing has happened."""
        after, effects = self._step(self.state, event, self._clock())
        try:
            with self._store.transaction() as unit:
                self._rim.persist(unit, self._written, after, effects)
        except Exception as error:
            if not is_store_failure(error):
                raise
            self._failed(error)
            for effect in effects:
                self._rim.unwritten(effect)
        else:
            self._written = after
            self._recovered()
        self.state = after
        self._rim.perform(after, effects)

    def _failed(self, error: Exception) -> None:
        if self.trouble is None:
            _log.error(
                "nothing can be written; going on without", printer=self.state.printer, error=str(error), remedy=REMEDY
            )
        self.trouble = f"nothing can be written ({error}): {REMEDY}"

    def _recovered(self) -> None:
        if self.trouble is not None:
            self.trouble = None
            _log.info("the disk takes writes again", printer=self.state.printer)
