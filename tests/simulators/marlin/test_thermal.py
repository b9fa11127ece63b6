from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.simulators.marlin.settings import Settings
from deploy.simulators.marlin.thermal import Heater
from deploy.simulators.marlin.wire import numbered
from tests.simulators.marlin.bench import Bench

COLD = Heater(temperature=21, full_power=450, tau=180, ambient=21)


def euler(heater: Heater, seconds: float, dt: float = 0.01) -> float:
    """The differential equation in small steps, with a thermostat."""
    celsius = heater.temperature
    for _ in range(round(seconds / dt)):
        on = heater.target > celsius and not heater.broken
        rate = ((heater.full_power if on else heater.ambient) - celsius) / heater.tau
        stepped = celsius + rate * dt
        celsius = min(stepped, heater.target) if on else stepped
    return celsius


@given(st.floats(21, 260), st.sampled_from([0.0, 150.0, 200.0, 215.0]), st.floats(0, 60), st.booleans())
def test_temperatures_follow_the_differential_equation(start: float, target: float, dt: float, broken: bool) -> None:
    heater = replace(COLD, temperature=start, target=target, broken=broken)
    assert heater.after(dt).temperature == pytest.approx(euler(heater, dt), abs=0.1)


@given(st.floats(21, 260), st.sampled_from([0.0, 150.0, 215.0]), st.lists(st.floats(0, 100), max_size=5))
def test_steps_do_not_matter(start: float, target: float, steps: list[float]) -> None:
    stepped = heater = replace(COLD, temperature=start, target=target)
    for step in steps:
        stepped = stepped.after(step)
    assert stepped.temperature == pytest.approx(heater.after(sum(steps)).temperature, abs=1e-6)


@given(st.floats(21, 260), st.floats(30, 260))
def test_the_target_is_reached_when_foretold(start: float, target: float) -> None:
    heater = replace(COLD, temperature=start, target=target)
    seconds = heater.seconds_to_target()
    assert seconds is not None
    assert heater.after(seconds).temperature == pytest.approx(target, abs=1e-4)
    assert heater.after(seconds * 0.9).temperature == pytest.approx(target, abs=1e-4) or seconds > 0


def test_a_nozzle_takes_a_minute_and_a_half_and_a_bed_three_and_a_half() -> None:
    bench = Bench()
    bench.send("M104 S200")
    bench.wait(80)
    assert bench.firmware.machine.heaters["nozzle"].temperature < 200
    bench.wait(20)
    assert bench.firmware.machine.heaters["nozzle"].temperature == 200
    bench.send("M140 S60")
    bench.wait(180)
    assert bench.firmware.machine.heaters["bed"].temperature < 60
    bench.wait(60)
    assert bench.firmware.machine.heaters["bed"].temperature == 60


def test_m109_waits_until_it_is_hot_for_ten_seconds() -> None:
    bench = Bench()
    replies = bench.send("M109 S200")
    assert 100 < bench.now < 120
    assert any(reply.startswith(" T:") and reply.endswith("W:?") for reply in replies)
    assert bench.send("M105") == ["ok T:200.00 /200.00 B:21.00 /0.00 @:127 B@:0"]


def test_m108_without_a_number_ends_the_waiting_and_with_one_it_waits_too() -> None:
    bench = Bench()
    bench.push_in("M109 S200", "M108")
    bench.wait(1)
    assert bench.replies[-2:] == ["ok", "ok"]
    cold = Bench()
    cold.push_in("M109 S200", numbered(1, "M108"))
    cold.wait(1)
    assert "ok" not in cold.replies


def test_targets_are_capped() -> None:
    bench = Bench()
    bench.send("M104 S500", "M140 S500")
    heaters = bench.firmware.machine.heaters
    assert (heaters["nozzle"].target, heaters["bed"].target) == (260, 115)


def test_a_heater_without_power_is_noticed_while_heating() -> None:
    bench = Bench()
    bench.firmware.machine.break_heater("nozzle")
    bench.send("M104 S200")
    bench.wait(45)
    assert "Error:Heating failed, system stopped! Heater_ID: E0" in bench.replies
    assert bench.firmware.halted


def test_a_heater_that_fails_when_hot_is_noticed_too() -> None:
    bench = Bench()
    bench.hot(200)
    bench.wait(10)
    bench.firmware.machine.break_heater("nozzle")
    bench.wait(60)
    assert "Error:Thermal Runaway, system stopped! Heater_ID: E0" in bench.replies
    assert bench.firmware.machine.heaters["nozzle"].target == 0


def test_without_protection_nobody_notices() -> None:
    bench = Bench(Settings(thermal_protection=False))
    bench.firmware.machine.break_heater("nozzle")
    bench.send("M104 S200")
    bench.wait(600)
    assert not bench.firmware.halted
    assert "Cap:THERMAL_PROTECTION:0" in bench.send("M115")


def test_temperatures_are_reported_when_asked_for() -> None:
    bench = Bench()
    bench.send("M155 S2")
    before = len(bench.replies)
    bench.wait(9)
    assert len(bench.replies) - before == 4
