"""Cold extrusion, halting, the inactivity timers, unknown commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.simulators.marlin.inactivity import Inactivity, Verdict
from deploy.simulators.marlin.settings import Settings, Version
from deploy.simulators.marlin.wire import numbered
from tests.simulators.marlin.bench import Bench


@pytest.mark.parametrize(("nozzle", "fed"), [(21, 0), (169.9, 0), (170, 5), (210, 5)])
def test_below_170_degrees_the_filament_is_left_out_and_the_move_takes_place(nozzle: float, fed: float) -> None:
    bench = Bench()
    bench.firmware.machine.set_temperature("nozzle", nozzle)
    replies = bench.send("M83", "G1 X50 E5 F3000")
    bench.send("M400")
    move = bench.of("move")[-1]
    assert (move["e"], move["e_asked"], move["to"][0]) == (fed, 5, 150)
    assert ("echo: cold extrusion prevented" in replies) is (fed == 0)
    assert [record["why"] for record in bench.of("dropped")] == ([] if fed else ["cold extrusion prevented"])


def test_refused_filament_counts_as_fed() -> None:
    bench = Bench()
    bench.send("M82", "G1 X10 E100")
    bench.hot()
    bench.send("G1 X20 E101", "M400")
    assert bench.of("move")[-1]["e"] == 1


def test_too_much_filament_at_once_is_refused() -> None:
    bench = Bench()
    bench.hot()
    assert "echo: too long extrusion prevented" in bench.send("M83", "G1 X10 E201")


def test_m112_halts_heaters_off_and_only_a_reset_helps() -> None:
    bench = Bench()
    bench.hot(200, 60)
    bench.send("G28", "G1 X200 F600")
    bench.wait(5)
    bench.push_in("M112")
    stopped = bench.at
    assert bench.replies[-1] == "Error:Printer halted. kill() called!"
    bench.push_in("G1 X10", "M105")
    bench.wait(30)
    assert bench.at == stopped
    assert bench.replies[-1] == "Error:Printer halted. kill() called!"
    assert [heater.target for heater in bench.firmware.machine.heaters.values()] == [0, 0]
    bench.firmware.reset(bench.now, "button")
    bench.wait(2)
    assert bench.send("M105")[-1].startswith("ok T:")


def test_m112_with_a_line_number_waits_for_its_turn() -> None:
    bench = Bench()
    bench.push_in("G4 S20", numbered(1, "M112"))
    bench.wait(10)
    assert bench.of("killed") == []
    bench.wait(15)
    assert len(bench.of("killed")) == 1


def test_motors_are_released_after_two_idle_minutes_whatever_is_asked_meanwhile() -> None:
    bench = Bench()
    bench.send("G28")
    for _ in range(23):
        bench.wait(5)
        bench.send("M105")
    assert bench.known == "XYZ"
    bench.wait(10)
    assert bench.known == ""
    assert bench.of("released")[-1]["why"] == "idle"


def test_m84_s_sets_the_time_and_releases_nothing() -> None:
    bench = Bench()
    bench.send("G28", "M84 S7200")
    bench.wait(7000)
    assert bench.known == "XYZ"
    bench.wait(300)
    assert bench.known == ""


@pytest.mark.parametrize("version", list(Version))
def test_m85_kills_an_idle_printer(version: Version) -> None:
    bench = Bench(Settings(version=version))
    bench.send("G28", "M84 S7200", "M85 S2700")
    bench.wait(2600)
    assert bench.of("killed") == []
    bench.wait(200)
    assert len(bench.of("killed")) == 1
    assert "Error:!! KILL caused by too much inactive time - current command: " in bench.replies


@pytest.mark.parametrize(
    ("version", "halted"), [(Version.V2_0_0, True), (Version.V2_0_9, False), (Version.V2_1, False)]
)
def test_m85_after_a_long_idle_time_kills_at_once_in_old_firmware(version: Version, halted: bool) -> None:
    bench = Bench(Settings(version=version))
    bench.wait(5000)
    bench.send("M85 S2700")
    bench.wait(1)
    assert bench.firmware.halted is halted


@pytest.mark.parametrize(("version", "halted"), [(Version.V2_0_0, True), (Version.V2_0_9, True), (Version.V2_1, False)])
def test_without_a_motor_timeout_m85_kills_in_mid_drawing(version: Version, halted: bool) -> None:
    bench = Bench(Settings(version=version))
    bench.send("G28", "M84 S0", "M85 S60", "G91")
    for _ in range(8):
        bench.push_in("G1 X10 F60", "G1 X-10 F60")
    bench.wait(100)
    assert bench.firmware.halted is halted


@given(st.floats(0, 1e6), st.floats(1, 1e4))
def test_a_timer_that_is_due_has_run_out(since: float, timeout: float) -> None:
    """Otherwise the firmware would be called for the same moment again and again."""
    motors = Inactivity(Settings(stepper_timeout_s=timeout), since)
    halt = Inactivity(Settings(stepper_timeout_s=0), since)
    halt.set_max_idle(timeout, since)
    for timer in (motors, halt):
        (due,) = timer.due(moving=False, powered=True)
        assert timer.verdict(due, moving=False, powered=True) is not Verdict.NOTHING


@pytest.mark.parametrize("command", ["G20", "G21", "G2 X1", "M999", "T1", "hello"])
def test_unknown_commands_are_said_and_acknowledged(command: str) -> None:
    assert Bench().send(command) == [f'echo:Unknown command: "{command}"', "ok"]


def test_m118_is_said_and_is_unknown_where_it_is_missing() -> None:
    line = "M118 E1 move:7-42:a1:done"
    assert Bench().send(line) == ["echo:move:7-42:a1:done", "ok"]
    assert Bench(Settings(has_m118=False)).send(line) == [f'echo:Unknown command: "{line}"', "ok"]
    assert Bench().send("M118 A1 action:x") == ["//action:x", "ok"]


def test_m115_names_marlin_and_says_that_there_is_no_emergency_parser() -> None:
    replies = Bench().send("M115")
    assert replies[0].startswith("FIRMWARE_NAME:Marlin 2.0.9 ")
    assert "Cap:EMERGENCY_PARSER:0" in replies


def test_settings_come_from_text_with_a_reason_for_what_is_wrong() -> None:
    settings = Settings().with_text({"version": "2.0.0", "reset_on_open": "false", "blocks": "8", "size": "1,2,3"})
    assert (settings.version, settings.reset_on_open, settings.blocks, settings.size) == (
        Version.V2_0_0,
        False,
        8,
        (1, 2, 3),
    )
    for wrong in ({"colour": "red"}, {"blocks": "many"}, {"has_probe": "perhaps"}, {"size": "1,2"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Settings().with_text(wrong)
