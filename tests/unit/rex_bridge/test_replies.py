"""What the lines mean: every transcript, value by value, and nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rex_bridge import replies
from services.rex_bridge.framing import Exchange
from services.rex_bridge.replies import Activity, Heat, Identity, Machine, Progress, Temperatures
from tests.unit.rex_bridge.transcripts import ADVENTURER_3, ADVENTURER_4, CREATOR_4, REX, T_REX


def lines(text: str, command: str) -> tuple[str, ...]:
    reply = Exchange(command, 0.0).feed(text.encode(), 0.0)
    assert reply is not None
    return reply.lines


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (REX, Temperatures(Heat(52, 240), Heat(46, 100))),
        (ADVENTURER_3, Temperatures(Heat(22, 0), Heat(11, 0))),
        (ADVENTURER_4, Temperatures(Heat(104.5, 225), Heat(51.3, 50))),
        (T_REX, Temperatures(Heat(23, 0), Heat(18, 0))),
    ],
)
def test_temperatures(model: dict[str, str], expected: Temperatures) -> None:
    assert replies.temperatures(lines(model["M105"], "M105")) == expected


def test_a_temperature_without_a_target_and_an_absurd_one() -> None:
    assert replies.temperatures(["T0:52 B:4600/100"]) == Temperatures(Heat(52, None), Heat(None, 100))
    assert replies.temperatures(["T:52/240"]) == Temperatures(Heat(52, 240), Heat())
    assert replies.temperatures(["T0:52/240 B:46/100", "T0:1/2"]) == Temperatures(Heat(52, 240), Heat(46, 100))
    assert replies.temperatures(["T1:52/240"]) is None


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (REX, Machine(Activity.PRINTING, "BUILDING_FROM_SD", "NvidiaV100Fan_eABS+HS@245+10%.gx", False)),
        (ADVENTURER_3, Machine(Activity.IDLE, "READY", None, None)),
        (CREATOR_4, Machine(Activity.PAUSED, "PAUSED", "cube.gx", True)),
    ],
)
def test_machine(model: dict[str, str], expected: Machine) -> None:
    assert replies.machine(lines(model["M119"], "M119")) == expected


@pytest.mark.parametrize(
    ("status", "mode", "activity"),
    [
        ("READY", "READY", Activity.IDLE),
        ("IDLE", "READY", Activity.IDLE),
        ("BUILDING", "MOVING", Activity.PRINTING),
        ("BUILDING_FROM_SD", "WAIT_ON_TOOL", Activity.PRINTING),
        ("BUILDING_FROM_SD", "PAUSED", Activity.PAUSED),
        ("BUILDING", "PAUSED", Activity.PAUSED),
        ("PAUSED", "READY", Activity.PAUSED),
        ("BUILDING_COMPLETED", "READY", Activity.COMPLETED),
        # The head stays parked after the end: it is a finished print and not a paused one.
        ("BUILDING_COMPLETED", "PAUSED", Activity.COMPLETED),
        ("READY", "PAUSED", Activity.IDLE),
        ("BUSY", "HOMING", Activity.BUSY),
        ("building_from_sd", "moving", Activity.PRINTING),
        ("ERROR", "READY", Activity.FAILED),
        ("DANCING", "MOVING", Activity.UNKNOWN),
    ],
)
def test_activity(status: str, mode: str, activity: Activity) -> None:
    found = replies.machine([f"MachineStatus: {status}", f"MoveMode: {mode}"])
    assert found is not None
    assert found.activity is activity


def test_a_status_without_machine_status_is_none() -> None:
    assert replies.machine(["MoveMode: READY", "MachineStatus:"]) is None


@pytest.mark.parametrize(
    ("model", "expected", "percent"),
    [
        (REX, Progress(0, 100), 0.0),
        (ADVENTURER_4, Progress(11, 100, 44, 419), 11.0),
        (CREATOR_4, Progress(0, 1000), 0.0),
        (T_REX, Progress(0, 0), None),
    ],
)
def test_progress(model: dict[str, str], expected: Progress, percent: float | None) -> None:
    found = replies.progress(lines(model["M27"], "M27"))
    assert found == expected
    assert found.percent == percent


def test_progress_is_a_ratio_clamped_and_not_trusted_beyond_the_whole() -> None:
    assert Progress(123, 1000).percent == 12.3
    assert Progress(123, 1000).trusted == 12.3
    assert Progress(120, 100).percent == 100.0
    assert Progress(120, 100).trusted is None
    assert replies.progress(["SD printing byte 5/10", "Layer: 0/0"]) == Progress(5, 10)


def test_identity() -> None:
    assert replies.identity(lines(REX["M115"], "M115")) == Identity(
        "FlashForge Adventurer III", "Bresser REX_flashforged", "v1.3.7", "SNFFREX0001"
    )
    assert replies.identity(["X: 150 Y: 150 Z: 150"]) is None


def test_names_are_made_safe_to_show() -> None:
    found = replies.machine(["MachineStatus: READY", "CurrentFile: a\u202eb\x07" + "c" * 200])
    assert found is not None
    assert found.job is not None
    assert found.job.isprintable()
    assert len(found.job) <= 64


@given(st.lists(st.binary(max_size=80), max_size=8))
def test_nothing_that_a_printer_says_is_an_error(said: list[bytes]) -> None:
    for parse in (replies.machine, replies.temperatures, replies.progress, replies.identity):
        parse([line.decode("utf-8", "replace") for line in said])
