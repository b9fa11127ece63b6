"""The chained digest by which two ends of a link know that they speak of the same history."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def canonical(body: Any) -> str:
    """The one JSON text of *body* that both ends hash."""
    return _encode(body)


def digest(before: str, epoch: str, seq: int, body: str) -> str:
    """Digest of message *seq* with the canonical *body*, whose predecessor has the digest *before*."""
    return hashlib.sha256(f"{before}|{epoch}|{seq}|{body}".encode()).hexdigest()[:32]
