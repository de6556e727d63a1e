import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from airspace.frames import (
    FARTHEST_M,
    GEOD,
    Datum,
    Ground,
    Height,
    LatLon,
    LocalFrame,
    pressure_band_m,
    scale_error,
)
from airspace.reasons import Refused
from tests.airspace.shapes import FRAME, ZHENGZHOU

near_m = st.floats(-20_000.0, 20_000.0)
heights_m = st.floats(-500.0, 9000.0)
bearings_deg = st.floats(-180.0, 180.0)


def place_at(bearing_deg: float, distance_m: float) -> tuple[float, float]:
    """East and north [m] of a place at a bearing and distance from the origin of the frame."""
    return distance_m * math.sin(math.radians(bearing_deg)), distance_m * math.cos(math.radians(bearing_deg))


def geodesic_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    return FRAME.latlon(*one).distance_m(FRAME.latlon(*other))


@given(near_m, near_m)
def test_a_point_comes_back_through_degrees_within_a_micrometre(x_m: float, y_m: float) -> None:
    again = FRAME.xy(FRAME.latlon(x_m, y_m))
    assert math.dist(again, (x_m, y_m)) < (1e-6 if math.hypot(x_m, y_m) > 1e-3 else 1e-3)


@given(bearings_deg, st.floats(1.0, 300_000.0))
def test_distance_and_bearing_from_the_origin_are_geodesic_across_a_province(bearing: float, away_m: float) -> None:
    lon_deg, lat_deg, _ = GEOD.fwd(ZHENGZHOU.lon_deg, ZHENGZHOU.lat_deg, bearing, away_m)
    assert math.dist(FRAME.xy(LatLon(lat_deg, lon_deg)), place_at(bearing, away_m)) < 1e-6


@given(bearings_deg, st.floats(0.0, 10_000.0), bearings_deg, st.floats(0.0, 2_400.0))
def test_within_ten_kilometres_places_a_walk_apart_are_as_far_apart_as_on_earth_within_a_millimetre(
    bearing: float, away_m: float, turn: float, apart_m: float
) -> None:
    one = place_at(bearing, away_m)
    way = place_at(turn, apart_m)
    other = one[0] - abs(way[0]) * math.copysign(1.0, one[0]), one[1] - abs(way[1]) * math.copysign(1.0, one[1])
    if math.hypot(*other) <= 10_000.0:
        assert abs(math.dist(one, other) - geodesic_m(one, other)) < 1e-3


@given(bearings_deg, st.floats(100.0, 300_000.0), bearings_deg, st.floats(10.0, 50_000.0))
def test_other_distances_are_never_too_short_and_too_long_by_no_more_than_the_stated_scale_error(
    bearing: float, away_m: float, turn: float, apart_m: float
) -> None:
    one = place_at(bearing, away_m)
    way = place_at(turn, apart_m)
    other = one[0] + way[0], one[1] + way[1]
    true_m = geodesic_m(one, other)
    farther_m = max(math.hypot(*one), math.hypot(*other))
    assert -1e-5 <= math.dist(one, other) - true_m <= true_m * scale_error(farther_m) + 1e-5


@pytest.mark.parametrize(("away_km", "mm_per_km"), [(10, 0.412), (50, 10.3), (200, 165.0), (300, 371.0)])
def test_the_scale_error_across_the_direction_of_the_origin_is_what_the_docstring_says(
    away_km: float, mm_per_km: float
) -> None:
    assert scale_error(away_km * 1e3) * 1e6 == pytest.approx(mm_per_km, rel=5e-3)
    one, other = (-500.0, away_km * 1e3), (500.0, away_km * 1e3)
    seen = (math.dist(one, other) - geodesic_m(one, other)) * 1e3
    assert seen == pytest.approx(mm_per_km, rel=0.01)


def test_a_frame_on_the_antimeridian_and_one_near_the_pole_are_frames_like_others() -> None:
    for origin in (LatLon(-17.0, 179.99), LatLon(89.9, 20.0), LatLon(0.0, 0.0)):
        frame = LocalFrame(origin)
        place = frame.latlon(5_000.0, 9_000.0)
        assert origin.distance_m(place) == pytest.approx(math.hypot(5_000.0, 9_000.0), abs=1e-6)
        assert frame.xy(place) == pytest.approx((5_000.0, 9_000.0), abs=1e-6)


def test_there_is_no_scale_error_at_the_origin() -> None:
    assert scale_error(0.0) == 0.0


def test_arrays_give_what_single_points_give() -> None:
    points = np.array([[0.0, 0.0], [1234.5, -987.6], [-15_000.0, 15_000.0]])
    degrees = FRAME.lon_lat_array(points)
    for (x_m, y_m), (lon_deg, lat_deg) in zip(points, degrees, strict=True):
        assert FRAME.latlon(x_m, y_m) == LatLon(lat_deg, lon_deg)
    assert np.allclose(FRAME.xy_array(degrees), points, atol=1e-3)


def test_east_is_x_and_north_is_y() -> None:
    x_m, y_m = FRAME.xy(LatLon(ZHENGZHOU.lat_deg + 0.01, ZHENGZHOU.lon_deg + 0.02))
    assert 1800.0 < x_m < 1850.0
    assert 1100.0 < y_m < 1115.0


def test_a_position_on_the_other_side_of_the_earth_is_no_number() -> None:
    frame = LocalFrame(LatLon(0.0, 0.0))
    with pytest.raises(ValueError, match="outside the local frame"):
        frame.xy(LatLon(0.0, 91.0))
    with pytest.raises(ValueError, match=r"0\.000000,91\.000000 is outside"):
        frame.xy_array([(0.1, 0.1), (91.0, 0.0)])
    with pytest.raises(ValueError, match="outside the local frame"):
        frame.latlon(FARTHEST_M * 1.01, 0.0)
    with pytest.raises(ValueError, match="outside the local frame"):
        frame.xy(LatLon(math.nan, 0.0))


def test_no_positions_are_no_points() -> None:
    assert FRAME.xy_array(np.empty((0, 2))).shape == (0, 2)
    assert FRAME.lon_lat_array(np.empty((0, 2))).shape == (0, 2)


def test_one_ellipsoidal_height_has_three_names() -> None:
    ground = Ground(amsl_m=108.0, geoid_m=-19.4)
    heights = [Height(45.0, Datum.AGL), Height(153.0, Datum.AMSL), Height(133.6, Datum.ELLIPSOIDAL)]
    assert [ground.ellipsoidal_m(height) for height in heights] == pytest.approx([133.6] * 3)


@given(heights_m, heights_m, heights_m)
def test_height_above_ground_comes_back(amsl_m: float, geoid_m: float, agl_m: float) -> None:
    ground = Ground(amsl_m, geoid_m)
    assert ground.agl_m(ground.ellipsoidal_m(Height(agl_m, Datum.AGL))) == pytest.approx(agl_m, abs=1e-9)


@pytest.mark.parametrize("one", Datum)
@pytest.mark.parametrize("other", Datum)
def test_heights_compare_over_one_datum_and_raise_over_two(one: Datum, other: Datum) -> None:
    low, high = Height(1.0, one), Height(2.0, other)
    if one is other:
        assert low < high
        assert high > low
        assert low <= high
        assert high >= low
        assert low <= Height(1.0, other)
        assert max(low, high) is high
        return
    for compare in (
        lambda: low < high,
        lambda: low > high,
        lambda: low <= high,
        lambda: low >= high,
        lambda: sorted([low, high]),
    ):
        with pytest.raises(TypeError, match="cannot be compared"):
            compare()


def test_equal_numbers_over_two_datums_are_not_equal_heights() -> None:
    assert Height(10.0, Datum.AGL) != Height(10.0, Datum.AMSL)


def test_a_height_compares_with_no_number() -> None:
    with pytest.raises(TypeError, match="cannot be compared with a float"):
        Height(10.0, Datum.AGL) < 11.0  # type: ignore[operator]  # noqa: B015


@pytest.mark.parametrize("datum", Datum)
def test_metres_can_be_added_to_a_height_and_taken_away(datum: Datum) -> None:
    assert Height(100.0, datum) + 20.5 == Height(120.5, datum)
    assert Height(100.0, datum) - 20 == Height(80.0, datum)
    assert Height(120.5, datum) - Height(100.0, datum) == 20.5


MIXTURES: list[Callable[[Height, Height], object]] = [
    lambda one, other: one - other,
    lambda one, other: one + other,  # type: ignore[operator]
    lambda one, _: one + one,  # type: ignore[operator]
    lambda one, _: 5.0 - one,  # type: ignore[operator]
    lambda one, _: one + "5",  # type: ignore[operator]
    lambda one, _: one - "5",  # type: ignore[operator]
]


@pytest.mark.parametrize("mix", MIXTURES)
def test_heights_mix_with_nothing_but_metres_and_their_own_datum(mix: Callable[[Height, Height], object]) -> None:
    with pytest.raises(TypeError):
        mix(Height(10.0, Datum.AGL), Height(10.0, Datum.AMSL))


def test_a_flight_level_has_no_height_over_the_ellipsoid() -> None:
    with pytest.raises(Refused) as refused:
        Ground(108.0, -19.4).ellipsoidal_m(Height(1981.2, Datum.PRESSURE))
    (reason,) = refused.value.reasons
    assert reason.rule.code == "airspace.height.pressure"
    assert "1981.2 m pressure" in reason.text()


def test_a_flight_level_lies_in_the_band_that_the_weather_allows() -> None:
    low_m, high_m = pressure_band_m(Height(1981.2, Datum.PRESSURE))
    assert (low_m, high_m) == pytest.approx((1246.7, 2514.4), abs=0.1)


@given(st.floats(-300.0, 15_000.0), st.floats(950.0, 1050.0))
def test_the_band_of_a_flight_level_holds_what_an_altimeter_reads_at_any_pressure(level_m: float, qnh: float) -> None:
    offset_m = (1.0 - (qnh / 1013.25) ** 0.190263) * 288.15 / 0.0065
    low_m, high_m = pressure_band_m(Height(level_m, Datum.PRESSURE))
    assert low_m <= level_m - offset_m <= high_m


@given(st.floats(0.0, 11_000.0), st.floats(950.0, 1050.0), st.floats(-40.0, 30.0))
def test_the_band_of_a_flight_level_holds_it_in_air_that_is_colder_or_warmer_all_the_way(
    level_m: float, qnh: float, off_k: float
) -> None:
    """Integrates the hydrostatic equation from the sea to the pressure of the level, in air off standard throughout."""
    target_hpa = 1013.25 * (1.0 - 0.0065 * level_m / 288.15) ** 5.255877
    height_m, pressure_hpa, step_m = 0.0, qnh, -20.0 if target_hpa > qnh else 20.0
    while (pressure_hpa > target_hpa) is (step_m > 0.0) and abs(height_m) < 20_000.0:
        air_k = 288.15 - 0.0065 * (height_m + step_m / 2) + off_k
        pressure_hpa *= math.exp(-9.80665 * step_m / (287.05287 * air_k))
        height_m += step_m
    low_m, high_m = pressure_band_m(Height(level_m, Datum.PRESSURE))
    assert low_m - 20.5 <= height_m <= high_m + 20.5  # the last step goes beyond


def test_the_higher_flight_level_has_the_higher_band() -> None:
    bands = [pressure_band_m(Height(level_m, Datum.PRESSURE)) for level_m in (0.0, 1000.0, 3000.0, 9000.0, 12_000.0)]
    assert bands == sorted(bands)
    assert all(low_m < high_m for low_m, high_m in bands)


@pytest.mark.parametrize("datum", [Datum.AGL, Datum.AMSL, Datum.ELLIPSOIDAL])
def test_only_a_flight_level_has_a_band(datum: Datum) -> None:
    with pytest.raises(TypeError, match="no flight level"):
        pressure_band_m(Height(100.0, datum))


def test_level_ground_is_the_same_everywhere() -> None:
    ground = Ground(108.0, -19.4)
    assert ground.at(LatLon(34.0, 113.0)) is ground
    assert ground.under(box(113.0, 34.0, 113.1, 34.1)) == (ground, ground)
    profile = ground.along(FRAME, (-300.0, 0.0), (0.0, 400.0))
    assert profile.lowest()[0] == profile.highest()[0] == pytest.approx(88.6)
    assert profile.along_m[-1] == 500.0
