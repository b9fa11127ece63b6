"""The retained state: every key, and a reason that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts.plan import ControlWord
from contracts.printers import EnderState, Link
from services.octo_bridge import events as e
from services.octo_bridge.events import Seen
from services.octo_bridge.reporting import ender_state, health
from services.octo_bridge.state import Machine, Printer
from tests.unit.octo_bridge.machine import Rig, run


def pause_by_hand(rig: Rig, *then: str) -> Rig:
    rig.start()
    rig.feed(rig.seen(printer=Printer.PAUSED))
    for word in then:
        rig.command(word)
    return rig


CASES: dict[str, tuple[Callable[[Rig], object], str, str | None]] = {
    "fresh": (lambda rig: setattr(rig, "machine", Machine()), "offline", "not been asked"),
    "ready": (lambda rig: None, "idle", None),
    "heating": (lambda rig: rig.feed(rig.seen(nozzle=(90.0, 205.0)), e.RunTaken(run(1))), "heating", "90 of 205"),
    "printing": (lambda rig: rig.start(), "printing", None),
    "pausing": (lambda rig: (rig.start(), rig.command("pause")), "pausing", "paused by"),
    "paused": (lambda rig: rig.command("pause"), "paused", "resume"),
    "cancelling": (lambda rig: (rig.start(), rig.command("cancel")), "cancelling", "cancelled by"),
    "paused by hand": (lambda rig: pause_by_hand(rig), "paused", "not by the bridge"),
    "not armed for going on": (lambda rig: pause_by_hand(rig, "disarm", "resume"), "paused", "arm to"),
    "cold for going on": (
        lambda rig: (pause_by_hand(rig), rig.feed(rig.seen(nozzle=(90.0, 150.0))), rig.command("resume")), "paused",
        "90 of 205",
    ),
    "no plate for going on": (
        lambda rig: (pause_by_hand(rig), rig.control(ControlWord.PLATE_UNKNOWN), rig.command("resume")), "paused",
        "send cancel, clear it, then send confirm_empty",
    ),
    "away under a job": (
        lambda rig: (rig.start(), rig.feed(e.Unreachable(Link.NO_OCTOPRINT, "nothing answers"))), "offline", "nothing",
    ),
    "behind with the log": (
        lambda rig: (rig.control(ControlWord.PLATE_UNKNOWN), rig.feed(e.PushChanged(up=True))), "idle",
        "reading OctoPrint's log",  # and no look at the plate, which it might take back
    ),
    "unarmed": (lambda rig: rig.command("disarm"), "idle", "arm"),
    "foreign": (
        lambda rig: rig.feed(Seen(Printer.PRINTING, path="x.gcode", port="VIRTUAL", polled=True)), "foreign", "x.gcode",
    ),
    "error": (
        lambda rig: rig.feed(Seen(Printer.ERROR, error="Heating failed", polled=True)), "error", "Heating failed",
    ),
    "real port": (lambda rig: rig.feed(rig.seen(port="/dev/ttyUSB0")), "error", "VIRTUAL"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_status_and_reason(case: str) -> None:
    act, status, says = CASES[case]
    rig = Rig().ready()
    act(rig)
    state = ender_state(rig.machine, rig.now, rig.settings)
    assert state.state.value == status
    assert (state.reason is None) if says is None else says in (state.reason or "")
    assert set(state.model_dump()) == set(EnderState.model_fields)
    assert health(rig.machine, broker=True).ok is (status not in ("offline", "error"))
    assert not health(rig.machine, broker=False).ok


def test_figures_of_a_running_job() -> None:
    rig = Rig().ready()
    job = rig.start()
    rig.feed(rig.seen(printer=Printer.PRINTING, path=job.path, completion=12.34, elapsed=3, remaining=60, z=0.25))
    state = ender_state(rig.machine, rig.now, rig.settings)
    assert (state.job, state.move_id, state.progress, state.elapsed, state.remaining, state.z) == (
        job.id, "1-1", 12.3, 3, 60, 0.25,
    )  # fmt: skip
    assert state.finish_at == (rig.now.wall + timedelta(seconds=60)).replace(microsecond=0)
