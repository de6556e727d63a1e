import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.frames import Datum, Ground, Height, LatLon, LocalFrame
from tests.airspace.shapes import FRAME, ZHENGZHOU

near_m = st.floats(-20_000.0, 20_000.0)
heights_m = st.floats(-500.0, 9000.0)


@given(near_m, near_m)
def test_a_point_comes_back_through_degrees_within_a_millimetre(x_m: float, y_m: float) -> None:
    again = FRAME.xy(FRAME.latlon(x_m, y_m))
    assert math.dist(again, (x_m, y_m)) < 1e-3


@given(st.floats(-10_000.0, 10_000.0), st.floats(-10_000.0, 10_000.0))
def test_plane_distances_from_the_origin_are_geodesic_within_a_centimetre_at_ten_kilometres(
    x_m: float, y_m: float
) -> None:
    place = FRAME.latlon(x_m, y_m)
    assert math.hypot(x_m, y_m) == pytest.approx(ZHENGZHOU.distance_m(place), abs=0.01)


def test_the_scale_error_is_what_the_docstring_says() -> None:
    x_m = 10_000.0
    south, north = FRAME.latlon(x_m, -500.0), FRAME.latlon(x_m, 500.0)
    assert 1000.0 - south.distance_m(north) == pytest.approx(1000.0 * (x_m / 6_371_000.0) ** 2 / 2, abs=2e-4)


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
    with pytest.raises(ValueError, match="outside the local frame"):
        LocalFrame(LatLon(0.0, 0.0)).xy(LatLon(0.0, 90.0))


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
