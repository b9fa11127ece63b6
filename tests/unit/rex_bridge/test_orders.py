"""Orders are sent under control, given back at once, verified by what the printer shows, and answered once."""

from __future__ import annotations

import pytest

from contracts.commands import BadCommand, Command
from contracts.events import EventKind
from contracts.printers import RexStatus
from services.rex_bridge import control, orders
from services.rex_bridge.control import Order
from services.rex_bridge.replies import Activity, Machine
from services.rex_bridge.state import Show
from tests.unit.rex_bridge.drive import Drive, printing, settings


@pytest.mark.parametrize("dialect", ["rex", "adventurer3", "adventurer4", "creator4", "trex"])
def test_pause_resume_cancel_are_done_when_the_printer_shows_it(dialect: str) -> None:
    drive = printing(dialect=dialect)
    for verb, status in [
        ("pause", RexStatus.PAUSED), ("resume", RexStatus.PRINTING), ("cancel", RexStatus.IDLE),
    ]:  # fmt: skip
        drive.order(verb, command_id=verb)
        assert drive.until(lambda: len(drive.answers) > 0, 2) < 2
        assert drive.payload.state is status
        assert [(a.kind, a.command, a.command_id, a.print_id) for a in drive.answers] == [
            (EventKind.DONE, verb, verb, None if verb == "cancel" else "rex-20260102-1")
        ]
        drive.run(12)
        assert len(drive.answers) == 1
        drive.effects.clear()


def test_control_is_taken_for_the_order_only() -> None:
    drive = printing()
    drive.heard.clear()
    drive.order("pause")
    drive.run(0.5)
    assert drive.asked[:5] == ["M119", "M601 S1", "M25", "M602", "M119"]
    assert not drive.control


def test_firmware_that_answers_nothing_without_control_is_not_given_up_for_an_order() -> None:
    drive = printing(dialect="trex")
    drive.heard.clear()
    drive.order("pause")
    drive.run(0.5)
    assert drive.asked[:3] == ["M119", "M25", "M119"]
    assert not {"M601 S1", "M602"} & set(drive.asked)


def test_an_order_that_the_printer_refuses_is_refused() -> None:
    drive = printing()
    drive.manner = "no_orders"
    drive.order("cancel")
    drive.until(lambda: drive.answers, 1)
    assert (drive.answers[0].kind, drive.answers[0].reason) == (
        EventKind.REFUSED,
        "the printer answers: Control failed",
    )
    assert drive.state.tracker.current is not None
    assert not drive.state.tracker.current.cancelling


def test_an_order_wakes_the_bridge_from_its_sleep_and_an_idle_printer_is_let_go_again() -> None:
    drive = Drive()
    drive.run(5)
    drive.order("light", True)
    drive.run(2)
    assert drive.machine.light
    assert drive.answers[0].kind is EventKind.DONE
    assert drive.holds[-1].closed is not None


def test_what_makes_no_sense_is_refused_without_being_sent() -> None:
    drive = Drive()
    drive.run(1)
    drive.order("pause")
    drive.run(1)
    assert (drive.answers[0].kind, drive.answers[0].reason) == (
        EventKind.REFUSED,
        "nothing to pause: the printer says READY",
    )
    assert not {"M25", "M601 S1"} & set(drive.asked)


@pytest.mark.parametrize("said", ["BUSY", "CALIBRATING"])
def test_a_print_that_is_under_way_is_paused_and_cancelled_whatever_the_printer_calls_it(said: str) -> None:
    drive = printing()
    drive.called = said
    drive.run(3)
    for verb, code in (("pause", "M25"), ("cancel", "M26")):
        drive.order(verb)
        drive.until(lambda: drive.state.sent, 3)
        assert code in drive.asked
        drive.until(lambda: not drive.state.sent, 12)
    assert [answer.kind for answer in drive.answers] == [EventKind.REFUSED] * 2
    assert all((answer.reason or "").startswith("sent, but not seen to be obeyed") for answer in drive.answers)
    drive.order("resume")  # somebody may be changing the filament
    drive.run(2)
    assert "M24" not in drive.asked
    assert drive.kinds()[0] is EventKind.STARTED


def test_what_is_so_already_is_done() -> None:
    drive = printing()
    drive.order("resume")
    drive.run(1)
    assert (drive.answers[0].kind, drive.answers[0].reason) == (EventKind.DONE, "it was printing already")
    drive.machine.pause()
    drive.run(3)
    drive.order("pause")
    drive.run(1)
    assert (drive.answers[1].kind, drive.answers[1].reason) == (EventKind.DONE, "it was paused already")


def test_the_slicer_in_control_is_the_answer_and_polling_goes_on() -> None:
    drive = printing()
    drive.manner = "control"
    drive.order("pause")
    assert drive.until(lambda: drive.answers, 2) < 2
    assert drive.answers[0].kind is EventKind.REFUSED
    assert "REXPrint" in (drive.answers[0].reason or "")
    assert "M25" not in drive.asked
    drive.run(5)
    assert drive.status() is RexStatus.PRINTING
    assert drive.state.failures == 0
    assert len(drive.holds) == 2  # the idle look, and the one connection of the print


@pytest.mark.parametrize(("manner", "word"), [("error", "REXPrint"), ("refuse", "REXPrint"), ("off", "switched on")])
def test_a_printer_that_cannot_be_reached_is_the_answer(manner: str, word: str) -> None:
    drive = Drive()
    drive.run(1)
    drive.manner = manner
    drive.order("pause")
    drive.order("light", True)
    assert drive.until(lambda: len(drive.answers) == 2, 4) < 4
    assert {a.kind for a in drive.answers} == {EventKind.REFUSED}
    assert all(word in (a.reason or "") for a in drive.answers)


def test_a_printer_that_does_not_obey_is_found_out() -> None:
    drive = printing()
    drive.machine.deaf = True
    drive.order("cancel")
    took = drive.until(lambda: drive.answers, 12)
    assert took == pytest.approx(control.VERIFY_WITHIN, abs=0.5)
    assert (drive.answers[0].kind, drive.payload.state) == (EventKind.REFUSED, RexStatus.PRINTING)
    assert "BUILDING_FROM_SD" in (drive.answers[0].reason or "")
    # The print that it did not cancel ends some day by itself.
    drive.machine.complete()
    drive.run(5)
    assert drive.kinds()[-1] is EventKind.FINISHED


def test_no_more_states_a_second_while_an_order_is_verified() -> None:
    drive = printing()
    drive.machine.deaf = True
    drive.order("pause")
    drive.until(lambda: drive.state.sent, 1)
    drive.effects.clear()
    drive.until(lambda: not drive.state.sent, 12)
    shows = [effect for _, effect in drive.effects if isinstance(effect, Show)]
    assert len(shows) > 30
    assert not any(show.at_once for show in shows[:-1])


def test_orders_wait_for_each_other() -> None:
    drive = printing()
    drive.order("pause")
    drive.order("resume")
    drive.order("light", True)
    drive.run(5)
    assert [(a.command, a.kind) for a in drive.answers] == [
        ("pause", EventKind.DONE), ("resume", EventKind.DONE), ("light", EventKind.DONE),
    ]  # fmt: skip
    assert drive.status() is RexStatus.PRINTING


def test_an_order_that_comes_as_the_printer_is_let_go_is_not_lost() -> None:
    drive = Drive()
    drive.until(lambda: drive.state.wire.closing, 1)
    drive.order("light", True)
    drive.run(1)
    assert [a.kind for a in drive.answers] == [EventKind.DONE]


def test_waiting_orders_do_not_wait_for_the_next_look() -> None:
    drive = Drive()
    drive.run(1)
    drive.order("light", True)
    drive.order("light", False)
    assert drive.until(lambda: len(drive.answers) == 2, 2) < 1
    assert not drive.machine.light


def test_an_order_that_waited_behind_a_printer_that_does_not_obey_is_not_sent_a_minute_late() -> None:
    drive = Drive()
    drive.run(1)
    drive.machine.deaf = True
    for _ in range(6):
        drive.order("bed", 50.0)
    drive.order("nozzle", 200.0)
    drive.run(100)
    assert "M104 S200" not in drive.asked
    assert len(drive.answers) == 7
    assert drive.answers[-1].command == "nozzle"
    assert "waited for more than" in (drive.answers[-1].reason or "")


def test_too_many_orders_are_refused() -> None:
    drive = printing()
    for _ in range(orders.MOST_WAITING + 2):
        drive.order("light", True)
    assert len([a for a in drive.answers if a.kind is EventKind.REFUSED]) == 2


@pytest.mark.parametrize(("verb", "heater"), [("nozzle", "nozzle"), ("bed", "bed")])
@pytest.mark.parametrize("latency", [0.005, 0.09])
def test_temperatures_are_verified_by_their_target(verb: str, heater: str, latency: float) -> None:
    drive = Drive(latency=latency)
    drive.run(1)
    drive.order(verb, 55.0)
    drive.run(2)
    assert getattr(drive.machine, heater).target == 55
    assert drive.answers[0].kind is EventKind.DONE
    drive.machine.deaf = True
    drive.order(verb, 60.0)
    drive.run(12)
    assert drive.answers[1].kind is EventKind.REFUSED


def test_a_light_that_is_not_reported_is_taken_at_its_word_and_said_so() -> None:
    drive = Drive(dialect="adventurer3")
    drive.run(1)
    drive.order("light", True)
    drive.run(2)
    assert "does not report" in (drive.answers[0].reason or "")


def understood(*words: str, **values: object) -> Order:
    return control.understand(Command(command=words[0], arguments=words[1:], id="x"), settings(**values))


def test_temperatures_are_off_by_default_and_clamped() -> None:
    with pytest.raises(BadCommand, match="BOARDCAST_REX_SET_TEMPERATURES"):
        understood("nozzle", "200")
    on = {"rex_set_temperatures": True}
    assert understood("nozzle", "200", **on) == Order("nozzle", 200.0, "x")
    high = understood("nozzle", "900", **on)
    assert (high.value, high.note) == (240.0, "clamped to 240 °C by BOARDCAST_REX_NOZZLE_MAX")
    assert understood("bed", "900", **on).value == 100.0
    for bad in ("nan", "inf", "-1", "hot"):
        with pytest.raises(BadCommand):
            understood("bed", bad, **on)


@pytest.mark.parametrize("wanted", ["239.6", "239.5", "900"])
def test_a_target_is_not_rounded_beyond_its_limit(wanted: str) -> None:
    order = understood("nozzle", wanted, rex_set_temperatures=True, rex_nozzle_max=239.6)
    assert order.value == 239.0
    assert "clamped to 239 °C" in (order.note or "")


def test_a_light_that_stays_off_is_not_obeyed() -> None:
    dark = Machine(Activity.IDLE, "READY", light=False)
    assert not control.obeyed(Order("light", True), dark, None)
    assert control.obeyed(Order("light", False), dark, None)


def test_the_light_is_on_or_off() -> None:
    assert understood("light", "ON") == Order("light", True, "x")
    with pytest.raises(BadCommand, match="'on' or 'off'"):
        understood("light", "blue")


def test_the_api_pauses_a_running_print_once() -> None:
    drive = Drive()
    assert not orders.to_be_paused(drive.state)
    drive.run(1)
    assert not orders.to_be_paused(drive.state)
    drive = printing()
    assert orders.to_be_paused(drive.state)
    drive.order("pause")
    assert not orders.to_be_paused(drive.state)
    drive.until(lambda: drive.state.sent, 1)
    assert not orders.to_be_paused(drive.state)
    drive.run(2)
    assert not orders.to_be_paused(drive.state)
