"""The checker where a planner lost everything: its moves are not its successor's, and both keep what they promise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.checker import check
from tests.chaos.eras import APART, apart
from tests.chaos.planted import ended, file, framed, good, kinds, told
from tests.chaos.story import File, Said, Story, Struck, Word

LOST = Struck("data_lost", "planner", 10, 11, doubt=True)
OLD, NEW = "0123abcd", "fedcba98"


def run(planner: str, move: str, seq: int) -> Said:
    return framed("link/plan", seq, {"kind": "run", "job_id": f"{planner}-{move}-1-beef", "epoch": 1}, history=planner)


def successor(move: str, began: float, whole_at: float) -> File:
    return replace(file(move, began, whole_at), job=f"{NEW}-{move}-1-beef")


def followed() -> Story:
    """The two moves of `good`, then a loss, then a first move of the next planner, which bears the same name."""
    story = good()
    story.struck.append(LOST)
    story.said += [
        told(12, "1-1", "accepted"), told(13, "1-1", "planned", ordinal=1), told(15, "1-1", "drawn"),
        run(OLD, "1-1", 1), run(OLD, "1-2", 2), run(NEW, "1-1", 3),
    ]  # fmt: skip
    story.files.append(successor("1-1", 14, 15))
    story.export = [ended("1-1", 1)]
    return story


def test_the_same_name_of_two_planners_is_two_moves() -> None:
    assert check(followed()) == []
    assert apart(followed()).export == [
        ended("1-1", 1), ended(f"{1 + APART}-1", 1), ended(f"{1 + APART}-2", 2),
    ]  # fmt: skip
    story = followed()
    story.struck[-1] = replace(LOST, kind="kill")
    assert "drawn twice" in kinds(story)


def test_a_third_planner_is_another_one_again() -> None:
    story = followed()
    story.struck.append(replace(LOST, began=16, ended=17))
    story.said += [told(18, "1-1", "accepted"), told(19, "1-1", "drawn"), run("11111111", "1-1", 4)]
    story.files.append(replace(file("1-1", 18, 19), job="11111111-1-1-1-beef"))
    story.export = [ended("1-1", 1)]
    assert check(story) == []
    assert {move["move_id"] for move in apart(story).export} >= {f"{1 + APART}-1", f"{1 + 2 * APART}-1"}


def test_what_was_promised_when_everything_was_lost_is_not_lost_with_it() -> None:
    story = followed()
    story.said.append(told(9.5, "1-3", "accepted"))
    assert check(story) == [], "nobody can keep it, and whoever asked hears nothing more"
    story.files.insert(2, file("1-3", 10.5, 12))
    story.said.append(run(OLD, "1-3", 9))
    assert check(story) == [], "the bridge had it in hand"


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ([told(16, "1-2", "accepted")], "lost"),
        ([told(9.2, "1-2", "failed")], "lost"),
    ],
    ids=["the successor's", "two ends of the predecessor's"],
)
def test_each_planner_keeps_its_own_promises(more: list[Said], wrong: str) -> None:
    story = followed()
    story.said += more
    assert wrong in kinds(story)


def test_what_the_predecessor_said_of_its_ends_is_held_against_the_printer() -> None:
    story = followed()
    del story.files[1]
    assert kinds(story) == {"falsely drawn"}
    story = followed()
    story.files.insert(2, file("1-1", 11, 12, plan=2))
    assert "drawn twice" in kinds(story)


def test_what_was_settled_before_the_loss_was_the_predecessors() -> None:
    story = followed()
    story.words.append(Word(9.2, 9.3, "resolve skip", "1-1"))
    assert apart(story).words[-1].move == f"{1 + APART}-1"
    story.words[-1] = Word(16, 16.1, "resolve skip", "1-1")
    assert apart(story).words[-1].move == "1-1"
