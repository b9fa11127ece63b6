"""The board: its state, the lines on it, and the words that steer it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from contracts.base import OpenEnum, Payload
from contracts.commands import Verb, Verbs
from contracts.moves import MoveState, UserRef
from contracts.text import MoveId, Reason, Square


class Plate(OpenEnum):
    """What is known of the plate: ``unknown`` draws nothing until a person says ``confirm_empty``."""

    KNOWN = "known"
    FULL = "full"
    UNKNOWN = "unknown"


class BoardMove(Payload):
    """A move in few words, as it stands in the board's state."""

    move_id: MoveId
    ordinal: int | None = None
    state: MoveState
    from_square: Square = Field(alias="from")
    to_square: Square = Field(alias="to")
    user: UserRef


class Counts(Payload):
    """How many moves of this board, by where they stand; refused counts requests since the planner's data began."""

    waiting: int = 0
    planned: int = 0
    printing: int = 0
    uncertain: int = 0
    drawn: int = 0
    failed: int = 0
    cancelled: int = 0
    skipped: int = 0
    refused: int = 0


class BoardState(Payload):
    """Retained, at most 4 KB."""

    board: int = Field(ge=1)
    plate: Plate
    accepting: bool
    held: bool
    held_reason: Reason | None = Field(default=None, description="Why nothing is planned, and what to do.")
    counts: Counts
    cooldown_user: int | None = Field(default=None, ge=0, description="Seconds between two moves of one viewer.")
    cooldown_all: int | None = Field(default=None, ge=0, description="Seconds between two moves of any viewers.")
    current: BoardMove | None = Field(default=None, description="The move being drawn.")
    last: BoardMove | None = Field(default=None, description="The move that ended last.")
    waiting: tuple[BoardMove, ...] = Field(default=(), max_length=10, description="The next ten.")


class DrawnLine(Payload):
    """A line on the board, in millimetres on the bed."""

    move_id: MoveId
    ordinal: int
    from_square: Square = Field(alias="from")
    to_square: Square = Field(alias="to")
    x1: float
    y1: float
    x2: float
    y2: float
    share: float = Field(ge=0, le=1, description="How much of its length is plastic.")
    user: UserRef


class BoardDrawing(Payload):
    """The lines drawn on this board, in their order; retained."""

    board: int = Field(ge=1)
    squares: int = Field(ge=1, le=26, description="The board is squares x squares.")
    bed_x: float
    bed_y: float
    lines: tuple[DrawnLine, ...]
    omitted: int = Field(default=0, ge=0, description="So many older lines are left out: a message has its bounds.")
    time: AwareDatetime


BoardImage = Annotated[
    str,
    Field(
        title="BoardImage",
        pattern=r"^[A-Za-z0-9+/]+={0,2}$",
        description="A PNG of what is drawn on the board. On the wire it is the file's bytes; only where JSON has to "
        "show one, as here, it is base64.",
        json_schema_extra={"contentMediaType": "image/png", "contentEncoding": "base64"},
    ),
]


BOARD_VERBS: Verbs = {
    "accept": Verb("accept on|off", "take new moves, or refuse them", 1, 1),
    "skip": Verb("skip", "end the next waiting move undrawn"),
    "undo": Verb("undo [MOVE]", "take a waiting move out, the last one unless named", 0, 1),
    "clear": Verb("clear", "take all waiting moves out"),
    "new_board": Verb("new_board", "archive this board and begin the next; the plate is then unknown"),
    "confirm_empty": Verb("confirm_empty", "a person has seen that the plate is empty"),
    "resolve": Verb("resolve drawn|redraw|skip [MOVE]", "settle an uncertain move", 1, 2),
    "ban": Verb("ban USER", "refuse this user's moves and take waiting ones out", 1, 1),
    "unban": Verb("unban USER", "let this user draw again", 1, 1),
    "set": Verb("set KEY VALUE", "change a setting of the game while it runs", 2, 2),
}
