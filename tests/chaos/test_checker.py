"""The checker against planted stories: each verdict is given where it is due, and none where nothing is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.checker import check
from tests.chaos.planted import ended, file, good, kinds, told, uncertain
from tests.chaos.story import File, Hot, Said, Story, Struck

KILLED = Struck("kill_octoprint", "octoprint", 12.0, 13.0, doubt=True)


def test_a_story_in_which_all_is_well_has_no_verdict() -> None:
    assert check(good()) == []


def test_an_accepted_move_that_the_export_does_not_know_is_lost() -> None:
    story = good()
    story.said.append(told(10, "1-3", "accepted"))
    assert kinds(story) == {"lost"}


def test_a_move_that_is_still_waiting_at_the_end_is_lost() -> None:
    story = good()
    story.export.append(ended("1-3", None, "accepted"))
    assert kinds(story) == {"lost"}


def test_a_move_that_was_told_two_ends_is_lost() -> None:
    story = good()
    story.said.append(told(10, "1-2", "failed"))
    assert "lost" in kinds(story)


def test_a_refusal_is_no_promise() -> None:
    story = good()
    story.said.append(told(10, "1-9", "refused"))
    assert check(story) == []


def test_two_whole_files_of_a_move_are_drawn_twice() -> None:
    story = good()
    story.files.append(file("1-1", 10, 12, plan=2))
    assert "drawn twice" in kinds(story)


def test_plastic_that_broke_off_and_that_nobody_owned_up_to_is_drawn_twice() -> None:
    story = good()
    story.files.insert(1, File(5.1, 5.5, None, 12.0))
    assert kinds(story) == {"drawn twice"}


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_plastic_that_broke_off_in_a_failed_or_cancelled_move_is_accounted_for(state: str) -> None:
    story = good()
    story.files.insert(1, File(5.1, 5.5, None, 12.0))
    story.said.append(told(6, "1-3", state))
    story.export.append(ended("1-3", 3, state))
    assert check(story) == []


def test_a_later_ordinal_before_an_earlier_one_is_out_of_order() -> None:
    story = good()
    story.files.reverse()
    assert kinds(story) == {"out of order"}


def test_ordinals_of_another_board_begin_anew() -> None:
    story = good()
    story.files.append(file("2-1", 10, 12))
    story.export.append(ended("2-1", 1))
    assert check(story) == []


def test_drawn_without_a_whole_file_is_falsely_drawn() -> None:
    story = good()
    del story.files[1]
    assert kinds(story) == {"falsely drawn"}


def test_drawn_with_filament_refused_by_the_firmware_is_falsely_drawn() -> None:
    story = good()
    story.files[1] = file("1-2", 6, 9, dropped=0.4)
    assert kinds(story) == {"falsely drawn"}


def test_failed_with_a_whole_file_is_falsely_told_too() -> None:
    story = good()
    story.said[-1] = told(9, "1-2", "failed")
    story.export[1] = ended("1-2", 2, "failed")
    assert kinds(story) == {"falsely drawn"}


def test_a_file_whose_last_answer_a_lost_cable_kept_back_may_be_called_failed() -> None:
    story = good()
    story.said[-1] = told(9, "1-2", "failed")
    story.export[1] = ended("1-2", 2, "failed")
    story.struck.append(Struck("serial_drop", "printer", 8.8, 8.8))
    assert check(story) == []
    story.struck[0] = Struck("serial_drop", "printer", 7.0, 7.0)
    assert kinds(story) == {"falsely drawn"}


def test_a_file_of_a_move_that_the_export_does_not_know_is_falsely_drawn() -> None:
    story = good()
    story.files.append(file("1-7", 10, 12))
    assert kinds(story) == {"falsely drawn"}


def test_uncertain_after_octoprint_died_is_honest() -> None:
    assert check(replace(uncertain(), struck=[KILLED])) == []


def test_uncertain_although_octoprint_lived_is_falsely_uncertain() -> None:
    assert kinds(uncertain()) == {"falsely uncertain"}
    assert kinds(replace(uncertain(), struck=[replace(KILLED, kind="kill", doubt=False)])) == {"falsely uncertain"}


def test_uncertain_long_after_octoprint_died_is_falsely_uncertain() -> None:
    early = replace(KILLED, began=2, ended=3)
    assert kinds(replace(uncertain(), struck=[early])) == {"falsely uncertain"}


def quiet(board: dict[str, object], ender: dict[str, object]) -> Story:
    story = good()
    counts = {"waiting": 2, "planned": 0, "printing": 0}
    story.said.append(Said(9.5, "board/state", {"counts": counts, "held": False} | board))
    story.said.append(Said(9.5, "printer/ender/state", {"reason": None} | ender))
    return replace(story, ended=60)


def test_work_and_no_word_for_half_a_minute_is_a_silent_stall() -> None:
    assert kinds(quiet({}, {})) == {"silent stall"}


def test_a_stall_that_is_explained_is_not_silent() -> None:
    assert check(quiet({"held": True}, {})) == []
    assert check(quiet({}, {"reason": "not armed: send arm"})) == []


def test_nothing_to_do_is_no_stall() -> None:
    assert check(quiet({"counts": {"waiting": 0, "planned": 0, "printing": 0}}, {})) == []


def test_a_fault_excuses_the_time_until_its_end_and_no_more() -> None:
    assert check(replace(quiet({}, {}), struck=[Struck("freeze", "broker", 10, 35)])) == []
    assert kinds(replace(quiet({}, {}), struck=[Struck("freeze", "broker", 10, 25)])) == {"silent stall"}


def test_a_story_that_was_kept_is_read_again_as_it_was(tmp_path: Path) -> None:
    story = replace(uncertain(), struck=[KILLED], hot=[Hot(1, 2)])
    story.write(tmp_path / "story.json")
    assert Story.read(tmp_path / "story.json") == story
