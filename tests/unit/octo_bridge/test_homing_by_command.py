"""Home, park and the rest that moves by a word: what it needs, whose hands it is, and when the position is known."""

from __future__ import annotations

import pytest

from contracts.printers import Latch
from services.octo_bridge import events as e
from services.octo_bridge.effects import Announce, JobAction, SendLines
from services.octo_bridge.state import Printer
from tests.unit.octo_bridge.machine import Rig

HOMED = "Send: N9 M84 S7200*1"
CANCEL = JobAction("cancel")


def homing() -> tuple[Rig, SendLines]:
    """A machine that was asked to home and has not answered yet."""
    rig = Rig().ready()
    rig.command("home")
    return rig, rig.of(SendLines)[-1]


def test_own_homing_and_the_cancel_script_are_no_foreign_hands() -> None:
    rig = Rig().ready()
    job = rig.start()
    assert job.recovery
    rig.mono += 10  # homing takes its time
    rig.feed(e.Logged("Send: N1 G91*1"), e.Logged("Send: N4 G28 X Y*1"))
    rig.command("cancel")
    rig.feed(e.Happened(e.Happening.CANCELLED, job.path, by="bridge"), rig.seen(printer=Printer.OPERATIONAL))
    rig.feed(e.Logged("Send: M84"))
    assert rig.latch() is Latch.CANCEL
    assert "foreign" not in rig.said()


@pytest.mark.parametrize("word", ["home", "park"])
@pytest.mark.parametrize("order", ["disarm", "pause", None])
def test_moving_by_command_needs_what_a_job_needs(word: str, order: str | None) -> None:
    rig = Rig().ready()
    job = rig.start()
    assert "refused" in [a.event.event.value for a in rig.command(word) if hasattr(a, "event")]  # a job is in hand
    rig.feed(e.Happened(e.Happening.DONE, job.path), rig.seen(printer=Printer.OPERATIONAL))
    if order is not None:
        rig.command(order)
    rig.effects.clear()
    rig.command(word)
    assert bool(rig.of(SendLines)) is (order is None)


def test_a_homing_makes_the_position_known_when_it_is_answered() -> None:
    rig, sent = homing()
    assert not rig.machine.position_known
    rig.feed(e.Asked("home", True, epoch=sent.epoch))
    assert rig.machine.position_known


def test_an_answer_that_comes_after_the_position_was_lost_again_says_nothing() -> None:
    rig, sent = homing()
    rig.feed(e.Happened(e.Happening.RESET))
    rig.feed(e.Asked("home", True, epoch=sent.epoch))
    assert not rig.machine.position_known

    rig, sent = homing()
    rig.feed(rig.seen(printer=Printer.OFFLINE, port=None))
    rig.feed(e.Asked("home", True, epoch=rig.machine.kept.epoch))
    assert not rig.machine.position_known


def test_homing_that_takes_its_time_is_no_foreign_hand() -> None:
    rig, sent = homing()
    rig.feed(e.Logged("Send: G91"), e.Asked("home", True, epoch=sent.epoch))
    rig.wait(3)
    rig.feed(e.Logged("Send: G28 X Y"))
    rig.wait(25)  # the next line goes out when the printer has taken this one, at the end of its motion
    rig.feed(e.Logged("Send: G28 Z"))
    rig.wait(60)
    rig.feed(e.Logged(HOMED))
    assert rig.latch() is Latch.NONE
    assert rig.machine.position_known


@pytest.mark.parametrize("over", [e.Logged(HOMED), e.Asked("home", False, "it did not answer"), None])
def test_behind_the_homing_a_hand_is_one_again(over: e.Input | None) -> None:
    rig, sent = homing()
    if over is None:
        rig.feed(e.Asked("home", True, epoch=sent.epoch))
        rig.wait(120)
    else:
        rig.feed(over)
        rig.wait(6)
    rig.feed(e.Logged("Send: G28 X Y"))
    assert rig.latch() is Latch.FOREIGN


def test_a_job_that_homes_itself_takes_over_from_a_homing_that_was_in_vain() -> None:
    rig, sent = homing()
    rig.feed(e.Asked("home", True, epoch=sent.epoch), e.Happened(e.Happening.RESET, idle=True))
    rig.feed(rig.seen(nozzle=(190.0, 0.0), bed=(55.0, 0.0)))
    rig.wait(10)
    rig.start(1)
    rig.feed(e.Logged(HOMED))
    rig.wait(6)
    rig.feed(e.Logged("Send: G28"))
    assert rig.latch() is Latch.FOREIGN, "its own lines that home are behind it"


def test_parking_never_finds_a_position() -> None:
    rig, _ = homing()
    rig.feed(e.Asked("park", True, epoch=rig.machine.kept.epoch))
    assert not rig.machine.position_known


@pytest.mark.parametrize("word", ["home", "adopt"])
def test_a_refusal_says_what_to_do_next(word: str) -> None:
    rig = Rig().ready()
    rig.start()
    (answer,) = [effect.event.reason for effect in rig.command(word) if isinstance(effect, Announce)]
    assert {"home": "send cancel", "adopt": "check that it uses this broker"}[word] in (answer or "")
