"""OctoPrint's words, on the push socket and in REST, as inputs of the core."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.octo_bridge import events as e
from services.octo_bridge import octoprint, octoprint_requests
from services.octo_bridge.gcode_file import done_in, done_line, is_ours, path_of
from services.octo_bridge.handlers_terminal import WATCHED
from services.octo_bridge.octoprint import OctoPrint
from services.octo_bridge.octoprint_words import printer_of, printer_of_id
from services.octo_bridge.push import inputs_of
from services.octo_bridge.state import Printer


@pytest.mark.parametrize(
    ("text", "printer"),
    [
        ("Operational", Printer.OPERATIONAL),
        ("Starting", Printer.STARTING),
        ("Printing", Printer.PRINTING),
        ("Printing from SD", Printer.PRINTING),
        ("Finishing", Printer.FINISHING),
        ("Offline", Printer.OFFLINE),
        ("Offline after error", Printer.ERROR),
        ("Offline after error: Heating failed", Printer.ERROR),
        ("Error: Printer halted", Printer.ERROR),
        ("Opening serial connection", Printer.CONNECTING),
        ("Detecting serial connection", Printer.CONNECTING),
        ("Closed", Printer.OFFLINE),
        ("Something new", Printer.UNKNOWN),
        ("", Printer.UNKNOWN),
    ],
)
def test_state_texts(text: str, printer: Printer) -> None:
    assert printer_of(text) is printer


def test_state_ids() -> None:
    assert printer_of_id("FINISHING") is Printer.FINISHING
    assert printer_of_id("CLOSED_WITH_ERROR") is Printer.ERROR
    assert printer_of_id("SOMETHING_NEW") is Printer.UNKNOWN


PICTURE = {
    "state": {"text": "Printing", "error": ""},
    "job": {"file": {"path": "boardcast/s/j.gcode"}},
    "progress": {"completion": 12.5, "filepos": 77, "printTime": 3, "printTimeLeft": None},
    "currentZ": 0.25,
    "serverTime": 1795664296.5,
    "temps": [{"time": 1, "tool0": {"actual": 204.1, "target": 205.0}, "bed": {"actual": 60, "target": 60}}],
    "logs": ["Recv: echo:move:j:a1:done"],
}


def test_a_picture_with_temperatures_and_lines() -> None:
    seen, line = inputs_of({"current": PICTURE})
    assert seen == e.Seen(
        Printer.PRINTING, path="boardcast/s/j.gcode", filepos=77, completion=12.5, elapsed=3, z=0.25,
        heaters=(e.Heaters((204.1, 205.0), (60.0, 60.0)),), clock=1795664296.5,
    )  # fmt: skip
    assert line == e.Logged("Recv: echo:move:j:a1:done")


def test_what_was_before_the_socket_is_no_news() -> None:
    (seen,) = inputs_of({"history": PICTURE})
    assert isinstance(seen, e.Seen)
    assert seen.heaters == ()


def event(kind: str, **payload: Any) -> list[e.Input]:
    return inputs_of({"event": {"type": kind, "payload": payload}})


def test_events() -> None:
    assert event("PrinterStateChanged", state_id="OPERATIONAL") == [e.PrinterChanged(Printer.OPERATIONAL)]
    assert event("PrintDone", path="p") == [e.Happened(e.Happening.DONE, "p")]
    assert event("PrintCancelled", path="p", user="u") == [e.Happened(e.Happening.CANCELLED, "p", "u")]
    assert event("PrintFailed", path="p", reason="error", user="u") == [
        e.Happened(e.Happening.FAILED, "p", None, "error")
    ]
    assert event("PrintFailed", path="p", reason="cancelled") == []
    assert event("FirmwareData", name="Marlin") == [e.FirmwareNamed("Marlin")]
    assert event("MetadataAnalysisStarted") == []
    assert inputs_of({"event": {"type": "PrinterReset", "payload": None}}) == [e.Happened(e.Happening.RESET)]
    idle = {"event": {"type": "PrinterReset", "payload": {"idle": True}}}
    assert inputs_of(idle) == [e.Happened(e.Happening.RESET, idle=True)]


@given(st.dictionaries(st.sampled_from(["current", "history", "event", "x"]),
                       st.dictionaries(st.sampled_from(["state", "job", "type", "logs"]), st.none())))  # fmt: skip
def test_odd_messages_are_survived(message: dict[str, Any]) -> None:
    inputs_of(message)


@pytest.mark.parametrize(
    ("line", "watched"),
    [
        ("Recv: echo:move:aaaaaaaa-1-2-1:a1:done", True),
        ("Recv: echo: cold extrusion prevented", True),
        ("Send: N3 G91*33", True),
        ("Send: G28 X0 Y0", True),
        ("Send: M84", True),
        ("Send: N9 G1 X10 Y10 F6000*44", False),
        ("Send: N9 G92 E0*44", False),
        ("Send: M105", False),
    ],
)
def test_lines_that_octoprint_is_asked_for(line: str, watched: bool) -> None:
    assert bool(re.search(WATCHED, line)) is watched


def test_a_files_name_and_last_line_say_which_job_and_attempt_it_is() -> None:
    assert path_of("boardcast/s", "aaaaaaaa-1-2-1", 3) == "boardcast/s/aaaaaaaa-1-2-1-a3.gcode"
    assert done_in(f"Recv: echo:{done_line('aaaaaaaa-1-2-1', 3)}") == ("aaaaaaaa-1-2-1", 3)
    assert is_ours("boardcast/s/x.gcode")
    assert not is_ours("boardcast.gcode")


def test_the_nozzles_readings_come_in_their_order_and_others_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    client = OctoPrint("http://octoprint", "key", 1)
    records = [{"time": at, "tool0": {"actual": c, "target": 205}} for at, c in ((104, 203), (98, 185))]
    more = [{"time": 99, "bed": {"actual": 60, "target": 60}}, {"time": 100, "tool0": {"actual": None, "target": 0}}]
    monkeypatch.setattr(client, "_json", lambda *_: {"temperature": {"history": [*records, *more]}})
    assert client.nozzle() == [(98, 185, 205), (104, 203, 205)]


LOGS = {
    "octoprint.log": "today",
    "octoprint.log.2026-01-03": "third mark-b ",
    "octoprint.log.2026-01-02": "second mark-a ",
    "octoprint.log.2026-01-01": "first ",
}


@pytest.mark.parametrize(
    ("since", "text"),
    [
        (None, "today"),
        ("today", "today"),
        ("mark-b", "third mark-b today"),
        ("mark-a", "second mark-a third mark-b today"),
        ("mark-of-another", "first second mark-a third mark-b today"),
    ],
)
def test_the_log_is_read_as_far_back_as_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, since: str | None, text: str
) -> None:
    client, _ = reader(monkeypatch, [*LOGS, "serial.log", "octoprint.log.old", "../octoprint.log"])
    assert client.log(since) == text


def reader(monkeypatch: pytest.MonkeyPatch, names: Iterable[str]) -> tuple[OctoPrint, list[int]]:
    """A client in front of LOGS, and how many bytes it was given at a time."""
    client = OctoPrint("http://octoprint", "key", 1)
    given: list[int] = []

    def request(method: str, path: str, *, timeout: float, headers: Mapping[str, str]) -> bytes:
        data = LOGS[path.rpartition("/")[2]].encode()
        _, _, most = headers.get("Range", "").partition("=-")
        given.append(len(data[-int(most) :] if most else data))
        return data[-given[-1] :]

    monkeypatch.setattr(client, "_request", request)
    monkeypatch.setattr(client, "_json", lambda *_: {"files": [{"name": name} for name in names]})
    return client, given


@pytest.mark.parametrize(("since", "given"), [(None, [2]), ("ay", [2]), ("today", [2, 5]), ("mark-b", [2, 4, 5, 13])])
def test_no_more_of_the_end_of_the_log_is_read_than_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, since: str | None, given: list[int]
) -> None:
    monkeypatch.setattr(octoprint, "TAILS", (2, 8) if since == "today" else (2, 4))
    client, read = reader(monkeypatch, LOGS)
    assert client.log(since).endswith("ay")
    assert read == given


def test_no_more_of_the_log_is_read_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(octoprint_requests, "MOST_BYTES", 10)
    client, _ = reader(monkeypatch, LOGS)
    assert client.log("mark-a") == "third mark-b today"
