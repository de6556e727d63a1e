"""The wind: Dryden gusts against the closed forms of MIL-F-8785C, means, fronts and heights."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from sim.weather.turbulence import (
    FOOT_M,
    NODE_M,
    NODES,
    VERTICAL_INTENSITY,
    Array,
    GustField,
    horizontal_intensity,
    horizontal_scale_m,
    lateral_correlation,
    longitudinal_correlation,
    usual_gust_mps,
    vertical_scale_m,
)
from sim.wind import Wind

SEEDS = range(6)
U, V, W = range(3)
FIELDS = [GustField(random.Random(seed)) for seed in SEEDS]


def components(seed: int, agl_m: float, offset_m: float = 0.0) -> Array:
    """u, v and w along the whole line, shape (3, nodes)."""
    field = FIELDS[seed]
    return np.array([field.at(node * NODE_M + offset_m, agl_m) for node in range(NODES)]).T


@pytest.fixture(scope="module")
def at_anemometers() -> list[Array]:
    """The gusts of some seeds at 12.2 m above ground, a height of which the field keeps a level."""
    return [components(seed, 40.0 * FOOT_M) for seed in SEEDS]


@pytest.mark.parametrize(
    ("feet", "scale_ft", "ratio"),
    # L_u / ft and sigma_u / sigma_w by hand from 3.7.3.4 of MIL-F-8785C; at 1000 ft they become 1000 ft and 1
    [(10.0, 75.7, 1.963), (20.0, 143.6, 1.929), (100.0, 505.2, 1.716), (500.0, 944.7, 1.236), (1000.0, 1000.0, 1.0)],
)
def test_scales_and_intensities_are_those_of_the_standard(feet: float, scale_ft: float, ratio: float) -> None:
    height_m = feet * FOOT_M
    assert horizontal_scale_m(height_m) / FOOT_M == pytest.approx(scale_ft, rel=0.005)
    assert vertical_scale_m(height_m) / FOOT_M == pytest.approx(feet)
    assert horizontal_intensity(height_m) / VERTICAL_INTENSITY == pytest.approx(ratio, rel=0.005)


def test_below_10_and_above_1000_feet_the_ends_of_the_standard_hold() -> None:
    assert horizontal_scale_m(0.5) == horizontal_scale_m(10.0 * FOOT_M)
    assert horizontal_scale_m(2000.0) == horizontal_scale_m(1000.0 * FOOT_M)
    field = GustField(random.Random(1))
    assert field.at(100.0, -3.0) == field.at(100.0, 10.0 * FOOT_M)
    assert field.at(100.0, 900.0) == field.at(100.0, 1000.0 * FOOT_M)


def test_sigma_w_is_a_tenth_of_the_wind_at_20_feet() -> None:
    assert usual_gust_mps(10.0) * VERTICAL_INTENSITY == pytest.approx(1.0)
    w20_mps = 10.0 * (6.096 / 10.0) ** 0.22
    assert usual_gust_mps(10.0, 0.22) * VERTICAL_INTENSITY == pytest.approx(0.1 * w20_mps)


@pytest.mark.parametrize(("component", "law"), [(U, longitudinal_correlation), (V, lateral_correlation)])
@pytest.mark.parametrize("lag_m", [0.0, 15.0, 45.0, 90.0, 180.0, 300.0])
def test_horizontal_gusts_are_correlated_as_the_dryden_spectra_say(
    at_anemometers: list[Array], component: int, law: Callable[[Array, float], Array], lag_m: float
) -> None:
    nodes = round(lag_m / NODE_M)
    rows = [gusts[component] for gusts in at_anemometers]
    found = np.mean([np.mean(row * np.roll(row, nodes)) for row in rows]) / np.mean([np.mean(row**2) for row in rows])
    expected = law(np.array([lag_m]), horizontal_scale_m(40.0 * FOOT_M))[0]
    assert found == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("component", [U, V, W])
def test_the_power_spectra_are_drydens(at_anemometers: list[Array], component: int) -> None:
    """One-sided, over the wave number: 3.7.1.2 of MIL-F-8785C, in bands of half an octave to 1 / (4 m)."""
    scale_m = vertical_scale_m(40.0 * FOOT_M) if component == W else horizontal_scale_m(40.0 * FOOT_M)
    sigma = VERTICAL_INTENSITY if component == W else horizontal_intensity(40.0 * FOOT_M)
    step = 2.0 * math.pi / (NODES * NODE_M)
    powers = np.mean([np.abs(np.fft.rfft(gusts[component])) ** 2 for gusts in at_anemometers], axis=0)
    density = powers * 2.0 / NODES**2 / step
    wave = np.arange(len(density)) * step
    x = (scale_m * wave) ** 2
    if component == U:
        expected = sigma**2 * 2.0 * scale_m / math.pi / (1.0 + x)
    else:
        expected = sigma**2 * scale_m / math.pi * (1.0 + 3.0 * x) / (1.0 + x) ** 2
    edges = np.geomspace(0.002, 0.25, 15)
    for low, high in pairwise(edges):
        band = (wave >= low) & (wave < high)
        count = int(band.sum()) * len(at_anemometers)
        assert density[band].mean() / expected[band].mean() == pytest.approx(1.0, abs=0.12 + 4.0 / math.sqrt(count))


@pytest.mark.parametrize("agl_m", [3.05, 8.0, 30.0, 120.0, 300.0])
def test_gusts_are_as_strong_as_the_standard_says_at_every_height(agl_m: float) -> None:
    rows = [components(seed, agl_m, offset_m=0.4) for seed in SEEDS]
    u, v, w = np.sqrt(np.mean([np.mean(row**2, axis=1) for row in rows], axis=0))
    assert u == pytest.approx(horizontal_intensity(agl_m), rel=0.05)
    assert v == pytest.approx(horizontal_intensity(agl_m), rel=0.05)
    assert w == pytest.approx(VERTICAL_INTENSITY, rel=0.04)


def test_a_gust_reaches_from_the_roofs_to_the_street() -> None:
    roof, street = components(5, 40.0)[U], components(5, 20.0)[U]
    assert np.corrcoef(roof, street)[0, 1] > 0.9


def blowing(seed: int = 3, *, east_mps: float = 6.0, north_mps: float = -2.0, gust_mps: float = 1.5) -> Wind:
    return Wind(rng=random.Random(seed), east_mps=east_mps, north_mps=north_mps, gust_mps=gust_mps)


def test_the_same_seed_gives_the_same_gusts_in_any_order() -> None:
    rng = random.Random(9)
    times = [rng.uniform(0.0, 1e7) for _ in range(200)]
    one, other = blowing(), blowing()
    first = {t: one.at((10.0, 20.0), 30.0, t) for t in times}
    rng.shuffle(times)
    assert {t: other.at((10.0, 20.0), 30.0, t) for t in times} == first
    assert blowing(4).at((10.0, 20.0), 30.0, times[0]) != first[times[0]]


def test_gusts_are_frozen_in_the_air_that_drifts() -> None:
    wind = blowing()
    for t in (0.0, 33.3, 1e6):
        here = wind.at((100.0, -50.0), 40.0, t)
        there = wind.at((100.0 + 6.0 * 20.0, -50.0 - 2.0 * 20.0), 40.0, t + 20.0)
        assert there == pytest.approx(here, abs=1e-5)


def test_two_abreast_feel_gusts_as_far_apart_as_two_in_a_row() -> None:
    wind = blowing(east_mps=8.0, north_mps=0.0)
    a, b, c = ([wind.at(xy, 30.0, t * 5.0)[0] for t in range(4000)] for xy in ((0.0, 0.0), (0.0, 90.0), (90.0, 0.0)))
    abreast, in_a_row = np.corrcoef(a, b)[0, 1], np.corrcoef(a, c)[0, 1]
    assert abreast == pytest.approx(in_a_row, abs=0.05)
    assert abreast < 0.7


def test_a_clock_that_begins_after_years_of_uptime_costs_nothing_and_changes_nothing() -> None:
    late = 3.0e9
    asked_before = blowing()
    asked_before.at((0.0, 0.0), 10.0, 0.0)
    assert blowing().at((0.0, 0.0), 10.0, late) == asked_before.at((0.0, 0.0), 10.0, late)


def test_gusts_have_the_size_asked_for_and_no_bias() -> None:
    wind = blowing(gust_mps=2.0)
    rows = np.array([wind.at((0.0, 0.0), 10.0, t * 3.0) for t in range(30_000)]) - (6.0, -2.0, 0.0)
    # the mean of a line of length X is off by sigma sqrt(2 L / X): 0.11 m/s, three times that
    assert np.abs(rows.mean(axis=0)).max() < 0.33
    along = rows[:, :2] @ (np.array([6.0, -2.0]) / math.hypot(6.0, 2.0))
    assert along.std() == pytest.approx(2.0, rel=0.07)
    assert rows[:, 2].std() == pytest.approx(2.0 * VERTICAL_INTENSITY, rel=0.07)


def test_without_gusts_the_air_moves_as_the_mean() -> None:
    assert blowing(gust_mps=0.0).at((5.0, 5.0), 50.0, 100.0) == (6.0, -2.0, 0.0)


def test_still_air_has_gusts_that_change() -> None:
    wind = blowing(east_mps=0.0, north_mps=0.0)
    assert wind.at((0.0, 0.0), 10.0, 0.0) != wind.at((0.0, 0.0), 10.0, 10.0)


def test_the_wind_comes_from_where_it_was_set_and_grows_with_height_to_450_m() -> None:
    wind = Wind(rng=random.Random(1), shear_exponent=0.22)
    wind.set_mean(10.0, 270.0)
    assert wind.at((0.0, 0.0), 10.0, 0.0) == pytest.approx((10.0, 0.0, 0.0), abs=1e-9)
    assert wind.at((0.0, 0.0), 80.0, 0.0)[0] == pytest.approx(10.0 * 8.0**0.22)
    assert wind.at((0.0, 0.0), 900.0, 0.0)[0] == pytest.approx(10.0 * 45.0**0.22)
    assert wind.at((0.0, 0.0), -5.0, 0.0)[0] == pytest.approx(10.0 * 0.1**0.22)


def test_over_a_hill_the_wind_is_that_of_the_height_above_the_hill() -> None:
    wind = Wind(rng=random.Random(1), east_mps=10.0, shear_exponent=0.22, ground_m=lambda e, n: 50.0 if e > 0 else 0.0)
    assert wind.at((10.0, 0.0), 60.0, 0.0)[0] == pytest.approx(10.0)
    assert wind.at((-10.0, 0.0), 60.0, 0.0)[0] > 10.0


def test_a_new_mean_keeps_the_gusts_unless_it_says_otherwise() -> None:
    wind = blowing()
    wind.set_mean(12.0, 0.0)
    assert wind.mean_at(0.0) == pytest.approx((0.0, -12.0, 1.5))
    wind.set_mean(12.0, 0.0, gust_mps=3.0)
    assert wind.mean_at(0.0)[2] == 3.0
    wind.set_gusts(0.5)
    assert wind.mean_at(0.0) == pytest.approx((0.0, -12.0, 0.5))


def test_a_front_turns_the_mean_over_its_time_and_brings_its_usual_gusts() -> None:
    wind = Wind(rng=random.Random(1), east_mps=4.0, gust_mps=0.5)
    wind.front(1000.0, 100.0, 12.0, 180.0)
    assert wind.mean_at(999.0) == pytest.approx((4.0, 0.0, 0.5))
    assert wind.mean_at(1050.0) == pytest.approx((2.0, 6.0, (0.5 + usual_gust_mps(12.0)) / 2.0))
    assert wind.mean_at(2000.0) == pytest.approx((0.0, 12.0, usual_gust_mps(12.0)), abs=1e-9)


def test_while_a_front_passes_the_air_does_not_jump() -> None:
    wind = Wind(rng=random.Random(1), east_mps=4.0, gust_mps=1.0)
    wind.front(1000.0, 60.0, 12.0, 180.0, gust_mps=3.0)
    steps = [wind.at((800.0, -300.0), 50.0, 990.0 + 0.05 * n) for n in range(1800)]
    jumps = [math.dist(a, b) for a, b in pairwise(steps)]
    assert max(jumps) < 0.6


def test_fronts_follow_each_other_and_a_later_order_forgets_those_to_come() -> None:
    wind = Wind(rng=random.Random(1), east_mps=4.0)
    wind.front(100.0, 10.0, 8.0, 270.0, gust_mps=0.0)
    wind.front(200.0, 10.0, 2.0, 270.0, gust_mps=0.0)
    assert [wind.mean_at(t)[0] for t in (0.0, 150.0, 300.0)] == pytest.approx([4.0, 8.0, 2.0])
    wind.front(120.0, 0.0, 5.0, 270.0, gust_mps=0.0)
    assert [wind.mean_at(t)[0] for t in (110.5, 130.0, 300.0)] == pytest.approx([8.0, 5.0, 5.0])
    wind.set_mean(1.0, 270.0)
    assert [wind.mean_at(t)[0] for t in (0.0, 300.0)] == pytest.approx([1.0, 1.0])


def test_gusts_keep_their_energy_in_the_middle_of_a_front() -> None:
    halfway = []
    for seed in range(40):
        wind = Wind(rng=random.Random(seed), east_mps=8.0, gust_mps=2.0)
        wind.front(0.0, 100.0, 8.0, 0.0, gust_mps=2.0)
        halfway.append(wind.at((0.0, 0.0), 10.0, 50.0)[2])
    spread = np.array(halfway).std()
    assert spread == pytest.approx(2.0 * VERTICAL_INTENSITY, rel=0.35)


def test_the_mean_aloft_is_what_a_drone_there_feels_without_gusts() -> None:
    wind = Wind(rng=random.Random(1), shear_exponent=0.22)
    wind.set_mean(5.0, 250.0)
    wind.front(10.0, 20.0, 9.0, 300.0, gust_mps=0.0)
    for agl_m, t_s in ((10.0, 0.0), (40.0, 20.0), (120.0, 40.0)):
        assert wind.mean_aloft(agl_m, t_s)[:2] == pytest.approx(wind.at((30.0, 40.0), agl_m, t_s)[:2])
    assert math.hypot(*wind.mean_aloft(40.0, 40.0)[:2]) == pytest.approx(9.0 * 4.0**0.22)
