"""One line a move: what `move/status` said of it from its acceptance to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from contracts.moves import ENDS, MoveState, MoveStatus

REMEMBERED = 2_000
"""Moves on their way at most; the planner's own cap is below it."""


@dataclass
class _Way:
    states: list[str] = field(default_factory=list)
    began: datetime | None = None


class View:
    """Turns statuses into lines to print."""

    def __init__(self) -> None:
        self._ways: dict[str, _Way] = {}

    def line(self, status: MoveStatus) -> str | None:
        """The line to print now, None while the move is still on its way."""
        if status.move_id is None:
            return f"  {'':8} {_squares(status):8} {_who(status):22} refused: {status.reason or 'no reason given'}"
        way = self._ways.setdefault(status.move_id, _Way())
        if way.began is None:
            way.began = status.time
        if not way.states or way.states[-1] != status.state.value:
            way.states.append(status.state.value)
        if status.state is MoveState.UNCERTAIN:
            return f"! {self._text(status, way)}  {status.reason}"
        if status.state not in ENDS:
            while len(self._ways) > REMEMBERED:
                self._ways.pop(next(iter(self._ways)))
            return None
        del self._ways[status.move_id]
        took = (status.time - way.began).total_seconds()
        reason = f"  {status.reason}" if status.reason else ""
        return f"  {self._text(status, way)}  {took:5.1f} s{reason}"

    def _text(self, status: MoveStatus, way: _Way) -> str:
        return f"{status.move_id:8} {_squares(status):8} {_who(status):22} {' > '.join(way.states)}"


def _squares(status: MoveStatus) -> str:
    return f"{status.from_square or '?'} {status.to_square or '?'}"


def _who(status: MoveStatus) -> str:
    return "" if status.user is None else f"{status.user.name[:16]} ({status.user.source[:5]})"
