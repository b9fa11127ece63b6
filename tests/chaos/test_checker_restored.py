"""The checker where a planner was put back to an older copy, or hung: what may be forgotten, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from tests.chaos.checker import check
from tests.chaos.planted import ended, file, good, kinds, told, uncertain
from tests.chaos.story import File, Story, Struck


def forgotten(kind: str = "data_restored") -> Story:
    """1-2 was drawn, and then the planner was put back to a copy in which it waited, or that did not know it."""
    story = good()
    story.struck.append(Struck(kind, "planner", 10, 11, doubt=True, copied=2.5 if kind == "data_restored" else None))
    return story


def test_what_a_restored_planner_forgot_is_not_lost() -> None:
    story = forgotten()
    del story.export[1]
    assert check(story) == []
    story = forgotten("kill")
    del story.export[1]
    assert kinds(story) == {"lost", "falsely drawn"}


def test_what_a_restored_planner_forgot_and_nobody_had_heard_of_is_not_falsely_drawn() -> None:
    """All of it happened while the broker was down, and the listener with it."""
    for kind, verdicts in (("data_restored", set()), ("kill", {"falsely drawn"})):
        story = forgotten(kind)
        del story.export[1]
        story.said = [said for said in story.said if said.body.get("move_id") != "1-2"]
        assert kinds(story) == verdicts


def test_what_the_copy_knew_must_not_be_forgotten() -> None:
    story = forgotten()
    del story.export[0]
    assert "lost" in kinds(story)


def test_what_a_restored_planner_spoke_of_again_must_not_be_forgotten() -> None:
    story = forgotten()
    story.said.append(told(12, "1-2", "planned"))
    del story.export[1]
    assert "lost" in kinds(story)


def test_what_was_drawn_after_it_was_restored_must_not_be_called_skipped() -> None:
    story = forgotten()
    story.said = [said for said in story.said if said.body != {"move_id": "1-2", "state": "drawn"}]
    story.said.append(told(12, "1-2", "skipped"))
    story.export[1] = ended("1-2", None, "skipped")
    assert check(story) == []
    story.files[1] = replace(story.files[1], began=14, ended=15)
    assert kinds(story) == {"falsely drawn"}


def test_what_broke_off_long_before_the_planner_forgot_is_no_secret() -> None:
    story = forgotten()
    story.files.insert(1, File(2.1, 2.5, None, 12.0))
    assert "drawn twice" in kinds(story)
    story.files[1] = File(9.5, 9.9, None, 12.0)
    assert check(story) == []


def test_what_waited_in_the_copy_and_was_drawn_since_may_be_called_skipped() -> None:
    story = forgotten()
    story.said.append(told(12, "1-2", "skipped"))
    story.export[1] = ended("1-2", None, "skipped")
    assert check(story) == []
    story.said.append(told(13, "1-2", "drawn"))
    assert kinds(story) == {"lost"}, "since then it has had two ends"


def test_what_a_restored_planner_draws_a_second_time_is_drawn_twice() -> None:
    story = forgotten()
    story.files.append(file("1-2", 13, 14, plan=2))
    assert kinds(story) == {"drawn twice"}


def test_what_is_accepted_after_it_was_restored_counts() -> None:
    story = forgotten()
    story.said.append(told(12, "1-1003", "accepted"))
    assert kinds(story) == {"lost"}


def test_a_planner_that_hangs_hears_of_a_loss_when_it_goes_on() -> None:
    story = uncertain()
    story.struck = [Struck("data_lost", "octo_bridge", 1.4, 1.5, doubt=True)]
    assert kinds(story) == {"falsely uncertain"}
    lost = replace(story.struck[0], began=9.2, ended=9.3)
    late = [replace(said, t=said.t + 20) if said.t >= 10 else said for said in story.said]
    # From 9.3 to 30 not a word.
    assert "falsely uncertain" not in kinds(replace(story, said=late, struck=[lost]))
