"""The planner's database read by somebody else: no lock, no write, beside a running planner or without one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.planner.effects import Laid
from services.planner.plastic.strokes import Stroke, unpack

Read = Callable[[str, Sequence[Any]], list[Any]]
"""A query and its parameters to rows; what archive.py needs of a database."""


class NoArchive(Exception):
    """Nothing to read; ``args[0]`` says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Laying:
    """What one run put on the plate: *laid* says how certain that is."""

    move_id: str
    ordinal: int
    laid: Laid
    strokes: tuple[Stroke, ...]


@dataclass(frozen=True, slots=True)
class PastMove:
    """A move as it is remembered; times are ISO 8601, *share* is of its length."""

    id: str
    start: str
    end: str
    source: str
    user_id: str
    user_name: str
    state: str
    ordinal: int | None
    share: float | None
    reason: str | None
    accepted_at: str
    changed_at: str
    layings: tuple[Laying, ...] = ()

    @property
    def strokes(self) -> tuple[Stroke, ...]:
        """What certainly lies there of it, purges aside."""
        return next((_lines(laying.strokes) for laying in self.layings if laying.laid is Laid.SURELY), ())


@dataclass(frozen=True, slots=True)
class PastBoard:
    """A board with its moves in the order of drawing; those that were never planned come last."""

    number: int
    moves: tuple[PastMove, ...]

    def drawn(self) -> list[PastMove]:
        """The moves that lie on it, in the order of drawing."""
        return [move for move in self.moves if move.strokes]


@dataclass(frozen=True, slots=True)
class Summary:
    """A board in one line of a list."""

    number: int
    moves: int
    drawn: int
    first: str
    last: str


@contextmanager
def reading(path: Path) -> Iterator[Read]:
    """The database at *path*, read-only. Raises NoArchive when there is none that can be read."""
    if not path.is_file():
        raise NoArchive(f"there is no database at {path}: set BOARDCAST_DATA_DIR to the planner's data folder")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:

            def read(sql: str, parameters: Sequence[Any]) -> list[Any]:
                return connection.execute(sql, parameters).fetchall()

            yield read
    except sqlite3.Error as error:
        raise NoArchive(f"{path} cannot be read: {error}; is it a planner's database?") from error


def boards(read: Read) -> list[Summary]:
    """Every board, the oldest first."""
    rows = read(
        "SELECT COALESCE(drawn_on, board) AS b, COUNT(*), COUNT(drawn_on), MIN(accepted_at), MAX(changed_at) "
        "FROM moves GROUP BY b ORDER BY b",
        (),
    )
    return [Summary(*row) for row in rows]


def board(read: Read, number: int) -> PastBoard:
    """Board *number*. Raises NoArchive when there never was such a board."""
    layings = _layings(read, number)
    rows = read(
        "SELECT board || '-' || number, start, \"end\", source, user_id, user_name, state, ordinal, share, reason, "
        "accepted_at, changed_at FROM moves WHERE COALESCE(drawn_on, board) = ? ORDER BY ordinal IS NULL, ordinal, "
        "board, number",
        (number,),
    )
    if not rows and not layings:
        raise NoArchive(f"there is no board {number}; `board list` names those that there are")
    moves = [PastMove(*row) for row in rows]
    return PastBoard(number, tuple(replace(move, layings=tuple(layings.get(move.id, ()))) for move in moves))


def drawn_strokes(read: Read, number: int) -> list[tuple[Stroke, ...]]:
    """Only what certainly lies on board *number*, a tuple a move in the order of drawing."""
    return [
        _lines(unpack(json.loads(strokes)))
        for (strokes,) in read(
            "SELECT strokes FROM plans WHERE board = ? AND laid = ? ORDER BY ordinal", (number, Laid.SURELY.value)
        )
    ]


def _lines(strokes: tuple[Stroke, ...]) -> tuple[Stroke, ...]:
    return tuple(stroke for stroke in strokes if not stroke.purge)


def _layings(read: Read, number: int) -> dict[str, list[Laying]]:
    found: dict[str, list[Laying]] = {}
    for job, ordinal, laid, strokes in read(
        "SELECT job, ordinal, laid, strokes FROM plans WHERE board = ? AND laid != 'not' ORDER BY ordinal, job",
        (number,),
    ):
        move_id = "-".join(job.split("-")[1:3])  # a job is called instance-board-number-plan
        found.setdefault(move_id, []).append(Laying(move_id, ordinal, Laid(laid), unpack(json.loads(strokes))))
    return found
