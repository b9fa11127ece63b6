"""Small texts and names that appear in payloads, bounded and cleaned where people will read them."""

from __future__ import annotations

import json
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints

DISPLAY_LENGTH = 64
REASON_LENGTH = 500
ECHO_LENGTH = 100
# Control, format (bidi overrides and zero-width characters are Cf), surrogate, private use, unassigned,
# line and paragraph separators: none of them may reach a dashboard, an overlay or a terminal.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def display_text(raw: str, *, limit: int = DISPLAY_LENGTH) -> str:
    """*raw* made safe to show: no control, bidi or format characters, single blanks, at most *limit* characters."""
    visible = "".join(" " if unicodedata.category(c) in _HIDDEN else c for c in raw[: limit * 8])
    text = " ".join(visible.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def printable(raw: bytes, limit: int = 200) -> str:
    """Bytes from a stranger as one line of ASCII, escaped and cut to *limit* characters, for logs and dead letters."""
    text = raw[:limit].decode("utf-8", "backslashreplace").encode("ascii", "backslashreplace").decode()
    line = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return line if len(line) <= limit and len(raw) <= limit else line[:limit] + "…"


def echo_of(payload: str, key: str) -> str | None:
    """The id under *key* of a JSON order that is otherwise wrong, so that its sender can tell which one was refused."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    echo = found.get(key) if isinstance(found, dict) else None
    if not isinstance(echo, str) or not 1 <= len(echo) <= ECHO_LENGTH:
        return None
    # JSON can escape half a surrogate pair, which no UTF-8 can carry back.
    return None if any("\ud800" <= c <= "\udfff" for c in echo) else echo


def _cut(reason: Any) -> Any:
    """A reason is words for a person: cut where it is too long, because an answer that is refused is no answer."""
    return reason[: REASON_LENGTH - 1] + "…" if isinstance(reason, str) and len(reason) > REASON_LENGTH else reason


DisplayText = Annotated[str, AfterValidator(display_text)]
Reason = Annotated[str, BeforeValidator(_cut), StringConstraints(max_length=REASON_LENGTH)]
Square = Annotated[str, StringConstraints(pattern=r"^[a-z][1-9][0-9]?$")]
MoveId = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}-[1-9][0-9]{0,8}$")]
"""The board's number and the move's number on it, as a person would type it: ``7-42``."""
JobId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
"""Planner instance, move id, plan number and planner process: ``3fa9c1d2-7-42-1-5e0d66b1``.

File names are made of it, so its letters are few.
"""
EchoId = Annotated[str, StringConstraints(min_length=1, max_length=ECHO_LENGTH)]
