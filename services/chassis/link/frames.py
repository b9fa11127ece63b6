"""The sender's data frames as bytes, made around a body that is JSON already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from services.chassis.link.outbox import Row

BATCH_BYTES = 16_384
BATCH_MESSAGES = 50
"""Of messages that wait together, so many go into one packet: the packet is most of what a message costs."""
ENVELOPE = 200
"""Bytes of a data frame around its body, at most."""


def data_frame(epoch: str, row: Row) -> bytes:
    """A contracts.links.Data as JSON."""
    return f'{{"kind":"data","epoch":"{epoch}","seq":{row.seq},"digest":"{row.digest}","body":{row.body}}}'.encode()


def in_batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """*rows* in order, as many together as go into one packet."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        size += len(row.body) + ENVELOPE
        if batch and (size > BATCH_BYTES or len(batch) >= BATCH_MESSAGES):
            yield batch
            batch, size = [], len(row.body) + ENVELOPE
        batch.append(row)
    if batch:
        yield batch


def batch_frame(epoch: str, rows: Sequence[Row]) -> bytes:
    """A contracts.links.Batch as JSON."""
    return b'{"kind":"batch","frames":[' + b",".join(data_frame(epoch, row) for row in rows) + b"]}"
