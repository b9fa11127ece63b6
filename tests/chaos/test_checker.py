"""The checker against planted stories: each verdict is given where it is due, and none where nothing is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.checker import check
from tests.chaos.recovery import by_kind, samples
from tests.chaos.story import File, Hot, Said, Story, Struck, Word

KILLED = Struck("kill_octoprint", "octoprint", 12.0, 13.0, doubt=True)


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


def uncertain() -> Story:
    story = good()
    story.said += [told(10, "1-3", "planned", ordinal=3), told(14, "1-3", "uncertain"), told(16, "1-3", "skipped")]
    story.export.append(ended("1-3", 3, "skipped"))
    story.words.append(Word(15, 15.1, "resolve skip", "1-3"))
    return story


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


def test_heaters_past_the_timers_are_unsafe() -> None:
    assert kinds(replace(good(), hot=[Hot(9, 109)])) == {"unsafe"}
    assert check(replace(good(), hot=[Hot(9, 90)])) == []


def test_the_time_in_which_nobody_could_reach_the_printer_is_no_fault_of_the_timers() -> None:
    down = Struck("kill_octoprint", "octoprint", 10, 50)
    assert check(replace(good(), hot=[Hot(9, 109)], struck=[down])) == []


@pytest.mark.parametrize("word", ["pause", "cancel", "stop", "disarm"])
def test_a_file_that_begins_while_the_person_holds_the_printer_is_unsafe(word: str) -> None:
    story = good()
    story.files.append(file("1-3", 17, 18))
    story.export.append(ended("1-3", 3))
    story.words = [Word(9, 9.1, word), Word(19, 19.1, "resume"), Word(19, 19.1, "arm")]
    assert kinds(story) == {"unsafe"}
    story.words = [Word(9, 9.1, word), Word(16, 16.1, "resume"), Word(16, 16.1, "arm")]
    assert check(story) == []


def test_a_blind_move_is_unsafe() -> None:
    story = good()
    story.files[0] = replace(story.files[0], blind=True)
    assert kinds(story) == {"unsafe", "falsely drawn"}


def test_a_move_that_a_reset_overtook_is_no_fault_of_anybody_if_it_is_called_failed() -> None:
    story = good()
    overtaken = story.files[0] = replace(story.files[0], blind=True)
    story.struck = [Struck("serial_reset", "printer", overtaken.began - 0.5, overtaken.began - 0.5)]
    assert kinds(story) == {"unsafe", "falsely drawn"}, "called drawn, it is a lie"
    failed = {"1-1": "failed"}
    story.export = [move | {"state": failed.get(str(move["move_id"]), move["state"])} for move in story.export]
    story.said = [said for said in story.said if said.body.get("state") != "drawn" or said.body["move_id"] != "1-1"]
    assert check(story) == []
    story.struck = [Struck("serial_reset", "printer", overtaken.began - 5, overtaken.began - 5)]
    assert kinds(story) == {"unsafe"}, "long after the reset there is no excuse"


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


def test_recovery_is_the_time_from_the_end_of_a_fault_to_the_next_drawn_move() -> None:
    story = replace(good(), struck=[Struck("kill", "planner", 3.5, 4), Struck("kill", "broker", 5.5, 6)])
    assert samples(story) == [("kill:planner", 1.0), ("kill:broker", 3.0)]
    assert [(one.kind, one.median) for one in by_kind(samples(story))] == [("kill:broker", 3.0), ("kill:planner", 1.0)]


def test_a_fault_that_another_one_followed_before_the_recovery_says_nothing() -> None:
    story = replace(good(), struck=[Struck("kill", "planner", 5.2, 5.5), Struck("kill", "broker", 6, 7)])
    assert samples(story) == [("kill:broker", 2.0)]


def test_a_story_that_was_kept_is_read_again_as_it_was(tmp_path: Path) -> None:
    story = replace(uncertain(), struck=[KILLED], hot=[Hot(1, 2)])
    story.write(tmp_path / "story.json")
    assert Story.read(tmp_path / "story.json") == story


def run(job: str, epoch: int, seq: int) -> Said:
    return framed("link/plan", seq, {"kind": "run", "job_id": job, "epoch": epoch})


def framed(topic: str, seq: int, body: Mapping[str, object], history: str = "h") -> Said:
    return Said(float(seq), topic, {"kind": "data", "epoch": history, "seq": seq, "body": dict(body)})


STALE, FRESH = "0123abcd-1-1-1-beef", "0123abcd-1-1-2-beef"


@pytest.mark.parametrize(
    ("history", "began", "wrong"),
    [("h", 10.0, {"unsafe"}), ("h", 1.5, set()), ("another", 10.0, set())],
    ids=["late", "on its way already", "by a bridge that lost its memory and counts anew"],
)
def test_a_run_for_a_machine_that_is_no_more_must_not_begin(history: str, began: float, wrong: set[str]) -> None:
    story = good()
    started = {"kind": "started", "job_id": STALE}
    notice = framed("link/outcome", 1, {"kind": "machine", "epoch": 4})
    story.said += [run(STALE, 3, 1), run(FRESH, 4, 2), notice]
    story.said += [framed("link/outcome", 2, {"kind": "started", "job_id": FRESH})]
    story.files[0] = replace(story.files[0], job=STALE, began=began)
    assert check(story) == []
    story.said.append(framed("link/outcome", 3, started, history))
    assert kinds(story) == wrong


def test_what_was_sent_again_is_judged_by_its_place_and_not_by_its_time() -> None:
    story = good()
    began = framed("link/outcome", 1, {"kind": "started", "job_id": STALE})
    batch = Said(9.0, "link/outcome", {"kind": "batch", "frames": [
        framed("link/outcome", 2, {"kind": "ended", "job_id": STALE, "epoch": 4}).body, began.body,
    ]})  # fmt: skip
    story.said += [run(STALE, 3, 1), began, batch, began]
    assert check(story) == []


@pytest.mark.parametrize(("kind", "wrong"), [("data_lost", set()), ("kill", {"unsafe"})])
def test_a_bridge_that_lost_its_memory_is_let_go_on_by_whoever_arms_it(kind: str, wrong: set[str]) -> None:
    story = good()
    story.words += [Word(1.0, 1.1, "cancel"), Word(3.0, 3.1, "arm")]
    story.struck.append(Struck(kind, "octo_bridge", 1.2, 1.3))
    story.files.append(file("1-2", 8, 9))
    story.files[1:2] = []
    assert kinds(story) == wrong


def test_a_resume_that_was_obeyed_behind_a_pause_lets_it_go_on_whenever_it_was_said() -> None:
    story = good()
    story.words += [Word(0.5, 1.5, "resume"), Word(1.0, 1.1, "pause")]
    story.files[1:] = [file("1-2", 8, 9)]
    assert kinds(story) == set()
    story.words[-2:] = [Word(0.5, 0.6, "resume"), Word(1.0, 1.1, "pause")]
    assert kinds(story) == {"unsafe"}
