"""The state of the game: everything that a step of the planner decides by. Immutable, bounded, rebuilt from rows."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from contracts import channels
from contracts.board import DrawnLine, Plate
from contracts.moves import MoveState, UserRef
from contracts.text import display_text
from services.planner.plastic.geometry import BoardGeometry
from services.planner.plastic.heightmap import HeightMap
from services.planner.plastic.profile import Profile
from services.planner.plastic.strokes import Stroke
from services.planner.rules import Rules
from services.planner.settings import PlannerSettings

MQTT = "mqtt"
OUTSTANDING = 2
"""So many runs are with the bridge at most: the one that it draws, and one planned ahead."""
REFUSALS_HELD = 2
STALE_HELD = 8


@dataclass(frozen=True, slots=True)
class User:
    """Who asked for a move. (source, id) is who it is, the name is only shown."""

    source: str
    id: str
    name: str

    @property
    def key(self) -> tuple[str, str]:
        """Identity."""
        return self.source, self.id

    @property
    def is_operator(self) -> bool:
        """Whether nobody in particular asked, over MQTT."""
        return self.key == (MQTT, MQTT)

    def ref(self) -> UserRef:
        """As shown beside a move: an identity may hold anything, what is shown is cleaned and short."""
        return UserRef(source=self.source, id=display_text(self.id), name=self.name)


OPERATOR = User(MQTT, MQTT, MQTT)


@dataclass(frozen=True, slots=True)
class Move:
    """A move that was accepted."""

    board: int
    number: int
    start: str
    end: str
    user: User
    request_id: str | None = None
    channel: str | None = None
    message_id: str | None = None
    round: int = 0
    state: MoveState = MoveState.ACCEPTED
    ordinal: int | None = None
    plan: int = 0
    """How often it was planned."""
    job: str | None = None
    """The run that is with the bridge, or of which nobody knows what became."""
    epoch: int | None = None
    """Machine epoch of that run."""
    after: str | None = None
    """The run that had to be drawn before that run."""
    revoked: str | None = None
    """Why the run was asked back; the move ends skipped for this reason if it had not begun."""
    stale: int = 0
    """How often in a row it was answered stale."""
    reason: str | None = None
    share: float | None = None
    """How much of its length the present plan draws."""
    drawn_on: int | None = None
    """The board that it was drawn on; a move that waits while a board ends is drawn on the next."""
    recalled: str | None = None
    """Why the run was asked back in order to be planned again, with the move going on."""
    strokes: tuple[Stroke, ...] = ()
    """Where the present plan puts plastic."""

    @property
    def id(self) -> str:
        """As a person would type it."""
        return f"{self.board}-{self.number}"

    @property
    def outstanding(self) -> bool:
        """Whether the bridge has a run of it that has not ended."""
        return self.job is not None and self.state in (MoveState.PLANNED, MoveState.PRINTING)

    @property
    def dry(self) -> bool:
        """Whether its run is a rehearsal: any other one puts plastic somewhere."""
        return self.job is not None and not self.strokes

    @property
    def waits(self) -> bool:
        """Whether it has not begun to be drawn."""
        return self.state in (MoveState.ACCEPTED, MoveState.PLANNED)


@dataclass(frozen=True, slots=True)
class Header:
    """What is one row of its own in the database."""

    instance: str
    board: int = 1
    plate: Plate = Plate.UNKNOWN
    accepting: bool = True
    closing: bool = False
    """The board ends as soon as the bridge has no run of it any more."""
    epoch: int | None = None
    """Newest machine epoch that the bridge has named; None until it has named one."""
    next_number: int = 1
    next_ordinal: int = 1
    round: int = 0
    """That of the newest move which got an ordinal; 0 while none has."""
    drawn_job: str | None = None
    """The job drawn last, and the machine epoch that it was planned for: the predecessor of the next one in it."""
    drawn_job_epoch: int | None = None
    shape: str = ""
    """The machine and the board that the heights on the plate were computed for."""
    parked: bool = False
    """The nozzle was sent aside because the board is full."""
    full_lines: int = 0
    """How many moves in a row met a line that is full."""
    refusals: int = 0
    """How many runs in a row the bridge refused."""
    refusal: str | None = None
    drawn: int = 0
    failed: int = 0
    cancelled: int = 0
    skipped: int = 0
    refused: int = 0
    changes: tuple[tuple[str, str], ...] = ()
    """Rules that were changed with ``set``."""


@dataclass(frozen=True, slots=True)
class Game:
    """The whole state. *moves* are those that have not ended, by id."""

    header: Header
    plastic: HeightMap
    """What may lie on the plate, runs that are still with the bridge aside."""
    ahead: HeightMap
    """The same with those runs: what the next one is planned over."""
    moves: Mapping[str, Move] = field(default_factory=dict)
    lines: tuple[DrawnLine, ...] = ()
    drew: frozenset[User] = frozenset()
    """Who drew them: a line shows an identity cleaned and cut, as which it may be somebody else's."""
    last: Move | None = None
    bans: Mapping[str, str] = field(default_factory=dict)
    """What is banned, each with the ban that a moderator spoke (moderation.py)."""
    asked: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """When viewers' newest moves were accepted, by the monotonic clock; as long as a cool-down may ask for it."""
    served: frozenset[tuple[str, str]] = frozenset()
    """Whose move of the round that is being drawn has ended: their next belongs to the next round."""
    disk_low: bool = False
    moved_at: float = -math.inf
    """When a move last began or ended, by the monotonic clock; not known after a restart."""

    def outstanding(self) -> list[Move]:
        """Moves whose runs are with the bridge, in the order of drawing."""
        return sorted((m for m in self.moves.values() if m.outstanding), key=_ordinal)

    def will_come_back(self) -> bool:
        """Whether a run that is with the bridge can only be answered stale: what it was planned for is no more."""
        there = self.outstanding()
        drawn = {move.job for move in there} | {self.header.drawn_job, None}
        return any(move.epoch != self.header.epoch or move.after not in drawn for move in there)

    def uncertain(self) -> list[Move]:
        """Moves that a person has to settle, in the order of drawing."""
        return sorted((m for m in self.moves.values() if m.state is MoveState.UNCERTAIN), key=_ordinal)

    def with_plastic(self, plastic: HeightMap) -> Game:
        """The same with *plastic* on the plate, and the outstanding runs on top of it."""
        ahead = plastic
        for move in self.outstanding():
            ahead = ahead.may_reach(move.strokes)
        return replace(self, plastic=plastic, ahead=ahead)

    def with_bans(self, bans: Mapping[str, str]) -> Game:
        """The same with other *bans*."""
        return replace(self, bans=bans)

    def by_job(self, job: str) -> Move | None:
        """The move that *job* is the present run of."""
        return next((m for m in self.moves.values() if m.job == job), None)


def _ordinal(move: Move) -> int:
    return move.ordinal or 0


@dataclass(frozen=True, slots=True)
class Setup:
    """What does not change while the planner runs."""

    settings: PlannerSettings
    geometry: BoardGeometry
    profile: Profile
    rules: Rules
    shape: str
    process: str = "0"
    """Part of every job's id: a planner restored from a backup counts again and must not name two jobs alike."""

    @classmethod
    def of(cls, settings: PlannerSettings, process: str = "0") -> Setup:
        """The setup that *settings* describe, for the process of that name."""
        machine = settings.machine()
        geometry, profile = machine.geometry(), machine.profile()
        shape = hashlib.sha256(f"{geometry}{profile}".encode()).hexdigest()[:16]
        return cls(settings, geometry, profile, settings.rules(), shape, process)


def held_reason(game: Game) -> str | None:
    """Why nothing new is planned, and what a person can do about it; None when nothing is in the way."""
    say = f"on {channels.BOARD_COMMAND.address}"
    header = game.header
    uncertain = game.uncertain()
    if uncertain:
        move = uncertain[0]
        ways = ", ".join(f"`resolve {way} {move.id}`" for way in ("drawn", "redraw", "skip"))
        return f"nobody knows whether {move.id} was drawn ({move.reason or 'no reason given'}): say {ways} {say}"
    if header.epoch is None:
        return "the printer's bridge has not been heard yet: start octo_bridge, or wait for it"
    outstanding = game.outstanding()
    if header.closing and outstanding:
        end = f"board {header.board} ends as soon as the printer is done with {outstanding[0].id}"
        return f"{end}: see the printer's state if that does not come"
    if header.plate is Plate.FULL:
        return f"the board is full: take it off the printer, say `new_board`, then `confirm_empty` {say}"
    if header.plate is not Plate.KNOWN:
        return f"nobody knows what lies on the plate: clear it and say `confirm_empty` {say}"
    if header.refusals >= REFUSALS_HELD:
        return f"the bridge refused {header.refusals} plans in a row ({header.refusal}): mend it, say `accept on` {say}"
    stuck = next((m for m in game.moves.values() if m.stale >= STALE_HELD), None)
    if stuck:
        return f"the bridge called every plan of {stuck.id} stale: see its log, then say `accept on` {say}"
    return None
