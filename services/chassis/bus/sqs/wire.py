"""How a payload becomes a message of SQS, and how messages are packed into batches."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

MAX_PAYLOAD = 190_000
"""Bytes. In base64 they still stay below the 256 KiB that every SQS, old or not Amazon's, takes."""
BATCH_ENTRIES = 10
BATCH_BYTES = 255 << 10
_MARK = "base64:"
_PLAIN = re.compile(r"[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
"""What SQS allows in a body."""


class Sized(Protocol):
    """Anything with a body."""

    @property
    def body(self) -> str: ...


E = TypeVar("E", bound=Sized)


class BadBody(ValueError):
    """A body that says base64 and is not."""


def encode(payload: bytes) -> str:
    """Text stays text, so that it can be read and typed in the console; anything else is base64 behind a mark."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = ""
    if _PLAIN.fullmatch(text) and not text.startswith(_MARK):
        return text
    return _MARK + base64.b64encode(payload).decode()


def decode(body: str) -> bytes:
    """The payload. Raises BadBody."""
    if not body.startswith(_MARK):
        return body.encode()
    try:
        return base64.b64decode(body.removeprefix(_MARK), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadBody(f"the body says base64 and is not: {error}") from error


def batches(entries: Sequence[E]) -> Iterator[list[E]]:
    """*entries* in order, in batches that SQS takes."""
    batch: list[E] = []
    size = 0
    for entry in entries:
        length = len(entry.body.encode())
        if batch and (len(batch) == BATCH_ENTRIES or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield batch


def deduplication_id(stream: str, epoch: str, number: int) -> str:
    """An identity of one call of publish, at most 128 characters.

    *epoch* is a run of the sending bus and *number* counts its calls, so that every attempt of a link to send a message
    again is another one: SQS swallows what comes with a known identity for five minutes, even after it was deleted.
    """
    return f"{stream[-80:]}:{epoch}:{number}"
