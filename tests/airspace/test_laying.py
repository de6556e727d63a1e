from __future__ import annotations

import math
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from airspace.charted import Circle, Corridor, Layer, Shape
from airspace.formats.chart import Chart
from airspace.formats.outlines import sound
from airspace.frames import GEOD, Datum, Ground, Height, LatLon, LocalFrame, pressure_band_m
from airspace.laying import FARTHEST_M, charted_outline, circle_ring, laid_heights, laid_shape, middle_of
from airspace.reasons import Refused
from tests.airspace.charted_zones import circles, corridors, multipolygons, polygons
from tests.airspace.shapes import FRAME, GROUND, ZHENGZHOU, UnknownGround

SQUARE = box(113.60, 34.74, 113.61, 34.75)


def frame_at(seed: int, farthest_m: float) -> LocalFrame:
    """A frame whose origin is up to so far from Zhengzhou."""
    rng = random.Random(seed)
    lon_deg, lat_deg, _ = GEOD.fwd(
        ZHENGZHOU.lon_deg, ZHENGZHOU.lat_deg, rng.uniform(0, 360), rng.uniform(0, farthest_m)
    )
    return LocalFrame(LatLon(lat_deg, lon_deg))


def away(from_: LatLon, bearing_deg: float, distance_m: float) -> LatLon:
    lon_deg, lat_deg, _ = GEOD.fwd(from_.lon_deg, from_.lat_deg, bearing_deg, distance_m)
    return LatLon(lat_deg, lon_deg)


@settings(max_examples=60, deadline=None)
@given(polygons() | multipolygons(), st.integers(0, 10_000))
def test_edges_stay_straight_in_degrees_within_three_centimetres_a_province_away(
    shape: Polygon | MultiPolygon, seed: int
) -> None:
    frame, rng = frame_at(seed, 400_000.0), random.Random(seed)
    outline = laid_shape(frame, shape)
    assert outline.is_valid
    for part in shape.geoms if isinstance(shape, MultiPolygon) else [shape]:
        for (lon0, lat0), (lon1, lat1) in pairwise(part.exterior.coords):
            share = rng.random()
            on_edge = LatLon(lat0 + share * (lat1 - lat0), lon0 + share * (lon1 - lon0))
            assert outline.boundary.distance(Point(frame.xy(on_edge))) < 0.03


@settings(max_examples=60, deadline=None)
@given(circles, st.integers(0, 10_000))
def test_nothing_of_a_circle_is_outside_and_little_more_is_inside(circle: Circle, seed: int) -> None:
    frame, rng = frame_at(seed, 400_000.0), random.Random(seed)
    outline = laid_shape(frame, circle)
    for _ in range(40):
        bearing_deg = rng.uniform(0, 360)
        assert outline.covers(Point(frame.xy(away(circle.centre, bearing_deg, circle.radius_m))))
        assert not outline.covers(Point(frame.xy(away(circle.centre, bearing_deg, 1.0004 * circle.radius_m + 0.002))))


@settings(max_examples=60, deadline=None)
@given(corridors(), st.integers(0, 10_000))
def test_nothing_of_a_corridor_is_outside_and_little_more_is_inside(corridor: Corridor, seed: int) -> None:
    frame, rng = frame_at(seed, 400_000.0), random.Random(seed)
    outline = laid_shape(frame, corridor)
    for start, end in pairwise(corridor.path):
        bearing_deg, _, length_m = GEOD.inv(start.lon_deg, start.lat_deg, end.lon_deg, end.lat_deg)
        for _ in range(10):
            on_path = away(start, bearing_deg, rng.random() * length_m)
            beside = away(on_path, rng.uniform(0, 360), corridor.half_width_m)
            assert outline.covers(Point(frame.xy(beside)))
    first, second = corridor.path[:2]
    outwards_deg = GEOD.inv(second.lon_deg, second.lat_deg, first.lon_deg, first.lat_deg)[1] + 180.0
    behind = away(first, outwards_deg, 1.01 * corridor.half_width_m + 0.01)
    if all(behind.distance_m(place) > 3 * corridor.half_width_m for place in corridor.path[1:]):
        crossed = laid_shape(frame, Corridor(corridor.path[1:], corridor.half_width_m)) if corridor.path[2:] else None
        if crossed is None or not crossed.covers(Point(frame.xy(behind))):
            assert not outline.covers(Point(frame.xy(behind)))


def test_a_large_circle_is_drawn_with_edges_of_a_kilometre() -> None:
    ring = circle_ring(Circle(ZHENGZHOU, 100_000.0))
    assert len(ring) == math.ceil(2 * math.pi * 100.0)
    assert len(circle_ring(Circle(ZHENGZHOU, 150.0))) == 128
    assert len(np.unique(ring, axis=0)) == len(ring)


def test_what_was_cut_at_the_antimeridian_is_laid_in_one_piece() -> None:
    chart = Chart("a")
    cut = sound(chart, [[(179.95, -17.0), (-179.95, -17.0), (-179.95, -16.9), (179.95, -16.9)]], "x")
    assert isinstance(cut, MultiPolygon)
    for lon_deg in (179.9, -179.9):
        outline = laid_shape(LocalFrame(LatLon(-16.95, lon_deg)), cut)
        assert isinstance(outline, Polygon)
        assert outline.area == pytest.approx(10_650 * 11_064, rel=1e-3)
    east, west = Corridor((LatLon(-17.0, 179.99), LatLon(-17.0, -179.99)), 100.0), Circle(LatLon(-17.0, 180.0), 500.0)
    for shape in (east, west):
        assert laid_shape(LocalFrame(LatLon(-17.0, 179.9)), shape).covers(
            Point(LocalFrame(LatLon(-17.0, 179.9)).xy(LatLon(-17.0, -179.997)))
        )


@pytest.mark.parametrize(
    "shape",
    [
        box(120.2, 34.7, 120.4, 34.8),
        box(34.7, -60.0, 34.8, -59.9),
        Circle(LatLon(40.13, 113.6), 10_000.0),
        Circle(LatLon(-34.0, -66.4), 10.0),
        Corridor((ZHENGZHOU, LatLon(34.7, 120.4)), 100.0),
        MultiPolygon([SQUARE, box(120.2, 34.7, 120.4, 34.8)]),
    ],
)
def test_what_reaches_farther_than_a_province_is_refused_with_the_place(shape: Shape) -> None:
    with pytest.raises(Refused) as refused:
        laid_shape(FRAME, shape, "a.geojson features[0]")
    (reason,) = refused.value.reasons
    assert (reason.rule.code, reason.where) == ("zone.far", "a.geojson features[0]")
    assert f"reaches {FARTHEST_M / 1000:.0f} km" in reason.text("en")
    assert reason.lat_deg is not None
    assert reason.lon_deg is not None
    assert ZHENGZHOU.distance_m(LatLon(reason.lat_deg, reason.lon_deg)) > FARTHEST_M


def test_a_province_fits_from_its_edge() -> None:
    laid_shape(FRAME, box(113.6, 34.7, 120.0, 34.8))
    laid_shape(FRAME, Circle(LatLon(39.9, 113.6), 10_000.0))


def test_an_outline_that_crosses_itself_once_bent_is_refused() -> None:
    shell = [(113.0, 34.8), (113.01, 34.8), (113.01, 34.9), (113.0, 34.9)]
    near = Polygon(shell, [[(113.004, 34.8 + 1e-8), (113.006, 34.8 + 1e-8), (113.005, 34.85)]])
    with pytest.raises(Refused) as refused:  # a parallel bends by 2 cm between its ends, the hole is 1 mm from it
        laid_shape(LocalFrame(LatLon(38.0, 113.0)), near, "x")
    (reason,) = refused.value.reasons
    assert reason.rule.code == "zone.bent"
    assert "34.800000,113.00" in reason.text("en")
    assert "位于 34.800000,113.00" in reason.text("zh")


def test_an_outline_comes_back_from_the_plane() -> None:
    outline = box(-3000.0, -2000.0, 5000.0, 1000.0)
    again = laid_shape(FRAME, charted_outline(FRAME, outline))
    assert again.hausdorff_distance(outline.segmentize(100.0)) < 0.02


def test_the_middle_of_a_shape_lies_in_it() -> None:
    bent = Polygon([(113.0, 34.0), (114.0, 34.0), (114.0, 35.0), (113.9, 35.0), (113.9, 34.1), (113.0, 34.1)])
    middle = middle_of(bent)
    assert bent.covers(Point(middle.lon_deg, middle.lat_deg))
    assert middle_of(Circle(ZHENGZHOU, 5.0)) == ZHENGZHOU
    assert middle_of(Corridor((LatLon(1, 1), ZHENGZHOU, LatLon(2, 2)), 5.0)) == ZHENGZHOU


class Hills(UnknownGround):
    """Ground that rises from 100 m to 180 m under every shape, over a geoid that rises from -20 m to -18 m."""

    def under(self, shape: Shape) -> tuple[Ground, Ground]:
        return Ground(100.0, -20.0), Ground(180.0, -18.0)


def heights(floor: Height, ceiling: Height) -> tuple[float, float]:
    return laid_heights(Layer(SQUARE, floor, ceiling), Hills())


def test_heights_over_the_ground_count_from_the_lowest_for_a_floor_and_the_highest_for_a_ceiling() -> None:
    assert heights(Height(30.0, Datum.AGL), Height(120.0, Datum.AGL)) == pytest.approx((110.0, 282.0))


def test_heights_over_the_sea_take_the_geoid_where_it_is_lowest_and_highest() -> None:
    assert heights(Height(300.0, Datum.AMSL), Height(600.0, Datum.AMSL)) == pytest.approx((280.0, 582.0))


def test_a_flight_level_is_laid_at_the_edge_of_its_band() -> None:
    low, high = Height(1981.2, Datum.PRESSURE), Height(3048.0, Datum.PRESSURE)
    floor_m, ceiling_m = heights(low, high)
    assert floor_m == pytest.approx(pressure_band_m(low)[0] - 20.0)
    assert ceiling_m == pytest.approx(pressure_band_m(high)[1] - 18.0)
    assert floor_m < 1981.2 - 400.0
    assert ceiling_m > 3048.0 + 200.0


def test_heights_over_the_ellipsoid_ask_nobody() -> None:
    layer = Layer(SQUARE, Height(100.0, Datum.ELLIPSOIDAL), Height(200.0, Datum.ELLIPSOIDAL))
    assert laid_heights(layer, None) == (100.0, 200.0)


def test_heights_over_the_ground_need_a_surface() -> None:
    for low, high in [(Datum.AGL, Datum.ELLIPSOIDAL), (Datum.ELLIPSOIDAL, Datum.AMSL)]:
        with pytest.raises(Refused) as refused:
            laid_heights(Layer(SQUARE, Height(0.0, low), Height(500.0, high)), None, "x")
        (reason,) = refused.value.reasons
        assert (reason.rule.code, reason.where) == ("zone.no-ground", "x")
        assert "agl" in reason.text("en") or "amsl" in reason.text("en")


def test_over_level_ground_both_sides_count_from_the_same() -> None:
    layer = Layer(SQUARE, Height(0.0, Datum.AGL), Height(120.0, Datum.AGL))
    assert laid_heights(layer, GROUND) == pytest.approx((88.6, 208.6))
