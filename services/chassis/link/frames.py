"""The sender's data frames as bytes, made around a body that is JSON already."""

from __future__ import annotations

from services.chassis.link.outbox import Row

ENVELOPE = 200
"""Bytes of a data frame around its body, at most."""


def data_frame(epoch: str, row: Row) -> bytes:
    """A contracts.links.Data as JSON."""
    return f'{{"kind":"data","epoch":"{epoch}","seq":{row.seq},"digest":"{row.digest}","body":{row.body}}}'.encode()
