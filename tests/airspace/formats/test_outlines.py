from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon

from airspace.charted import Circle, Corridor
from airspace.formats.chart import Chart
from airspace.formats.outlines import (
    LARGEST_RADIUS_M,
    MOST_BENT_POSITIONS,
    MOST_POSITIONS,
    LonLat,
    Outline,
    area_of,
    sound,
    sound_circle,
    sound_corridor,
    sound_heights,
    sound_parts,
)
from airspace.frames import GEOD, Datum, Height, LatLon

SQUARE = [(113.60, 34.74), (113.61, 34.74), (113.61, 34.75), (113.60, 34.75)]
HOLE = [(113.603, 34.743), (113.603, 34.747), (113.607, 34.747), (113.607, 34.743)]
FIJI = [(179.0, -18.0), (-179.0, -18.0), (-179.0, -16.0), (179.0, -16.0)]


def read(*rings: Sequence[LonLat], as_geojson: bool = False) -> Outline:
    chart = Chart("a.txt")
    outline = sound(chart, rings, "line 7", as_geojson=as_geojson)
    assert chart.reasons == []
    assert outline is not None
    return outline


def refusal(*rings: Sequence[LonLat], as_geojson: bool = False) -> tuple[str, str, str]:
    """The code, the place and the English line of the one reason that is given."""
    chart = Chart("a.txt")
    assert sound(chart, rings, "line 7", as_geojson=as_geojson) is None
    (reason,) = chart.reasons
    assert reason.text("zh")
    return reason.rule.code, reason.where, reason.text("en")


def regular(corners: int, radius_deg: float = 0.1, lon_deg: float = 113.6, lat_deg: float = 34.7) -> list[LonLat]:
    turns = [2 * math.pi * i / corners for i in range(corners)]
    return [(lon_deg + radius_deg * math.cos(turn), lat_deg + radius_deg * math.sin(turn)) for turn in turns]


def test_a_ring_may_be_closed_or_not_and_run_either_way_round() -> None:
    open_, closed, backwards = read(SQUARE), read([*SQUARE, SQUARE[0]]), read(SQUARE[::-1])
    assert open_ == closed == Polygon(SQUARE)
    assert open_.equals(backwards)


def test_repeated_positions_are_dropped() -> None:
    twice = [corner for corner in SQUARE for _ in range(3)]
    assert read([*twice, SQUARE[0], SQUARE[0]]) == Polygon(SQUARE)


def test_holes_stay_holes() -> None:
    outline = read(SQUARE, HOLE)
    assert outline.area == pytest.approx(Polygon(SQUARE).area - Polygon(HOLE).area)


def test_a_geojson_ring_must_be_closed_and_is_named_by_its_number() -> None:
    closed = [*SQUARE, SQUARE[0]]
    assert read(closed, as_geojson=True) == Polygon(SQUARE)
    assert refusal(SQUARE, as_geojson=True)[:2] == ("outline.open", "a.txt line 7[0]")
    assert refusal(closed, HOLE, as_geojson=True)[:2] == ("outline.open", "a.txt line 7[1]")
    assert refusal([*SQUARE[:2], SQUARE[0]], as_geojson=True)[:2] == ("outline.short", "a.txt line 7[0]")


@pytest.mark.parametrize(
    ("rings", "code", "where"),
    [
        ([], "outline.short", "line 7"),
        ([[]], "outline.short", "line 7"),
        ([SQUARE[:2]], "outline.short", "line 7"),
        ([[SQUARE[0], SQUARE[1], SQUARE[1], SQUARE[0]]], "outline.short", "line 7"),
        ([SQUARE, HOLE[:2]], "outline.short", "line 7 hole 1"),
        ([[*SQUARE[:3], (113.6, math.nan)]], "outline.earth", "line 7"),
        ([[*SQUARE[:3], (math.inf, 34.7)]], "outline.earth", "line 7"),
        ([[*SQUARE[:3], (34.7, 113.6)]], "outline.earth", "line 7"),
        ([[*SQUARE[:3], (180.001, 34.7)]], "outline.earth", "line 7"),
        ([[SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]]], "outline.crossing", "line 7"),
        ([SQUARE, [(lon + 1, lat) for lon, lat in HOLE]], "outline.crossing", "line 7"),
        ([SQUARE, HOLE, HOLE], "outline.crossing", "line 7"),
        ([[(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (1.0, 0.0), (0.0, 2.0)]], "outline.crossing", "line 7"),
        ([[(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)]], "outline.crossing", "line 7"),
        ([[(113.6, 34.7), (113.600009, 34.7), (113.6, 34.700009)]], "outline.small", "line 7"),
        ([regular(MOST_POSITIONS + 1)], "outline.many", "line 7"),
        ([regular(MOST_POSITIONS + 2)], "outline.many", "line 7"),
        ([regular(6000), regular(6000, 0.05)], "outline.many", "line 7"),
        ([[(1.0 * (i % 2), 1e-4 * i) for i in range(1200)]], "outline.many", "line 7"),
        ([[(-120.0, 80.0), (0.0, 80.0), (120.0, 80.0)]], "outline.pole", "line 7"),
        ([FIJI, [(-178.0, -17.0), (-177.5, -17.0), (-177.5, -16.5)]], "outline.crossing", "line 7"),
    ],
)
def test_what_is_unsound_is_refused_by_name(rings: list[list[LonLat]], code: str, where: str) -> None:
    assert refusal(*rings)[:2] == (code, f"a.txt {where}")


def test_a_crossing_says_where_in_degrees() -> None:
    assert "two edges cross at 34.745000,113.605000" in refusal([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]])[2]
    bow_tie = [FIJI[0], FIJI[2], FIJI[1], FIJI[3]]
    assert "at -17.000000,-180.000000" in refusal(bow_tie)[2]


def test_a_ring_that_touches_itself_is_refused_with_the_place() -> None:
    code, _, text = refusal([(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (1.0, 0.0), (0.0, 2.0)])
    assert code == "outline.crossing"
    assert "a ring touches or crosses itself at 0.000000,1.000000" in text


def test_ten_thousand_corners_are_a_shape_like_any_other() -> None:
    outline = read(regular(MOST_POSITIONS))
    assert shapely.get_num_coordinates(outline) == MOST_POSITIONS + 1
    assert read([*regular(MOST_POSITIONS), regular(MOST_POSITIONS)[0]]) == outline


def test_an_edge_over_the_antimeridian_cuts_the_outline_there() -> None:
    outline = read(FIJI)
    assert isinstance(outline, MultiPolygon)
    west, east = sorted(outline.geoms, key=lambda part: part.bounds[0])
    assert west.bounds == (-180.0, -18.0, -179.0, -16.0)
    assert east.bounds == (179.0, -18.0, 180.0, -16.0)


def test_a_hole_is_kept_on_both_sides_of_the_antimeridian() -> None:
    for lon_deg in (179.5, -179.9):
        outline = read(FIJI, [(lon_deg, -17.5), (lon_deg + 0.2, -17.5), (lon_deg + 0.2, -17.0)])
        assert outline.is_valid
        assert not outline.covers(Point(lon_deg + 0.15, -17.4))
        assert outline.area == pytest.approx(4.0 - 0.05)


def test_parts_are_named_and_must_not_overlap() -> None:
    away = [(lon + 0.1, lat) for lon, lat in SQUARE]
    chart = Chart("a.txt")
    outline = sound_parts(chart, [[SQUARE], [away]], ["p[0]", "p[1]"], "p")
    assert isinstance(outline, MultiPolygon)
    assert sound_parts(chart, [[SQUARE], [HOLE]], ["p[0]", "p[1]"], "p") is None
    assert sound_parts(chart, [[SQUARE], [away[:2]]], ["p[0]", "p[1]"], "p") is None
    assert sound_parts(chart, [], [], "p") is None
    beyond = [(lon - 360.0 if lon > 180.0 else lon, lat) for lon, lat in [(179.5, 0.0), (181.0, 0.0), (181.0, 1.0)]]
    inside = [(-179.9, 0.05), (-179.5, 0.05), (-179.5, 0.1)]
    assert sound_parts(chart, [[beyond], [inside]], ["p[0]", "p[1]"], "p") is None
    found = [(reason.rule.code, reason.where) for reason in chart.reasons]
    assert found == [
        ("outline.crossing", "a.txt p"),
        ("outline.short", "a.txt p[1]"),
        ("outline.short", "a.txt p"),
        ("outline.crossing", "a.txt p"),
    ]


def test_areas_are_those_of_the_ellipsoid() -> None:
    sides_m = [GEOD.inv(*SQUARE[i], *SQUARE[(i + 1) % 4])[2] for i in range(4)]
    assert area_of(read(SQUARE)) == pytest.approx((sides_m[0] + sides_m[2]) / 2 * sides_m[1], rel=1e-5)
    assert area_of(read(SQUARE[::-1], HOLE)) == pytest.approx(area_of(read(SQUARE)) - area_of(read(HOLE)))


def test_circles_are_between_a_metre_and_a_hundred_kilometres() -> None:
    chart = Chart("a.txt")
    assert sound_circle(chart, (113.6, 34.7), 150.0, "c") == Circle(LatLon(34.7, 113.6), 150.0)
    assert sound_circle(chart, (180.0, -90.0), LARGEST_RADIUS_M, "c") is not None
    assert chart.reasons == []
    for bad_m in (0.0, -5.0, 0.5, math.nan, math.inf, LARGEST_RADIUS_M + 1.0):
        assert sound_circle(chart, (113.6, 34.7), bad_m, "c") is None
    assert sound_circle(chart, (34.7, 113.6), 150.0, "c") is None
    assert [reason.rule.code for reason in chart.reasons] == ["chart.range"] * 6 + ["outline.earth"]
    assert all(reason.text("en") and reason.text("zh") for reason in chart.reasons)


def test_corridors_need_two_places_and_a_width() -> None:
    chart = Chart("a.txt")
    line = [SQUARE[0], SQUARE[0], SQUARE[2], SQUARE[2]]
    assert sound_corridor(chart, line, 50.0, "w") == Corridor((LatLon(34.74, 113.60), LatLon(34.75, 113.61)), 50.0)
    assert sound_corridor(chart, [FIJI[0], FIJI[1], FIJI[0]], 50.0, "w") is not None
    assert chart.reasons == []
    assert sound_corridor(chart, line[:2], 50.0, "w") is None
    assert sound_corridor(chart, [], 50.0, "w") is None
    assert sound_corridor(chart, line, 0.0, "w") is None
    assert sound_corridor(chart, [SQUARE[0], (0.0, 91.0)], 50.0, "w") is None
    assert sound_corridor(chart, regular(MOST_POSITIONS + 1), 50.0, "w") is None
    codes = [reason.rule.code for reason in chart.reasons]
    assert codes == ["outline.line", "outline.line", "chart.range", "outline.earth", "outline.many"]


def test_heights_of_one_datum_are_compared_and_of_two_are_not() -> None:
    chart = Chart("a.txt")
    agl_0, agl_120, amsl_50 = Height(0.0, Datum.AGL), Height(120.0, Datum.AGL), Height(50.0, Datum.AMSL)
    assert sound_heights(chart, agl_0, agl_120, "h")
    assert sound_heights(chart, agl_120, amsl_50, "h")
    assert chart.reasons == []
    assert not sound_heights(chart, agl_120, agl_0, "h")
    assert not sound_heights(chart, agl_120, agl_120, "h")
    assert [reason.rule.code for reason in chart.reasons] == ["zone.heights", "zone.flat"]
    assert "120 m agl" in chart.reasons[1].text("en")


corner = st.tuples(
    st.floats(-180, 180) | st.sampled_from([-180.0, 180.0, 179.9, -179.9, 0.0, math.nan]),
    st.floats(-90, 90) | st.sampled_from([-90.0, 90.0, 0.0, math.inf]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(corner, max_size=8), max_size=3), st.booleans())
def test_any_rings_give_a_sound_outline_or_reasons(rings: list[list[LonLat]], as_geojson: bool) -> None:
    chart = Chart("a.txt")
    outline = sound(chart, rings, "x", as_geojson=as_geojson)
    assert (outline is None) == bool(chart.reasons)
    assert all(reason.text("en") and reason.text("zh") for reason in chart.reasons)
    if outline is not None:
        west, south, east, north = outline.bounds
        assert outline.is_valid
        assert -180.0 <= west <= east <= 180.0
        assert -90.0 <= south <= north <= 90.0
        assert area_of(outline) > 0.0
        assert shapely.get_num_coordinates(outline) <= MOST_BENT_POSITIONS


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(170.0, 190.0), st.integers(3, 40))
def test_cutting_at_the_antimeridian_keeps_every_place(seed: int, lon_deg: float, corners: int) -> None:
    rng = random.Random(seed)
    unrolled = regular(corners, rng.uniform(0.5, 15.0), lon_deg, rng.uniform(-60.0, 60.0))
    outline = read([(lon - 360.0 if lon > 180.0 else lon, lat) for lon, lat in unrolled])
    whole = Polygon(unrolled)
    assert outline.area == pytest.approx(whole.area, rel=1e-9)
    for _ in range(20):
        at = Point(rng.uniform(150.0, 210.0), rng.uniform(-80.0, 80.0))
        if whole.exterior.distance(at) > 1e-6:
            folded = Point(at.x - 360.0 if at.x > 180.0 else at.x, at.y)
            assert outline.covers(folded) == whole.covers(at)
