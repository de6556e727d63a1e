"""Power and energy: rotors by momentum theory, batteries by their circuit."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missions.energy import power_w
from missions.site import DroneType
from sim.drone.airframe import AIR_DENSITY_KGPM3, GRAVITY_MPS2, Airframe
from sim.drone.battery import CELL_CURVE, WARM_C, Battery, cell_volts, resistance_factor, usable_share
from sim.flight.bodies import TICK_S
from tests.sim.flight.bench import hovering, tick, ticks

FRAME = Airframe()
WEIGHT_N = FRAME.mass_kg * GRAVITY_MPS2
PLANNED = DroneType("quad", 4.2, 0.60, 0.62, 0.035, 18.0, 266.0, 15.0, 2.5, 1.5, 2.5, 12.0)

# Power


def test_hover_power_is_the_closed_form() -> None:
    ideal = WEIGHT_N**1.5 / math.sqrt(2.0 * AIR_DENSITY_KGPM3 * FRAME.disk_area_m2)
    assert FRAME.hover_w() == pytest.approx(ideal / FRAME.figure_of_merit + FRAME.avionics_w, rel=1e-4)


def test_a_body_that_hovers_draws_the_hover_power() -> None:
    body, ref = hovering()
    ticks(body, ref, 5.0)
    assert body.power_w() == pytest.approx(FRAME.hover_w(), rel=1e-3)
    assert body.throttle == pytest.approx(FRAME.hover_throttle, rel=1e-3)


@settings(deadline=None)
@given(st.floats(0.0, 20.0), st.floats(-3.0, 4.0))
def test_power_agrees_with_what_the_planner_reckons(airspeed_mps: float, climb_mps: float) -> None:
    drag_n = 0.5 * AIR_DENSITY_KGPM3 * FRAME.drag_area_m2 * airspeed_mps**2
    ours = FRAME.power_w(math.hypot(WEIGHT_N, drag_n), airspeed_mps, climb_mps)
    assert ours == pytest.approx(power_w(PLANNED, airspeed_mps, climb_mps), rel=0.01)


@settings(deadline=None)
@given(st.floats(10.0, 120.0), st.floats(0.0, 25.0), st.floats(-2.0, 6.0))
def test_the_induced_velocity_solves_glauert(thrust_n: float, along_mps: float, through_mps: float) -> None:
    v = FRAME.induced_mps(thrust_n, along_mps, through_mps)
    want = thrust_n / (2.0 * AIR_DENSITY_KGPM3 * FRAME.disk_area_m2)
    assert v * math.hypot(along_mps, through_mps + v) == pytest.approx(want, rel=0.01)


@pytest.mark.parametrize("speed", [5.0, 10.0, 14.0])
def test_the_energy_of_a_cruise_is_what_the_planner_reckons(speed: float) -> None:
    body, ref = hovering()
    ref.ve = speed

    def onward() -> None:
        ref.pe += speed * TICK_S

    energy_j = 0.0
    for number in range(600):
        tick(body, ref, onward)
        if number >= 200:
            energy_j += body.power_w() * TICK_S
    assert energy_j == pytest.approx(40.0 * power_w(PLANNED, speed, 0.0), rel=0.02)


def test_climbing_pays_for_the_height() -> None:
    body, ref = hovering(50.0)
    ref.vu = 2.5

    def upward() -> None:
        ref.pu += 2.5 * TICK_S

    for _ in range(100):
        tick(body, ref, upward)
    assert body.power_w() == pytest.approx(power_w(PLANNED, 0.0, 2.5), rel=0.02)


def test_going_down_saves_nothing() -> None:
    body, ref = hovering(200.0)
    ref.vu = -1.5

    def downward() -> None:
        ref.pu -= 1.5 * TICK_S

    for _ in range(100):
        tick(body, ref, downward)
    assert body.power_w() == pytest.approx(FRAME.hover_w(), rel=0.01)


# Battery


def test_a_battery_gives_its_rated_energy_and_sags_under_load() -> None:
    battery = Battery(FRAME)
    rest_v = battery.voltage_v
    battery.draw(400.0, 1.0)
    assert battery.voltage_v < rest_v
    assert battery.voltage_v * battery.current_a == pytest.approx(400.0, rel=1e-6)
    while battery.remaining > 0.0:
        battery.draw(20.0, 60.0)
    assert battery.consumed_wh == pytest.approx(FRAME.battery_wh, rel=0.02)
    assert battery.remaining_pct == 0


@settings(deadline=None)
@given(st.floats(0.0, 2000.0), st.floats(0.05, 1.0), st.floats(-20.0, 40.0))
def test_the_current_solves_the_circuit(power: float, charge: float, temperature_c: float) -> None:
    battery = Battery(FRAME)
    battery.set_temperature(temperature_c)
    battery.set_remaining(charge)
    open_v, ohm = battery.open_circuit_v, battery.resistance_ohm
    battery.draw(power, 0.0)
    if battery.overloaded:
        assert power > open_v**2 / (4.0 * ohm)
        assert battery.current_a == pytest.approx(open_v / (2.0 * ohm))
    else:
        assert battery.current_a * (open_v - battery.current_a * ohm) == pytest.approx(power, rel=1e-9, abs=1e-9)
        assert battery.current_a <= open_v / (2.0 * ohm) * (1.0 + 1e-9)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(0.0, 900.0), st.floats(0.1, 60.0)), min_size=1, max_size=40))
def test_what_leaves_the_battery_is_what_is_drawn_and_the_rest_of_the_charge_is_heat(
    loads: list[tuple[float, float]],
) -> None:
    battery = Battery(FRAME)
    drawn_j = chemical_j = heat_j = 0.0
    for power, seconds in loads:
        open_v = battery.open_circuit_v
        battery.draw(power, seconds)
        drawn_j += power * seconds
        chemical_j += open_v * battery.current_a * seconds
        heat_j += battery.current_a**2 * battery.resistance_ohm * seconds
    assert battery.consumed_wh * 3600.0 == pytest.approx(drawn_j, rel=1e-9, abs=1e-6)
    assert chemical_j == pytest.approx(drawn_j + heat_j, rel=1e-9, abs=1e-6)


def test_the_curve_of_a_cell_rises() -> None:
    volts = [cell_volts(i / 100.0) for i in range(101)]
    assert volts == sorted(volts)
    with pytest.raises(ValueError, match="full"):
        Battery(FRAME).set_remaining(1.2)


def test_cold_raises_the_resistance_by_boltzmanns_law() -> None:
    # the measured pack: R = 1.1e-6 exp(3131 / T)
    for cold_c in (0.0, 10.0, 20.0):
        measured = math.exp(3131.0 / (273.15 + cold_c)) / math.exp(3131.0 / (273.15 + WARM_C))
        assert resistance_factor(cold_c) == pytest.approx(measured)
    assert resistance_factor(40.0) == resistance_factor(WARM_C) == 1.0
    assert 2.0 < resistance_factor(0.0) < 3.0


@settings(deadline=None)
@given(st.floats(-60.0, 60.0), st.floats(-60.0, 60.0))
def test_the_colder_the_less_charge_and_the_lower_the_voltage_under_load(a_c: float, b_c: float) -> None:
    colder, warmer = sorted((a_c, b_c))
    assert usable_share(colder) <= usable_share(warmer) <= 1.0
    volts = []
    for temperature_c in (colder, warmer):
        battery = Battery(FRAME)
        battery.set_temperature(temperature_c)
        battery.draw(400.0, 1.0)
        volts.append(battery.voltage_v)
    assert volts[0] <= volts[1] + 1e-12


def test_a_cold_battery_is_empty_before_the_autopilot_that_counts_charge_thinks_so() -> None:
    battery = Battery(FRAME)
    battery.set_temperature(-10.0)
    while battery.remaining > 0.0:
        battery.draw(300.0, 10.0)
    assert battery.remaining_pct == pytest.approx(18, abs=1)
    assert battery.consumed_wh < 0.82 * FRAME.battery_wh
    assert battery.volts_share == 0.0


def test_warmth_gives_back_what_cold_took() -> None:
    battery = Battery(FRAME)
    battery.set_remaining(0.6)
    battery.set_temperature(-15.0)
    assert battery.remaining < 0.6
    battery.set_temperature(WARM_C)
    assert battery.remaining == pytest.approx(0.6)
    assert battery.voltage_v == pytest.approx(6 * cell_volts(0.6))


def test_motors_on_a_weak_battery_have_the_square_of_the_voltage_less_thrust() -> None:
    body, _ = hovering()
    full = body.highest
    body.feed(0.9)
    assert body.highest == pytest.approx(0.81 * full)
    body.feed(0.0)
    assert body.highest < GRAVITY_MPS2  # it cannot stay up on an empty one
    body.feed(1.0)
    assert body.highest == full


def test_the_mean_voltage_makes_the_capacity() -> None:
    area = math.fsum((v0 + v1) / 2 * (c1 - c0) for (c0, v0), (c1, v1) in pairwise(CELL_CURVE))
    assert Battery(FRAME).capacity_ah == pytest.approx(FRAME.battery_wh / (FRAME.cells * area))
