import math

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airspace.frames import LatLon
from airspace.geodesy.gauss_kruger import (
    FIRST_ZONE,
    LAST_ZONE,
    GridPoint,
    central_meridian_deg,
    epsg_code,
    project,
    project_array,
    read_point,
    unproject,
    unproject_array,
    zone_of,
)
from airspace.reasons import Refused

ZHENGZHOU = LatLon(34.75, 113.65)
lats_deg = st.floats(3.0, 53.6)
lons_deg = st.floats(73.5, 136.4999)


def code_of(refused: pytest.ExceptionInfo[Refused]) -> str:
    (reason,) = refused.value.reasons
    return reason.rule.code


@pytest.mark.parametrize(
    ("lon_deg", "zone"),
    [(73.5, 25), (111.0, 37), (112.4999, 37), (112.5, 38), (113.65, 38), (114.0, 38), (115.4999, 38), (136.4999, 45)],
)
def test_a_longitude_has_a_zone_and_a_border_belongs_to_the_east(lon_deg: float, zone: int) -> None:
    assert zone_of(lon_deg) == zone


@pytest.mark.parametrize("lon_deg", [73.4999, 136.5, -113.65, 0.0, math.nan, math.inf])
def test_a_longitude_outside_of_china_has_no_zone(lon_deg: float) -> None:
    with pytest.raises(Refused) as refused:
        zone_of(lon_deg)
    assert code_of(refused) == "geodesy.gk.outside"


@pytest.mark.parametrize("zone", range(FIRST_ZONE, LAST_ZONE + 1))
def test_the_epsg_codes_are_those_of_the_register(zone: int) -> None:
    bare, prefixed = pyproj.CRS(epsg_code(zone)), pyproj.CRS(epsg_code(zone, prefixed=True))
    assert bare.name == f"CGCS2000 / 3-degree Gauss-Kruger CM {zone * 3}E"
    assert prefixed.name == f"CGCS2000 / 3-degree Gauss-Kruger zone {zone}"
    assert central_meridian_deg(zone) == zone * 3.0


@pytest.mark.parametrize("zone", [0, 13, 24, 46, 113])
def test_other_numbers_are_no_zones(zone: int) -> None:
    for ask in (central_meridian_deg, epsg_code, lambda n: unproject(GridPoint(n, 3.8e6, 5e5))):
        with pytest.raises(Refused) as refused:
            ask(zone)
        assert code_of(refused) == "geodesy.gk.zone"


def test_zhengzhou_is_where_the_register_puts_it_with_and_without_its_prefix() -> None:
    point = project(ZHENGZHOU)
    for code, easting_m in ((4547, point.easting_m), (4526, point.prefixed_easting_m)):
        to_plane = pyproj.Transformer.from_crs("EPSG:4490", f"EPSG:{code}", always_xy=True)
        assert to_plane.transform(113.65, 34.75) == pytest.approx((easting_m, point.northing_m), abs=1e-6)
    assert point.prefixed_easting_m == 38_000_000.0 + point.easting_m


@given(lats_deg, lons_deg)
def test_a_position_comes_back_from_its_zone(lat_deg: float, lon_deg: float) -> None:
    place = LatLon(lat_deg, lon_deg)
    assert unproject(project(place)).distance_m(place) < 1e-6


@given(lats_deg, st.integers(FIRST_ZONE, LAST_ZONE - 1), st.floats(-0.49, 0.49))
def test_near_a_border_a_position_is_the_same_in_both_zones(lat_deg: float, zone: int, off_deg: float) -> None:
    place = LatLon(lat_deg, zone * 3.0 + 1.5 + off_deg)
    west, east = project(place, zone), project(place, zone + 1)
    assert west.easting_m > 500_000.0 > east.easting_m
    assert unproject(west).distance_m(unproject(east)) < 1e-6


@pytest.mark.parametrize("zone", [37, 39, 25])
def test_a_position_far_from_a_zone_is_refused_in_it(zone: int) -> None:
    with pytest.raises(Refused) as refused:
        project(ZHENGZHOU, zone)
    assert code_of(refused) == "geodesy.gk.outside-zone"


def test_the_zone_is_read_from_the_prefix_of_an_easting() -> None:
    point = project(ZHENGZHOU)
    assert read_point(point.northing_m, point.prefixed_easting_m).zone == 38
    assert read_point(point.northing_m, point.prefixed_easting_m, zone=38).easting_m == pytest.approx(point.easting_m)
    assert read_point(point.northing_m, point.easting_m, zone=38) == point


@given(lats_deg, lons_deg)
def test_a_point_that_was_written_with_its_prefix_is_read_back(lat_deg: float, lon_deg: float) -> None:
    place = LatLon(lat_deg, lon_deg)
    point = project(place)
    again = read_point(point.northing_m, point.prefixed_easting_m)
    assert again.zone == point.zone
    assert unproject(again).distance_m(place) < 1e-6


@pytest.mark.parametrize(
    ("northing_m", "easting_m", "zone", "code"),
    [
        (3_847_000.0, 468_000.0, None, "geodesy.gk.zone-missing"),
        (3_847_000.0, 39_468_000.0, 38, "geodesy.gk.zone-differs"),
        (3_847_000.0, 20_468_000.0, None, "geodesy.gk.zone"),  # a 6-degree zone
        (3_847_000.0, 38_038_000.0, None, "geodesy.gk.outside-zone"),
        (3_847_000.0, 968_000.0, 38, "geodesy.gk.outside-zone"),
        (3_847_000.0, -468_000.0, 38, "geodesy.gk.zone-differs"),
        (3_847_000.0, math.nan, 38, "geodesy.gk.outside-zone"),
        (3_847_000.0, math.inf, 38, "geodesy.gk.outside-zone"),
        (38_468_000.0, 3_847_000.0, None, "geodesy.gk.northing"),
        (-1.0, 38_468_000.0, None, "geodesy.gk.northing"),
        (math.nan, 38_468_000.0, None, "geodesy.gk.northing"),
    ],
)
def test_a_point_that_cannot_be_is_refused_by_name(
    northing_m: float, easting_m: float, zone: int | None, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        read_point(northing_m, easting_m, zone)
    assert code_of(refused) == code
    assert refused.value.reasons[0].text("zh")


def test_arrays_give_what_single_positions_give() -> None:
    lon_lat = np.array([[112.6, 33.0], [113.65, 34.75], [115.4, 36.0]])
    plane_m = project_array(lon_lat, 38)
    for (lon_deg, lat_deg), (easting_m, northing_m) in zip(lon_lat, plane_m, strict=True):
        point = project(LatLon(lat_deg, lon_deg))
        assert (point.easting_m, point.northing_m) == (easting_m, northing_m)
    assert np.allclose(unproject_array(plane_m, 38), lon_lat, rtol=0.0, atol=1e-11)
    assert unproject_array(np.empty((0, 2)), 38).shape == project_array(np.empty((0, 2)), 38).shape == (0, 2)


def test_an_array_with_one_point_of_another_zone_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        project_array([(113.65, 34.75), (117.0, 34.75)], 38)
    assert code_of(refused) == "geodesy.gk.outside-zone"
    with pytest.raises(Refused) as refused:
        unproject_array([(500_000.0, 3_847_000.0), (100_000.0, 3_847_000.0)], 38)
    assert code_of(refused) == "geodesy.gk.outside-zone"


@pytest.mark.parametrize("northing_m", [-1.0, 6_100_000.0, math.nan])
def test_an_array_with_one_northing_beyond_china_is_refused(northing_m: float) -> None:
    with pytest.raises(Refused) as refused:
        unproject_array([(500_000.0, 3_847_000.0), (500_000.0, northing_m)], 38)
    assert code_of(refused) == "geodesy.gk.northing"
