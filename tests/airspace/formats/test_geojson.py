"""Our own GeoJSON: what is written is read back equal, and each way of saying a zone means what it says."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, shape

from airspace.charted import ChartedZone, Circle, Corridor, Layer, Restriction, Source
from airspace.formats.geojson import LAYER_PROPERTIES, ZONE_PROPERTIES, geojson, read_geojson
from airspace.formats.importing import read_chart_file
from airspace.frames import Datum, Height, LatLon
from airspace.reasons import Words
from airspace.schedules import ALWAYS, BEGINNING_S, Day, Edge, Period, Schedule, SunEvent
from airspace.volumes import FOREVER_S
from tests.airspace.charted_zones import charts, layers
from tests.airspace.charts import GONE, SQUARE, block, chart, pad, spoiled

PAGE = Path(__file__).parents[3] / "docs" / "geojson.md"
SHARED = Path(__file__).parents[3].parent / "shared" / "data"
DAY_S = 1779066000.0


def read(*features: Any) -> tuple[ChartedZone, ...]:
    reading = read_geojson(json.dumps(chart(*features)).encode(), "a.geojson")
    assert reading.reasons == ()
    return reading.zones


def again(zones: list[ChartedZone]) -> tuple[ChartedZone, ...]:
    """The zones written as text and read back."""
    out = geojson(zones)
    text = json.dumps(out, allow_nan=False, ensure_ascii=False)
    assert json.loads(text) == out
    reading = read_geojson(text.encode(), "again")
    assert reading.reasons == ()
    return reading.zones


@settings(max_examples=80, deadline=None)
@given(charts())
def test_a_round_trip_loses_nothing(zones: list[ChartedZone]) -> None:
    assert list(again(zones)) == zones


@settings(max_examples=30, deadline=None)
@given(layers(), st.floats(-100.0, 3000.0), st.floats(1.0, 500.0))
def test_what_heights_come_to_is_written_beside_them_and_not_needed(layer: Layer, low_m: float, thick_m: float) -> None:
    zone = ChartedZone("Z", Words("z", "区"), "no-fly", Words("closed", "关闭"), (layer,))
    (feature,) = geojson([zone], {"Z": [(low_m, low_m + thick_m)]})["features"]
    assert feature["properties"]["floor"]["ellipsoidal_m"] == low_m
    assert feature["properties"]["ceiling"]["ellipsoidal_m"] == low_m + thick_m
    if Datum.ELLIPSOIDAL not in (layer.floor.datum, layer.ceiling.datum):
        assert read(feature) == (zone,)


def test_a_zone_says_where_it_was_read() -> None:
    first, second = read()
    assert first.source == Source("a.geojson", "features[0]", "geojson")
    assert second.source == Source("a.geojson", "features[1]", "geojson")


def test_what_a_chart_does_not_say_is_the_strictest() -> None:
    (zone,) = read(pad())
    assert zone.restriction is Restriction.PROHIBITED
    assert zone.schedule == ALWAYS
    assert (zone.country, zone.authority, zone.extra) == ("", "", {})


@pytest.mark.parametrize("restriction", Restriction)
def test_each_restriction_can_be_said(restriction: Restriction) -> None:
    (zone,) = read(pad(restriction=str(restriction)))
    assert zone.restriction is restriction


def test_a_point_with_a_radius_is_a_circle_and_is_written_as_a_polygon_around_it() -> None:
    (zone,) = read(pad())
    circle = Circle(LatLon(34.75, 113.62), 150.0)
    assert zone.layers[0].shape == circle
    (feature,) = geojson([zone])["features"]
    drawn = shape(feature["geometry"])
    assert feature["properties"]["centre_lon_lat_deg"] == [113.62, 34.75]
    away_m = [circle.centre.distance_m(LatLon(lat, lon)) for lon, lat in drawn.exterior.coords]
    assert 150.0 < min(away_m) <= max(away_m) < 150.1
    assert drawn.exterior.is_ccw  # as RFC 7946 asks


@pytest.mark.parametrize("centre", [LatLon(20.0, 180.0), LatLon(-17.0, -179.9999), LatLon(89.9, 20.0)])
def test_a_circle_that_no_polygon_can_draw_stays_a_point(centre: LatLon) -> None:
    (zone,) = read(pad())
    layer = Layer(Circle(centre, 20_000.0), zone.layers[0].floor, zone.layers[0].ceiling)
    moved = ChartedZone("Z", zone.name, zone.kind, zone.rule, (layer,))
    assert geojson([moved])["features"][0]["geometry"]["type"] == "Point"
    assert again([moved]) == (moved,)


def test_a_line_with_a_width_is_a_corridor() -> None:
    way = pad(half_width_m=30)
    del way["properties"]["radius_m"]
    way["geometry"] = {"type": "LineString", "coordinates": SQUARE[:3]}
    (zone,) = read(way)
    path = (LatLon(34.74, 113.60), LatLon(34.74, 113.61), LatLon(34.75, 113.61))
    assert zone.layers[0].shape == Corridor(path, 30.0)
    assert geojson([zone])["features"][0]["geometry"] == way["geometry"]


def test_a_stepped_zone_has_a_geometry_and_heights_for_each_layer() -> None:
    stepped = block()
    floor, ceiling = stepped["properties"].pop("floor"), stepped["properties"].pop("ceiling")
    wide = {"value_m": 600, "datum": "amsl"}
    stepped["geometry"] = {
        "type": "GeometryCollection",
        "geometries": [{"type": "Polygon", "coordinates": [SQUARE]}, {"type": "Point", "coordinates": [113.6, 34.7]}],
    }
    stepped["properties"]["layers"] = [
        {"floor": floor, "ceiling": ceiling},
        {"floor": ceiling, "ceiling": wide, "radius_m": 2000},
    ]
    (zone,) = read(stepped)
    assert zone.layers == (
        Layer(Polygon(SQUARE), Height(0.0, Datum.AGL), Height(120.0, Datum.AGL)),
        Layer(Circle(LatLon(34.7, 113.6), 2000.0), Height(120.0, Datum.AGL), Height(600.0, Datum.AMSL)),
    )
    assert again([zone]) == (zone,)


def test_parts_stay_parts_and_one_part_is_a_polygon() -> None:
    parts = block()
    away = [[lon_deg + 0.02, lat_deg] for lon_deg, lat_deg in SQUARE]
    parts["geometry"] = {"type": "MultiPolygon", "coordinates": [[SQUARE], [away]]}
    (zone,) = read(parts)
    assert isinstance(zone.layers[0].shape, MultiPolygon)
    parts["geometry"]["coordinates"].pop()
    (zone,) = read(parts)
    assert zone.layers[0].shape == Polygon(SQUARE)


def test_an_outline_over_the_antimeridian_is_cut_there() -> None:
    fiji = [[179.0, -18.0], [-179.0, -18.0], [-179.0, -16.0], [179.0, -16.0], [179.0, -18.0]]
    (zone,) = read(spoiled(block(), "geometry.coordinates.0", fiji))
    outline = zone.layers[0].shape
    assert isinstance(outline, MultiPolygon)
    assert outline.covers(Point(180.0, -17.0))
    assert outline.covers(Point(-180.0, -17.0))
    assert not outline.covers(Point(0.0, -17.0))
    assert again([zone]) == (zone,)


def test_windows_are_said_in_any_offset_and_half_a_window_is_open() -> None:
    def windows(active: Any) -> tuple[tuple[float, float], ...]:
        (zone,) = read(pad(active=active))
        return zone.schedule.windows

    assert windows({"from": "2026-05-18T09:00:00+08:00"}) == ((DAY_S, FOREVER_S),)
    assert windows({"to": "2026-05-18T01:00:00.25Z"}) == ((BEGINNING_S, DAY_S + 0.25),)
    two = [{"to": "2026-05-18T01:00:00Z"}, {"from": "2026-05-18T02:00:00Z", "to": "2026-05-18t03:00:00z"}]
    assert windows(two) == ((BEGINNING_S, DAY_S), (DAY_S + 3600.0, DAY_S + 7200.0))


def test_hours_are_said_by_clock_sun_and_kind_of_day() -> None:
    schedule = {
        "periods": [
            {"days": ["MON", "TUE"], "start": "07:30", "end": "24:00"},
            {"days": ["HOL"], "start": "SR", "end": {"event": "SS", "offset_s": -1800}},
            {"start": "23:59:59", "end": {"offset_s": 0.5}},
        ],
        "zone": "Asia/Shanghai",
        "holidays": ["2026-10-01"],
    }
    (zone,) = read(pad(schedule=schedule))
    assert zone.schedule == Schedule(
        periods=(
            Period(Edge(27_000.0), Edge(86_400.0), frozenset({Day.MON, Day.TUE})),
            Period(Edge(0.0, SunEvent.SUNRISE), Edge(-1800.0, SunEvent.SUNSET), frozenset({Day.HOLIDAY})),
            Period(Edge(86_399.0), Edge(0.5)),
        ),
        zone="Asia/Shanghai",
        holidays=frozenset({date(2026, 10, 1)}),
    )
    assert geojson([zone])["features"][0]["properties"]["schedule"] == schedule


def test_texts_of_several_lines_and_full_width_spaces_are_kept() -> None:
    (zone,) = read(pad(rule="ask first:\n+86 371 0000", rule_zh="须先　申请"))
    assert zone.rule == Words("ask first:\n+86 371 0000", "须先　申请")
    assert again([zone]) == (zone,)


def test_a_null_is_a_thing_not_said() -> None:
    (zone,) = read(pad(active=None, schedule=None, extra=None, rule=None, name_zh=None))
    assert zone == read(pad())[0]


def test_a_byte_order_mark_and_our_own_frame_are_accepted() -> None:
    document = {**chart(), "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}, "name": "x"}
    data = json.dumps(document, ensure_ascii=False).encode("utf-8-sig")
    assert read_geojson(data, "a.geojson") == read_geojson(json.dumps(chart()).encode(), "a.geojson")


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("folder", ["openair", "ed269", "ed318", "f3548", "geojson"])
def test_every_zone_of_the_real_files_comes_back_equal_from_our_geojson(folder: str) -> None:
    for path in sorted((SHARED / folder).iterdir()):
        if path.is_file():
            zones = list(read_chart_file(path).zones)
            unique = list({zone.id: zone for zone in zones}.values())
            assert list(again(unique)) == unique


def test_leaving_any_needed_property_out_leaves_the_zone_out() -> None:
    for name in ("id", "name", "kind", "floor", "ceiling", "radius_m"):
        reading = read_geojson(json.dumps(spoiled(chart(pad()), f"features.0.properties.{name}", GONE)).encode(), "a")
        assert reading.zones == ()
        assert [reason.where for reason in reading.reasons] == [f"a features[0].properties.{name}"]


def test_the_example_of_the_page_is_read_and_every_property_is_on_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    reading = read_geojson(page.split("```json\n")[1].split("```")[0].encode(), "geojson.md")
    assert reading.reasons == ()
    school, approach = reading.zones
    assert len(school.schedule.periods) == 2
    assert [layer.ceiling.datum for layer in approach.layers] == [Datum.AMSL, Datum.PRESSURE]
    for name in (*ZONE_PROPERTIES, *LAYER_PROPERTIES, "layers", *Restriction, *Datum, *SunEvent):
        assert f"`{name}`" in page, f"docs/geojson.md does not say {name}"
