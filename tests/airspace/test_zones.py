from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from airspace.charted import ChartedZone, Circle, Layer, Restriction, Source
from airspace.formats.geojson import geojson
from airspace.frames import Datum, Ground, Height, LatLon
from airspace.reasons import Refused, Words
from airspace.schedules import Day, Edge, Period, Schedule
from airspace.volumes import FOREVER_S
from airspace.zone_kinds import ZONE_KINDS
from airspace.zones import Zone, lay, load_charts, parse_zones, zones_geojson
from tests.airspace.charted_zones import charts, schedules
from tests.airspace.charts import HOLE, SQUARE, block, chart, pad, spoiled
from tests.airspace.shapes import FRAME, GROUND, ZHENGZHOU, UnknownGround, volume, zone

HOUR, DAY = 3600.0, 86400.0


def read(*features: Any) -> tuple[Zone, ...]:
    return parse_zones(chart(*features), "a.geojson", FRAME, GROUND)


def test_a_polygon_zone_has_the_outline_heights_and_times_of_its_chart() -> None:
    (held,) = read(block())
    assert (held.id, held.name.en, held.name.zh, held.kind) == ("B", "Block", "街区", "no-fly")
    assert held.rule == ZONE_KINDS["no-fly"]
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
        assert held.drawn is not None
        assert held.drawn.floor == Height(30.0, Datum(datum))


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
    words = ZONE_KINDS[kind]
    assert held.kind == kind
    assert words.en.isascii()
    assert not words.zh.isascii()
    assert held.rule.en != held.rule.zh


def test_cgcs2000_may_be_said_and_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    said = {**chart(), "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}, "name": "x"}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(said, ensure_ascii=False), encoding="utf-8-sig")
    assert load_charts([path], FRAME, GROUND) == read()


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


# -- layers


def stepped() -> ChartedZone:
    """A zone of two steps: 0 to 120 m over the ground in a square, 100 to 300 m over the sea in a circle around it."""
    low = Layer(Polygon(SQUARE), Height(0.0, Datum.AGL), Height(120.0, Datum.AGL))
    high = Layer(Circle(LatLon(34.745, 113.605), 2000.0), Height(250.0, Datum.AMSL), Height(300.0, Datum.AMSL))
    name = Words("Steps", "阶梯")
    return ChartedZone("S", name, "airport", Words("ask", "申请"), (low, high), Restriction.AUTHORISATION)


def test_each_layer_is_laid_as_a_zone_with_a_number() -> None:
    first, second = lay(stepped(), FRAME, GROUND)
    assert [(z.id, z.layer, z.charted_id, z.restriction) for z in (first, second)] == [
        ("S", 0, "S", Restriction.AUTHORISATION),
        ("S#2", 1, "S", Restriction.AUTHORISATION),
    ]
    assert first.drawn == stepped().layers[0]
    assert second.drawn == stepped().layers[1]
    assert (second.volume.floor_ellipsoidal_m, second.volume.ceiling_ellipsoidal_m) == pytest.approx((230.6, 280.6))
    assert second.volume.outline.contains(first.volume.outline)


def test_layers_become_one_feature_again_and_come_back_equal() -> None:
    zones = lay(stepped(), FRAME, GROUND)
    out = json.loads(json.dumps(zones_geojson(reversed(zones), FRAME)))
    assert len(out["features"]) == 1
    assert parse_zones(out, "again", FRAME, None) == zones


def test_a_layer_alone_is_written_as_a_zone_of_its_own() -> None:
    _, second = lay(stepped(), FRAME, GROUND)
    (alone,) = parse_zones(zones_geojson([second], FRAME), "again", FRAME, None)
    assert (alone.id, alone.volume) == ("S", second.volume)


def test_every_problem_of_every_layer_is_said() -> None:
    far = Layer(box(150.0, 34.0, 150.1, 34.1), Height(0.0, Datum.AGL), Height(120.0, Datum.AGL))
    upside_down = Layer(Polygon(SQUARE), Height(50.0, Datum.AGL), Height(120.0, Datum.AMSL))
    charted = replace(stepped(), layers=(far, *stepped().layers, upside_down), source=Source("a.txt", "line 7", "x"))
    with pytest.raises(Refused) as refused:
        lay(charted, FRAME, GROUND)
    assert [(reason.rule.code, reason.where) for reason in refused.value.reasons] == [
        ("zone.far", "a.txt line 7"),
        ("zone.heights", "a.txt line 7"),
    ]
    with pytest.raises(Refused) as refused:
        lay(replace(charted, source=None, layers=(far,)), FRAME, GROUND)
    assert refused.value.reasons[0].where == "S"


def test_unknown_ground_refuses_the_zone_by_its_place_in_the_file() -> None:
    with pytest.raises(Refused) as refused:
        lay(replace(stepped(), source=Source("a.txt", "line 7", "x")), FRAME, UnknownGround())
    assert [reason.where for reason in refused.value.reasons] == ["a.txt line 7"] * 2


@settings(max_examples=60, deadline=None)
@given(charts(most=3))
def test_laid_zones_come_back_equal_without_the_ground(charted: list[ChartedZone]) -> None:
    zones = tuple(zone for one in charted for zone in lay(one, FRAME, GROUND))
    out = json.loads(json.dumps(zones_geojson(zones, FRAME), allow_nan=False))
    again = parse_zones(out, "again", FRAME, None)
    assert again == zones
    assert parse_zones(out, "again", FRAME, GROUND) == zones
    for held in zones:
        assert held.charted is not None
        assert held.place is not None
        assert held.volume.start_s == min(window[0] for window in held.schedule.windows)
        assert held.volume.end_s == max(window[1] for window in held.schedule.windows)


# -- time


MONDAY_S = datetime(2026, 5, 18, tzinfo=timezone(timedelta(hours=8))).timestamp()
SCHOOL = Schedule(
    windows=((MONDAY_S, MONDAY_S + 14 * DAY),),
    periods=(Period(Edge(7.5 * HOUR), Edge(17 * HOUR), frozenset({Day.MON, Day.TUE, Day.WED, Day.THU, Day.FRI})),),
    zone="Asia/Shanghai",
)


def school() -> Zone:
    """A square of 100 m that is closed on weekdays from 07:30 to 17:00, for two weeks from Monday."""
    held = volume(start_s=MONDAY_S, end_s=MONDAY_S + 14 * DAY)
    return replace(zone("school", held), schedule=SCHOOL, place=ZHENGZHOU)


def test_hours_without_a_place_are_an_error() -> None:
    with pytest.raises(ValueError, match="no place"):
        replace(zone("school", volume()), schedule=SCHOOL)


def test_a_zone_says_when_it_is_active() -> None:
    first = (MONDAY_S + 7.5 * HOUR, MONDAY_S + 17 * HOUR)
    assert school().windows(MONDAY_S, MONDAY_S + DAY) == (first,)
    assert school().windows(MONDAY_S + 9 * HOUR, MONDAY_S + 1.4 * DAY) == (
        (MONDAY_S + 9 * HOUR, first[1]),
        (MONDAY_S + DAY + 7.5 * HOUR, MONDAY_S + 1.4 * DAY),
    )
    assert len(school().windows(-math.inf, math.inf)) == 10
    assert school().first_window(-math.inf, math.inf) == first
    assert school().windows(MONDAY_S + 14 * DAY, MONDAY_S + 21 * DAY) == ()
    assert not school().active_during(MONDAY_S + 5 * DAY, MONDAY_S + 7 * DAY)
    assert school().active_during(MONDAY_S + 5 * DAY, MONDAY_S + 7 * DAY + 7.5 * HOUR + 1.0)
    assert not school().active_during(MONDAY_S + 5 * DAY, MONDAY_S + 7 * DAY + 7.5 * HOUR)


@pytest.mark.parametrize(
    ("after_s", "inside"),
    [(0.0, False), (7.5 * HOUR - 0.001, False), (7.5 * HOUR, True), (17 * HOUR - 0.001, True), (17 * HOUR, False)],
)
def test_a_point_is_in_a_zone_only_in_its_hours(after_s: float, inside: bool) -> None:
    assert school().contains(50.0, 50.0, 50.0, MONDAY_S + after_s) is inside
    assert not school().contains(150.0, 50.0, 50.0, MONDAY_S + after_s)
    assert not school().contains(50.0, 50.0, 150.0, MONDAY_S + after_s)


def test_a_volume_meets_a_zone_only_in_its_hours() -> None:
    def meets(start_s: float, end_s: float) -> bool:
        return school().overlaps(volume(start_s=MONDAY_S + start_s, end_s=MONDAY_S + end_s))

    assert not meets(0.0, 7.5 * HOUR)
    assert meets(7.0 * HOUR, 7.5 * HOUR + 0.001)
    assert not meets(17.0 * HOUR, 31.5 * HOUR)
    assert meets(16.0 * HOUR, 31.5 * HOUR)
    assert not school().overlaps(volume(box(200, 0, 300, 100), start_s=MONDAY_S, end_s=MONDAY_S + DAY))


def test_what_stands_is_the_whole_window_that_is_met_first() -> None:
    def standing(held: Zone, *spans: tuple[float, float]) -> list[tuple[float, float] | None]:
        found = held.standing([volume(box(9e3, 0, 9.1e3, 9), start_s=start_s, end_s=end_s) for start_s, end_s in spans])
        assert all(one is None or one.outline is held.volume.outline for one in found)
        return [None if one is None else (one.start_s, one.end_s) for one in found]

    tuesday = (MONDAY_S + DAY + 7.5 * HOUR, MONDAY_S + DAY + 17 * HOUR)
    wednesday = (tuesday[0] + DAY, tuesday[1] + DAY)
    lunch, night = (tuesday[0] + HOUR, tuesday[0] + 2 * HOUR), (tuesday[1], tuesday[1] + HOUR)
    assert standing(school(), lunch, night, (tuesday[1], wednesday[0] + 1.0)) == [tuesday, None, wednesday]
    assert standing(school(), (lunch[0], wednesday[1])) == [tuesday]
    assert standing(school(), (MONDAY_S + 5 * DAY, MONDAY_S + 7 * DAY)) == [None]
    assert standing(school(), lunch, (lunch[0] + 9 * DAY, lunch[1] + 9 * DAY)) == [
        tuesday,
        (tuesday[0] + 9 * DAY, tuesday[1] + 9 * DAY),
    ]
    always = zone("A", volume(end_s=FOREVER_S))
    assert always.standing([volume(start_s=5.0, end_s=6.0)]) == [always.volume]
    assert zone("A", volume(start_s=9.0)).standing([volume(start_s=5.0, end_s=9.0)]) == [None]
    two = replace(always, schedule=Schedule(((0.0, 10.0), (20.0, 50.0))))
    assert standing(two, (10.0, 20.0), (15.0, 30.0), (22.0, 30.0)) == [None, (20.0, 50.0), (20.0, 50.0)]


def test_a_window_that_reaches_far_is_told_as_the_whole_validity() -> None:
    nightly = Schedule(((0.0, 100 * DAY),), (Period(Edge(0.0), Edge(DAY)),))
    held = replace(zone("A", volume(end_s=100 * DAY)), schedule=nightly, place=ZHENGZHOU)
    for start_s in (1.0, 50 * DAY, 100 * DAY - 5.0):
        (standing,) = held.standing([volume(start_s=start_s, end_s=start_s + 2.0)])
        assert standing == held.volume


@settings(max_examples=40, deadline=None)
@given(schedules, st.integers(0, int(FOREVER_S)), st.floats(1.0, 10 * 86400.0), st.integers(0, 1000))
def test_a_zone_is_active_when_its_schedule_says_so(given_: Schedule, start_s: int, lasts_s: float, seed: int) -> None:
    low_s, high_s = min(w[0] for w in given_.windows), max(w[1] for w in given_.windows)
    held = replace(zone("Z", volume(start_s=low_s, end_s=high_s)), schedule=given_, place=ZHENGZHOU)
    windows = held.windows(start_s, start_s + lasts_s)
    assert windows == given_.active(start_s, start_s + lasts_s, ZHENGZHOU)
    assert held.active_during(start_s, start_s + lasts_s) is bool(windows)
    rng = random.Random(seed)
    for at_s in (start_s + rng.random() * lasts_s for _ in range(3)):
        inside = any(window[0] <= at_s < window[1] for window in windows)
        assert held.contains(50.0, 50.0, 50.0, at_s) is inside
    if windows:
        (standing,) = held.standing([volume(start_s=start_s, end_s=start_s + lasts_s)])
        assert standing is not None
        assert standing.start_s <= windows[0][0] < windows[0][1] <= standing.end_s


# -- leave


def test_leave_is_of_no_use_where_nobody_may_fly_and_of_no_need_where_anybody_may() -> None:
    def closed(restriction: Restriction, *permits: str) -> bool:
        return replace(lay(stepped(), FRAME, GROUND)[1], restriction=restriction).closed_to(frozenset(permits))

    assert closed(Restriction.PROHIBITED)
    assert closed(Restriction.PROHIBITED, "S")
    for restriction in (Restriction.AUTHORISATION, Restriction.CONDITIONAL):
        assert closed(restriction)
        assert closed(restriction, "S#2", "T")
        assert not closed(restriction, "T", "S")
    assert not closed(Restriction.NONE)


# -- charts of a site


def test_the_charts_of_a_site_are_read_together_and_all_their_problems_said(tmp_path: Path) -> None:
    upside_down = block(id="U", ceiling={"value_m": 100, "datum": "amsl"})
    charted = {"a": chart(block()), "b": chart(pad(), block()), "c": chart(pad(id="Q", radius_m=0), upside_down)}
    paths = {name: tmp_path / f"{name}.geojson" for name in charted}
    for name, document in charted.items():
        paths[name].write_text(json.dumps(document), encoding="utf-8")
    other = tmp_path / "range.txt"
    other.write_text("AC R\nAN Range\nAL GND\nAH 3000ft MSL\nV X=34:44:00N 113:36:00E\nDC 1\n", encoding="utf-8")
    shooting, own = load_charts([other, paths["a"]], FRAME, GROUND)
    assert (shooting.name.en, own.id) == ("Range", "B")
    assert shooting.volume.ceiling_ellipsoidal_m == pytest.approx(914.4 - 19.4)
    with pytest.raises(Refused) as refused:
        load_charts(paths.values(), FRAME, GROUND)
    assert [(reason.rule.code, reason.where) for reason in refused.value.reasons] == [
        ("zone.id", f"{paths['b']} features[1]"),
        ("chart.range", f"{paths['c']} features[0].properties.radius_m"),
        ("zone.heights", f"{paths['c']} features[1]"),
    ]
    assert str(paths["a"]) in refused.value.reasons[0].text("zh")
    with pytest.raises(Refused, match="taken by"):
        load_charts([paths["a"], paths["a"]], FRAME, GROUND)


def test_without_a_ground_heights_above_it_cannot_be_placed() -> None:
    with pytest.raises(Refused) as refused:
        parse_zones(chart(pad()), "zz", FRAME, None)
    assert [(r.rule.code, r.where) for r in refused.value.reasons] == [("zone.no-ground", "zz features[0]")]


def test_heights_that_come_to_something_else_over_this_ground_are_refused() -> None:
    out = zones_geojson(read(pad()), FRAME)
    with pytest.raises(Refused) as refused:
        parse_zones(out, "zz", FRAME, Ground(109.0, -19.4))
    (reason,) = refused.value.reasons
    assert (reason.rule.code, reason.where) == ("zone.ground", "zz features[0]")
    assert "88.6 m is not what 0 m agl comes to over this ground (89.60 m)" in reason.text("en")


def test_a_chart_of_the_site_keeps_what_is_in_reach_and_refuses_what_is_elsewhere(tmp_path: Path) -> None:
    def chart(outline: Polygon) -> Path:
        layer = Layer(outline, Height(0.0, Datum.ELLIPSOIDAL), Height(900.0, Datum.ELLIPSOIDAL))
        words = Words("region", "飞行情报区")
        drawn = geojson([ChartedZone("FIR", words, "restricted", words, (layer,))])
        path = tmp_path / "fir.geojson"
        path.write_text(json.dumps(drawn), encoding="utf-8")
        return path

    (region,) = load_charts([chart(box(100.0, 20.0, 130.0, 50.0))], FRAME, GROUND)
    assert region.volume.contains(0.0, 0.0, 100.0, 1.0)
    with pytest.raises(Refused) as refused:  # latitude first
        load_charts([chart(box(34.0, 70.0, 35.0, 71.0))], FRAME, GROUND)
    assert [reason.rule.code for reason in refused.value.reasons] == ["zone.far"]
