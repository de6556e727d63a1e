"""Positions are as wrong as is stated: size, shape and correlation of the errors of each kind of fix."""

from __future__ import annotations

import hashlib
import math
import random
from statistics import NormalDist

import numpy as np
import pytest

from sim.gnss.laws import (
    DGPS,
    FIX_2D,
    FIX_3D,
    QUICK_S,
    RTK_FIXED,
    RTK_FLOAT,
    SLOW_S,
    law_of,
)
from sim.gnss.orbits import Vector
from sim.gnss.receiver import BAROMETER_M, BAROMETER_S, FILTER_S, UPDATE_S, Receiver
from tests.sim.gnss.henan import Flight, Time, Wall, sky_over

MODES = {FIX_3D: "3D", DGPS: "DGPS", RTK_FLOAT: "float", RTK_FIXED: "fixed"}
KS_ONE_IN_A_THOUSAND = 1.95


def kolmogorov_smirnov(values: list[float]) -> float:
    """sqrt(n) times the largest distance from the standard normal distribution."""
    normal, n = NormalDist(), len(values)
    largest = 0.0
    for rank, value in enumerate(sorted(values)):
        expected = normal.cdf(value)
        largest = max(largest, abs(expected - rank / n), abs(expected - (rank + 1) / n))
    return math.sqrt(n) * largest


def apart(fix_type: int, count: int, every_s: float, *, seed: int = 3) -> list[tuple[Vector, Vector]]:
    """Raw errors with the sigmas that hold for them, so far apart that they know nothing of each other."""
    time = Time()
    flight = Flight(time, sky_over(time), seed=seed)
    flight.receiver.set_fix(fix_type)
    rows = []
    for _ in range(count):
        flight.go(every_s, every_s)
        rows.append((flight.receiver.raw_m, flight.receiver.sigma_m))
    return rows


@pytest.mark.parametrize("fix_type", MODES, ids=list(MODES.values()))
def test_each_axis_is_normal_with_the_reported_sigma(fix_type: int) -> None:
    rows = apart(fix_type, 800, 5.0 * SLOW_S)
    for axis in range(3):
        scaled = [errors[axis] / sigmas[axis] for errors, sigmas in rows]
        assert kolmogorov_smirnov(scaled) < KS_ONE_IN_A_THOUSAND
        assert float(np.std(scaled)) == pytest.approx(1.0, abs=4.0 / math.sqrt(2.0 * len(scaled)))


def test_the_squared_error_in_the_metric_of_the_geometry_is_chi_square_of_three() -> None:
    """Fixed solutions have one size of range errors, so L^-1 errors / size are three independent normals."""
    time = Time()
    flight = Flight(time, sky_over(time), seed=8)
    squares = []
    for _ in range(1000):
        flight.go(6.0 * QUICK_S, 6.0 * QUICK_S)
        geometry = flight.receiver.geometry
        assert geometry is not None
        ee, ne, nn, ue, un, uu = geometry.spread
        law = law_of(RTK_FIXED, zenith_ionosphere_m=0.0, age_s=1.0, baseline_m=1000.0)
        lower = np.array([[ee, 0.0, 0.0], [ne, nn, 0.0], [ue, un, uu]]) * law.quick_m
        white = np.linalg.solve(lower, np.array(flight.receiver.raw_m))
        squares.append(float(white @ white))
    bounds = [0.0, 0.584, 1.213, 2.366, 4.108, 6.251, math.inf]  # 10, 25, 50, 75 and 90 % of chi-square of three
    shares = [0.10, 0.15, 0.25, 0.25, 0.15, 0.10]
    counts = np.histogram(squares, bounds)[0]
    expected = np.array(shares) * len(squares)
    assert float((((counts - expected) ** 2) / expected).sum()) < 20.5  # one in a thousand for five degrees


def autocorrelation(values: list[float], lag: int) -> float:
    centred = np.array(values) - np.mean(values)
    return float((centred[lag:] * centred[:-lag]).mean() / (centred * centred).mean())


def test_quick_errors_forget_themselves_in_40_s() -> None:
    time = Time()
    flight = Flight(time, sky_over(time), seed=21)
    east = []
    for _ in range(25_000):
        flight.go(2.0, 2.0)
        east.append(flight.receiver.raw_m[0] / flight.receiver.sigma_m[0])
    for lag_s in (10.0, 40.0, 80.0):
        assert autocorrelation(east, round(lag_s / 2.0)) == pytest.approx(math.exp(-lag_s / QUICK_S), abs=0.08)


def test_without_corrections_most_of_the_height_error_stays_for_half_an_hour() -> None:
    time = Time()
    flight = Flight(time, sky_over(time), seed=22)
    flight.receiver.set_fix(FIX_3D)
    up, shares = [], []
    for _ in range(5_000):
        flight.go(300.0, 300.0)
        receiver, geometry = flight.receiver, flight.receiver.geometry
        assert geometry is not None
        law = law_of(FIX_3D, zenith_ionosphere_m=receiver.sky.view().zenith_ionosphere_m)
        up.append(receiver.raw_m[2] / receiver.sigma_m[2])
        shares.append(1.0 - (law.quick_m * geometry.vdop / receiver.sigma_m[2]) ** 2)
    slow_share = float(np.mean(shares))  # of the variance; the quick part is gone after 300 s
    assert slow_share > 0.6
    for lag_s in (600.0, 1800.0):
        expected = slow_share * math.exp(-lag_s / SLOW_S)
        # the geometry turns meanwhile, which takes some of it
        assert autocorrelation(up, round(lag_s / 300.0)) == pytest.approx(expected, abs=0.12)


def test_the_autopilot_believes_the_errors_smoothed_over_3_s() -> None:
    time = Time()
    flight = Flight(time, sky_over(time), seed=5)
    raw, believed, height = [], [], []
    for _ in range(120_000):
        flight.go(UPDATE_S)
        raw.append(flight.receiver.raw_m[1])
        believed.append(flight.receiver.n)
        height.append(flight.receiver.u)
    ratio = float(np.std(believed) / np.std(raw))
    assert ratio == pytest.approx(math.sqrt(QUICK_S / (QUICK_S + FILTER_S)), abs=0.01)
    assert float(np.std(height)) == pytest.approx(BAROMETER_M, rel=0.1)
    assert autocorrelation(height, round(BAROMETER_S / UPDATE_S)) == pytest.approx(math.exp(-1.0), abs=0.1)


@pytest.mark.parametrize("step_s", [0.1, 0.2, 0.5, 1.0, 5.0])
def test_the_law_does_not_depend_on_how_often_it_is_asked(step_s: float) -> None:
    time = Time()
    flight = Flight(time, sky_over(time), seed=77)
    squares = []
    for _ in range(200):
        flight.go(2.0 * QUICK_S, step_s)
        squares.append((flight.receiver.raw_m[0] / flight.receiver.sigma_m[0]) ** 2)
    assert float(np.mean(squares)) == pytest.approx(1.0, abs=0.35)


def test_reported_accuracies_are_those_of_the_makers() -> None:
    """UM980: 0.8 cm level and 1.5 cm up, one sigma, over a short baseline; plain fixes of one band are metres."""
    time = Time()
    flight = Flight(time, sky_over(time))
    flight.go(1.0)
    assert 5 <= flight.receiver.fix.h_acc_mm <= 12
    assert 9 <= flight.receiver.fix.v_acc_mm <= 22
    level_mm = []
    for fix_type in (RTK_FLOAT, DGPS, FIX_3D, FIX_2D):
        flight.receiver.set_fix(fix_type)
        level_mm.append(flight.receiver.fix.h_acc_mm)
    assert level_mm == sorted(level_mm)
    assert 120 <= level_mm[0] <= 350
    assert 200 <= level_mm[1] <= 500
    assert 500 <= level_mm[2] <= 1500


@pytest.mark.parametrize("fix_type", MODES, ids=list(MODES.values()))
def test_noise_facades_old_corrections_and_long_baselines_make_it_worse(fix_type: int) -> None:
    best = law_of(fix_type, zenith_ionosphere_m=5.0)
    reflected = law_of(fix_type, zenith_ionosphere_m=5.0, blocked=0.5)
    assert reflected.quick_m == pytest.approx(best.quick_m * (2.0 if fix_type >= RTK_FLOAT else 3.0))
    noisy = law_of(fix_type, zenith_ionosphere_m=5.0, noise_rise_db=20.0)
    assert noisy.quick_m == pytest.approx(10.0 * best.quick_m)
    old = law_of(fix_type, zenith_ionosphere_m=5.0, age_s=30.0)
    far = law_of(fix_type, zenith_ionosphere_m=5.0, baseline_m=20_000.0)
    if fix_type >= DGPS:
        assert old.quick_m > best.quick_m
        assert far.quick_m > best.quick_m
        assert (best.slow_m, best.zenith_m) == (0.0, 0.0)  # corrections take orbits, clocks and ionosphere away
    else:
        assert (old, far) == (best, best)


def test_between_high_facades_errors_grow() -> None:
    open_time, street_time = Time(), Time()
    free = Flight(open_time, sky_over(open_time))
    street = Flight(street_time, sky_over(street_time, Wall(0.0, 180.0, 40.0)))
    for flight in (free, street):
        flight.go(2.0)
        flight.receiver.set_fix(DGPS)
    assert street.receiver.fix.h_acc_mm > 2 * free.receiver.fix.h_acc_mm


def test_inertial_sensors_alone_drift_away() -> None:
    after_s = {5.0: 0.0, 20.0: 0.0}
    for seed in range(200):
        time = Time()
        flight = Flight(time, sky_over(time), seed=seed)
        flight.go(2.0)
        begin = flight.receiver.e
        flight.receiver.set_fix(1)
        passed = 0.0
        for until in after_s:
            flight.go(until - passed)
            passed = until
            after_s[until] += (flight.receiver.e - begin) ** 2 / 200
    # white acceleration of density q: the place's variance is q^2 t^3 / 3
    for until, square in after_s.items():
        assert math.sqrt(square) == pytest.approx(0.05 * math.sqrt(until**3 / 3.0), rel=0.2)


def digest(seed: int) -> str:
    time = Time()
    sky = sky_over(time)
    receiver, made = Receiver(random.Random(seed), sky), hashlib.sha256()
    for step in range(3000):
        time.go(0.2)
        receiver.set_fix(3 if step % 1000 > 500 else 6)
        receiver.step(time.passed_s, 0.0, 0.0, 40.0)
        made.update(repr((receiver.e, receiver.n, receiver.u, receiver.raw_m, receiver.fix)).encode())
    return made.hexdigest()


def test_the_same_seed_gives_the_same_errors_to_the_bit_and_another_does_not() -> None:
    assert digest(5) == digest(5)
    assert digest(5) != digest(6)


def test_a_fix_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="GPS_FIX_TYPE"):
        Receiver(random.Random(1), sky_over(Time())).set_fix(9)


@pytest.mark.soak
def test_a_year_of_independent_errors_keeps_its_laws() -> None:
    """8,000 moments of each kind of fix, 2.5 hours apart; the table is for the eye, the bounds are the test."""
    print("\nfix    axis   sigma/stated  KS     skew   excess kurtosis")  # noqa: T201 the table
    for fix_type, name in MODES.items():
        rows = apart(fix_type, 8000, 5.0 * SLOW_S, seed=40 + fix_type)
        for axis, axis_name in enumerate(("east", "north", "up")):
            scaled = np.array([errors[axis] / sigmas[axis] for errors, sigmas in rows])
            size, distance = float(scaled.std()), kolmogorov_smirnov(scaled.tolist())
            skew, kurtosis = float((scaled**3).mean()), float((scaled**4).mean() - 3.0)
            print(f"{name:6} {axis_name:6} {size:8.3f}     {distance:6.2f} {skew:7.3f} {kurtosis:8.3f}")  # noqa: T201
            assert size == pytest.approx(1.0, abs=4.0 / math.sqrt(2.0 * 8000))
            assert distance < KS_ONE_IN_A_THOUSAND
            assert abs(skew) < 4.0 * math.sqrt(6.0 / 8000)
            assert abs(kurtosis) < 4.0 * math.sqrt(24.0 / 8000)
