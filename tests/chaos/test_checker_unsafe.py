"""The checker on what is unsafe: heat past the timers, motion while the printer is held, and motion from nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.checker import check
from tests.chaos.planted import ended, file, framed, good, kinds
from tests.chaos.story import Hot, Said, Struck, Word


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


def run(job: str, epoch: int, seq: int) -> Said:
    return framed("link/plan", seq, {"kind": "run", "job_id": job, "epoch": epoch})


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


@pytest.mark.parametrize(("word", "wrong"), [("disarm", {"unsafe"}), ("stop", {"unsafe"}), ("pause", set())])
def test_heat_while_nobody_has_armed_the_printer_is_unsafe(word: str, wrong: set[str]) -> None:
    story = good()
    story.words += [Word(9.0, 9.1, word), Word(18.0, 18.1, "arm"), Word(18.0, 18.1, "resume")]
    assert kinds(replace(story, heated=[8.0, 10.0, 18.5])) == set(), "on its way already, and armed again"
    assert kinds(replace(story, heated=[15.0])) == wrong
