"""The satellites are where BDS-3 has them, and their ephemerides say so."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.gnss.constellation import BDS_3, REFERENCE_BDT_S
from sim.gnss.orbits import (
    EARTH_RATE_RADPS,
    GRAVITATION_M3PS2,
    WEEK_S,
    Orbit,
    Satellite,
    about_z,
    bdt_s,
    kepler,
)
from sim.gnss.places import earth_fixed_m
from tests.sim.gnss.henan import NOON_UTC_S, ZHENGZHOU

DAY_S = 86_400.0
NOW_S = bdt_s(NOON_UTC_S)
BY_NUMBER = {one.prn: one for one in BDS_3}


def longitude_deg(satellite: Satellite, t_s: float) -> float:
    x, y, _ = satellite.ephemeris(t_s, REFERENCE_BDT_S).position_m(t_s)
    return math.degrees(math.atan2(y, x))


def test_there_are_24_medium_3_inclined_and_3_geostationary_satellites() -> None:
    assert Counter(one.orbit for one in BDS_3) == {Orbit.MEO: 24, Orbit.IGSO: 3, Orbit.GEO: 3}
    assert sorted(BY_NUMBER) == [*range(19, 31), *range(32, 47), 59, 60, 61]


@pytest.mark.parametrize(("prn", "east_deg"), [(59, 140.0), (60, 80.0), (61, 110.5)])
def test_the_geostationary_ones_stand_over_their_longitudes(prn: int, east_deg: float) -> None:
    for day in range(0, 800, 37):
        for hour in range(0, 24, 5):
            assert longitude_deg(BY_NUMBER[prn], NOW_S + day * DAY_S + hour * 3600.0) == pytest.approx(
                east_deg, abs=0.3
            )


@pytest.mark.parametrize("prn", [38, 39, 40])
def test_the_inclined_ones_cross_the_equator_at_118_east_like_a_figure_of_eight(prn: int) -> None:
    satellite, step_s = BY_NUMBER[prn], 60.0
    height_m = [satellite.ephemeris(NOW_S, REFERENCE_BDT_S).position_m(NOW_S + n * step_s)[2] for n in range(1441)]
    rising = next(n for n in range(1440) if height_m[n] < 0.0 <= height_m[n + 1])
    assert longitude_deg(satellite, NOW_S + rising * step_s) == pytest.approx(118.0, abs=1.0)


def test_medium_orbits_fly_in_three_planes_of_eight_slots() -> None:
    medium = [one for one in BDS_3 if one.orbit is Orbit.MEO]
    planes = Counter(round(one.node_deg / 120.0 - 0.26) for one in medium)
    assert sorted(planes.values()) == [8, 8, 8]
    for plane in planes:
        here = [one for one in medium if round(one.node_deg / 120.0 - 0.26) == plane]
        slots = sorted((one.perigee_deg + one.mean_anomaly_deg) % 360.0 for one in here)
        gaps = [(slots[(n + 1) % 8] - slots[n]) % 360.0 for n in range(8)]
        assert gaps == pytest.approx([45.0] * 8, abs=9.0)


@pytest.mark.parametrize(("orbit", "days", "off_m"), [(Orbit.MEO, 7, 60e3), (Orbit.IGSO, 1, 2e3), (Orbit.GEO, 1, 2e3)])
def test_ground_tracks_repeat_but_for_the_drift_of_the_medium_orbits(orbit: Orbit, days: int, off_m: float) -> None:
    for satellite in (one for one in BDS_3 if one.orbit is orbit):
        nodal_day_s = 2.0 * math.pi / (EARTH_RATE_RADPS - satellite.node_rate_radps)
        before = satellite.ephemeris(NOW_S, REFERENCE_BDT_S).position_m(NOW_S)
        later_s = NOW_S + days * nodal_day_s
        after = satellite.ephemeris(later_s, REFERENCE_BDT_S).position_m(later_s)
        assert math.dist(before, after) < off_m


@pytest.mark.parametrize("prn", sorted(BY_NUMBER))
def test_an_ephemeris_agrees_with_the_next_hours(prn: int) -> None:
    satellite, toe_s = BY_NUMBER[prn], NOW_S // 3600.0 * 3600.0
    for ahead_s in (0.0, 900.0, 1800.0, 3599.0):
        here = satellite.ephemeris(toe_s, REFERENCE_BDT_S).position_m(toe_s + ahead_s)
        there = satellite.ephemeris(toe_s + 3600.0, REFERENCE_BDT_S).position_m(toe_s + ahead_s)
        assert math.dist(here, there) < 1e-3
        clocks = [satellite.ephemeris(t_s, REFERENCE_BDT_S).clock_s(toe_s + ahead_s) for t_s in (toe_s, toe_s + 3600.0)]
        assert clocks[0] == pytest.approx(clocks[1], abs=1e-15)


@pytest.mark.parametrize("prn", sorted(BY_NUMBER))
def test_a_satellite_obeys_gravity(prn: int) -> None:
    """In axes that do not turn, the second difference of the way is the earth's pull."""
    ephemeris, step_s = BY_NUMBER[prn].ephemeris(NOW_S, REFERENCE_BDT_S), 10.0
    fixed = [about_z(ephemeris.position_m(NOW_S + n * step_s), -EARTH_RATE_RADPS * n * step_s) for n in (-1, 0, 1)]
    radius = math.dist(fixed[1], (0.0, 0.0, 0.0))
    for axis in range(3):
        pull = -GRAVITATION_M3PS2 / radius**3 * fixed[1][axis]
        felt = (fixed[0][axis] - 2.0 * fixed[1][axis] + fixed[2][axis]) / step_s**2
        # the drift of the node under the flattening adds twice its rate times the speed, 5e-5 m/s2
        assert felt == pytest.approx(pull, abs=1e-4)


def test_the_frame_of_a_geostationary_ephemeris_is_tilted_by_5_degrees() -> None:
    for prn in (59, 60, 61):
        told = BY_NUMBER[prn].ephemeris(NOW_S, REFERENCE_BDT_S)
        assert math.degrees(told.inclination_rad) == pytest.approx(5.0, abs=2.5)
        assert told.toe_s % WEEK_S < WEEK_S


@given(mean=st.floats(-50.0, 50.0), eccentricity=st.floats(0.0, 0.3))
def test_kepler_is_solved(mean: float, eccentricity: float) -> None:
    solved = kepler(mean, eccentricity)
    assert solved - eccentricity * math.sin(solved) == pytest.approx(mean, abs=1e-11)


def test_beidou_time_counts_from_2006_and_is_4_s_ahead_of_utc() -> None:
    assert bdt_s(1_136_073_600.0 + 15 * 365.25 * DAY_S) == 15 * 365.25 * DAY_S + 4.0


def test_earth_fixed_coordinates_are_those_of_proj() -> None:
    from pyproj import Transformer  # noqa: PLC0415

    to_fixed = Transformer.from_crs("EPSG:4480", "EPSG:4479", always_xy=True)
    expected = to_fixed.transform(ZHENGZHOU.lon_deg, ZHENGZHOU.lat_deg, 123.4)
    assert earth_fixed_m(ZHENGZHOU, 123.4) == pytest.approx(expected, abs=1e-4)
