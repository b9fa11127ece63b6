"""Orders are sent under control, given back at once, verified by what the printer shows, and answered once."""

from __future__ import annotations

import pytest

from contracts.commands import BadCommand, Command
from contracts.events import EventKind
from contracts.printers import RexStatus
from services.rex_bridge import control, orders
from services.rex_bridge.control import Order
from services.rex_bridge.replies import Activity, Machine
from services.rex_bridge.state import Say, Show, Stopping
from tests.unit.rex_bridge.drive import Drive, printing, settings


def answers(drive: Drive) -> list[Say]:
    return [say for say in drive.says if say.kind in (EventKind.DONE, EventKind.REFUSED)]


def asked(drive: Drive) -> list[str]:
    return [command for _, command in drive.heard]


@pytest.mark.parametrize("dialect", ["rex", "adventurer3", "adventurer4", "creator4", "trex"])
def test_pause_resume_cancel_are_done_when_the_printer_shows_it(dialect: str) -> None:
    drive = printing(dialect=dialect)
    for verb, status in [
        ("pause", RexStatus.PAUSED), ("resume", RexStatus.PRINTING), ("cancel", RexStatus.IDLE),
    ]:  # fmt: skip
        drive.order(verb, command_id=verb)
        assert drive.until(lambda: len(answers(drive)) > 0, 2) < 2
        assert drive.payload.state is status
        assert [(a.kind, a.command, a.command_id, a.print_id) for a in answers(drive)] == [
            (EventKind.DONE, verb, verb, None if verb == "cancel" else "rex-20260102-1")
        ]
        drive.run(12)
        assert len(answers(drive)) == 1
        drive.effects.clear()


def test_control_is_taken_for_the_order_only() -> None:
    drive = printing()
    drive.heard.clear()
    drive.order("pause")
    drive.run(0.5)
    assert asked(drive)[:5] == ["M119", "M601 S1", "M25", "M602", "M119"]
    assert not drive.control


def test_firmware_that_answers_nothing_without_control_is_not_given_up_for_an_order() -> None:
    drive = printing(dialect="trex")
    drive.heard.clear()
    drive.order("pause")
    drive.run(0.5)
    assert asked(drive)[:3] == ["M119", "M25", "M119"]
    assert not {"M601 S1", "M602"} & set(asked(drive))


def test_an_order_that_the_printer_refuses_is_refused() -> None:
    drive = printing()
    drive.manner = "no_orders"
    drive.order("cancel")
    drive.until(lambda: answers(drive), 1)
    assert (answers(drive)[0].kind, answers(drive)[0].reason) == (
        EventKind.REFUSED,
        "the printer answers: Control failed",
    )
    assert drive.state.tracker.current is not None
    assert not drive.state.tracker.current.cancelling


def test_a_cancel_that_never_reached_the_printer_is_forgotten() -> None:
    drive = printing()
    drive.order("cancel")
    drive.until(lambda: drive.state.tracker.current and drive.state.tracker.current.cancelling, 1)
    drive.manner = "off"
    drive.holds[-1].closed = drive.time
    drive.until(lambda: answers(drive), 20)
    assert answers(drive)[0].kind is EventKind.REFUSED
    assert drive.state.tracker.current is not None
    assert not drive.state.tracker.current.cancelling


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
def test_an_order_that_was_obeyed_on_a_connection_that_broke_before_its_answer_is_done(verb: str) -> None:
    drive = printing()
    if verb == "resume":
        drive.machine.pause()
        drive.run(3)
    drive.manner = "answer_lost"
    drive.order(verb)
    drive.until(lambda: answers(drive), 20)
    assert [(answer.kind, answer.reason) for answer in answers(drive)] == [(EventKind.DONE, None)]


def test_a_cancel_that_may_have_reached_a_printer_that_is_gone_since_is_not_called_never_sent() -> None:
    drive = printing()
    drive.manner = "answer_lost"
    drive.order("cancel")
    drive.until(lambda: drive.state.failures, 1)
    drive.manner = "off"
    drive.run(30)
    assert [answer.kind for answer in answers(drive)] == [EventKind.REFUSED]
    assert (answers(drive)[0].reason or "").startswith("sent, but not seen to be obeyed")
    drive.manner = None
    drive.run(60)
    ends = [say.kind for say in drive.says if say.kind in (EventKind.CANCELLED, EventKind.FAILED, EventKind.FINISHED)]
    assert ends == [EventKind.CANCELLED]


def test_a_cancel_that_was_lost_with_the_printer_out_of_reach_is_forgotten_when_it_is_seen_to_print_on() -> None:
    drive = printing()
    drive.machine.deaf = True
    drive.manner = "answer_lost"
    drive.order("cancel")
    drive.until(lambda: drive.state.failures, 1)
    drive.manner = "off"
    drive.run(30)
    drive.manner = None
    drive.run(60)
    drive.machine.complete()
    drive.run(5)
    assert drive.kinds()[-1] is EventKind.FINISHED


def test_a_cancel_is_a_cancelled_print_and_not_a_failed_one() -> None:
    drive = printing()
    drive.order("cancel")
    drive.run(3)
    assert drive.kinds() == [EventKind.STARTED, EventKind.CANCELLED, EventKind.DONE]


def test_a_second_cancel_that_comes_to_nothing_takes_nothing_back_from_the_first() -> None:
    drive = printing()
    drive.machine.stop_takes = 5
    drive.order("cancel")
    drive.until(lambda: drive.state.sent, 1)
    drive.order("cancel")
    drive.holds[-1].closed = drive.time
    drive.manner = "off"
    drive.run(4)
    drive.feed(Stopping())
    assert drive.state.tracker.current is not None
    assert drive.state.tracker.current.cancelling


def test_a_cancel_is_remembered_over_a_restart() -> None:
    drive = printing()
    drive.order("cancel")
    drive.until(lambda: "M26" in asked(drive), 1)
    drive.machine.pass_time(5)
    drive.restart()
    drive.run(3)
    assert drive.kinds() == [EventKind.STARTED, EventKind.CANCELLED]


def test_a_cancel_that_the_printer_did_not_obey_is_not_remembered_for_ever_over_a_restart() -> None:
    drive = printing()
    drive.machine.deaf = True
    drive.order("cancel")
    drive.until(lambda: drive.state.sent, 1)
    drive.restart()
    drive.run(60)
    drive.machine.complete()
    drive.run(5)
    assert drive.kinds() == [EventKind.STARTED, EventKind.FINISHED]


def test_an_order_wakes_the_bridge_from_its_sleep_and_an_idle_printer_is_let_go_again() -> None:
    drive = Drive()
    drive.run(5)
    drive.order("light", True)
    drive.run(2)
    assert drive.machine.light
    assert answers(drive)[0].kind is EventKind.DONE
    assert drive.holds[-1].closed is not None


def test_what_makes_no_sense_is_refused_without_being_sent() -> None:
    drive = Drive()
    drive.run(1)
    drive.order("pause")
    drive.run(1)
    assert (answers(drive)[0].kind, answers(drive)[0].reason) == (
        EventKind.REFUSED,
        "nothing to pause: the printer says READY",
    )
    assert not {"M25", "M601 S1"} & set(asked(drive))


@pytest.mark.parametrize("said", ["BUSY", "CALIBRATING"])
def test_a_print_that_is_under_way_is_paused_and_cancelled_whatever_the_printer_calls_it(said: str) -> None:
    drive = printing()
    drive.called = said
    drive.run(3)
    for verb, code in (("pause", "M25"), ("cancel", "M26")):
        drive.order(verb)
        drive.until(lambda: drive.state.sent, 3)
        assert code in asked(drive)
        drive.until(lambda: not drive.state.sent, 12)
    assert [answer.kind for answer in answers(drive)] == [EventKind.REFUSED] * 2
    assert all((answer.reason or "").startswith("sent, but not seen to be obeyed") for answer in answers(drive))
    drive.order("resume")  # somebody may be changing the filament
    drive.run(2)
    assert "M24" not in asked(drive)
    assert drive.kinds()[0] is EventKind.STARTED


def test_what_is_so_already_is_done() -> None:
    drive = printing()
    drive.order("resume")
    drive.run(1)
    assert (answers(drive)[0].kind, answers(drive)[0].reason) == (EventKind.DONE, "it was printing already")
    drive.machine.pause()
    drive.run(3)
    drive.order("pause")
    drive.run(1)
    assert (answers(drive)[1].kind, answers(drive)[1].reason) == (EventKind.DONE, "it was paused already")


def test_the_slicer_in_control_is_the_answer_and_polling_goes_on() -> None:
    drive = printing()
    drive.manner = "control"
    drive.order("pause")
    assert drive.until(lambda: answers(drive), 2) < 2
    assert answers(drive)[0].kind is EventKind.REFUSED
    assert "REXPrint" in (answers(drive)[0].reason or "")
    assert "M25" not in asked(drive)
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
    assert drive.until(lambda: len(answers(drive)) == 2, 4) < 4
    assert {a.kind for a in answers(drive)} == {EventKind.REFUSED}
    assert all(word in (a.reason or "") for a in answers(drive))


def test_a_connection_that_broke_just_then_is_tried_again_before_an_order_is_refused() -> None:
    drive = printing()
    drive.holds[-1].closed = drive.time
    drive.order("pause")
    drive.run(2)
    assert [a.kind for a in answers(drive)] == [EventKind.DONE]


def test_a_printer_that_does_not_obey_is_found_out() -> None:
    drive = printing()
    drive.machine.deaf = True
    drive.order("cancel")
    took = drive.until(lambda: answers(drive), 12)
    assert took == pytest.approx(control.VERIFY_WITHIN, abs=0.5)
    assert (answers(drive)[0].kind, drive.payload.state) == (EventKind.REFUSED, RexStatus.PRINTING)
    assert "BUILDING_FROM_SD" in (answers(drive)[0].reason or "")
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


def test_a_printer_that_is_gone_after_an_order_is_said_too() -> None:
    drive = printing()
    drive.machine.pause_takes = 100
    drive.order("pause")
    drive.until(lambda: drive.state.sent, 1)
    drive.manner = "off"
    drive.run(20)
    assert "does not answer" in (answers(drive)[0].reason or "")


def test_orders_wait_for_each_other() -> None:
    drive = printing()
    drive.order("pause")
    drive.order("resume")
    drive.order("light", True)
    drive.run(5)
    assert [(a.command, a.kind) for a in answers(drive)] == [
        ("pause", EventKind.DONE), ("resume", EventKind.DONE), ("light", EventKind.DONE),
    ]  # fmt: skip
    assert drive.status() is RexStatus.PRINTING


def test_an_order_that_comes_as_the_printer_is_let_go_is_not_lost() -> None:
    drive = Drive()
    drive.until(lambda: drive.state.wire.closing, 1)
    drive.order("light", True)
    drive.run(1)
    assert [a.kind for a in answers(drive)] == [EventKind.DONE]


def test_waiting_orders_do_not_wait_for_the_next_look() -> None:
    drive = Drive()
    drive.run(1)
    drive.order("light", True)
    drive.order("light", False)
    assert drive.until(lambda: len(answers(drive)) == 2, 2) < 1
    assert not drive.machine.light


def test_an_order_that_waited_behind_a_printer_that_does_not_obey_is_not_sent_a_minute_late() -> None:
    drive = Drive()
    drive.run(1)
    drive.machine.deaf = True
    for _ in range(6):
        drive.order("bed", 50.0)
    drive.order("nozzle", 200.0)
    drive.run(100)
    assert "M104 S200" not in asked(drive)
    assert len(answers(drive)) == 7
    assert answers(drive)[-1].command == "nozzle"
    assert "waited for more than" in (answers(drive)[-1].reason or "")


def test_too_many_orders_are_refused() -> None:
    drive = printing()
    for _ in range(orders.MOST_WAITING + 2):
        drive.order("light", True)
    assert len([a for a in answers(drive) if a.kind is EventKind.REFUSED]) == 2


@pytest.mark.parametrize(("verb", "heater"), [("nozzle", "nozzle"), ("bed", "bed")])
@pytest.mark.parametrize("latency", [0.005, 0.09])
def test_temperatures_are_verified_by_their_target(verb: str, heater: str, latency: float) -> None:
    drive = Drive(latency=latency)
    drive.run(1)
    drive.order(verb, 55.0)
    drive.run(2)
    assert getattr(drive.machine, heater).target == 55
    assert answers(drive)[0].kind is EventKind.DONE
    drive.machine.deaf = True
    drive.order(verb, 60.0)
    drive.run(12)
    assert answers(drive)[1].kind is EventKind.REFUSED


def test_a_light_that_is_not_reported_is_taken_at_its_word_and_said_so() -> None:
    drive = Drive(dialect="adventurer3")
    drive.run(1)
    drive.order("light", True)
    drive.run(2)
    assert "does not report" in (answers(drive)[0].reason or "")


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
