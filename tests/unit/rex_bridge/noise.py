"""Random byte streams at the client's pure parts, on a clock that nobody waits for."""

from __future__ import annotations

import random

from services.rex_bridge import replies
from services.rex_bridge.framing import Exchange, NoReply, NotThisProtocol, Reply
from tests.unit.rex_bridge.transcripts import ALL

PIECES = [b"\r\n", b"\n", b"ok\r\n", b"CMD M119 Received.\r\n", b"T0:", b"/", b"byte ", b"Layer: ", b"9" * 30, b":"]
PIECES += [text.encode() for _, text in ALL.values()]
PARSERS = (replies.machine, replies.temperatures, replies.progress, replies.identity)


def cost_of_noise(chance: random.Random, streams: int) -> float:
    """The longest time, in simulated seconds, that a stream kept an exchange. Whatever a parser raises comes out."""
    longest = 0.0
    for _ in range(streams):
        reply, cost = _exchange(chance)
        longest = max(longest, cost)
        if reply is not None:
            for parse in PARSERS:
                parse(reply.lines)
    return longest


def _exchange(chance: random.Random) -> tuple[Reply | None, float]:
    exchange = Exchange(chance.choice(("M119", "M105", "M27", "M115", "M601 S1")), 0.0)
    now = 0.0
    try:
        while True:
            now += chance.random() ** 4  # mostly at once, sometimes late
            if now >= exchange.deadline:
                return exchange.expire(), exchange.deadline
            reply = exchange.feed(_bytes(chance), now)
            if reply is not None:
                return reply, now
    except NoReply:
        return None, exchange.deadline
    except NotThisProtocol:
        return None, min(now, exchange.deadline)


def _bytes(chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return chance.randbytes(chance.randrange(1, 40))
    piece = chance.choice(PIECES)
    start = chance.randrange(len(piece))
    return piece[start:] if chance.random() < 0.5 else piece[: start + 1]
