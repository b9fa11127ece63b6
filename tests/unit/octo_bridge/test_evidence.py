"""What OctoPrint's record and log are evidence of, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.octo_bridge.evidence import Evidence, History, Verdict, judge
from services.octo_bridge.octolog import Slice, cut

PATH = "boardcast/s/j-a1.gcode"
CLEAN = Slice(whole=True, verbose=True)
NOTHING = Evidence(present=False, history=History.NONE, active=False, log=CLEAN)


@pytest.mark.parametrize(
    ("evidence", "seen", "verdict"),
    [
        (NOTHING, {}, Verdict.NOT_STARTED),
        (replace(NOTHING, present=True), {}, Verdict.NOT_STARTED),
        (replace(NOTHING, log=None), {}, Verdict.UNKNOWN),
        (replace(NOTHING, log=Slice(whole=False, verbose=True)), {}, Verdict.UNKNOWN),
        (replace(NOTHING, log=replace(CLEAN, restarted=True)), {}, Verdict.UNKNOWN),
        (replace(NOTHING, log=replace(CLEAN, verbose=False)), {}, Verdict.UNKNOWN),
        (replace(NOTHING, log=replace(CLEAN, started=(PATH,))), {}, Verdict.UNKNOWN),
        (replace(NOTHING, log=replace(CLEAN, started=("other",))), {}, Verdict.NOT_STARTED),
        (replace(NOTHING, log=replace(CLEAN, started=(PATH,), stillborn=(PATH,))), {}, Verdict.NOT_STARTED),
        (replace(NOTHING, log=replace(CLEAN, started=(PATH,), stillborn=("other",))), {}, Verdict.UNKNOWN),
        (replace(NOTHING, active=True), {}, Verdict.RUNNING),
        (replace(NOTHING, history=History.FAILURE), {}, Verdict.FAILED),
        (replace(NOTHING, history=History.SUCCESS, coldest=201.0), {}, Verdict.DRAWN),
        (replace(NOTHING, history=History.SUCCESS, coldest=199.0), {}, Verdict.UNKNOWN),
        (replace(NOTHING, history=History.SUCCESS, coldest=169.0), {}, Verdict.FAILED),
        (replace(NOTHING, history=History.SUCCESS, coldest=199.0), {"followed": True}, Verdict.DRAWN),
        (replace(NOTHING, history=History.SUCCESS, coldest=169.0), {"followed": True}, Verdict.FAILED),
        (replace(NOTHING, history=History.SUCCESS), {}, Verdict.UNKNOWN),
        (replace(NOTHING, history=History.SUCCESS), {"followed": True}, Verdict.DRAWN),
        (replace(NOTHING, history=History.SUCCESS, coldest=210.0), {"cold": True}, Verdict.FAILED),
        (replace(NOTHING, history=History.SUCCESS), {"seen_hot": True}, Verdict.DRAWN),
        (replace(NOTHING, history=History.SUCCESS, coldest=199.0), {"seen_hot": True}, Verdict.DRAWN),
        (replace(NOTHING, history=History.SUCCESS, coldest=169.0), {"seen_hot": True}, Verdict.FAILED),
        (replace(NOTHING, history=History.SUCCESS), {"seen_hot": True, "cold": True}, Verdict.FAILED),
        (NOTHING, {"seen_hot": True}, Verdict.NOT_STARTED),
        (NOTHING, {"finished": True, "followed": True}, Verdict.DRAWN),
        (NOTHING, {"finished": True}, Verdict.UNKNOWN),
        (replace(NOTHING, log=replace(CLEAN, restarted=True), coldest=204.0), {"finished": True}, Verdict.DRAWN),
    ],
)
def test_what_the_evidence_says(evidence: Evidence, seen: dict[str, bool], verdict: Verdict) -> None:
    told = {"finished": False, "followed": False, "cold": False} | seen
    assert judge(evidence, PATH, least=200, **told).verdict is verdict


START = "2026-01-01 12:00:00,000 - octoprint.startup - INFO - Starting OctoPrint 1.11.8\n"
JOB = (
    f"… - octoprint.printer.standard.job - INFO - Print job started - origin: local, path: {PATH}, owner: x, user: x\n"
)
THEIRS = "theirs.gcode"
OTHER = JOB.replace(PATH, THEIRS)
CONNECT = '… - octoprint.util.comm - INFO - Changing monitoring state from "Offline" to "Detecting serial connection"\n'
BEGUN = '… - octoprint.util.comm - INFO - Changing monitoring state from "Starting" to "Printing"\n'
STILLBORN = '… - octoprint.util.comm - INFO - Changing monitoring state from "Starting" to "Offline after error"\n'
PAUSED = '… - octoprint.util.comm - INFO - Changing monitoring state from "Starting" to "Pausing"\n'
LOST = '… - octoprint.util.comm - INFO - Changing monitoring state from "Printing" to "Offline after error"\n'
A, B = "… 404 GET /api/files/local/mark-a.gcode\n", "… 404 GET /api/files/local/mark-b.gcode\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (START + A + B, Slice(whole=True)),
        (A + JOB + B, Slice(whole=True, started=(PATH,), verbose=True)),
        (A + JOB + STILLBORN + B, Slice(whole=True, started=(PATH,), stillborn=(PATH,), verbose=True)),
        (A + JOB + PAUSED + B, Slice(whole=True, started=(PATH,), paused=(PATH,), verbose=True)),
        (A + JOB + OTHER + PAUSED + B, Slice(whole=True, started=(PATH, THEIRS), paused=(THEIRS,), verbose=True)),
        (A + JOB + STILLBORN + JOB + BEGUN + B, Slice(whole=True, started=(PATH, PATH), verbose=True)),
        (A + JOB + BEGUN + LOST + B, Slice(whole=True, started=(PATH,), verbose=True)),
        (A + STILLBORN + JOB + B, Slice(whole=True, started=(PATH,), verbose=True)),
        (JOB + A + B, Slice(whole=True, verbose=True)),
        (A + B + JOB, Slice(whole=True, verbose=True)),
        (A + START + B, Slice(whole=True, restarted=True)),
        (A + CONNECT + B, Slice(whole=True, reconnected=True)),
        (
            A + CONNECT + JOB + B,
            Slice(whole=True, reconnected=True, started=(PATH,), overtaken=(PATH,), verbose=True),
        ),
        (
            A + JOB + CONNECT + OTHER + JOB + B,
            Slice(whole=True, reconnected=True, started=(PATH, THEIRS, PATH), overtaken=(THEIRS,), verbose=True),
        ),
        (A + JOB + START + B, Slice(whole=True, restarted=True, started=(PATH,), forgot=(PATH,), verbose=True)),
        (START + B, Slice(whole=False)),
        (START + A, Slice(whole=False)),
        (B + A, Slice(whole=False)),
        ("", Slice(whole=False)),
    ],
)
def test_a_slice_of_the_log_is_whole_only_between_its_marks(text: str, expected: Slice) -> None:
    assert cut(text, "mark-a", "mark-b", verbose=False) == expected


def test_a_printer_may_have_begun_anew_behind_a_start_that_the_log_hides() -> None:
    seen = replace(CLEAN, started=(PATH,), reset=True)
    assert not seen.forgets(PATH)
    assert replace(seen, forgot=(PATH,)).forgets(PATH)
    assert replace(CLEAN, reset=True).forgets(PATH)
    assert not CLEAN.forgets(PATH)
