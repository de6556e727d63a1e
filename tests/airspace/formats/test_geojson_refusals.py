"""Charts that must be refused: every problem gets one line with its place, its rule and a remedy."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.formats import chart_rules
from airspace.formats.chart import MOST_BYTES, MOST_REASONS
from airspace.formats.geojson import read_geojson
from airspace.formats.outlines import MOST_POSITIONS
from airspace.frames import Ground, LatLon
from airspace.reasons import Reason, Refused, Rule
from airspace.zones import Zone, load_charts, parse_zones, zones_geojson
from tests.airspace.charts import GONE, HOLE, SQUARE, block, chart, pad, spoiled
from tests.airspace.shapes import FRAME, GROUND


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else 0


BOW_TIE = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]
SPECK = [[113.6, 34.74], [113.600001, 34.74], [113.600001, 34.740001], [113.6, 34.740001], [113.6, 34.74]]
OUTSIDE = [[lon + 1, lat] for lon, lat in HOLE]
ZIGZAG = [[113.6 + 0.001 * (i % 2), 34.7 + 1e-6 * i] for i in range(MOST_POSITIONS + 1)]
WIDE_COMB = [[113.0 + 1.2 * (i % 2), 34.7 + 1e-5 * i] for i in range(2000)]
POLYGON = "features.0.geometry.coordinates"
PAD = "features.1."
LOW = {"value_m": 20, "datum": "ellipsoidal"}
EDGES: dict[str, Any] = {"start": "08:00", "end": "17:00"}
A, P = "features[0].properties", "features[0].geometry.coordinates"

SHARED = Path(__file__).parents[3].parent / "shared" / "data"

# (what is wrong with a period, the code of the rule, the place in the period that the reason names)
WRONG_PERIODS: list[tuple[dict[str, Any], str, str]] = [
    ({"until": "18:00"}, "chart.unknown", "until"),
    ({"days": "MON"}, "chart.shape", "days"),
    ({"days": ["MON", "Tue"]}, "chart.value", "days[1]"),
    ({"days": [1]}, "chart.value", "days[0]"),
    ({"start": None}, "chart.missing", "start"),
    ({"start": "8:00"}, "chart.shape", "start"),
    ({"start": "24:01"}, "chart.shape", "start"),
    ({"start": "12:60"}, "chart.shape", "start"),
    ({"end": 3600}, "chart.shape", "end"),
    ({"end": "SX"}, "chart.shape", "end"),
    ({"end": {"event": "SS"}}, "chart.missing", "end.offset_s"),
    ({"end": {"event": "noon", "offset_s": 0}}, "chart.value", "end.event"),
    ({"end": {"event": "SS", "offset_s": 43_201}}, "chart.range", "end.offset_s"),
    ({"end": {"offset_s": -1}}, "chart.range", "end.offset_s"),
    ({"end": {"event": "SS", "offset_s": 0, "x": 1}}, "chart.unknown", "end.x"),
]

# (where the chart is spoiled, with what, the code of the rule, the place that the reason names)
BAD: list[tuple[str, Any, str, str]] = [
    ("type", "Feature", "chart.value", "type"),
    ("type", GONE, "chart.value", "type"),
    ("features", GONE, "chart.missing", "features"),
    ("features", {}, "chart.shape", "features"),
    ("zones", [], "chart.unknown", "zones"),
    ("crs", {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}, "chart.frame", "crs"),
    ("crs", "EPSG:4490", "chart.frame", "crs"),
    ("crs", {"properties": 3}, "chart.frame", "crs"),
    ("features.0", None, "chart.shape", "features[0]"),
    ("features.0", [1], "chart.shape", "features[0]"),
    ("features.0.type", "Polygon", "chart.value", "features[0].type"),
    ("features.0.id", "other", "zone.ids-differ", "features[0].id"),
    ("features.0.colour", "red", "chart.unknown", "features[0].colour"),
    ("features.0.properties", GONE, "chart.missing", A),
    ("features.0.properties", None, "chart.missing", A),
    ("features.0.properties", "x", "chart.shape", A),
    ("features.0.properties.id", GONE, "chart.missing", f"{A}.id"),
    ("features.0.properties.id", 7, "chart.shape", f"{A}.id"),
    ("features.0.properties.id", "  ", "chart.shape", f"{A}.id"),
    ("features.0.properties.id", "a\nb", "chart.shape", f"{A}.id"),
    ("features.0.properties.id", "P", "zone.id", "features[1].properties.id"),
    ("features.1.properties.name", GONE, "chart.missing", "features[1].properties.name"),
    ("features.0.properties.name", 5, "chart.shape", f"{A}.name"),
    ("features.0.properties.name_zh", "", "chart.shape", f"{A}.name_zh"),
    ("features.0.properties.rule", False, "chart.shape", f"{A}.rule"),
    ("features.0.properties.kind", GONE, "chart.missing", f"{A}.kind"),
    ("features.0.properties.kind", "nofly", "chart.value", f"{A}.kind"),
    ("features.0.properties.kind", ["no-fly"], "chart.value", f"{A}.kind"),
    ("features.0.properties.ceilling", {}, "chart.unknown", f"{A}.ceilling"),
    ("features.0.properties.floor", GONE, "chart.missing", f"{A}.floor"),
    ("features.0.properties.floor", 0, "chart.shape", f"{A}.floor"),
    ("features.0.properties.floor.value_m", GONE, "chart.missing", f"{A}.floor.value_m"),
    ("features.0.properties.floor.datum", GONE, "chart.missing", f"{A}.floor.datum"),
    ("features.0.properties.floor.unit", "ft", "chart.unknown", f"{A}.floor.unit"),
    ("features.0.properties.floor.value_m", "0", "chart.shape", f"{A}.floor.value_m"),
    ("features.0.properties.floor.value_m", True, "chart.shape", f"{A}.floor.value_m"),
    ("features.0.properties.floor.value_m", math.nan, "chart.shape", f"{A}.floor.value_m"),
    ("features.0.properties.floor.value_m", math.inf, "chart.shape", f"{A}.floor.value_m"),
    ("features.0.properties.floor.value_m", 10**400, "chart.shape", f"{A}.floor.value_m"),
    ("features.0.properties.floor.value_m", -1, "chart.range", f"{A}.floor.value_m"),
    ("features.0.properties.ceiling.value_m", 30_001, "chart.range", f"{A}.ceiling.value_m"),
    ("features.0.properties.floor.datum", "msl", "chart.value", f"{A}.floor.datum"),
    ("features.0.properties.floor.datum", 4, "chart.value", f"{A}.floor.datum"),
    ("features.0.properties.floor", {**LOW, "ellipsoidal_m": 21}, "zone.ground", f"{A}.floor.ellipsoidal_m"),
    ("features.0.properties.floor.ellipsoidal_m", "x", "chart.shape", f"{A}.floor.ellipsoidal_m"),
    ("features.0.properties.floor.value_m", 120, "zone.flat", A),
    ("features.0.properties.floor.value_m", 130, "zone.heights", A),
    ("features.0.properties.active", "always", "chart.shape", f"{A}.active"),
    ("features.0.properties.active", {}, "chart.missing", f"{A}.active.from"),
    ("features.0.properties.active.until", "x", "chart.unknown", f"{A}.active.until"),
    ("features.0.properties.active.from", 1779066000, "zone.time", f"{A}.active.from"),
    ("features.0.properties.active.from", "2026-05-18T09:00:00", "zone.time", f"{A}.active.from"),
    ("features.0.properties.active.from", "2026-05-18", "zone.time", f"{A}.active.from"),
    ("features.0.properties.active.to", "2026-06-31T09:00:00Z", "zone.time", f"{A}.active.to"),
    ("features.0.properties.active.to", "2126-05-18T09:00:00Z", "zone.time", f"{A}.active.to"),
    ("features.0.properties.active.to", "2026-05-18T09:00:00+08:00", "zone.times", f"{A}.active"),
    ("features.0.properties.active.to", "2026-05-18T10:00:00+09:30", "zone.times", f"{A}.active"),
    ("features.0.properties.active", [], "chart.missing", f"{A}.active"),
    ("features.0.properties.active", [{"from": "2026-05-18T09:00:00Z"}, 3], "chart.shape", f"{A}.active[1]"),
    ("features.0.properties.active", [{"from": "2026-05-18T09:00:00Z"}] * 1001, "outline.many", f"{A}.active"),
    ("features.0.properties.schedule", 7, "chart.shape", f"{A}.schedule"),
    ("features.0.properties.schedule", {"days": []}, "chart.unknown", f"{A}.schedule.days"),
    ("features.0.properties.schedule", {"zone": "Asia/Zhengzhou"}, "chart.shape", f"{A}.schedule.zone"),
    ("features.0.properties.schedule", {"zone": 8}, "chart.shape", f"{A}.schedule.zone"),
    ("features.0.properties.schedule", {"holidays": "2026-10-01"}, "chart.shape", f"{A}.schedule.holidays"),
    ("features.0.properties.schedule", {"holidays": ["2026-10-32"]}, "chart.shape", f"{A}.schedule.holidays[0]"),
    ("features.0.properties.schedule", {"holidays": ["20261001"]}, "chart.shape", f"{A}.schedule.holidays[0]"),
    ("features.0.properties.schedule", {"holidays": ["x"] * 10_001}, "outline.many", f"{A}.schedule.holidays"),
    ("features.0.properties.schedule", {"periods": "x"}, "chart.shape", f"{A}.schedule.periods"),
    ("features.0.properties.schedule", {"periods": [3]}, "chart.shape", f"{A}.schedule.periods[0]"),
    ("features.0.properties.schedule", {"periods": [EDGES] * 1001}, "outline.many", f"{A}.schedule.periods"),
    *(
        ("features.0.properties.schedule", {"periods": [{**EDGES, **wrong}]}, code, f"{A}.schedule.periods[0].{where}")
        for wrong, code, where in WRONG_PERIODS
    ),
    ("features.0.properties.restriction", "closed", "chart.value", f"{A}.restriction"),
    ("features.0.properties.restriction", None, "chart.value", f"{A}.restriction"),
    ("features.0.properties.country", "China", "chart.shape", f"{A}.country"),
    ("features.0.properties.country", 86, "chart.shape", f"{A}.country"),
    ("features.0.properties.authority", 110, "chart.shape", f"{A}.authority"),
    ("features.0.properties.authority", "a\nb", "chart.shape", f"{A}.authority"),
    ("features.0.properties.extra", [], "chart.shape", f"{A}.extra"),
    ("features.0.properties.extra", {"x": [math.nan]}, "chart.shape", f"{A}.extra"),
    ("features.0.properties.extra", {"x": nested(33)}, "chart.shape", f"{A}.extra"),
    ("features.0.properties.rule", "a\u0007b", "chart.shape", f"{A}.rule"),
    ("features.0.properties.layers", [], "chart.unknown", f"{A}.layers"),
    ("features.0.properties.half_width_m", 5, "chart.unknown", f"{A}.half_width_m"),
    ("features.0.properties.radius_m", 5, "outline.radius", f"{A}.radius_m"),
    ("features.0.properties.centre_lon_lat_deg", [113.6, 34.7], "chart.missing", f"{A}.radius_m"),
    ("features.0.geometry", None, "chart.missing", "features[0].geometry"),
    ("features.0.geometry", "POLYGON", "chart.shape", "features[0].geometry"),
    ("features.0.geometry.type", "MultiPoint", "chart.value", "features[0].geometry.type"),
    ("features.0.geometry.type", ["Point"], "chart.value", "features[0].geometry.type"),
    ("features.0.geometry", {"type": "LineString", "coordinates": SQUARE}, "chart.missing", f"{A}.half_width_m"),
    ("features.0.geometry.radius", 3, "chart.unknown", "features[0].geometry.radius"),
    (POLYGON, GONE, "chart.missing", P),
    (POLYGON, 7, "chart.shape", P),
    (POLYGON, [], "outline.short", P),
    (POLYGON, [7], "chart.shape", f"{P}[0]"),
    (POLYGON, [[]], "outline.short", f"{P}[0]"),
    (POLYGON, [SQUARE[:3]], "outline.short", f"{P}[0]"),
    (POLYGON, [SQUARE[:4]], "outline.open", f"{P}[0]"),
    (f"{POLYGON}.0.1", [113.6], "outline.position", f"{P}[0][1]"),
    (f"{POLYGON}.0.1", [113.6, 34.7, 50.0], "outline.position", f"{P}[0][1]"),
    (f"{POLYGON}.0.1", ["113.6", 34.7], "outline.position", f"{P}[0][1]"),
    (f"{POLYGON}.0.1", [34.74, 113.61], "outline.position", f"{P}[0][1]"),
    (f"{POLYGON}.0.1", [113.6, math.nan], "outline.position", f"{P}[0][1]"),
    (f"{POLYGON}.0.1", None, "outline.position", f"{P}[0][1]"),
    (POLYGON, [BOW_TIE], "outline.crossing", P),
    (POLYGON, [SQUARE, OUTSIDE], "outline.crossing", P),
    (POLYGON, [SQUARE, HOLE, HOLE], "outline.crossing", P),
    (POLYGON, [SPECK], "outline.small", P),
    (POLYGON, [[*ZIGZAG, ZIGZAG[0]]], "outline.many", f"{P}[0]"),
    (POLYGON, [[*WIDE_COMB, WIDE_COMB[0]]], "outline.many", P),
    ("features.0.geometry", {"type": "MultiPolygon", "coordinates": [[SQUARE], [HOLE]]}, "outline.crossing", P),
    ("features.0.geometry", {"type": "MultiPolygon", "coordinates": []}, "outline.short", P),
    ("features.0.geometry", {"type": "MultiPolygon", "coordinates": [[SQUARE], 3]}, "chart.shape", f"{P}[1]"),
    (f"{PAD}geometry.coordinates", 3, "outline.position", "features[1].geometry.coordinates"),
    (f"{PAD}properties.radius_m", GONE, "chart.missing", "features[1].properties.radius_m"),
    (f"{PAD}properties.radius_m", 0, "chart.range", "features[1].properties.radius_m"),
    (f"{PAD}properties.radius_m", -150, "chart.range", "features[1].properties.radius_m"),
    (f"{PAD}properties.radius_m", "150 m", "chart.shape", "features[1].properties.radius_m"),
    (f"{PAD}properties.centre_lon_lat_deg", [1, 2], "chart.unknown", "features[1].properties.centre_lon_lat_deg"),
]


def reasons_of(document: Any) -> tuple[Reason, ...]:
    """What is said of a chart, as bytes and in memory alike."""
    reading = read_geojson(json.dumps(document).encode(), "zz.geojson")
    with pytest.raises(Refused) as refused:
        parse_zones(document, "zz.geojson", FRAME, GROUND)
    assert [(r.rule.code, r.where) for r in refused.value.reasons] == [(r.rule.code, r.where) for r in reading.reasons]
    return reading.reasons


def laid_reasons_of(document: Any, ground: Ground | None = GROUND) -> tuple[Reason, ...]:
    """What is said of a chart that is read well and then cannot be laid."""
    assert ground is None or read_geojson(json.dumps(document).encode(), "zz.geojson").reasons == ()
    with pytest.raises(Refused) as refused:
        parse_zones(document, "zz.geojson", FRAME, ground)
    return refused.value.reasons


@pytest.mark.parametrize(("path", "value", "code", "where"), BAD)
def test_each_mistake_gets_one_line_with_place_rule_and_remedy(path: str, value: Any, code: str, where: str) -> None:
    (reason,) = reasons_of(spoiled(chart(), path, value))
    assert (reason.rule.code, reason.where) == (code, f"zz.geojson {where}")
    for lang in ("en", "zh"):
        line = reason.text(lang)
        assert line.startswith(f"zz.geojson {where}: ")
        assert f"[{code}]" in line
        assert "\n" not in line
        for example in ('{"value_m": 120, "datum": "agl"}', '{"event": "SR", "offset_s": -1800}', shown_part(value)):
            line = line.replace(example, "")
        assert "{" not in line
    assert any("\u4e00" <= letter <= "\u9fff" for letter in reason.text("zh"))


def shown_part(value: Any) -> str:
    return json.dumps(value)[:37] if isinstance(value, dict) else "{}"


def test_a_chart_of_nothing_but_mistakes_is_given_up_after_a_thousand() -> None:
    found = reasons_of({"type": "FeatureCollection", "features": [7] * 5000})
    assert len(found) == MOST_REASONS + 2
    assert (found[-1].rule.code, found[-1].where) == ("chart.problems", "zz.geojson features[1001]")


def test_every_rule_of_charts_has_been_broken_by_a_test() -> None:
    codes = {rule.code for rule in vars(chart_rules).values() if isinstance(rule, Rule)}
    elsewhere = {
        "chart.unreadable",
        "chart.json",
        "chart.repeated",
        "chart.foreign",
        "chart.problems",
        "outline.circle",
    }
    outlines = {"outline.earth", "outline.pole", "outline.line"}  # tests/airspace/formats/test_outlines.py
    assert {code for _, _, code, _ in BAD} | elsewhere | outlines == codes


def test_all_that_is_wrong_is_said_at_once() -> None:
    first = block(kind="x", ceiling=3)
    second = pad(id="B", radius_m=0)
    reasons = reasons_of(chart(first, second, 5))
    assert [(reason.rule.code, reason.where.split()[1]) for reason in reasons] == [
        ("chart.value", "features[0].properties.kind"),
        ("chart.shape", "features[0].properties.ceiling"),
        ("zone.id", "features[1].properties.id"),
        ("chart.range", "features[1].properties.radius_m"),
        ("chart.shape", "features[2]"),
    ]


def test_a_ring_given_as_a_whole_polygon_is_refused_ring_by_ring() -> None:
    reasons = reasons_of(spoiled(chart(), POLYGON, SQUARE))
    assert {reason.rule.code for reason in reasons} == {"outline.short"}
    assert len(reasons) == len(SQUARE)


def test_sizes_belong_to_their_own_geometries() -> None:
    line = pad(half_width_m=20)
    line["geometry"] = {"type": "LineString", "coordinates": SQUARE}
    parts = block(radius_m=20, centre_lon_lat_deg=[113.6, 34.7])
    parts["geometry"] = {"type": "MultiPolygon", "coordinates": [[SQUARE]]}
    assert [
        (reason.rule.code, reason.where) for reason in reasons_of(chart(line, parts, block(id="C", radius_m=5)))
    ] == [
        ("chart.unknown", "zz.geojson features[0].properties.radius_m"),
        ("chart.unknown", "zz.geojson features[1].properties.radius_m"),
        ("chart.unknown", "zz.geojson features[1].properties.centre_lon_lat_deg"),
        ("outline.radius", "zz.geojson features[2].properties.radius_m"),
    ]


def layered(*layers: Any, count: int = 2) -> dict[str, Any]:
    """A stepped zone of `count` boxes, with these for its layers."""
    zone = block()
    floor, ceiling = zone["properties"].pop("floor"), zone["properties"].pop("ceiling")
    box_ = {"type": "Polygon", "coordinates": [SQUARE]}
    zone["geometry"] = {"type": "GeometryCollection", "geometries": [box_] * count}
    zone["properties"]["layers"] = [*layers] or [{"floor": floor, "ceiling": ceiling}] * count
    return zone


@pytest.mark.parametrize(
    ("path", "value", "code", "where"),
    [
        ("geometry.geometries", GONE, "chart.missing", "geometry.geometries"),
        ("geometry.geometries", [], "chart.missing", "geometry.geometries[0]"),
        ("geometry.geometries", {}, "chart.shape", "geometry.geometries"),
        ("geometry.coordinates", [], "chart.unknown", "geometry.coordinates"),
        ("geometry.geometries.0", 3, "chart.shape", "geometry.geometries[0]"),
        ("geometry.geometries.1.type", "Box", "chart.value", "geometry.geometries[1].type"),
        ("geometry.geometries.1.type", "GeometryCollection", "chart.value", "geometry.geometries[1].type"),
        ("properties.layers", GONE, "chart.missing", "properties.layers"),
        ("properties.layers", {"floor": 0}, "chart.shape", "properties.layers"),
        ("properties.layers.1", None, "chart.shape", "properties.layers[1]"),
        ("properties.layers.1.name", "x", "chart.unknown", "properties.layers[1].name"),
        ("properties.layers.1.floor", GONE, "chart.missing", "properties.layers[1].floor"),
        ("properties.layers.1.floor.value_m", 130, "zone.heights", "properties.layers[1]"),
        ("properties.floor", {"value_m": 0, "datum": "agl"}, "chart.unknown", "properties.floor"),
    ],
)
def test_each_mistake_in_a_zone_of_layers_names_the_layer(path: str, value: Any, code: str, where: str) -> None:
    reasons = reasons_of(chart(spoiled(layered(), path, value)))
    assert (code, f"zz.geojson features[0].{where}") in [(reason.rule.code, reason.where) for reason in reasons]


def test_a_layer_for_each_geometry() -> None:
    (reason,) = reasons_of(chart(layered({"floor": 0, "ceiling": 1}, count=2)))
    assert (reason.rule.code, reason.where) == ("chart.shape", "zz.geojson features[0].properties.layers")
    assert "each of 2 geometries" in reason.text("en")


def test_a_crossing_says_where_it_crosses() -> None:
    (reason,) = reasons_of(spoiled(chart(), POLYGON, [BOW_TIE]))
    assert "34.745000,113.605000" in reason.text("en")
    assert "边线相交" in reason.text("zh")


def test_a_polygon_that_is_not_the_circle_it_claims_is_refused() -> None:
    out = zones_geojson(parse_zones(chart(pad()), "a", FRAME, GROUND), FRAME)
    (reason,) = reasons_of(spoiled(out, "features.0.properties.radius_m", 160))
    assert reason.rule.code == "outline.circle"
    assert str(LatLon(34.75, 113.62)) in reason.text("zh")


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        (b"\xff\xfe{}", "chart.unreadable", ""),
        (b"", "chart.json", ":1:1"),
        (b'{"type": "FeatureCollection",\n "features": [}', "chart.json", ":2:15"),
        (b'{"type": "FeatureCollection", "features": [' + b"9" * 5000 + b"]}", "chart.json", ""),
        (b"[" * 200_000, "chart.json", ""),
        (b"[]", "chart.shape", ""),
        (b'{"type": "FeatureCollection", "features": [], "features": []}', "chart.repeated", ""),
        (
            b'{"type": "FeatureCollection", "features": [{"properties": {"id": "a", "id": "b"}}]}',
            "chart.repeated",
            " features[0].properties",
        ),
    ],
)
def test_what_is_no_chart_is_refused_with_its_name(data: bytes, code: str, where: str) -> None:
    reading = read_geojson(data, "bad.geojson")
    assert reading.zones == ()
    assert [(reason.rule.code, reason.where) for reason in reading.reasons] == [(code, f"bad.geojson{where}")]


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.geojson"
    with large.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    for path in (tmp_path / "none.geojson", tmp_path, large):
        with pytest.raises(Refused) as refused:
            load_charts([path], FRAME, GROUND)
        assert [reason.rule.code for reason in refused.value.reasons] == ["chart.unreadable"]


def test_the_good_zones_of_a_chart_are_read_beside_the_reasons_for_the_bad() -> None:
    reading = read_geojson(json.dumps(chart(block(), pad(kind="x"), pad(id="Q"))).encode(), "zz.geojson")
    assert [zone.id for zone in reading.zones] == ["B", "Q"]
    assert [reason.where for reason in reading.reasons] == ["zz.geojson features[1].properties.kind"]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_a_real_chart_of_another_program_is_refused_with_what_to_write() -> None:
    data = (SHARED / "geojson" / "geo_fence.geojson").read_bytes()
    reading = read_geojson(data, "geo_fence.geojson")
    assert reading.zones == ()
    found = {(reason.rule.code, reason.where.rpartition(".")[2]) for reason in reading.reasons}
    missing = {("chart.missing", name) for name in ("id", "kind", "floor", "ceiling")}
    assert found == missing | {
        ("chart.foreign", name) for name in ("upper_limit", "lower_limit", "start_time", "end_time")
    }
    (upper,) = (reason for reason in reading.reasons if reason.where.endswith("upper_limit"))
    assert 'Write "ceiling": {"value_m": 500, "datum": "agl" or "amsl"} in its place.' in upper.text("en")
    assert "高程基准" in upper.text("zh")
    mended = json.loads(data)
    (feature,) = mended["features"]
    feature["properties"] = {
        "id": "GF1",
        "name": "Geofence 1",
        "kind": "temporary",
        "ceiling": {"value_m": 500, "datum": "amsl"},
        "floor": {"value_m": 100, "datum": "amsl"},
        "active": {"from": "2023-03-07T16:48:41+01:00", "to": "2027-03-07T16:48:41+01:00"},
    }
    again = read_geojson(json.dumps(mended).encode(), "mended")
    assert again.reasons == ()
    assert [zone.id for zone in again.zones] == ["GF1"]
    laid = laid_reasons_of(mended)  # it lies in Rwanda, or what its longitude and latitude say
    assert [(reason.rule.code, reason.where) for reason in laid] == [("zone.far", "zz.geojson features[0]")]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["agl", "Point"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def every_path(value: Any, path: tuple[str, ...] = ()) -> list[str]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    own = [".".join(path)] if path else []
    return own + [deeper for step, inner in steps for deeper in every_path(inner, (*path, str(step)))]


GOOD = chart()


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(every_path(GOOD)), junk | st.just(GONE))
def test_junk_anywhere_gives_zones_or_reasons_and_never_a_crash(path: str, value: Any) -> None:
    zones, reasons = answer(lambda: parse_zones(spoiled(GOOD, path, value), "zz.geojson", FRAME, GROUND))
    assert reasons or all(zone.volume.outline.is_valid for zone in zones)
    assert all(reason.text("en") and reason.text("zh") for reason in reasons)


def answer(read: Callable[[], tuple[Zone, ...]]) -> tuple[tuple[Zone, ...], tuple[Reason, ...]]:
    """Zones or reasons; anything else that is raised fails the test."""
    try:
        return read(), ()
    except Refused as refused:
        return (), refused.reasons


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_bytes_give_zones_or_reasons_and_never_a_crash(data: st.DataObject) -> None:
    text = bytearray(json.dumps(GOOD).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    reading = read_geojson(bytes(text), "damaged")
    assert reading.zones or reading.reasons or b"features" not in text
