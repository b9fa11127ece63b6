"""One believable example or more of everything that is ever said on a channel, for readers, tests and later versions.

Together they tell a short evening: viewer Ada draws a line, a ban, a gap, a planner that plans, a machine that answers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from contracts import channels as table
from contracts.board import BoardDrawing, BoardMove, BoardState, Counts, DrawnLine, Plate
from contracts.chat import (
    ChatBody,
    ChatCleared,
    ChatGap,
    ChatLine,
    ChatMessage,
    ChatReply,
    ChatState,
    ChatUser,
    MessageDeleted,
    Role,
    UserCleared,
)
from contracts.commands import Command
from contracts.events import Event, EventKind
from contracts.links import START_DIGEST, Batch, Data, Hello, Lost, Position, Receipt
from contracts.moves import MoveRequest, MoveState, MoveStatus, Requester, UserRef
from contracts.plan import (
    Control,
    ControlWord,
    JobEnd,
    JobEnded,
    JobStarted,
    MachineNotice,
    OutcomeBody,
    PlanBody,
    PlanRefused,
    Revoke,
    RevokeTooLate,
    Run,
)
from contracts.presence import Availability, DeadLetter
from contracts.printers import EnderState, EnderStatus, Heaters, Latch, Link, RexEvent, RexState, RexStatus

_AT = datetime(2026, 1, 31, 20, 15, 30, tzinfo=UTC)
_LATER = _AT + timedelta(seconds=9)
_ADA = UserRef(source="twitch", id="1001", name="Ada")
_EPOCH = "0f3a9c1d2b4e5f60718293a4b5c6d7e8"
_DIGEST = "9b1c0d2e3f405162738495a6b7c8d9ea"
_PLANNER = "3fa9c1d2"
_JOB = f"{_PLANNER}-7-42-1"
_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="
"""The smallest picture: one white pixel."""

_DRAWN = BoardMove(
    move_id="7-41", ordinal=41, state=MoveState.DRAWN, from_square="e2", to_square="e4",
    user=UserRef(source="mqtt", id="mqtt", name="mqtt"),
)  # fmt: skip
_PRINTING = BoardMove(move_id="7-42", ordinal=42, state=MoveState.PRINTING, from_square="a1", to_square="h8", user=_ADA)
_BOARD = BoardState(
    board=7,
    plate=Plate.KNOWN,
    accepting=True,
    held=False,
    counts=Counts(waiting=1, printing=1, drawn=41, refused=3),
    cooldown_user=5,
    cooldown_all=0,
    current=_PRINTING,
    last=_DRAWN,
    waiting=(_PRINTING.model_copy(update={"move_id": "7-43", "ordinal": None, "state": MoveState.ACCEPTED}),),
)
_LINE = DrawnLine(
    move_id="7-41", ordinal=41, from_square="e2", to_square="e4", x1=130.0, y1=57.0, x2=130.0, y2=103.0, share=1.0,
    user=_DRAWN.user,
)  # fmt: skip

_PRINTING_ENDER = EnderState(
    state=EnderStatus.PRINTING, reason=None, link=Link.OK, printer_connected=True, problem=False, armed=True,
    armed_until=_AT + timedelta(hours=4), latch=Latch.NONE, latch_reason=None, plate=Plate.KNOWN, epoch=3,
    position_known=True, heaters=Heaters.HOT, nozzle_actual=209.8, nozzle_target=210.0, bed_actual=59.9,
    bed_target=60.0, job=f"bc-{_JOB}.gcode", move_id="7-42", progress=40.0, elapsed=4, remaining=6,
    finish_at=_LATER, z=0.25, waiting_jobs=1, firmware="Marlin 2.1.2.5",
)  # fmt: skip
_GONE_ENDER = EnderState(
    state=EnderStatus.OFFLINE, reason="OctoPrint does not answer; is it running at OCTOPRINT_URL?",
    link=Link.NO_OCTOPRINT, printer_connected=False, problem=True, armed=False, armed_until=None,
    latch=Latch.STOP, latch_reason="stop by operator", plate=Plate.UNKNOWN, epoch=4, position_known=False,
    heaters=Heaters.UNKNOWN, nozzle_actual=None, nozzle_target=None, bed_actual=None, bed_target=None, job=None,
    move_id=None, progress=None, elapsed=None, remaining=None, finish_at=None, z=None, waiting_jobs=0, firmware=None,
)  # fmt: skip
_REX = RexState(
    state=RexStatus.PRINTING, reason=None, nozzle_actual=210.0, nozzle_target=210.0, bed_actual=60.0, bed_target=60.0,
    progress=37.0, job="vase.gx", print_id="vase.gx-1", layer=52, layers=140, elapsed=3600, remaining=6120,
    name="REX II", model="Bresser REX II", firmware="v1.3.7", serial_number="SN0001", light=True, stale=False,
    last_contact=_AT,
)  # fmt: skip
_NO_REX = _REX.model_copy(
    update=dict.fromkeys(set(RexState.model_fields) - {"state", "stale"})
    | {"state": RexStatus.OFFLINE, "stale": True, "reason": "no answer on port 8899; is the printer on?"}
)

_MESSAGE = ChatMessage(
    source="twitch",
    channel="ada_draws",
    message_id="b1f2c3d4-0000-4000-8000-000000000001",
    user=ChatUser(id="1001", name="Ada", roles=(Role.SUBSCRIBER,)),
    text="a1 h8",
    received_at=_AT,
)
_CHAT: tuple[ChatBody, ...] = (
    _MESSAGE,
    UserCleared(source="twitch", channel="ada_draws", user_id="1002", received_at=_AT),
    MessageDeleted(
        source="twitch", channel="ada_draws", message_id=_MESSAGE.message_id, user_id="1001", received_at=_AT
    ),
    ChatCleared(source="twitch", channel="ada_draws", received_at=_AT),
    ChatGap(source="twitch", since=_AT, until=_LATER, missed=None, reason="the connection to Twitch was lost"),
)
_PLAN: tuple[PlanBody, ...] = (
    Run(
        planner=_PLANNER,
        job_id=_JOB,
        move_id="7-42",
        ordinal=42,
        board=7,
        epoch=3,
        predecessor=f"{_PLANNER}-7-41-1",
        gcode=("G90", "M83", "G1 X32.000 Y32.000 F9000", "G1 Z0.250 F900", "G1 X203.000 Y203.000 E12.06421 F2400"),
    ),
    Revoke(planner=_PLANNER, job_id=_JOB, reason="undone by operator"),
    Control(planner=_PLANNER, command=ControlWord.PAUSE, epoch=3, by="Ada", id="p-1"),
)
_OUTCOME: tuple[OutcomeBody, ...] = (
    JobStarted(job_id=_JOB, move_id="7-42", time=_AT),
    JobEnded(job_id=_JOB, move_id="7-42", end=JobEnd.DRAWN, epoch=3, time=_LATER),
    JobEnded(
        job_id=_JOB, move_id="7-42", end=JobEnd.UNCERTAIN, reason="OctoPrint ended in the middle of the job",
        progress=0.4, epoch=4, time=_LATER,
    ),
    RevokeTooLate(job_id=_JOB, time=_AT),
    MachineNotice(epoch=4, plate=Plate.UNKNOWN, reason="somebody else printed a file", time=_AT),
    PlanRefused(job_id=None, reason="gcode: Field required", time=_AT),
)  # fmt: skip


def _sender(body: BaseModel) -> tuple[BaseModel, ...]:
    data = Data(epoch=_EPOCH, seq=1, digest=_DIGEST, body=body.model_dump(mode="json", by_alias=True))
    return (
        Hello(epoch=_EPOCH, first=1, next=2, before=START_DIGEST),
        data,
        Batch(frames=(data,)),
        Lost(epoch=_EPOCH, first=2, last=5, digest=_DIGEST),
    )


_CONSUMER: tuple[BaseModel, ...] = (
    Position(epoch=None, last=0, digest=START_DIGEST),
    Position(epoch=_EPOCH, last=1, digest=_DIGEST),
    Receipt(epoch=_EPOCH, upto=1, digest=_DIGEST),
    Receipt(epoch=_EPOCH, upto=1, digest=_DIGEST, gap=True),
)
_PRESENCE = (Availability.ONLINE, Availability.OFFLINE)

EXAMPLES: dict[str, tuple[BaseModel | str, ...]] = {
    table.MOVE_REQUEST.name: (
        MoveRequest(from_square="a1", to_square="h8"),
        MoveRequest(from_square="a1", to_square="h8", request_id="r-1", user=Requester(id="42", name="Ada")),
    ),
    table.MOVE_STATUS.name: (
        MoveStatus(
            move_id="7-42", request_id="r-1", state=MoveState.ACCEPTED, from_square="a1", to_square="h8", user=_ADA,
            position=2, time=_AT,
        ),
        MoveStatus(
            move_id="7-42", request_id="r-1", ordinal=42, state=MoveState.DRAWN, from_square="a1", to_square="h8",
            user=_ADA, time=_LATER,
        ),
        MoveStatus(move_id=None, state=MoveState.REFUSED, reason="a1 a1: both squares are the same", time=_AT),
    ),
    table.BOARD_STATE.name: (
        _BOARD,
        _BOARD.model_copy(
            update={"plate": Plate.UNKNOWN, "held": True, "held_reason": "say confirm_empty when the plate is empty"}
        ),
    ),
    table.BOARD_DRAWING.name: (
        BoardDrawing(board=7, squares=8, bed_x=235.0, bed_y=235.0, lines=(_LINE,), time=_AT),
        BoardDrawing(board=8, squares=8, bed_x=235.0, bed_y=235.0, lines=(), time=_AT),
    ),
    table.BOARD_IMAGE.name: (_DOT,),
    table.BOARD_COMMAND.name: (
        Command(command="accept", arguments=("off",), id="c-1"),
        Command(command="resolve", arguments=("drawn", "7-42")),
        Command(command="new_board"),
    ),
    table.BOARD_EVENT.name: (
        Event(event=EventKind.DONE, command="accept", id="c-1", time=_AT),
        Event(event=EventKind.REFUSED, command=None, reason="'acept' is not a command here", time=_AT),
        Event(event=EventKind.UNCERTAIN, reason="OctoPrint was restarted", move_id="7-42", time=_LATER),
        Event(event=EventKind.GAP, reason="chat was not heard for 9 s", time=_LATER),
    ),
    table.ENDER_COMMAND.name: (Command(command="arm", arguments=("2",), id="c-2"), Command(command="stop")),
    table.ENDER_EVENT.name: (
        Event(event=EventKind.ARMED, reason="for 4 h", time=_AT),
        Event(event=EventKind.STARTED, move_id="7-42", job=_JOB, time=_AT),
    ),
    table.ENDER_STATE.name: (_PRINTING_ENDER, _GONE_ENDER),
    table.ENDER_AVAILABILITY.name: _PRESENCE,
    table.REX_COMMAND.name: (Command(command="pause", id="c-3"), Command(command="light", arguments=("on",))),
    table.REX_EVENT.name: (
        RexEvent(event=EventKind.PAUSED, command="pause", id="c-3", print_id="rex-20260131-1", time=_AT),
    ),
    table.REX_STATE.name: (_REX, _NO_REX),
    table.REX_AVAILABILITY.name: _PRESENCE,
    table.SERVICE_AVAILABILITY.name: _PRESENCE,
    table.CHAT_STATE.name: (
        ChatState(source="twitch", connected=True, since=_AT, gaps=1, received=1_204, waiting=3),
        ChatState(source="twitch", connected=False, since=_AT, reason="the login was revoked; run login again"),
    ),
    table.CHAT_MESSAGE.name: (
        ChatLine(user_id="42", text="a1 h8"),
        ChatLine(user_id="42", user_name="Ada", text="!queue", message_id="17", channel="matrix"),
    ),
    table.CHAT_REPLY.name: (
        ChatReply(text="queued as 7-42, 2nd in line", source="twitch", channel="ada_draws",
                  reply_to=_MESSAGE.message_id, user_id="1001", time=_AT),
        ChatReply(text="the board is full", source="twitch", channel="ada_draws", time=_AT),
    ),
    table.LINK_CHAT.name: _sender(_MESSAGE),
    table.LINK_CHAT_RECEIPT.name: _CONSUMER,
    table.LINK_PLAN.name: _sender(_PLAN[0]),
    table.LINK_PLAN_RECEIPT.name: _CONSUMER,
    table.LINK_OUTCOME.name: _sender(_OUTCOME[0]),
    table.LINK_OUTCOME_RECEIPT.name: _CONSUMER,
    table.DEAD_LETTER.name: (
        DeadLetter(topic="boardcast/v1/link/plan", reason="not a frame of a link: Invalid JSON", payload="hello\\x00",
                   size=6, time=_AT),
        DeadLetter(topic="boardcast/v1/link/plan", reason="a frame of a link is never retained", payload="",
                   size=0, count=1_990, time=_LATER),
    ),
}  # fmt: skip

BODIES: dict[str, tuple[BaseModel, ...]] = {
    table.LINK_CHAT.name: _CHAT,
    table.LINK_PLAN.name: _PLAN,
    table.LINK_OUTCOME.name: _OUTCOME,
}
"""What the links carry."""

TEXTS: dict[str, tuple[str, ...]] = {
    table.MOVE_REQUEST.name: ("a1 h8", "A1-H8"),
    table.BOARD_COMMAND.name: ("accept off", "resolve drawn 7-42", "new_board"),
    table.ENDER_COMMAND.name: ("arm 2", "arm", "stop"),
    table.REX_COMMAND.name: ("pause", "light on"),
}
"""The plain text form of channels that have one."""
