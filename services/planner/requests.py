"""A payload of the request topic as a request, or as the reason why it is none."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from contracts.moves import MoveRequest
from contracts.text import display_text, echo_of
from services.planner import grammar
from services.planner.game import MQTT, OPERATOR, User
from services.planner.plastic.geometry import BoardGeometry

MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Request:
    """Either two squares of the board, or a refusal."""

    start: str | None = None
    end: str | None = None
    request_id: str | None = None
    user: User = OPERATOR
    refusal: str | None = None


def read_request(payload: bytes, board: BoardGeometry, *, retained: bool = False) -> Request:
    """What *payload* asks for. Never raises: whatever is wrong becomes the refusal."""
    if len(payload) > MOST_BYTES:
        return Request(refusal=f"a request has at most {MOST_BYTES} bytes, this one {len(payload)}")
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        return Request(refusal="a request is UTF-8 text such as a1 h8, or JSON")
    request = _read_json(text, board) if text[:1] in ("{", "[", '"') else _read_text(text, board)
    if retained:
        return Request(
            request_id=request.request_id,
            user=request.user,
            refusal="a retained request is ignored: send it unretained",
        )
    return request


def _read_text(text: str, board: BoardGeometry) -> Request:
    meant = grammar.parse(text, board)
    if isinstance(meant, grammar.Draw):
        return Request(meant.start, meant.end)
    if isinstance(meant, grammar.Refusal):
        return Request(refusal=meant.reason)
    return Request(refusal=f"not understood: write two squares such as a1 {board.last}, or JSON")


def _read_json(text: str, board: BoardGeometry) -> Request:
    try:
        asked = MoveRequest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = display_text(".".join(str(part) for part in first["loc"])) or "the payload"
        return Request(request_id=echo_of(text, "request_id"), refusal=f"not understood: {where}: {first['msg']}"[:400])
    user = OPERATOR
    if asked.user is not None:
        user = User(MQTT, asked.user.id, display_text(asked.user.name or asked.user.id) or "?")
    for square in (asked.from_square, asked.to_square):
        if not board.has(square):
            reason = f"{square} is off the board: it goes from a1 to {board.last}"
            return Request(request_id=asked.request_id, user=user, refusal=reason)
    if asked.from_square == asked.to_square:
        reason = "a line needs two different squares"
        return Request(request_id=asked.request_id, user=user, refusal=reason)
    return Request(asked.from_square, asked.to_square, asked.request_id, user)
