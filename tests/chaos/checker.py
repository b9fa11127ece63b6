"""The verdicts. It trusts only what can be seen from outside: what was said, what was exported, what was drawn."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.chaos.eras import apart, losses
from tests.chaos.links import PLAN, stale_starts
from tests.chaos.story import File, Said, Story, Struck, Word

ENDS = frozenset({"drawn", "failed", "cancelled", "skipped"})
TROUBLE = frozenset({"failed", "cancelled", "uncertain"})
STALL_S = 30.0
NEWS_S = 5.0
"""Until both ends of a link have heard that one of them lost its memory: the handshake after the next connect."""
BREATH_S = 2.0
"""A planner with work to do that says nothing for longer hangs: its machine is busy, or its broker away."""
HANG_MOST_S = 30.0
PLANNERS = frozenset({"move/status", "board/state", "board/event", PLAN})
OVERTAKEN_S = 1.0
UNHEARD_S = 0.5
OBEY_S = 5.0
"""So long after an answered pause the printer may still carry out what it had been given."""
_JOB = re.compile(r"[0-9a-f]{8}-(\d+-\d+)-\d+-[0-9a-f]+")


@dataclass(frozen=True)
class Verdict:
    """One thing that must not happen, and what shows it."""

    kind: str
    about: str
    why: str


def check(story: Story) -> list[Verdict]:
    """Everything that is wrong with *story*; nothing when all promises were kept."""
    facts = _Facts(apart(story))
    found = [*_lost(facts), *_twice(facts), *_order(facts), *_falsely_drawn(facts), *_falsely_uncertain(facts)]
    return [*found, *_stalls(facts), *_unsafe(facts)]


def move_of(job: str) -> str:
    """The move's id within a job's. Raises ValueError."""
    match = _JOB.fullmatch(job)
    if match is None:
        raise ValueError(f"{job} is not a job's id")
    return match[1]


class _Facts:
    """The story, sorted by move."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.exported = {move["move_id"]: move for move in story.export}
        self.told: dict[str, list[Said]] = {}
        for said in story.said:
            if said.topic == "move/status" and said.body.get("move_id"):
                self.told.setdefault(said.body["move_id"], []).append(said)
        self.whole = [file for file in story.files if file.job is not None and file.plastic > 0]
        self.broken = [file for file in story.files if file.job is None and file.plastic > 0]
        self.resolved = [word for word in story.words if word.word.startswith("resolve ")]
        self.spoke = [said.t for said in story.said if said.topic in PLANNERS]
        self.restored = [f for f in story.struck if f.copied is not None and f.target == "planner"]
        """When the planner was put back to an older copy, and forgot what came after."""
        self.amnesias = [*self.restored, *losses(story)]
        """When it forgot that, or everything."""

    def states(self, move: str) -> list[str]:
        return [said.body["state"] for said in self.told.get(move, [])]

    def forgot(self, move: str) -> Struck | None:
        """What made the planner forget that it had accepted *move*, of which it then never spoke again."""
        told = [said.t for said in self.told.get(move, [])]
        # What was said while the broker was down, and the listener with it, was heard by nobody.
        told = told or [
            moment for file in self.whole if move_of(file.job or "") == move for moment in (file.began, file.ended)
        ]
        if not told or move in self.exported:
            return None
        return next(
            (f for f in self.amnesias if (f.copied or 0.0) - OVERTAKEN_S < told[0] and told[-1] < f.ended), None
        )

    def remembered(self, move: str) -> float:
        """Since when what was said of *move* holds: before, the planner did not remember that it had said it."""
        told = [said.t for said in self.told.get(move, [])]
        return max((f.ended for f in self.restored if told and told[0] < f.ended), default=0.0)

    def heard(self, fault: Struck) -> float:
        """When both ends had had their time to hear what *fault* took; a planner that hangs hears nothing."""
        at, left = fault.ended, NEWS_S
        for spoke in self.spoke:
            if spoke > at:
                left -= min(spoke - at, BREATH_S)
                at = spoke
            if left <= 0:
                break
        return min(at + left, fault.ended + HANG_MOST_S)

    def settled(self, move: str, how: str) -> bool:
        return any(word.move == move and word.word == f"resolve {how}" for word in self.resolved)


def _lost(facts: _Facts) -> list[Verdict]:
    """Accepted aloud, and not in exactly one end."""
    found = []
    for move in sorted(set(facts.told) | set(facts.exported)):
        states = facts.states(move)
        if set(states) == {"refused"}:
            continue
        end = facts.exported.get(move, {}).get("state")
        if facts.forgot(move) is not None:
            continue
        if end not in ENDS:
            found.append(Verdict("lost", move, f"told {states}, the board's export says {end}"))
        since = facts.remembered(move)
        told = {s.body["state"] for s in facts.told.get(move, []) if s.body["state"] in ENDS and s.t > since}
        if len(told) > 1 or (told and end in ENDS and told != {end}):
            found.append(Verdict("lost", move, f"more than one end: told {sorted(told)}, exported {end}"))
    return found


def _twice(facts: _Facts) -> list[Verdict]:
    """A move with two whole files, or plastic that no failed, cancelled or uncertain move accounts for."""
    counts = Counter(move_of(file.job or "") for file in facts.whole)
    found = [Verdict("drawn twice", move, f"{n} whole files") for move, n in sorted(counts.items()) if n > 1]
    names = set(facts.told) | set(facts.exported)
    troubled = sorted(move for move in names if _troubled(facts, move))
    # What broke off just before the planner forgot may never have been told.
    untold = sum(any(f.began - NEWS_S < file.began < f.ended + NEWS_S for file in facts.broken) for f in facts.amnesias)
    if len(facts.broken) > len(troubled) + untold:
        began = [round(file.began, 1) for file in facts.broken]
        found.append(
            Verdict("drawn twice", "?", f"{len(facts.broken)} files broke off with plastic (at {began}), and only "
                    f"{troubled} failed, were cancelled or uncertain")
        )  # fmt: skip
    return found


def _troubled(facts: _Facts, move: str) -> bool:
    settled = any(word.move == move for word in facts.resolved)
    return settled or bool(TROUBLE & {*facts.states(move), facts.exported.get(move, {}).get("state")})


def _order(facts: _Facts) -> list[Verdict]:
    """Ordinals of what was drawn, as they were told last, rise on each board."""
    found: list[Verdict] = []
    newest: dict[str, tuple[int, str]] = {}
    for file in facts.whole:
        move = move_of(file.job or "")
        ordinal, board = facts.exported.get(move, {}).get("ordinal"), move.split("-")[0]
        if ordinal is None or facts.settled(move, "drawn"):
            continue
        before, other = newest.get(board, (0, ""))
        if ordinal < before:
            found.append(Verdict("out of order", move, f"ordinal {ordinal} was drawn after {before} of {other}"))
        newest[board] = max(newest.get(board, (0, "")), (ordinal, move))
    return found


def _falsely_drawn(facts: _Facts) -> list[Verdict]:
    """Said to be drawn, and the printer did not draw it; or drawn, and said to be something else."""
    found = []
    last = {move_of(file.job or ""): file.ended for file in facts.whole if not file.dropped and not file.blind}
    whole = last.keys()
    for move, exported in sorted(facts.exported.items()):
        said = exported["state"] == "drawn" or "drawn" in facts.states(move)
        if said and move not in whole:
            found.append(Verdict("falsely drawn", move, f"no whole file; export {exported['state']}"))
        # What waited in a copy, and was drawn since.
        skipped = exported["state"] == "skipped" and last.get(move, 0.0) < facts.remembered(move) + OVERTAKEN_S
        unheard = exported["state"] == "failed" and _cut_off(facts, last.get(move, 0.0))
        if not said and move in whole and exported["state"] in ENDS and not skipped and not unheard:
            found.append(Verdict("falsely drawn", move, f"drawn whole, and said to be {exported['state']}"))
    for move in sorted(move for move in whole - facts.exported.keys() if facts.forgot(move) is None):
        found.append(Verdict("falsely drawn", move, "drawn, and the planner's export does not know it"))
    return found


def _cut_off(facts: _Facts, ended: float) -> bool:
    """Whether the printer was lost in the moment in which it would have said that the file is through."""
    lost = [f for f in facts.story.struck if f.kind in {"serial_drop", "serial_error"}]
    return any(abs(ended - f.began) < UNHEARD_S for f in lost)


def _falsely_uncertain(facts: _Facts) -> list[Verdict]:
    """Uncertain without a death of OctoPrint's host, or a lost memory, while the move was in hand."""
    found = []
    for move in sorted(facts.told):
        for said in facts.told[move]:
            if said.body["state"] != "uncertain":
                continue
            began = max((s.t for s in facts.told[move] if s.t < said.t and s.body["state"] == "planned"), default=0.0)
            if not any(f.doubt and f.began <= said.t and facts.heard(f) >= began for f in facts.story.struck):
                found.append(Verdict("falsely uncertain", move, str(said.body.get("reason"))))
    return found


def _stalls(facts: _Facts) -> list[Verdict]:
    """Work to do, no fault, and for 30 s neither progress nor a word why."""
    story = facts.story
    quiet = [(f.began, f.ended) for f in story.struck]
    progress = sorted(
        [story.began, story.ended, *(s.t for s in story.said if _is_progress(s)), *(f.ended for f in story.files)]
    )
    found = []
    for before, after in pairwise(progress):
        since = max([before, *(end for began, end in quiet if began < after and end > before)])
        if after - since > STALL_S and _works_silently(story, since, after):
            found.append(Verdict("silent stall", f"{since:.1f}", f"{after - since:.0f} s"))
    return found


def _is_progress(said: Said) -> bool:
    return said.topic in {"move/status", "board/event", "printer/ender/event"}


def _works_silently(story: Story, since: float, until: float) -> bool:
    """Whether the states that stood then say neither that there is nothing to do nor why it is not done."""
    board = _standing(story, "board/state", since, until)
    ender = _standing(story, "printer/ender/state", since, until)
    if not board or not ender:
        return True
    busy = [b for b in board if b["counts"]["waiting"] or b["counts"]["planned"] or b["counts"]["printing"]]
    return len(busy) == len(board) and not any(b["held"] for b in board) and not any(e["reason"] for e in ender)


def _standing(story: Story, topic: str, since: float, until: float) -> list[dict[str, Any]]:
    said = [s for s in story.said if s.topic == topic and s.t <= until]
    return [s.body for i, s in enumerate(said) if s.t >= since or i + 1 == len(said) or said[i + 1].t > since]


def _unsafe(facts: _Facts) -> list[Verdict]:
    story = facts.story
    found = [
        Verdict("unsafe", "motion", f"X or Y moved blindly at {file.began:.1f}")
        for file in story.files
        if file.blind and not _overtaken(facts, file)
    ]
    began = {file.job: file.began for file in story.files if file.job is not None}
    for stale in stale_starts(story.said):
        # What was on its way when the epoch was raised could not be held back.
        if began.get(stale.job, 0.0) > stale.since + OVERTAKEN_S:
            why = f"begun for machine epoch {stale.planned_for}, which had become {stale.machine}"
            found.append(Verdict("unsafe", move_of(stale.job), why))
    for hot in story.hot:
        excused = sum(max(0.0, min(f.ended, hot.ended) - max(f.began, hot.began)) for f in story.struck)
        if hot.ended - hot.began - excused > story.heaters_off_after + STALL_S:
            found.append(Verdict("unsafe", "heaters", f"on without motion from {hot.began:.1f} to {hot.ended:.1f}"))
    for since, until, word in _latched(story):
        for heated in story.heated:
            if word in {"stop", "disarm"} and since + OBEY_S < heated < until:
                found.append(
                    Verdict("unsafe", word, f"a heater's target was raised at {heated:.1f}, disarmed since {since:.1f}")
                )
        for file in story.files:
            if file.plastic > 0 and since + OBEY_S < file.began < until:
                found.append(Verdict("unsafe", word, f"a file began at {file.began:.1f}, {word} held from {since:.1f}"))
    return found


def _overtaken(facts: _Facts, file: File) -> bool:
    """A file that was on its way when the printer was reset, and that was not called drawn.

    OctoPrint itself hears of a reset only when the printer speaks again: what it sends until then cannot be held back.
    """
    resets = [f for f in facts.story.struck if f.kind == "serial_reset"]
    called = facts.exported.get(move_of(file.job), {}).get("state") if file.job is not None else None
    return called != "drawn" and any(0 <= file.began - reset.began <= OVERTAKEN_S for reset in resets)


def _latched(story: Story) -> list[tuple[float, float, str]]:
    """When the person had been told that nothing moves: from the answer to the next word that lets it go on."""
    spans = []
    words: list[Word] = sorted(story.words, key=lambda w: w.said)
    for word in words:
        if word.word in {"pause", "cancel", "stop", "disarm"} and word.answered is not None:
            forgot = any(
                f.target == "octo_bridge" and f.kind in {"data_lost", "data_restored"} and f.began > word.said
                for f in story.struck
            )
            # A bridge that lost its memory is disarmed: whoever arms it then lets it go on.
            release = {"resume", "arm"} if word.word in {"disarm", "stop"} or forgot else {"resume"}
            # A word that was said before and obeyed after it counts too.
            later = [w for w in words if w is not word and max(w.said, w.answered or 0.0) > word.answered]
            until = min((w.said for w in later if w.word in release), default=story.ended)
            spans.append((word.answered, until, word.word))
    return spans
