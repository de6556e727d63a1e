"""Arcs become corners so that a zone only ever grows, and by little."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from airspace.formats.chart import Chart
from airspace.formats.openair import read_openair
from airspace.formats.openair_arcs import LONGEST_STEP_DEG, Arc, bearings_arc, positions_arc, ring
from airspace.formats.openair_shapes import LARGEST_ARC_M
from airspace.formats.outlines import LonLat, area_of, sound
from airspace.frames import GEOD, LatLon

MILLIMETRE = 0.001

centres = st.builds(LatLon, st.floats(-70.0, 70.0), st.floats(-150.0, 150.0))
radii_m = st.floats(200.0, LARGEST_ARC_M)
bearings = st.floats(0.0, 360.0)
sweeps = st.floats(20.0, 330.0)


def away(centre: LatLon, bearing_deg: float, away_m: float) -> LonLat:
    lon, lat, _ = GEOD.fwd(centre.lon_deg, centre.lat_deg, bearing_deg, away_m)
    return lon, lat


def along(arc: Arc, count: int = 97) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Bearings all along an arc, but for a twentieth at each end, where it meets what is not part of it."""
    return arc.start_deg + arc.sweep_deg * np.linspace(0.05, 0.95, count)


def distances_m(centre: LatLon, corners: list[LonLat]) -> list[float]:
    """How far the corners and the middles of the edges are from the centre."""
    middles = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in itertools.pairwise(corners)]
    return [centre.distance_m(LatLon(lat, lon)) for lon, lat in corners + middles]


@settings(max_examples=40)
@given(centres, radii_m, bearings, sweeps, st.booleans())
def test_an_arc_that_bulges_out_leaves_nothing_outside(
    centre: LatLon, radius_m: float, start_deg: float, sweep_deg: float, clockwise: bool
) -> None:
    end_deg = (start_deg + sweep_deg) % 360 if clockwise else (start_deg - sweep_deg) % 360
    arc = bearings_arc(centre, radius_m, start_deg, end_deg, clockwise=clockwise)
    assert arc is not None
    polygon = Polygon(ring([arc]))
    assert polygon.is_valid
    on_arc = [Point(away(centre, float(bearing), radius_m - MILLIMETRE)) for bearing in along(arc)]
    assert shapely.covers(polygon, on_arc).all()


@settings(max_examples=40)
@given(centres, radii_m, bearings, sweeps, st.booleans())
def test_an_arc_that_bulges_in_leaves_nothing_outside(
    centre: LatLon, radius_m: float, start_deg: float, sweep_deg: float, clockwise: bool
) -> None:
    end_deg = (start_deg + sweep_deg) % 360 if clockwise else (start_deg - sweep_deg) % 360
    arc = bearings_arc(centre, radius_m, start_deg, end_deg, clockwise=clockwise)
    assert arc is not None
    # a belt outside of the arc: back along twice the radius, the other way round
    belt = [
        away(centre, float(bearing), 2 * radius_m)
        for bearing in np.linspace(arc.start_deg + arc.sweep_deg, arc.start_deg, 60)
    ]
    polygon = Polygon(ring([arc, *belt]))
    on_arc = [Point(away(centre, float(bearing), radius_m + MILLIMETRE)) for bearing in along(arc)]
    assert shapely.covers(polygon, on_arc).all()


@settings(max_examples=40)
@given(centres, radii_m, bearings, sweeps)
def test_an_arc_is_followed_to_four_ten_thousandths_of_its_radius(
    centre: LatLon, radius_m: float, start_deg: float, sweep_deg: float
) -> None:
    arc = bearings_arc(centre, radius_m, start_deg, (start_deg + sweep_deg) % 360, clockwise=True)
    assert arc is not None
    belt = [
        away(centre, float(bearing), 2 * radius_m)
        for bearing in np.linspace(arc.start_deg + arc.sweep_deg, arc.start_deg, 60)
    ]
    edge_m = math.radians(LONGEST_STEP_DEG) * radius_m
    steepest = min(89.99, abs(centre.lat_deg) + math.degrees(radius_m / 6378137.0))
    stand_off_m = edge_m**2 * math.tan(math.radians(steepest)) / (4 * 6378137.0)
    allowed_m = 0.0004 * radius_m + 1.5 * stand_off_m + MILLIMETRE
    out, into = ring([arc])[:-1], ring([arc, *belt])[: arc.steps]
    assert all(-MILLIMETRE <= at_m - radius_m <= allowed_m for at_m in distances_m(centre, out))
    assert all(-MILLIMETRE <= radius_m - at_m <= allowed_m for at_m in distances_m(centre, into))


@given(centres, radii_m, bearings, sweeps, st.booleans())
def test_the_ends_of_an_arc_between_positions_stay_where_they_are(
    centre: LatLon, radius_m: float, start_deg: float, sweep_deg: float, clockwise: bool
) -> None:
    turn_deg = sweep_deg if clockwise else -sweep_deg
    start, end = away(centre, start_deg, radius_m), away(centre, start_deg + turn_deg, radius_m)
    arc = positions_arc(centre, LatLon(start[1], start[0]), LatLon(end[1], end[0]), clockwise=clockwise)
    assert arc is not None
    corners = ring([arc])
    assert (corners[0], corners[-1]) == (start, end)
    assert arc.sweep_deg == pytest.approx(turn_deg, abs=1e-4)
    assert arc.most_m == pytest.approx(radius_m, abs=0.001)


def test_ends_at_different_distances_take_the_larger_circle_out_and_the_smaller_in() -> None:
    centre = LatLon(34.75, 113.6)
    start, end = away(centre, 0.0, 10_000.0), away(centre, 90.0, 10_040.0)
    arc = positions_arc(centre, LatLon(start[1], start[0]), LatLon(end[1], end[0]), clockwise=True)
    assert arc is not None
    assert min(distances_m(centre, ring([arc])[1:-1])) > 10_040.0 - MILLIMETRE
    far = [away(centre, 90.0, 20_000.0), away(centre, 45.0, 30_000.0), away(centre, 0.0, 20_000.0)]
    inward = ring([arc, *far])[1 : arc.steps]
    assert max(distances_m(centre, inward)) < 10_000.0 + MILLIMETRE


@pytest.mark.parametrize(("clockwise", "inside_deg"), [(True, 45.0), (False, 225.0)])
def test_the_direction_says_which_way_round(clockwise: bool, inside_deg: float) -> None:
    centre = LatLon(34.75, 113.6)
    arc = bearings_arc(centre, 5000.0, 0.0, 90.0, clockwise=clockwise)
    assert arc is not None
    polygon = Polygon([*ring([arc]), (centre.lon_deg, centre.lat_deg)])
    assert polygon.covers(Point(away(centre, inside_deg, 4000.0)))
    assert not polygon.covers(Point(away(centre, inside_deg + 180.0, 4000.0)))


@pytest.mark.parametrize(("start_deg", "end_deg"), [(0.0, 360.0), (360.0, 0.0)])
@pytest.mark.parametrize("clockwise", [True, False])
def test_a_whole_turn_is_a_circle(start_deg: float, end_deg: float, clockwise: bool) -> None:
    arc = bearings_arc(LatLon(34.75, 113.6), 5000.0, start_deg, end_deg, clockwise=clockwise)
    assert arc is not None
    assert area_of(Polygon(ring([arc]))) == pytest.approx(math.pi * 5000.0**2, rel=0.001)


@pytest.mark.parametrize("bearing_deg", [0.0, 123.0, 360.0])
def test_an_arc_between_equal_bearings_goes_nowhere(bearing_deg: float) -> None:
    assert bearings_arc(LatLon(34.75, 113.6), 5000.0, bearing_deg, bearing_deg, clockwise=True) is None


def test_an_arc_over_the_antimeridian_is_whole_on_both_sides() -> None:
    arc = bearings_arc(LatLon(-17.0, 179.99), 20_000.0, 0.0, 360.0, clockwise=True)
    assert arc is not None
    chart = Chart("x")
    outline = sound(chart, [ring([arc])], "")
    assert chart.reasons == []
    assert outline is not None
    assert outline.geom_type == "MultiPolygon"
    assert area_of(outline) == pytest.approx(math.pi * 20_000.0**2, rel=0.001)


def test_rounded_ends_are_mended_and_the_deviation_is_named() -> None:
    text = (
        "AC D\nAN A\nAL GND\nAH FL10\nV X=34:44:48 N 113:37:30 E\n"
        "DB 34:50:00 N 113:37:30 E, 34:44:48 N 113:43:49 E\nDP 34:44:48 N 113:37:30 E\n"
    )
    reading = read_openair(text.encode(), "x.txt")
    assert reading.reasons == ()
    (repair,) = reading.zones[0].extra["openair"]["repairs"]
    assert (repair["at"], repair["rule"]) == ("line 6 DB", "openair.radius")
    assert 1.0 < repair["deviation_m"] < 50.0


def test_a_curved_zone_of_the_original_description_is_drawn_as_told() -> None:
    """Reno's class C: a belt from 5 to 10 miles, 7 in the north-west, open to the south-west."""
    text = (
        "AC C\nAN RENO\nAL 7200 ft\nAH 8400 ft\nV X=39:29.9 N 119:46.1W\n"
        "DA 10,270,290\nDA 7,290,320\nDA 10,320,200\nV D=-\nDA 5,200,270\n"
    )
    reading = read_openair(text.encode(), "x.txt")
    assert reading.reasons == ()
    outline = reading.zones[0].layers[0].shape
    assert isinstance(outline, Polygon)
    centre, mile_m = LatLon(39 + 29.9 / 60, -(119 + 46.1 / 60)), 1852.0
    inside = [(280.0, 9.9), (300.0, 6.9), (0.0, 9.9), (100.0, 5.1), (199.0, 5.1), (271.0, 9.9)]
    outside = [(280.0, 10.1), (300.0, 7.1), (0.0, 10.1), (100.0, 4.9), (201.0, 7.0), (235.0, 5.1), (269.0, 7.0)]
    assert all(outline.covers(Point(away(centre, bearing, miles * mile_m))) for bearing, miles in inside)
    assert not any(outline.covers(Point(away(centre, bearing, miles * mile_m))) for bearing, miles in outside)
