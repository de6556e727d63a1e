"""Dilutions and the spread of errors are what least squares makes of random ranges."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.gnss.atmosphere import (
    ionosphere_factor,
    troposphere_factor,
    zenith_ionosphere_m,
    zenith_troposphere_m,
)
from sim.gnss.geometry import Geometry, Line, geometry_of
from sim.gnss.orbits import LIGHT_MPS, bdt_s
from tests.sim.gnss.henan import NOON_UTC_S, ZHENGZHOU, Time, sky_over

TRIALS = 20_000


def line(prn: int, azimuth_deg: float, elevation_deg: float) -> Line:
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    level = math.cos(elevation)
    return Line(
        prn,
        azimuth_deg,
        elevation_deg,
        level * math.sin(azimuth),
        level * math.cos(azimuth),
        math.sin(elevation),
        45.0,
        ionosphere_factor(elevation_deg),
    )


def design(lines: tuple[Line, ...] | list[Line]) -> np.ndarray:
    return np.array([(-one.east, -one.north, -one.up, 1.0) for one in lines])


@pytest.mark.parametrize("hour", [0, 7, 15])
def test_dilutions_are_the_spread_of_a_least_squares_fix(hour: int) -> None:
    view = sky_over(Time(NOON_UTC_S + hour * 3600.0)).view()
    geometry = view.geometry
    assert geometry is not None
    errors = np.random.default_rng(hour).standard_normal((len(view.lines), TRIALS))
    solved = np.linalg.lstsq(design(view.lines), errors, rcond=None)[0]
    east, north, up, clock = solved.std(axis=1)
    close = 4.0 / math.sqrt(2.0 * TRIALS)
    assert math.hypot(east, north) == pytest.approx(geometry.hdop, rel=close)
    assert up == pytest.approx(geometry.vdop, rel=close)
    assert clock == pytest.approx(geometry.tdop, rel=close)
    assert math.hypot(east, north, up) == pytest.approx(geometry.pdop, rel=close)
    assert math.hypot(east, north, up, clock) == pytest.approx(geometry.gdop, rel=close)


def test_spread_and_zenith_carry_range_errors_into_the_place() -> None:
    view = sky_over(Time()).view()
    geometry = view.geometry
    assert geometry is not None
    a = design(view.lines)
    q = np.linalg.inv(a.T @ a)
    ee, ne, nn, ue, un, uu = geometry.spread
    lower = np.array([[ee, 0.0, 0.0], [ne, nn, 0.0], [ue, un, uu]])
    assert lower @ lower.T == pytest.approx(q[:3, :3])
    delays = np.array([one.zenith_factor for one in view.lines])
    assert geometry.zenith == pytest.approx((q @ a.T @ delays)[:3])


def test_a_cone_of_four_satellites_has_the_dilution_of_the_textbook() -> None:
    """One overhead and three on the horizon 120 degrees apart: GDOP^2 = 2/3 + 2/3 + 4/3 + 1/3 = 3."""
    geometry = geometry_of([line(1, 0.0, 90.0), line(2, 0.0, 0.0), line(3, 120.0, 0.0), line(4, 240.0, 0.0)])
    assert geometry is not None
    assert geometry.hdop == pytest.approx(math.sqrt(4.0 / 3.0))
    assert geometry.vdop == pytest.approx(math.sqrt(4.0 / 3.0))
    assert geometry.tdop == pytest.approx(math.sqrt(1.0 / 3.0))
    assert geometry.gdop == pytest.approx(math.sqrt(3.0))


def test_three_satellites_or_four_on_one_cone_fix_nothing() -> None:
    ring = [line(n, 90.0 * n, 40.0) for n in range(4)]
    assert geometry_of(ring[:3]) is None
    assert geometry_of(ring) is None


@given(seed=st.integers(0, 10_000), count=st.integers(5, 20))
def test_another_satellite_never_makes_it_worse(seed: int, count: int) -> None:
    rng = random.Random(seed)
    lines = [line(n, rng.uniform(0.0, 360.0), rng.uniform(10.0, 90.0)) for n in range(count)]
    fewer, more = geometry_of(lines[:-1]), geometry_of(lines)
    if fewer is None:
        return
    assert isinstance(more, Geometry)
    assert more.gdop <= fewer.gdop * (1.0 + 1e-9)
    assert more.hdop <= fewer.hdop * (1.0 + 1e-9)


def test_the_ionosphere_is_thickest_after_noon_and_flat_at_night() -> None:
    day = [
        zenith_ionosphere_m(ZHENGZHOU.lat_deg, ZHENGZHOU.lon_deg, bdt_s(NOON_UTC_S) + hour * 3600.0)
        for hour in range(24)  # from 12:00 in Henan
    ]
    assert day.index(max(day)) == 2
    assert 5.0 < max(day) < 12.0
    assert min(day) == pytest.approx(5e-9 * LIGHT_MPS)


@pytest.mark.parametrize(
    ("elevation_deg", "ionosphere", "troposphere"), [(90.0, 1.0, 1.0), (30.0, 1.75, 2.0), (10.0, 2.7, 5.6)]
)
def test_low_satellites_see_more_of_the_air(elevation_deg: float, ionosphere: float, troposphere: float) -> None:
    assert ionosphere_factor(elevation_deg) == pytest.approx(ionosphere, abs=0.05)
    assert troposphere_factor(elevation_deg) == pytest.approx(troposphere, abs=0.05)


def test_the_troposphere_is_2_4_m_at_the_sea_and_less_above() -> None:
    assert zenith_troposphere_m(0.0) == pytest.approx(2.4, abs=0.05)
    assert zenith_troposphere_m(3000.0) == pytest.approx(1.65, abs=0.1)
