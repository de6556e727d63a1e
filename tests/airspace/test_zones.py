from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, box

from airspace.frames import Datum, Height, LatLon
from airspace.volumes import FOREVER_S
from airspace.zone_kinds import ZONE_KINDS
from airspace.zones import Zone, load_zones, parse_zones, zones_geojson
from tests.airspace.charts import HOLE, SQUARE, block, chart, pad, spoiled
from tests.airspace.shapes import FRAME, GROUND, volume, zone


def read(*features: Any) -> tuple[Zone, ...]:
    return parse_zones(chart(*features), "a.geojson", FRAME, GROUND)


def test_a_polygon_zone_has_the_outline_heights_and_times_of_its_chart() -> None:
    (held,) = read(block())
    assert (held.id, held.name.en, held.name.zh, held.kind) == ("B", "Block", "街区", "no-fly")
    assert held.rule == ZONE_KINDS["no-fly"].rule
    assert (held.volume.floor_ellipsoidal_m, held.volume.ceiling_ellipsoidal_m) == pytest.approx((88.6, 208.6))
    start = datetime(2026, 5, 18, 1, tzinfo=UTC).timestamp()
    assert (held.volume.start_s, held.volume.end_s) == (start, start + 3 * 3600.0)
    for lon_deg, lat_deg in SQUARE:
        assert held.volume.outline.exterior.distance(Point(FRAME.xy(LatLon(lat_deg, lon_deg)))) < 1e-6


def test_each_height_is_over_its_own_datum() -> None:
    floors = [("agl", 88.6 + 30.0), ("amsl", 30.0 - 19.4), ("ellipsoidal", 30.0)]
    for datum, expected_m in floors:
        (held,) = read(block(floor={"value_m": 30.0, "datum": datum}, ceiling={"value_m": 900, "datum": "amsl"}))
        assert held.volume.floor_ellipsoidal_m == pytest.approx(expected_m)
        assert held.charted is not None
        assert held.charted.floor == Height(30.0, Datum(datum))


def test_a_zone_without_times_is_always_active_and_half_a_window_is_open() -> None:
    (always,) = read(pad())
    assert (always.volume.start_s, always.volume.end_s) == (0.0, FOREVER_S)
    (since,) = read(pad(active={"from": "2026-05-18T01:00:00Z"}))
    assert (since.volume.start_s, since.volume.end_s) == (1779066000.0, FOREVER_S)
    (until,) = read(pad(active={"to": "2026-05-18T09:00:00.25+08:00"}))
    assert (until.volume.start_s, until.volume.end_s) == (0.0, 1779066000.25)


def test_a_circle_holds_every_point_within_its_radius_and_little_more() -> None:
    (held,) = read(pad())
    outline, centre = held.volume.outline, Point(FRAME.xy(LatLon(34.75, 113.62)))
    assert outline.exterior.distance(centre) >= 150.0 - 1e-9
    assert outline.exterior.hausdorff_distance(centre) <= 150.0 * 1.0004


def test_a_hole_is_no_part_of_its_zone() -> None:
    with_hole = block()
    with_hole["geometry"]["coordinates"].append(HOLE)
    (held,) = read(with_hole)
    inside = FRAME.xy(LatLon(34.745, 113.605))
    assert not held.volume.outline.covers(Point(inside))
    assert held.volume.outline.covers(Point(FRAME.xy(LatLon(34.741, 113.601))))


def test_the_parts_of_a_multipolygon_are_one_zone() -> None:
    parts = block()
    away = [[lon_deg + 0.02, lat_deg] for lon_deg, lat_deg in SQUARE]
    parts["geometry"] = {"type": "MultiPolygon", "coordinates": [[SQUARE], [away]]}
    (held,) = read(parts)
    assert isinstance(held.volume.outline, MultiPolygon)
    assert len(held.volume.outline.geoms) == 2


def test_a_ring_may_run_either_way_round() -> None:
    backwards = spoiled(block(), "geometry.coordinates.0", SQUARE[::-1])
    (one,), (other,) = read(block()), read(backwards)
    assert one.volume.outline.equals(other.volume.outline)


def test_a_long_edge_is_straight_in_degrees_as_the_chart_says() -> None:
    wide = [[113.0, 34.8], [114.2, 34.8], [114.2, 34.9], [113.0, 34.9], [113.0, 34.8]]
    (held,) = read(spoiled(block(), "geometry.coordinates.0", wide))
    middle_x_m, middle_y_m = FRAME.xy(LatLon(34.8, 113.6))
    chord = LineString([FRAME.xy(LatLon(34.8, 113.0)), FRAME.xy(LatLon(34.8, 114.2))])
    assert chord.distance(Point(middle_x_m, middle_y_m)) > 100.0
    for lon_deg in (113.0, 113.123, 113.6, 113.777, 114.2):
        assert held.volume.outline.exterior.distance(Point(FRAME.xy(LatLon(34.8, lon_deg)))) < 0.02


def test_one_language_stands_for_both() -> None:
    (english,) = read(pad())
    assert (english.name.en, english.name.zh) == ("Pad", "Pad")
    only_zh = pad(name_zh="停机坪", rule="ask first")
    del only_zh["properties"]["name"]
    (chinese,) = read(only_zh)
    assert (chinese.name.en, chinese.name.zh) == ("停机坪", "停机坪")
    assert (chinese.rule.en, chinese.rule.zh) == ("ask first", "ask first")


def test_zones_keep_the_order_of_their_chart() -> None:
    assert [held.id for held in read(pad(), block())] == ["P", "B"]
    assert parse_zones({"type": "FeatureCollection", "features": []}, "a", FRAME, GROUND) == ()


@pytest.mark.parametrize("kind", ZONE_KINDS)
def test_every_kind_can_be_charted_and_has_words_in_both_languages(kind: str) -> None:
    (held,) = read(pad(kind=kind))
    words = ZONE_KINDS[kind].words
    assert held.kind == kind
    assert words.en.isascii()
    assert not words.zh.isascii()
    assert held.rule.en != held.rule.zh


def test_cgcs2000_may_be_said_and_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    said = {**chart(), "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}, "name": "x"}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8-sig")
    assert load_zones(path, FRAME, GROUND) == read()


def test_charted_zones_come_back_equal() -> None:
    zones = read()
    out = json.loads(json.dumps(zones_geojson(zones, FRAME)))
    assert parse_zones(out, "again", FRAME, GROUND) == zones
    assert parse_zones(out, "again", FRAME, None) == zones


def test_a_circle_goes_out_as_a_polygon_with_its_centre_and_radius() -> None:
    (feature,) = zones_geojson(read(pad()), FRAME)["features"]
    assert feature["geometry"]["type"] == "Polygon"
    assert feature["properties"]["radius_m"] == 150.0
    assert feature["properties"]["centre_lon_lat_deg"] == [113.62, 34.75]
    assert feature["properties"]["ceiling"] == {"value_m": 250.0, "datum": "amsl", "ellipsoidal_m": 250.0 - 19.4}


@settings(max_examples=25, deadline=None)
@given(st.floats(-5000, 5000), st.floats(-5000, 5000), st.floats(10, 3000), st.floats(0, 500), st.floats(1, 500))
def test_a_zone_that_no_chart_drew_comes_back_within_two_centimetres(
    x_m: float, y_m: float, wide_m: float, low_m: float, thick_m: float
) -> None:
    drawn = zone("Z", volume(box(x_m, y_m, x_m + wide_m, y_m + wide_m), low_m, low_m + thick_m, 1.5, 2.25))
    (again,) = parse_zones(zones_geojson([drawn], FRAME), "again", FRAME, GROUND)
    assert again.volume.box == pytest.approx(drawn.volume.box, abs=0.02, rel=0)
    assert again.volume.outline.hausdorff_distance(drawn.volume.outline.segmentize(100.0)) < 0.02
    assert (again.volume.start_s, again.volume.end_s) == (1.5, 2.25)
    assert (again.id, again.name, again.kind, again.rule) == (drawn.id, drawn.name, drawn.kind, drawn.rule)
