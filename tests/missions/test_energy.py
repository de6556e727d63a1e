from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.energy import power_w, usable_wh, worst_leg_energy_wh
from sim.drone.airframe import Airframe
from tests.missions.scenario import DRONE


def test_a_hover_costs_what_momentum_theory_says() -> None:
    weight_n = 4.2 * 9.80665
    ideal_w = weight_n**1.5 / math.sqrt(2 * 1.225 * 0.60)
    assert power_w(DRONE, 0.0) == pytest.approx(ideal_w / 0.62 + 18.0, rel=1e-9)


@pytest.mark.parametrize("airspeed_mps", [0.0, 2.0, 5.0, 8.0, 12.0, 15.0])
@pytest.mark.parametrize("climb_mps", [-1.5, 0.0, 1.0, 2.5])
def test_the_planner_and_the_simulator_agree_on_power(airspeed_mps: float, climb_mps: float) -> None:
    airframe = Airframe()
    drag_n = 0.5 * 1.225 * airframe.drag_area_m2 * airspeed_mps**2
    thrust_n = math.hypot(airframe.mass_kg * 9.80665, drag_n)
    simulated_w = airframe.power_w(thrust_n, airspeed_mps, climb_mps)
    assert power_w(DRONE, airspeed_mps, climb_mps) == pytest.approx(simulated_w, rel=1e-3)


def test_forward_flight_is_cheaper_than_a_hover_until_drag_wins() -> None:
    assert power_w(DRONE, 8.0) < power_w(DRONE, 0.0)
    draggy = replace(DRONE, drag_area_m2=0.2)
    assert power_w(draggy, 15.0) > power_w(draggy, 8.0)


def test_a_climb_costs_the_work_against_gravity_at_least() -> None:
    more_w = power_w(DRONE, 0.0, 2.5) - power_w(DRONE, 0.0)
    assert more_w > 0.5 * 4.2 * 9.80665 * 2.5 / 0.62
    assert power_w(DRONE, 0.0, -1.5) == power_w(DRONE, 0.0)


@given(st.floats(0, 15), st.floats(0.1, 4), st.floats(1.01, 2))
def test_power_grows_with_mass_and_climb(airspeed_mps: float, climb_mps: float, factor: float) -> None:
    assert power_w(replace(DRONE, mass_kg=4.2 * factor), airspeed_mps) > power_w(DRONE, airspeed_mps)
    assert power_w(DRONE, airspeed_mps, climb_mps) > power_w(DRONE, airspeed_mps)


def test_in_still_air_a_leg_costs_power_times_time_at_its_airspeed() -> None:
    still = {"up_m": 0.0, "wind_mps": 0.0}
    energy_wh = worst_leg_energy_wh(DRONE, distance_m=1000.0, duration_s=100.0, **still)
    assert energy_wh == pytest.approx(power_w(DRONE, 10.0) * 100.0 / 3600.0)
    assert worst_leg_energy_wh(DRONE, distance_m=0.0, duration_s=0.0, **still) == 0.0


@given(st.floats(0, 2000), st.floats(100, 300), st.floats(0, 12), st.floats(0, 1), st.floats(0, 2 * math.pi))
def test_no_wind_up_to_its_speed_costs_more_than_the_worst(
    distance_m: float, duration_s: float, limit_mps: float, share: float, angle_rad: float
) -> None:
    wind_mps = share * limit_mps
    worst_wh = worst_leg_energy_wh(DRONE, distance_m=distance_m, up_m=0.0, duration_s=duration_s, wind_mps=limit_mps)
    airspeed_mps = math.hypot(distance_m / duration_s - wind_mps * math.cos(angle_rad), wind_mps * math.sin(angle_rad))
    one_wh = power_w(DRONE, airspeed_mps) * duration_s / 3600.0
    assert one_wh <= worst_wh * (1.0 + 1e-9)


def test_the_reserve_is_left_in_the_battery() -> None:
    assert usable_wh(DRONE, 0.3) == pytest.approx(186.2)
