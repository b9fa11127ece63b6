"""The planner's rows: every move that was ever accepted, and the header of the game.

They are written in the transaction of the step that changed them; at start the state is rebuilt from them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from typing import Any

from contracts.board import Plate
from contracts.moves import ENDS, MoveState
from services.chassis.clock import Now
from services.chassis.store import Schema, Store, Unit
from services.planner import cooldown
from services.planner.effects import Effect, Forget, Keep, KeepPlan, Laid, Seen
from services.planner.game import OPERATOR, Game, Header, Move, Setup, User
from services.planner.plastic.heightmap import HeightMap
from services.planner.plastic.strokes import pack, unpack
from services.planner.rules import Rules
from services.planner.turn import drawn_line

SEEN_KEPT = 20_000
"""So many chat messages are remembered to have been answered."""
SKIPPED_KEPT = 20_000
"""Moves behind which one that was taken back is forgotten: anybody can ask and take back for ever on one board."""

SCHEMA = Schema(
    "planner",
    [
        """
        CREATE TABLE header (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL);
        CREATE TABLE moves (
            board INTEGER NOT NULL, number INTEGER NOT NULL,        -- the id that people type
            start TEXT NOT NULL, "end" TEXT NOT NULL,
            source TEXT NOT NULL, user_id TEXT NOT NULL, user_name TEXT NOT NULL,
            request_id TEXT, channel TEXT, message_id TEXT,
            round INTEGER NOT NULL, state TEXT NOT NULL, ordinal INTEGER,
            plan INTEGER NOT NULL, job TEXT, epoch INTEGER, after TEXT, revoked TEXT, stale INTEGER NOT NULL,
            reason TEXT, share REAL, drawn_on INTEGER,
            accepted_at TEXT NOT NULL, changed_at TEXT NOT NULL,
            PRIMARY KEY (board, number)
        ) WITHOUT ROWID;
        CREATE INDEX moves_by_state ON moves (state, drawn_on);
        CREATE UNIQUE INDEX moves_by_request ON moves (request_id) WHERE request_id IS NOT NULL;
        CREATE INDEX moves_by_change ON moves (changed_at);
        CREATE TABLE plans (                                        -- what every run may have left on the plate
            job TEXT PRIMARY KEY, board INTEGER NOT NULL, ordinal INTEGER NOT NULL,
            laid TEXT NOT NULL,                                     -- maybe, surely, not
            strokes TEXT NOT NULL                                   -- [[[x, y, z], ...], ...] in mm
        ) WITHOUT ROWID;
        CREATE INDEX plans_by_board ON plans (board, ordinal);
        CREATE TABLE bans (key TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE seen (
            id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, message_id TEXT NOT NULL,
            UNIQUE (source, message_id)
        );
        """,
        # The ban that a moderator spoke; an id that is known to go by a banned name belongs to that.
        """
        ALTER TABLE bans ADD COLUMN ban TEXT NOT NULL DEFAULT '';
        UPDATE bans SET ban = key;
        """,
        "ALTER TABLE moves ADD COLUMN recalled TEXT;",
        "CREATE INDEX moves_skipped ON moves (number) WHERE state = 'skipped' AND request_id IS NULL;",
    ],
)

_FIXED = 'board, number, start, "end", source, user_id, user_name, request_id, channel, message_id, round'
_CHANGING = "state, ordinal, plan, job, epoch, after, revoked, stale, reason, share, drawn_on, recalled"
_COLUMNS = f"{_FIXED}, {_CHANGING}"
_COUNT = len(_COLUMNS.split(","))
_CHANGES = ", ".join(f"{name} = excluded.{name}" for name in _CHANGING.split(", "))
_ENDED = ", ".join(f"'{state.value}'" for state in sorted(ENDS))


class Rows:
    """Reads and writes the planner's tables."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self, setup: Setup, at: Now) -> Game:
        """The state as it was committed last, at this time; a new data folder is given its instance."""
        found = self._store.read("SELECT body FROM header")
        if not found:
            header = Header(instance=secrets.token_hex(4), shape=setup.shape)
            with self._store.transaction() as unit:
                _write_header(unit, header)
            bare = HeightMap.empty(setup.profile)
            return Game(header, bare, bare)
        header = _read_header(found[0][0])
        active = [self._with_strokes(move) for move in self._moves(f"state NOT IN ({_ENDED})")]
        under_way = {move.job for move in active if move.outstanding}
        drawn = [
            move
            for move in self._moves("state = 'drawn' AND drawn_on = ? ORDER BY ordinal", header.board)
            if setup.geometry.has(move.start, move.end)
        ]
        last = self._moves(f"state IN ({_ENDED}) ORDER BY changed_at DESC LIMIT 1")
        bare = HeightMap.empty(setup.profile)
        game = Game(
            header,
            bare,
            bare,
            moves={move.id: move for move in active},
            lines=tuple(drawn_line(move, setup) for move in drawn),
            drew=frozenset(move.user for move in drawn),
            last=last[0] if last else None,
            bans=dict(self._store.read("SELECT key, ban FROM bans")),
            asked=self._asked(setup.rules.with_changes(dict(header.changes)), at),
            served=self._served(header.round),
        )
        if header.shape != setup.shape:
            return game  # heights that were computed for another machine or board mean nothing on this one
        return game.with_plastic(self._plastic(bare, header.board, under_way))

    def _asked(self, rules: Rules, at: Now) -> dict[tuple[str, str], float]:
        """When viewers were last given a move, as far as a cool-down may still ask for it."""
        since = (at.wall - timedelta(seconds=cooldown.longest(rules))).isoformat()
        found = self._store.read(
            "SELECT source, user_id, MAX(accepted_at) FROM moves WHERE changed_at > ? AND accepted_at > ? "
            "GROUP BY source, user_id ORDER BY 3",
            (since, since),
        )
        return {
            (source, user_id): at.mono - max(0.0, (at.wall - datetime.fromisoformat(accepted)).total_seconds())
            for source, user_id, accepted in found
            if (source, user_id) != OPERATOR.key
        }

    def _served(self, round_: int) -> frozenset[tuple[str, str]]:
        """Whose moves of this round have ended, those that were taken back aside."""
        return frozenset(
            self._store.read(
                "SELECT DISTINCT source, user_id FROM moves WHERE round = ? AND ordinal IS NOT NULL "
                "AND state IN ('drawn', 'failed', 'cancelled')",
                (round_,),
            )
        )

    def _plastic(self, plastic: HeightMap, board: int, under_way: set[str | None]) -> HeightMap:
        """What may lie on *board*, the runs *under_way* aside."""
        plans = self._store.read("SELECT job, laid, strokes FROM plans WHERE board = ? ORDER BY ordinal", (board,))
        for job, laid, stored in plans:
            if job in under_way or laid == Laid.NOT:
                continue
            strokes = unpack(json.loads(stored))
            plastic = plastic.may_reach(strokes)
            if laid == Laid.SURELY:
                plastic = plastic.surely_drawn(strokes)
        return plastic

    def _with_strokes(self, move: Move) -> Move:
        found = self._store.read("SELECT strokes FROM plans WHERE job = ?", (move.job,))
        return replace(move, strokes=unpack(json.loads(found[0][0]))) if found else move

    def by_request(self, request_id: str) -> Move | None:
        """The move that *request_id* stands for."""
        found = self._moves("request_id = ?", request_id)
        return found[0] if found else None

    def seen(self, source: str, message_id: str) -> bool:
        """Whether this chat message was answered."""
        return bool(self._store.read("SELECT 1 FROM seen WHERE source = ? AND message_id = ?", (source, message_id)))

    def write(self, unit: Unit, before: Game, after: Game, effects: Iterable[Effect], wall: datetime) -> None:
        """Everything that a step changed, within *unit*."""
        if after.header != before.header:
            _write_header(unit, after.header)
        if after.bans is not before.bans:
            _write_bans(unit, before.bans, after.bans)
        for effect in effects:
            if isinstance(effect, Keep):
                _write_move(unit, effect.move, wall.isoformat())
            elif isinstance(effect, KeepPlan):
                _write_plan(unit, effect)
            elif isinstance(effect, Forget):
                _forget(unit, effect.board)
            elif isinstance(effect, Seen):
                _write_seen(unit, effect)

    def _moves(self, where: str, *parameters: object) -> list[Move]:
        return [_read_move(row) for row in self._store.read(f"SELECT {_COLUMNS} FROM moves WHERE {where}", parameters)]


def _write_header(unit: Unit, header: Header) -> None:
    unit.execute("INSERT OR REPLACE INTO header VALUES (1, ?)", (json.dumps(asdict(header)),))


def _read_header(body: str) -> Header:
    known = {field.name for field in fields(Header)}
    found: dict[str, Any] = {key: value for key, value in json.loads(body).items() if key in known}
    found["plate"] = Plate(found["plate"])
    found["changes"] = tuple((key, value) for key, value in found["changes"])
    return Header(**found)


def _write_move(unit: Unit, move: Move, wall: str) -> None:
    values = (
        move.board, move.number, move.start, move.end, *move.user.key, move.user.name,
        move.request_id, move.channel, move.message_id, move.round, move.state.value,
        move.ordinal, move.plan, move.job, move.epoch, move.after, move.revoked, move.stale, move.reason,
        move.share, move.drawn_on, move.recalled,
    )  # fmt: skip
    unit.execute(
        f"INSERT INTO moves ({_COLUMNS}, accepted_at, changed_at) VALUES ({', '.join('?' * (_COUNT + 2))}) "
        f"ON CONFLICT (board, number) DO UPDATE SET {_CHANGES}, changed_at = excluded.changed_at",
        (*values, wall, wall),
    )
    if move.state is MoveState.SKIPPED:
        _forget_skipped(unit, move.number - SKIPPED_KEPT)


def _forget_skipped(unit: Unit, number: int) -> None:
    """One with a request_id is answered again, and one that may have left plastic is history."""
    unit.execute(
        "DELETE FROM moves INDEXED BY moves_skipped "
        "WHERE state = 'skipped' AND request_id IS NULL AND number <= ? AND NOT EXISTS "
        "(SELECT 1 FROM plans WHERE plans.board >= moves.board AND plans.ordinal = moves.ordinal)",
        (number,),
    )


def _read_move(row: tuple[Any, ...]) -> Move:
    board, number, start, end, source, user_id, name, request_id, channel, message_id, round_, state, *rest = row
    user = User(source, user_id, name)
    return Move(board, number, start, end, user, request_id, channel, message_id, round_, MoveState(state), *rest)


def _write_bans(unit: Unit, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    for key in before.keys() - after.keys():
        unit.execute("DELETE FROM bans WHERE key = ?", (key,))
    for key, ban in after.items() - before.items():
        unit.execute("INSERT OR REPLACE INTO bans (key, ban) VALUES (?, ?)", (key, ban))


def _write_plan(unit: Unit, plan: KeepPlan) -> None:
    move = plan.move
    if plan.laid is Laid.NOT:
        unit.execute("DELETE FROM plans WHERE job = ?", (move.job,))
        return
    unit.execute(
        "INSERT INTO plans (job, board, ordinal, laid, strokes) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (job) DO UPDATE SET laid = excluded.laid",
        (move.job, plan.board, move.ordinal, plan.laid.value, json.dumps(pack(move.strokes), separators=(",", ":"))),
    )


def _forget(unit: Unit, board: int) -> None:
    """A move that still waits is of no board yet."""
    unit.execute("DELETE FROM plans WHERE board < ?", (board,))
    unit.execute(f"DELETE FROM moves WHERE COALESCE(drawn_on, board) < ? AND state IN ({_ENDED})", (board,))


def _write_seen(unit: Unit, seen: Seen) -> None:
    cursor = unit.execute(
        "INSERT OR IGNORE INTO seen (source, message_id) VALUES (?, ?)", (seen.source, seen.message_id)
    )
    if cursor.rowcount == 1 and cursor.lastrowid is not None:
        unit.execute("DELETE FROM seen WHERE id <= ?", (cursor.lastrowid - SEEN_KEPT,))
