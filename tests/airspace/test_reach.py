from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from airspace.charted import ChartedZone, Circle, Layer, Shape
from airspace.frames import GEOD, Datum, Ground, Height, LatLon, LocalFrame
from airspace.laying import FARTHEST_M
from airspace.reach import REACH_M, within_reach
from airspace.reasons import Words
from airspace.zones import lay

ZHENGZHOU = LatLon(34.75, 113.62)
FLOOR, CEILING = Height(0.0, Datum.AGL), Height(100.0, Datum.AGL)


def zone(*shapes: Shape) -> ChartedZone:
    words = Words("a zone", "区域")
    return ChartedZone("Z", words, "restricted", words, tuple(Layer(shape, FLOOR, CEILING) for shape in shapes))


def test_a_zone_of_the_city_is_left_as_it_is() -> None:
    near = zone(Circle(ZHENGZHOU, 2000.0))
    assert within_reach(near, ZHENGZHOU) is near


def test_a_zone_of_another_continent_is_out_of_reach() -> None:
    assert within_reach(zone(box(7.0, 46.0, 8.0, 47.0)), ZHENGZHOU) is None


def test_a_layer_out_of_reach_does_not_take_the_others_with_it() -> None:
    kept = within_reach(zone(box(7.0, 46.0, 8.0, 47.0), box(113.6, 34.7, 113.7, 34.8)), ZHENGZHOU)
    assert kept is not None
    assert [layer.shape for layer in kept.layers] == [box(113.6, 34.7, 113.7, 34.8)]


def test_a_region_of_half_a_continent_can_be_laid_once_it_is_cut() -> None:
    cut = within_reach(zone(box(75.0, 15.0, 135.0, 54.0)), ZHENGZHOU)
    assert cut is not None
    (laid,) = lay(cut, LocalFrame(ZHENGZHOU), Ground(100.0, -19.0))
    assert laid.volume.contains(0.0, 0.0, 100.0, 1.0)
    assert max(map(abs, laid.volume.outline.bounds)) < FARTHEST_M


def test_a_site_beside_the_antimeridian_keeps_both_sides_of_it() -> None:
    site = LatLon(-17.0, 179.5)
    for lon_deg in (178.9, -179.9):
        near = zone(Circle(LatLon(-17.0, lon_deg), 3000.0))
        assert within_reach(near, site) is near


@pytest.mark.parametrize("lat_deg", [-75.0, -50.0, 0.0, 20.0, 35.0, 47.0, 48.0, 50.2, 53.5, 60.0, 70.0, 75.0])
@pytest.mark.parametrize("lon_deg", [-179.9, 113.62, 180.0])
def test_what_is_left_can_be_laid_at_every_latitude(lat_deg: float, lon_deg: float) -> None:
    site = LatLon(lat_deg, lon_deg)
    world = zone(box(-180.0, lat_deg - 14.9, 180.0, lat_deg + 14.9))
    cut = within_reach(world, site)
    assert cut is not None
    (laid,) = lay(cut, LocalFrame(site), Ground(100.0, -19.0))
    far_m = np.hypot(*shapely.get_coordinates(laid.volume.outline).T).max()
    assert 0.999 * REACH_M < far_m < 1.002 * REACH_M
    assert laid.volume.contains(0.0, 0.0, 100.0, 1.0)


@given(
    lat_deg=st.floats(-80.0, 80.0),
    lon_deg=st.floats(-179.0, 179.0),
    bearing_deg=st.floats(0.0, 360.0),
    away_m=st.floats(0.0, REACH_M - 1.0),
)
def test_nothing_within_reach_is_ever_cut_off(
    lat_deg: float, lon_deg: float, bearing_deg: float, away_m: float
) -> None:
    lon, lat, _ = GEOD.fwd(lon_deg, lat_deg, bearing_deg, away_m)
    west, east = max(lon - 1e-3, -180.0), min(lon + 1e-3, 180.0)
    spot = Polygon([(west, lat - 1e-3), (east, lat - 1e-3), (east, lat + 1e-3), (west, lat + 1e-3)])
    kept = within_reach(zone(spot), LatLon(lat_deg, lon_deg))
    assert kept is not None
    assert isinstance(kept.layers[0].shape, Polygon)
    assert kept.layers[0].shape.covers(spot.centroid)
