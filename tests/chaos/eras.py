"""A planner whose data is lost counts from the start: its boards are told apart here by whose they are.

A planner is known by the prefix of its jobs. On `move/status` it does not say which one it is; there time does: it is
dead while its data goes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from tests.chaos.story import File, Said, Story, Struck, Word

APART = 1_000_000
"""Boards of the planner before the last one count from here on, of the one before that from twice as much."""
_MOVE = re.compile(r"(\d+)(-\d+)")
_JOB = re.compile(r"([0-9a-f]{8})-(\d+)(-\d+-\d+-[0-9a-f]+)")


def losses(story: Story) -> list[Struck]:
    """Each time at which the planner forgot everything."""
    return [fault for fault in story.struck if fault.kind == "data_lost" and fault.target == "planner"]


def apart(story: Story) -> Story:
    """The same story with boards of earlier planners renumbered, and with what they said of their ends as export."""
    lost = losses(story)
    if not lost:
        return story
    planners = _planners(story)

    def ago(t: float) -> int:
        return sum(t < fault.ended for fault in lost)

    said = [_status(one, ago(one.t)) for one in story.said]
    earlier = [one.body for one in said if one.topic == "move/status" and ago(one.t)]
    return replace(
        story,
        said=said,
        words=[_word(word, ago(word.said)) for word in story.words],
        files=[_file(file, planners) for file in story.files],
        export=[*story.export, *_ends(earlier)],
    )


def _planners(story: Story) -> list[str]:
    """In the order in which they were heard of, by the runs that they sent."""
    found: dict[str, None] = {}
    for one in story.said:
        frames = one.body.get("frames", [one.body]) if one.topic == "link/plan" else []
        for job in (frame.get("body", {}).get("job_id") for frame in frames):
            if job is not None and (match := _JOB.fullmatch(job)):
                found.setdefault(match[1])
    return list(found)


def _status(said: Said, ago: int) -> Said:
    move = said.body.get("move_id")
    if said.topic != "move/status" or not ago or move is None:
        return said
    return replace(said, body=said.body | {"move_id": _move(move, ago)})


def _word(word: Word, ago: int) -> Word:
    return word if word.move is None else replace(word, move=_move(word.move, ago))


def _move(move: str, ago: int) -> str:
    return _MOVE.sub(lambda match: f"{int(match[1]) + ago * APART}{match[2]}", move)


def _file(file: File, planners: list[str]) -> File:
    match = _JOB.fullmatch(file.job or "")
    if match is None or match[1] not in planners:
        return file
    ago = len(planners) - 1 - planners.index(match[1])
    return replace(file, job=f"{match[1]}-{int(match[2]) + ago * APART}{match[3]}")


def _ends(statuses: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the export of the earlier planners would have said: nobody has it any more."""
    ends: dict[str, dict[str, Any]] = {}
    ordinals: dict[str, int] = {}
    for status in statuses:
        move = status.get("move_id")
        if move is None:
            continue
        if status.get("ordinal") is not None:
            ordinals[move] = status["ordinal"]
        if status["state"] in {"drawn", "failed", "cancelled", "skipped"}:
            ends[move] = {"move_id": move, "state": status["state"], "reason": status.get("reason")}
    return [end | {"ordinal": ordinals.get(move)} for move, end in ends.items()]
