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
from airspace.formats.chart import MOST_BYTES
from airspace.formats.outlines import MOST_POSITIONS
from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Rule
from airspace.zones import Zone, load_charts, load_zones, parse_zones, zones_geojson
from tests.airspace.charts import GONE, HOLE, SQUARE, block, chart, pad, spoiled
from tests.airspace.shapes import FRAME, GROUND

BOW_TIE = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]
SPECK = [[113.6, 34.74], [113.600001, 34.74], [113.600001, 34.740001], [113.6, 34.740001], [113.6, 34.74]]
OUTSIDE = [[lon + 1, lat] for lon, lat in HOLE]
ZIGZAG = [[113.6 + 0.001 * (i % 2), 34.7 + 1e-6 * i] for i in range(MOST_POSITIONS)]
WIDE_COMB = [[113.0 + 1.2 * (i % 2), 34.7 + 1e-5 * i] for i in range(2000)]
POLYGON = "features.0.geometry.coordinates"
PAD = "features.1."
A, P = "features[0].properties", "features[0].geometry.coordinates"

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

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
    ("features.0.properties.floor.ellipsoidal_m", 0.0, "zone.ground", f"{A}.floor.ellipsoidal_m"),
    ("features.0.properties.floor.ellipsoidal_m", "x", "chart.shape", f"{A}.floor.ellipsoidal_m"),
    ("features.0.properties.floor.value_m", 120, "zone.heights", A),
    ("features.0.properties.floor.value_m", 130, "zone.heights", A),
    ("features.0.properties.ceiling", {"value_m": 100, "datum": "amsl"}, "zone.heights", A),
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
    ("features.0.properties.radius_m", 5, "outline.radius", f"{A}.radius_m"),
    ("features.0.properties.centre_lon_lat_deg", [113.6, 34.7], "chart.missing", f"{A}.radius_m"),
    ("features.0.geometry", None, "chart.missing", "features[0].geometry"),
    ("features.0.geometry", "POLYGON", "chart.shape", "features[0].geometry"),
    ("features.0.geometry.type", "LineString", "chart.value", "features[0].geometry.type"),
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
    (f"{POLYGON}.0.1", [103.6, 34.7], "outline.far", f"{P}[0]"),
    (POLYGON, [BOW_TIE], "outline.crossing", P),
    (POLYGON, [SQUARE, OUTSIDE], "outline.crossing", P),
    (POLYGON, [SQUARE, HOLE, HOLE], "outline.crossing", P),
    (POLYGON, [SPECK], "outline.small", P),
    (POLYGON, [[*ZIGZAG, ZIGZAG[0]]], "outline.many", f"{P}[0]"),
    (POLYGON, [[*WIDE_COMB, WIDE_COMB[0]]], "outline.many", P),
    ("features.0.geometry", {"type": "MultiPolygon", "coordinates": [[SQUARE], [HOLE]]}, "outline.crossing", P),
    ("features.0.geometry", {"type": "MultiPolygon", "coordinates": []}, "outline.short", P),
    ("features.0.geometry", {"type": "MultiPolygon", "coordinates": [[SQUARE], 3]}, "chart.shape", f"{P}[1]"),
    (f"{PAD}geometry.coordinates", [0.0, 0.0], "outline.far", "features[1].geometry.coordinates"),
    (f"{PAD}geometry.coordinates", 3, "outline.position", "features[1].geometry.coordinates"),
    (f"{PAD}properties.radius_m", GONE, "chart.missing", "features[1].properties.radius_m"),
    (f"{PAD}properties.radius_m", 0, "chart.range", "features[1].properties.radius_m"),
    (f"{PAD}properties.radius_m", -150, "chart.range", "features[1].properties.radius_m"),
    (f"{PAD}properties.radius_m", "150 m", "chart.shape", "features[1].properties.radius_m"),
    (f"{PAD}properties.centre_lon_lat_deg", [1, 2], "chart.unknown", "features[1].properties.centre_lon_lat_deg"),
]


def reasons_of(document: Any, **without: None) -> tuple[Reason, ...]:
    with pytest.raises(Refused) as refused:
        parse_zones(document, "zz.geojson", FRAME, without.get("ground", GROUND))
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
        assert "{" not in line.replace('{"value_m": 120, "datum": "agl"}', "").replace(shown_part(value), "")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in reason.text("zh"))


def shown_part(value: Any) -> str:
    return json.dumps(value)[:37] if isinstance(value, dict) else "{}"


def test_every_rule_of_charts_has_been_broken_by_a_test() -> None:
    codes = {rule.code for rule in vars(chart_rules).values() if isinstance(rule, Rule)}
    elsewhere = {"chart.unreadable", "chart.json", "chart.repeated", "zone.no-ground", "outline.circle"}
    assert {code for _, _, code, _ in BAD} | elsewhere == codes


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


def test_a_crossing_says_where_it_crosses() -> None:
    (reason,) = reasons_of(spoiled(chart(), POLYGON, [BOW_TIE]))
    assert "34.745000,113.605000" in reason.text("en")
    assert "边线相交" in reason.text("zh")


def test_without_a_ground_heights_above_it_cannot_be_placed() -> None:
    reasons = reasons_of(chart(pad()), ground=None)
    assert [reason.rule.code for reason in reasons] == ["zone.no-ground"] * 2


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
def test_a_file_that_is_no_chart_is_refused_with_its_name(tmp_path: Path, data: bytes, code: str, where: str) -> None:
    path = tmp_path / "bad.geojson"
    path.write_bytes(data)
    with pytest.raises(Refused) as refused:
        load_zones(path, FRAME, GROUND)
    assert [(reason.rule.code, reason.where) for reason in refused.value.reasons] == [(code, f"{path}{where}")]


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.geojson"
    with large.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    for path in (tmp_path / "none.geojson", tmp_path, large):
        with pytest.raises(Refused) as refused:
            load_zones(path, FRAME, GROUND)
        assert [reason.rule.code for reason in refused.value.reasons] == ["chart.unreadable"]


def test_the_charts_of_a_site_are_read_together_and_all_their_problems_said(tmp_path: Path) -> None:
    charts = {"a": chart(block()), "b": chart(pad(), block()), "c": chart(pad(id="Q", radius_m=0)), "d": chart(pad())}
    paths = {name: tmp_path / f"{name}.geojson" for name in charts}
    for name, document in charts.items():
        paths[name].write_text(json.dumps(document), encoding="utf-8")
    assert [zone.id for zone in load_charts([paths["d"], paths["a"]], FRAME, GROUND)] == ["P", "B"]
    with pytest.raises(Refused) as refused:
        load_charts(paths.values(), FRAME, GROUND)
    assert [(reason.rule.code, reason.where) for reason in refused.value.reasons] == [
        ("zone.id", f"{paths['b']} features[1].properties.id"),
        ("chart.range", f"{paths['c']} features[0].properties.radius_m"),
        ("zone.id", f"{paths['d']} features[0].properties.id"),
    ]
    assert str(paths["a"]) in refused.value.reasons[0].text("zh")
    with pytest.raises(Refused, match="taken by"):
        load_charts([paths["a"], paths["a"]], FRAME, GROUND)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_a_real_chart_without_datums_is_refused_for_what_it_leaves_open() -> None:
    with pytest.raises(Refused) as refused:
        load_zones(SHARED / "geojson" / "geo_fence.geojson", FRAME, GROUND)
    found = {(reason.rule.code, reason.where.rpartition(".")[2]) for reason in refused.value.reasons}
    assert {("chart.missing", "floor"), ("chart.missing", "ceiling"), ("chart.missing", "kind")} <= found
    assert {("chart.unknown", "upper_limit"), ("chart.unknown", "start_time")} <= found
    assert ("outline.far", "coordinates[0]") in found  # it lies in Rwanda


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
def test_damaged_bytes_give_zones_or_reasons_and_never_a_crash(tmp_path_factory: Any, data: st.DataObject) -> None:
    text = bytearray(json.dumps(GOOD).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = tmp_path_factory.getbasetemp() / "damaged.geojson"
    path.write_bytes(bytes(text))
    zones, reasons = answer(lambda: load_zones(path, FRAME, GROUND))
    assert bool(zones) != bool(reasons) or b"features" not in text
