"""Which reply goes out when: within a chat's limits, several in one where they pile up, none that nobody waits for.

Pure. Times are seconds of a monotonic clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from contracts.chat import ChatReply
from services.chat_ingest.sources.port import Pace

WAITING_MOST = 200
STALE_AFTER = 30.0
"""Who asked half a minute ago has read the answer on the screen, or has gone."""
MERGE_FROM = 4
"""So many waiting replies are told in one message; fewer each stand in the thread that they answer."""
BETWEEN = " · "
_LAST_NUMBER = re.compile(r"^(.*?)(\d{1,9})(\D*)$", re.DOTALL)


@dataclass(frozen=True)
class Waiting:
    """A reply and when it came."""

    reply: ChatReply
    since: float


@dataclass(frozen=True)
class Outgoing:
    """What waits, and what went out lately."""

    waiting: tuple[Waiting, ...] = ()
    sent: tuple[float, ...] = ()
    recent: tuple[tuple[float, str, str | None], ...] = ()
    """When, text, and to whom."""
    not_before: float = 0.0


@dataclass(frozen=True)
class Turn:
    """*reply* goes out now, and answers *taken*; or nothing does for *wait* seconds, for ever when None."""

    state: Outgoing
    reply: ChatReply | None = None
    taken: tuple[Waiting, ...] = ()
    wait: float | None = None
    dropped: int = 0


def add(state: Outgoing, reply: ChatReply, now: float) -> Outgoing | None:
    """*state* with *reply* at its end; None when too many wait already."""
    if len(state.waiting) >= WAITING_MOST:
        return None
    return replace(state, waiting=(*state.waiting, Waiting(reply, now)))


def take(state: Outgoing, pace: Pace, now: float) -> Turn:
    """What is to be done now."""
    fresh = tuple(w for w in state.waiting if now - w.since < STALE_AFTER)
    recent = tuple(r for r in state.recent if now - r[0] < pace.same_after)
    sent = tuple(at for at in state.sent if now - at < pace.window)
    # The same to the same person within so short a time says nothing new, and a chat would drop it.
    told = {(text, user) for _, text, user in recent}
    wanted = tuple(w for w in fresh if (w.reply.text, w.reply.user_id) not in told)
    dropped = len(state.waiting) - len(wanted)
    state = replace(state, waiting=wanted, recent=recent, sent=sent)
    if not wanted:
        return Turn(state, dropped=dropped)
    at = _next_slot(state, pace)
    if at > now:
        return Turn(state, wait=at - now, dropped=dropped)
    taken = _together(wanted, pace.longest)
    reply = _merged(taken) if len(taken) > 1 else taken[0].reply
    reply = reply.model_copy(update={"text": _varied(reply.text, {text for _, text, _ in recent}, pace.longest)})
    state = replace(
        state,
        waiting=wanted[len(taken) :],
        sent=(*sent, now),
        recent=(*recent, *((now, w.reply.text, w.reply.user_id) for w in taken), (now, reply.text, None)),
    )
    return Turn(state, reply, taken, dropped=dropped)


def went(state: Outgoing, now: float) -> Outgoing:
    """What was taken last has arrived: a chat counts from then, however long it was on its way."""
    return replace(state, sent=(*state.sent[:-1], now))


def put_back(state: Outgoing, taken: Sequence[Waiting], now: float, after: float) -> Outgoing:
    """*taken* did not go out: first in line again, and nothing goes out for *after* seconds."""
    recent = tuple(r for r in state.recent if not state.sent or r[0] < state.sent[-1])
    return replace(state, waiting=(*taken, *state.waiting), recent=recent, not_before=now + after)


def _next_slot(state: Outgoing, pace: Pace) -> float:
    slots = [state.not_before]
    if state.sent:
        slots.append(state.sent[-1] + pace.spacing)
    if len(state.sent) >= pace.messages:
        slots.append(state.sent[-pace.messages] + pace.window)
    return max(slots)


def _together(waiting: Sequence[Waiting], longest: int) -> tuple[Waiting, ...]:
    """The head, and what may be told with it."""
    head = waiting[0]
    if len(waiting) < MERGE_FROM:
        return (head,)
    taken: list[Waiting] = []
    for candidate in waiting:
        if candidate.reply.channel != head.reply.channel:
            break
        if len(joined(w.reply.text for w in (*taken, candidate))) > longest and taken:
            break
        taken.append(candidate)
    return tuple(taken)


def _merged(taken: Sequence[Waiting]) -> ChatReply:
    text = joined(w.reply.text for w in taken)
    users = {w.reply.user_id for w in taken}
    return taken[0].reply.model_copy(
        update={"text": text, "reply_to": None, "user_id": users.pop() if len(users) == 1 else None}
    )


def joined(texts: Iterable[str]) -> str:
    """Texts in one: each once, and those that only count on as one, ``queued #3-#7``."""
    parts: list[tuple[str, int, int, str] | str] = []
    for text in dict.fromkeys(texts):
        match = _LAST_NUMBER.match(text)
        last = parts[-1] if parts else None
        if match is None:
            parts.append(text)
            continue
        before, number, after = match[1], int(match[2]), match[3]
        if isinstance(last, tuple) and (last[0], last[2] + 1, last[3]) == (before, number, after):
            parts[-1] = (before, last[1], number, after)
        else:
            parts.append((before, number, number, after))
    return BETWEEN.join(_shown(part) for part in parts)


def _shown(part: tuple[str, int, int, str] | str) -> str:
    if isinstance(part, str):
        return part
    before, first, last, after = part
    sign = before[-1] if before.endswith("#") else ""
    return f"{before}{first}{after}" if first == last else f"{before}{first}-{sign}{last}{after}"


def _varied(text: str, recent: set[str], longest: int) -> str:
    """*text*, told apart from what was said lately: a chat drops what it has just been told."""
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    varied, number = text, 2
    while varied in recent:
        mark = f" ({number})"
        varied, number = text[: longest - len(mark)] + mark, number + 1
    return varied
