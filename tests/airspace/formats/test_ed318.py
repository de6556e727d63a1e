"""ED-318 documents: what is read, as what, and what is refused, with its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import MultiPolygon, Polygon

from airspace.charted import UNLIMITED, Circle, Restriction
from airspace.formats.ed318 import read_ed318
from airspace.frames import Datum, Height, LatLon
from airspace.reasons import Words
from airspace.schedules import ALWAYS, BEGINNING_S, Day, Edge, Period, Schedule, SunEvent
from airspace.volumes import FOREVER_S
from tests.airspace.charts import GONE, spoiled
from tests.airspace.formats.geozone_documents import (
    HOLE,
    SQUARE,
    ed318_document,
    ed318_layer,
    ed318_read,
    ed318_zone,
)

EXAMPLES = Path(__file__).parents[4] / "shared" / "data" / "ed318"
needs_examples = pytest.mark.skipif(not EXAMPLES.exists(), reason="the shared data is not here")

POLYGON = {"type": "Polygon", "coordinates": [SQUARE, HOLE], "layer": ed318_layer()}
DISC = {
    "type": "Point",
    "coordinates": [113.62, 34.75],
    "extent": {"subType": "Circle", "radius": 300},
    "layer": ed318_layer(upper=400, upperReference="AMSL", uom="ft"),
}
PARTS = {
    "type": "MultiPolygon",
    "coordinates": [[SQUARE], [[[lon + 1, lat] for lon, lat in SQUARE]]],
    "layer": ed318_layer(lower=-20, lowerReference="WGS84", upper=90, upperReference="WGS84"),
}


def shape_of(geometry: dict[str, Any]) -> Any:
    reading = ed318_read(ed318_zone(geometry))
    assert reading.reasons == ()
    (layer,) = reading.zones[0].layers
    return layer.shape


def when(*periods: dict[str, Any]) -> tuple[Schedule, ...]:
    reading = ed318_read(ed318_zone(limitedApplicability=[*periods]))
    assert reading.reasons == ()
    return tuple(zone.schedule for zone in reading.zones)


def hours(**members: Any) -> Schedule:
    (found,) = when({"schedule": [{"day": ["MON"], **members}]})
    return found


def test_a_zone_with_every_member_is_read_whole() -> None:
    reading = ed318_read()
    assert reading.reasons == ()
    (zone,) = reading.zones
    assert zone.id == "CHN-HEN0001"
    assert zone.name == Words("East gate", "东门")
    assert zone.rule == Words(
        "ED-318 zone, to be authorised (NOISE, DAR): Call first", "ED-318 区域，须经授权（NOISE、DAR）：请先致电"
    )
    assert zone.kind == "reconfigured"
    assert zone.restriction is Restriction.AUTHORISATION
    assert zone.country == "CHN"
    assert zone.authority == "Tower, ATC, Duty officer, +86 371 0000, tower@example.org, https://example.org/"
    assert zone.layers[0].shape == Polygon(SQUARE)
    assert zone.schedule == Schedule(
        ((1779094800.0, 1810630800.0),),
        (Period(Edge(28_800.0), Edge(0.0, SunEvent.SUNSET), frozenset({Day.MON, Day.FRI})),),
        "Etc/GMT-8",
    )
    assert zone.extra["ed318"] == ed318_zone()["properties"]
    assert zone.source is not None
    assert (zone.source.feature, zone.source.format) == ("features[0]", "ED-318")


def test_polygons_multipolygons_and_points_with_an_extent_are_shapes() -> None:
    assert shape_of(POLYGON) == Polygon(SQUARE, [HOLE])
    assert isinstance(shape_of(PARTS), MultiPolygon)
    assert shape_of(DISC) == Circle(LatLon(34.75, 113.62), 300.0)


def test_a_geometry_collection_is_a_zone_of_layers() -> None:
    reading = ed318_read(ed318_zone({"type": "GeometryCollection", "geometries": [POLYGON, DISC, PARTS]}))
    assert reading.reasons == ()
    square, disc, parts = reading.zones[0].layers
    assert (square.floor, square.ceiling) == (Height(0.0, Datum.AGL), Height(120.0, Datum.AGL))
    assert disc.ceiling.datum is Datum.AMSL
    assert disc.ceiling.value_m == pytest.approx(121.92)
    assert parts.floor == Height(-20.0, Datum.ELLIPSOIDAL)


def test_metres_are_meant_where_no_unit_is_given_and_a_ceiling_out_of_reach_is_none() -> None:
    layer = {name: value for name, value in ed318_layer(upper=99_999).items() if name != "uom"}
    (zone,) = ed318_read(ed318_zone({**POLYGON, "layer": layer})).zones
    assert zone.layers[0].ceiling == UNLIMITED


@pytest.mark.parametrize(
    ("type_", "restriction", "kind"),
    [
        ("USPACE", Restriction.CONDITIONAL, "u-space"),
        ("PROHIBITED", Restriction.PROHIBITED, "nature"),
        ("REQ_AUTHORIZATION", Restriction.AUTHORISATION, "nature"),
        ("CONDITIONAL", Restriction.CONDITIONAL, "nature"),
        ("NO_RESTRICTION", Restriction.NONE, "nature"),
    ],
)
def test_the_type_is_what_the_zone_asks(type_: str, restriction: Restriction, kind: str) -> None:
    (zone,) = ed318_read(ed318_zone(type=type_, reason=["NATURE"])).zones
    assert (zone.restriction, zone.kind) == (restriction, kind)


def test_names_in_other_languages_stand_for_those_that_are_missing() -> None:
    def named(*texts: dict[str, str]) -> Words:
        return ed318_read(ed318_zone(name=[*texts])).zones[0].name

    french, chinese = {"text": "Porte", "lang": "fr"}, {"text": "东门", "lang": "zh"}
    assert named(french) == Words("Porte", "Porte")
    assert named(french, chinese) == Words("Porte", "东门")
    assert named({"lang": "en"}) == Words("HEN0001", "HEN0001")
    assert named() == Words("HEN0001", "HEN0001")
    assert named({"text": " A\n b\u00a0c\x07", "lang": "en"}) == Words("A b c", "A b c")


def test_without_limits_in_time_a_zone_is_always_active() -> None:
    assert when() == (ALWAYS,)
    assert when({}) == (ALWAYS,)
    zone = ed318_zone()
    del zone["properties"]["limitedApplicability"]
    assert ed318_read(zone).zones[0].schedule == ALWAYS


def test_periods_with_different_hours_are_zones_of_their_own() -> None:
    first = {"endDateTime": "2026-01-01T00:00:00Z"}
    second = {"schedule": [{"day": ["ANY"], "startTime": "01:00:00Z", "endTime": "02:00:00Z"}]}
    assert when(first, second) == (
        Schedule(((BEGINNING_S, 1767225600.0),)),
        Schedule(((BEGINNING_S, FOREVER_S),), (Period(Edge(3600.0), Edge(7200.0)),)),
    )
    zones = ed318_read(ed318_zone(limitedApplicability=[first, second])).zones
    assert [zone.id for zone in zones] == ["CHN-HEN0001", "CHN-HEN0001 (2)"]


@pytest.mark.parametrize("event", SunEvent)
def test_events_of_the_sun_are_edges(event: SunEvent) -> None:
    found = hours(startEvent=event.value, endTime="23:00:00Z")
    assert found.periods == (Period(Edge(0.0, event), Edge(82_800.0), frozenset({Day.MON})),)


def test_an_end_that_is_not_given_is_that_of_the_day() -> None:
    assert hours().periods == (Period(Edge(0.0), Edge(86_400.0), frozenset({Day.MON})),)
    assert hours(startTime="08:00:00-03:00").periods[0].end == Edge(86_400.0)
    assert hours(startTime="08:00:00-03:00").zone == "Etc/GMT+3"
    assert hours(endEvent="SR").periods[0].start == Edge(0.0)


F = "features[0]"
AUTHORITY = "features.0.properties.zoneAuthority.1"
DAILY = "features.0.properties.limitedApplicability.0.schedule.0"
G = f"{F}.geometry"
P = f"{F}.properties"
A = f"{P}.zoneAuthority[1]"
S = f"{P}.limitedApplicability[0]"
D = f"{S}.schedule[0]"

# (where the document is spoiled, with what, the code of the rule, the place that the reason names)
BAD: list[tuple[str, Any, str, str]] = [
    ("features", GONE, "chart.missing", "features"),
    ("features", 3, "chart.shape", "features"),
    ("features", [], "chart.empty", ""),
    ("features.0", None, "chart.shape", F),
    ("features.0.type", "Zone", "chart.value", f"{F}.type"),
    ("features.0.id", [1], "chart.shape", f"{F}.id"),
    ("features.0.bbox", [1, 2], "chart.length", f"{F}.bbox"),
    ("features.0.geometry", None, "chart.shape", G),
    ("features.0.geometry.type", "Circle", "chart.value", f"{G}.type"),
    ("features.0.geometry.layer", GONE, "chart.missing", f"{G}.layer"),
    ("features.0.geometry.layer.upper", GONE, "chart.missing", f"{G}.layer.upper"),
    ("features.0.geometry.layer.lowerReference", "GND", "chart.value", f"{G}.layer.lowerReference"),
    ("features.0.geometry.layer.uom", "M", "chart.value", f"{G}.layer.uom"),
    ("features.0.geometry.layer.uppper", 3, "chart.unknown", f"{G}.layer.uppper"),
    ("features.0.geometry.layer.lower", 120, "zone.flat", f"{G}.layer"),
    ("features.0.geometry.layer.lower", 130, "zone.heights", f"{G}.layer"),
    ("features.0.geometry.layer.lower", -1, "chart.range", f"{G}.layer.lower"),
    ("features.0.geometry.coordinates", [SQUARE[:4]], "outline.open", f"{G}.coordinates[0]"),
    ("features.0.geometry.coordinates", [SQUARE[:3]], "chart.length", f"{G}.coordinates[0]"),
    ("features.0.geometry.coordinates", [], "outline.short", f"{G}.coordinates"),
    ("features.0.geometry.coordinates.0.1", [113.6, 34.7, 50], "outline.position", f"{G}.coordinates[0][1]"),
    ("features.0.geometry", {"type": "LineString", "coordinates": SQUARE}, "geozone.geometry", G),
    ("features.0.geometry", {"type": "GeometryCollection", "geometries": []}, "chart.length", f"{G}.geometries"),
    (
        "features.0.geometry",
        {"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection", "geometries": []}]},
        "chart.value",
        f"{G}.geometries[0].type",
    ),
    (
        "features.0.geometry",
        {name: value for name, value in DISC.items() if name != "extent"},
        "chart.missing",
        f"{G}.extent",
    ),
    (
        "features.0.geometry",
        {**DISC, "extent": {"subType": "Circle", "radius": "5"}},
        "chart.shape",
        f"{G}.extent.radius",
    ),
    ("features.0.geometry", {**DISC, "extent": {"subType": "Circle", "radius": -5}}, "chart.range", G),
    ("features.0.properties", None, "chart.shape", P),
    ("features.0.properties.identifier", "HEN00012", "chart.length", f"{P}.identifier"),
    ("features.0.properties.identifier", "", "chart.shape", f"{P}.identifier"),
    ("features.0.properties.country", "CHNA", "chart.shape", f"{P}.country"),
    ("features.0.properties.type", "REQ_AUTHORISATION", "chart.value", f"{P}.type"),
    ("features.0.properties.variant", GONE, "chart.missing", f"{P}.variant"),
    ("features.0.properties.name.0.lang", GONE, "chart.missing", f"{P}.name[0].lang"),
    ("features.0.properties.name.0.text", "x" * 201, "chart.length", f"{P}.name[0].text"),
    ("features.0.properties.name", None, "chart.shape", f"{P}.name"),
    ("features.0.properties.reason", ["FOREIGN_TERRITORY"], "chart.value", f"{P}.reason[0]"),
    ("features.0.properties.zoneAuthority", [], "chart.length", f"{P}.zoneAuthority"),
    (f"{AUTHORITY}.siteURL", "example.org", "chart.shape", f"{A}.siteURL"),
    (f"{AUTHORITY}.email", "tower", "chart.shape", f"{A}.email"),
    (
        f"{AUTHORITY}.intervalBefore",
        "1D",
        "chart.shape",
        f"{A}.intervalBefore",
    ),
    (f"{AUTHORITY}.purpose", GONE, "chart.missing", f"{A}.purpose"),
    ("features.0.properties.colour", "red", "chart.unknown", f"{P}.colour"),
    ("features.0.properties.extendedProperties", [], "chart.shape", f"{P}.extendedProperties"),
    ("features.0.properties.limitedApplicability.0.startDateTime", "2026-05-18", "chart.shape", f"{S}.startDateTime"),
    (
        "features.0.properties.limitedApplicability.0.startDateTime",
        "2026-13-18T09:00:00Z",
        "zone.time",
        f"{S}.startDateTime",
    ),
    ("features.0.properties.limitedApplicability.0.endDateTime", "2025-01-01T00:00:00Z", "zone.times", S),
    ("features.0.properties.limitedApplicability.0.permanent", "YES", "chart.unknown", f"{S}.permanent"),
    (f"{DAILY}.day", [], "chart.length", f"{D}.day"),
    (f"{DAILY}.endEvent", "DAWN", "chart.value", f"{D}.endEvent"),
    (
        f"{DAILY}.endTime",
        "20:00:00Z",
        "geozone.two-edges",
        f"{D}.endTime",
    ),
    (f"{DAILY}.startTime", "8am", "geozone.clock", f"{D}.startTime"),
    (
        f"{DAILY}.startTime",
        "08:00:00+05:30",
        "geozone.offsets",
        f"{S}.schedule",
    ),
]


@pytest.mark.parametrize(("path", "value", "code", "place"), BAD)
def test_what_is_wrong_is_refused_by_name_and_place(path: str, value: Any, code: str, place: str) -> None:
    document = spoiled(ed318_document(), path, value)
    reading = read_ed318(json.dumps(document).encode(), "zones.json")
    assert reading.zones == ()
    assert [(reason.rule.code, reason.where) for reason in reading.reasons] == [(code, f"zones.json {place}".rstrip())]
    assert reading.reasons[0].text("en")
    assert reading.reasons[0].text("zh")


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("type", "Feature", "type"),
        ("name", 3, "name"),
        ("bbox", [1], "bbox"),
        ("metadata", None, "metadata"),
        ("metadata.validTo", "tomorrow", "metadata.validTo"),
        ("metadata.provider.0.lang", "english", "metadata.provider[0].lang"),
    ],
)
def test_what_is_wrong_with_the_document_does_not_hold_back_its_zones(path: str, value: Any, place: str) -> None:
    document = spoiled(ed318_document(), path, value)
    reading = read_ed318(json.dumps(document).encode(), "zones.json")
    assert reading.zones == ed318_read().zones
    assert [reason.where for reason in reading.reasons] == [f"zones.json {place}"]


def test_members_that_geojson_allows_are_passed_over() -> None:
    zone = ed318_zone({**POLYGON, "note": 1})
    assert ed318_read({**zone, "note": {"a": 1}}, title="x").reasons == ()


@needs_examples
@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("Example_Collection.json", {"FRA-NFZ6547": 2, "FRA-ABC1234": 1}),
        ("Example_GeoZone_Circle.json", {"FRA-ABC1234": 1}),
        ("Example_GeoZone_with_extension.json", {"FRA-ABC1234": 1}),
    ],
)
def test_the_examples_of_the_standard_are_read_whole(name: str, layers: dict[str, int]) -> None:
    reading = read_ed318((EXAMPLES / name).read_bytes(), name)
    assert reading.reasons == ()
    assert {zone.id: len(zone.layers) for zone in reading.zones} == layers


@needs_examples
def test_the_invalid_example_is_refused_for_each_thing_that_is_wrong_with_it() -> None:
    name = "InvalidExample_GeoZone_2_Layers.json"
    reading = read_ed318((EXAMPLES / name).read_bytes(), name)
    assert reading.zones == ()
    assert [(reason.rule.code, reason.where) for reason in reading.reasons] == [
        ("chart.shape", f"{name} metadata.validFrom"),
        ("chart.value", f"{name} features[0].properties.type"),
        ("chart.missing", f"{name} features[0].properties.name[0].lang"),
    ]
    assert "REQ_AUTHORIZATION" in reading.reasons[1].text("en")
