"""What the firmware believes of its position, and where the nozzle is."""

from __future__ import annotations

import pytest

from deploy.simulators.marlin.settings import Settings
from tests.simulators.marlin.bench import Bench


def test_after_power_on_the_firmware_counts_from_zero_wherever_the_nozzle_is() -> None:
    bench = Bench()
    assert bench.send("M114")[0] == "X:0.00 Y:0.00 Z:0.00 E:0.00 Count X:0 Y:0 Z:0"
    bench.send("G1 X10", "M400")
    assert (bench.at, bench.known) == ((110, 100, 30), "")
    assert bench.of("move")[-1]["known"] == ""


def test_homing_finds_the_position_and_is_said_axis_by_axis() -> None:
    bench = Bench()
    bench.send("G28")
    assert (bench.at, bench.known) == ((0, 0, 0), "XYZ")
    assert [(record["axis"], record["at"]) for record in bench.of("homed")] == [
        ("X", [0, 100, 30]),
        ("Y", [0, 0, 30]),
        ("Z", [0, 0, 0]),
    ]


def test_homing_x_and_y_leaves_z_and_does_not_lift() -> None:
    bench = Bench()
    bench.send("G28 X Y")
    assert (bench.at, bench.known) == ((0, 0, 30), "XY")


def test_a_switch_homes_z_wherever_the_nozzle_is() -> None:
    bench = Bench()
    bench.send("G28 Z")
    assert bench.of("homed")[-1]["at"] == [100, 100, 0]


def test_a_probe_homes_z_over_the_middle_and_only_after_x_and_y() -> None:
    bench = Bench(Settings(has_probe=True))
    assert "echo:Home XY first" in bench.send("G28 Z")
    bench.send("G28")
    assert bench.of("homed")[-1]["at"] == [117.5, 117.5, 0]


@pytest.mark.parametrize("command", ["M84", "M18"])
def test_motors_without_current_forget_the_position_once_the_motion_is_over(command: str) -> None:
    bench = Bench()
    bench.send("G28", "G1 X50 F3000")
    before = bench.now
    bench.send(command)
    assert bench.now > before
    assert (bench.at, bench.known) == ((50, 0, 0), "")
    bench.send("G1 X60", "M400")
    assert bench.of("move")[-1]["known"] == ""


def test_one_axis_can_be_released() -> None:
    bench = Bench()
    bench.send("G28", "M84 X")
    assert bench.known == "YZ"


def test_a_reset_stops_dead_and_what_follows_takes_place_from_there() -> None:
    bench = Bench()
    bench.send("G28", "G1 X100 F600")
    bench.wait(5.12)
    bench.firmware.reset(bench.now, "button")
    bench.wait(2)
    assert bench.at[0] == pytest.approx(50, abs=1)
    assert bench.of("move")[-1]["cut"] is True
    stopped = bench.at[0]
    assert bench.send("M114")[0].startswith("X:0.00")
    bench.send("G1 X10", "M400")
    assert bench.at[0] == pytest.approx(stopped + 10)
    assert bench.known == ""


def test_a_reset_forgets_modes_targets_and_line_numbers() -> None:
    bench = Bench()
    bench.numbered(0, "M110 N50")
    bench.send("G91", "M83", "M104 S200")
    bench.firmware.reset(bench.now, "button")
    bench.wait(2)
    assert bench.firmware.last_line == 0
    assert not bench.firmware.modes.relative
    assert bench.firmware.machine.heaters["nozzle"].target == 0


def test_what_arrives_while_it_starts_is_lost() -> None:
    bench = Bench()
    bench.firmware.reset(bench.now, "button")
    bench.push_in("G28")
    bench.wait(60)
    assert "ok" not in bench.replies
    assert bench.of("line")[-1]["lost"] == "starting"


def test_software_endstops_hold_after_homing_only() -> None:
    bench = Bench()
    bench.send("G1 X-50", "M400")
    assert bench.at[0] == 50
    bench.send("G28", "G1 X999 F30000", "M400")
    assert bench.at[0] == 235


def test_the_frame_stops_what_the_firmware_does_not_and_the_position_is_lost() -> None:
    bench = Bench()
    bench.send("G28", "M211 S0", "G1 X300 F30000", "M400")
    assert (bench.at[0], bench.known) == (240, "YZ")
    assert bench.of("hit")[-1]["axes"] == "X"
    assert bench.send("M114")[0].startswith("X:300.00")


def test_a_push_by_hand_is_known_to_nobody_but_the_witness() -> None:
    bench = Bench()
    bench.send("G28")
    bench.firmware.machine.body.push((0, 20, 0))
    bench.send("G1 Y10", "M400")
    assert (bench.at[1], bench.known) == (30, "XZ")


def test_g90_makes_the_extruder_absolute_again() -> None:
    bench = Bench()
    bench.hot()
    bench.send("M83", "G90", "G1 E5", "G1 E5", "M400")
    assert sum(move["e"] for move in bench.of("move")) == 5
    bench.send("G92 E0", "M83", "G1 E2", "G1 E2", "M400")
    assert sum(move["e"] for move in bench.of("move")) == 9


def test_g92_moves_nothing_and_shifts_what_follows() -> None:
    bench = Bench()
    bench.send("G28", "G1 X50", "G92 X0", "G1 X10", "M400")
    assert bench.at[0] == 60


def test_percentages_of_feed_and_flow_count() -> None:
    bench = Bench()
    bench.hot()
    bench.send("M83", "M220 S50", "M221 S90", "G91", "G1 X60 E10 F1200", "M400")
    move = bench.of("move")[-1]
    assert move["e"] == pytest.approx(9)
    assert move["t"] - move["began"] == pytest.approx(60 / 10 + 10 / 500)


def test_quick_stop_keeps_the_position_known() -> None:
    bench = Bench()
    bench.send("G28", "G1 X200 F600")
    bench.wait(10.1)
    bench.send("M410")
    assert bench.known == "XYZ"
    bench.send("G1 X50 F6000", "M400")
    assert bench.at[0] == 50


def test_homing_switches_leveling_off_where_there_is_one() -> None:
    bench = Bench(Settings(has_leveling=True))
    assert "echo:Bed Leveling ON" in bench.send("M420 S1")
    assert "echo:Bed Leveling OFF" in bench.send("G28", "M420")
    assert 'echo:Unknown command: "M420 S1"' in Bench().send("M420 S1")
