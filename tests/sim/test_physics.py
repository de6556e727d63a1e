from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missions.energy import power_w
from missions.site import DroneType
from sim.drone.airframe import AIR_DENSITY_KGPM3, GRAVITY_MPS2, Airframe
from sim.drone.battery import Battery, cell_volts
from sim.drone.dynamics import Body, Reference
from sim.drone.gnss import FIXES, Receiver
from sim.wind import Wind

FRAME = Airframe()
WEIGHT_N = FRAME.mass_kg * GRAVITY_MPS2


def test_hover_power_is_the_closed_form() -> None:
    ideal = WEIGHT_N**1.5 / math.sqrt(2.0 * AIR_DENSITY_KGPM3 * FRAME.disk_area_m2)
    assert FRAME.hover_w() == pytest.approx(ideal / FRAME.figure_of_merit + FRAME.avionics_w, rel=1e-4)


@settings(deadline=None)
@given(st.floats(0.0, 20.0), st.floats(-3.0, 4.0))
def test_power_agrees_with_what_the_planner_reckons(airspeed_mps: float, climb_mps: float) -> None:
    planned = DroneType("quad", 4.2, 0.60, 0.62, 0.035, 18.0, 266.0, 15.0, 2.5, 1.5, 2.5, 12.0)
    drag_n = 0.5 * AIR_DENSITY_KGPM3 * FRAME.drag_area_m2 * airspeed_mps**2
    ours = FRAME.power_w(math.hypot(WEIGHT_N, drag_n), airspeed_mps, climb_mps)
    assert ours == pytest.approx(power_w(planned, airspeed_mps, climb_mps), rel=0.01)


@settings(deadline=None)
@given(st.floats(10.0, 120.0), st.floats(0.0, 25.0), st.floats(-2.0, 6.0))
def test_the_induced_velocity_solves_glaubert(thrust_n: float, along_mps: float, through_mps: float) -> None:
    v = FRAME.induced_mps(thrust_n, along_mps, through_mps)
    want = thrust_n / (2.0 * AIR_DENSITY_KGPM3 * FRAME.disk_area_m2)
    assert v * math.hypot(along_mps, through_mps + v) == pytest.approx(want, rel=0.01)


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


def test_the_curve_of_a_cell_rises() -> None:
    volts = [cell_volts(i / 100.0) for i in range(101)]
    assert volts == sorted(volts)
    with pytest.raises(ValueError, match="full"):
        Battery(FRAME).set_remaining(1.2)


def flown(target_e: float, seconds: float, *, speed: float = 0.0, wind_e: float = 0.0) -> Body:
    body, ref = Body(FRAME, 0.0), Reference()
    body.u = ref.pu = 20.0
    body.on_ground = False
    body.wind_e = wind_e
    ref.ve = speed
    for _ in range(int(seconds / 0.02)):
        ref.pe = ref.pe + speed * 0.02 if speed else target_e
        body.fly(ref, 0.0, 0.0, 0.0, 5.66, 0.02)
    return body


def test_a_steady_wind_tilts_it_but_does_not_carry_it_away() -> None:
    body = flown(0.0, 60.0, wind_e=10.0)
    assert abs(body.e) < 0.05
    drag = FRAME.drag_per_mass * 100.0
    assert body.ae == pytest.approx(-drag, rel=0.05)
    roll, _ = body.tilt_rad()
    assert roll == pytest.approx(-math.atan(drag / GRAVITY_MPS2), rel=0.05)


def test_a_gust_moves_it_by_decimetres() -> None:
    body, ref = Body(FRAME, 0.0), Reference()
    body.u = ref.pu = 20.0
    wind = Wind(rng=random.Random(3), east_mps=8.0, gust_mps=2.0)
    worst = 0.0
    for step in range(6000):
        body.wind_e, body.wind_n = wind.at((body.e, body.n), body.u, step * 0.02)
        body.fly(ref, 0.0, 0.0, 0.0, 5.66, 0.02)
        if step > 500:
            worst = max(worst, abs(body.e))
    assert 0.005 < worst < 0.5


def test_it_follows_a_moving_reference_without_lag() -> None:
    body = flown(0.0, 20.0, speed=10.0)
    assert body.ve == pytest.approx(10.0, abs=0.05)
    assert body.e == pytest.approx(200.0, abs=0.2)


def test_a_fall_ends_near_the_speed_of_a_free_fall() -> None:
    body = Body(FRAME, 0.0)
    body.u, body.on_ground = 10.0, False
    speed = 0.0
    while not body.on_ground:
        speed = -body.vu
        body.fall(0.02)
    assert speed == pytest.approx(math.sqrt(2 * 9.80665 * 10.0), rel=0.1)


def test_the_same_seed_gives_the_same_gusts_in_any_order() -> None:
    def wind() -> Wind:
        return Wind(rng=random.Random(7), east_mps=6.0, north_mps=-2.0, gust_mps=1.5)

    a, b = wind(), wind()
    times = [i * 0.1 for i in range(600)]
    forward = [a.at((10.0, 20.0), 30.0, t) for t in times]
    b.at((10.0, 20.0), 30.0, 60.0)
    assert [b.at((10.0, 20.0), 30.0, t) for t in times] == forward


class Counted(random.Random):
    """Chance that counts how often it is asked."""

    draws = 0

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        self.draws += 1
        return super().gauss(mu, sigma)


def test_a_wind_that_is_asked_first_after_a_year_does_not_blow_the_whole_year_through() -> None:
    """A loop's clock may begin anywhere: at the uptime of the machine, times the speed of the simulation."""
    rng = Counted(7)
    wind = Wind(rng=rng, east_mps=5.0, gust_mps=1.0)
    year_s = 365.0 * 86400.0
    first = wind.at((0.0, 0.0), 10.0, year_s)
    assert rng.draws < 10_000
    assert wind.at((0.0, 0.0), 10.0, year_s) == first
    assert wind.at((400.0, 0.0), 10.0, year_s + 60.0) != first


def test_gusts_have_the_size_asked_and_no_bias() -> None:
    wind = Wind(rng=random.Random(11), gust_mps=2.0)
    values = [wind.at((0.0, 0.0), 10.0, float(t))[0] for t in range(20000)]
    mean = sum(values) / len(values)
    assert abs(mean) < 0.15
    assert math.sqrt(sum((v - mean) ** 2 for v in values) / len(values)) == pytest.approx(2.0, rel=0.1)


def test_the_wind_comes_from_where_it_was_set_and_grows_with_height() -> None:
    wind = Wind(rng=random.Random(1), shear_exponent=0.22)
    wind.set_mean(10.0, 270.0)
    east, north = wind.at((0.0, 0.0), 10.0, 0.0)
    assert east == pytest.approx(10.0)
    assert north == pytest.approx(0.0, abs=1e-9)
    assert wind.at((0.0, 0.0), 80.0, 0.0)[0] == pytest.approx(10.0 * 8.0**0.22)


@pytest.mark.parametrize("fix_type", [3, 5, 6])
def test_the_error_of_a_position_is_that_of_its_fix(fix_type: int) -> None:
    receiver = Receiver(random.Random(fix_type))
    receiver.set_fix(fix_type)
    squares = 0.0
    for step in range(100000):
        receiver.step(step * 0.2)
        squares += receiver.e**2
    assert math.sqrt(squares / 100000) == pytest.approx(FIXES[fix_type].error_m, rel=0.25)


def test_a_fix_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="GPS_FIX_TYPE"):
        Receiver(random.Random(1)).set_fix(9)
