"""Stories to judge, made by hand: what the tests of the checker begin from."""

from __future__ import annotations

from collections.abc import Mapping

from tests.chaos.checker import check
from tests.chaos.story import File, Said, Story, Word


def told(t: float, move: str, state: str, **more: object) -> Said:
    return Said(t, "move/status", {"move_id": move, "state": state, **more})


def file(move: str, began: float, ended: float, *, plan: int = 1, dropped: float = 0.0) -> File:
    return File(began, ended, f"0123abcd-{move}-{plan}-beef", 30.0, dropped)


def ended(move: str, ordinal: int | None, state: str = "drawn") -> dict[str, object]:
    return {"move_id": move, "ordinal": ordinal, "state": state, "reason": None}


def good() -> Story:
    """Two moves, drawn one after the other."""
    said = [
        told(1, "1-1", "accepted"), told(2, "1-1", "planned", ordinal=1), told(3, "1-2", "accepted"),
        told(5, "1-1", "drawn"), told(6, "1-2", "planned", ordinal=2), told(9, "1-2", "drawn"),
    ]  # fmt: skip
    files = [file("1-1", 3, 5), file("1-2", 6, 9)]
    return Story(0, 20, said, files=files, export=[ended("1-1", 1), ended("1-2", 2)])


def kinds(story: Story) -> set[str]:
    return {verdict.kind for verdict in check(story)}


def uncertain() -> Story:
    story = good()
    story.said += [told(10, "1-3", "planned", ordinal=3), told(14, "1-3", "uncertain"), told(16, "1-3", "skipped")]
    story.export.append(ended("1-3", 3, "skipped"))
    story.words.append(Word(15, 15.1, "resolve skip", "1-3"))
    return story


def framed(topic: str, seq: int, body: Mapping[str, object], history: str = "h") -> Said:
    return Said(float(seq), topic, {"kind": "data", "epoch": history, "seq": seq, "body": dict(body)})
