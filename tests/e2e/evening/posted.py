"""What went out into the chat, from the log: a recorded chat shows there what it was answered."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

WINDOW, MOST = 30.0, 20
"""Twitch takes so many messages from an ordinary account within so many seconds, ..."""
SPACING, LONGEST = 1.0, 500
"""... one a second, and none longer; nor the same twice within the window."""
JITTER = 0.02
"""A log line is written this much later or earlier, in seconds, than another one after its message."""


@dataclass(frozen=True)
class Post:
    """One message of ours."""

    at: float
    text: str
    reply_to: str | None


def entries(log: Path) -> list[dict[str, Any]]:
    """Every line of a service's log that is JSON."""
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def posts(log: Path) -> list[Post]:
    """What was posted, in order."""
    return [
        Post(datetime.fromisoformat(entry["timestamp"]).timestamp(), entry["text"], entry["reply_to"])
        for entry in entries(log)
        if entry["event"] == "reply to a recorded chat"
    ]


def check_limits(posted: list[Post]) -> None:
    """Raise AssertionError where Twitch would not have taken one of them."""
    for first, behind in zip(posted, posted[MOST:], strict=False):
        assert behind.at - first.at > WINDOW - JITTER, f"more than {MOST} posts in {behind.at - first.at:.2f} s"
    for before, after in itertools.pairwise(posted):
        assert after.at - before.at > SPACING - JITTER, (before, after)
    last: dict[str, float] = {}
    for post in posted:
        assert 0 < len(post.text) <= LONGEST
        assert post.at - last.get(post.text, 0.0) > WINDOW - JITTER, f"said twice within {WINDOW} s: {post.text}"
        last[post.text] = post.at
