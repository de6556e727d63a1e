"""F3548-21 JSON: operational intents and constraints as others tell of them; each broken rule by name and place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from uas_standards.astm.f3548.v21 import constants
from uas_standards.astm.f3548.v21.api import OperationalIntentState

from airspace.charted import UNLIMITED, Circle, Restriction
from airspace.formats import f3548
from airspace.formats.f3548 import F3548Reading, read_f3548
from airspace.formats.geozones import GROUND
from airspace.frames import GEOD, Datum, Height, LatLon
from airspace.geodesy.epochs import AMUR_2020, EURASIA_2014
from airspace.intents import MOST_VERTICES, IntentState
from airspace.schedules import Schedule
from tests.airspace.charts import GONE, spoiled
from tests.airspace.formats.geozone_documents import (
    CONSTRAINT_ID,
    INTENT_ID,
    NINE,
    NOON,
    SQUARE,
    SUBSCRIPTION_ID,
    TEN,
    f3548_altitude,
    f3548_circle,
    f3548_constraint,
    f3548_geozone,
    f3548_intent,
    f3548_polygon,
    f3548_read,
    f3548_time,
    f3548_volume,
)

NINE_S, TEN_S, NOON_S = 1779094800.0, 1779098400.0, 1779105600.0
TEST_DATA = Path(__file__).parents[4] / "shared" / "data" / "f3548" / "conflicting_flights.yaml"
NEXT_NOON = "2026-05-19T12:00:00Z"


def codes(reading: F3548Reading) -> list[tuple[str, str]]:
    for reason in reading.reasons:
        assert reason.text("en")
        assert reason.text("zh")
    return [(reason.rule.code, reason.where.removeprefix("utm.json").lstrip()) for reason in reading.reasons]


def is_square(shape: Any) -> bool:
    """Whether it is the square, with a point in the middle of its edges along parallels: these are 1.1 cm off."""
    corners = set(shape.exterior.coords)
    return {tuple(corner) for corner in SQUARE} < corners and len(corners) == 6 and shape.is_valid


def test_an_intent_is_read_whole() -> None:
    reading = f3548_read({"operational_intent": f3548_intent("Nonconforming")})
    assert reading.reasons == ()
    assert reading.zones == ()
    (intent,) = reading.intents
    assert (intent.id, intent.manager, intent.version, intent.priority) == (INTENT_ID, "uss2", 3, 10)
    assert (intent.uss_base_url, intent.uss_availability) == ("https://uss2.example.org/utm", "Normal")
    assert (intent.ovn, intent.subscription_id) == ("9d158f59-80b7-4c11-9c0c-8a2b4d936b2d", SUBSCRIPTION_ID)
    assert (intent.state, intent.start_s, intent.end_s) == (IntentState.NONCONFORMING, NINE_S, NOON_S)
    square, disc = intent.volumes
    assert is_square(square.layer.shape)
    assert square.layer.floor == Height(90.5, Datum.ELLIPSOIDAL)
    assert square.layer.ceiling == Height(140.0, Datum.ELLIPSOIDAL)
    assert (square.start_s, square.end_s) == (NINE_S, TEN_S)
    assert disc.layer.shape == Circle(LatLon(34.75, 113.62), 300.5)
    assert len(intent.off_nominal_volumes) == 1


@pytest.mark.parametrize("state", OperationalIntentState)
def test_every_state_of_the_standard_has_one_here(state: OperationalIntentState) -> None:
    (intent,) = f3548_read(f3548_intent(state.value)).intents
    assert intent.state.value == state.value.lower()


def test_an_intent_without_priority_and_ovn_has_the_lowest_and_none() -> None:
    document = spoiled(spoiled(f3548_intent(), "details.priority", GONE), "reference.ovn", None)
    (intent,) = f3548_read(document).intents
    assert (intent.priority, intent.ovn) == (0, "")


def test_a_constraint_is_a_zone_that_nobody_enters_while_it_lasts() -> None:
    reading = f3548_read({"constraint": f3548_constraint(type="com.example.fire")})
    assert reading.reasons == ()
    (zone,) = reading.zones
    assert (zone.id, zone.kind, zone.name.en) == (CONSTRAINT_ID, "temporary", "com.example.fire")
    assert zone.restriction is Restriction.PROHIBITED
    assert zone.schedule == Schedule(((NINE_S, TEN_S),))
    assert zone.authority == "uss1, https://uss1.example.org/utm"
    assert zone.country == ""
    assert is_square(zone.layers[0].shape)
    assert zone.extra["f3548"]["reference"]["version"] == 1


def test_a_geozone_says_what_a_constraint_asks() -> None:
    (zone,) = f3548_read(f3548_constraint(geozone=f3548_geozone())).zones
    assert (zone.name.en, zone.kind, zone.country) == ("East gate", "air-traffic", "CHN")
    assert zone.restriction is Restriction.AUTHORISATION
    assert zone.authority == "Tower, 110"
    assert zone.rule.en == "F3548 zone, to be authorised (AIR_TRAFFIC): Call first"
    typed = f3548_geozone(type="NO_RESTRICTION", restriction="see type", name=None, reason=None, message=None)
    (zone,) = f3548_read(f3548_constraint(geozone=typed)).zones
    assert (zone.restriction, zone.name.en, zone.kind) == (Restriction.NONE, "HEN0001", "geozone")


def test_volumes_of_other_times_are_zones_of_their_own() -> None:
    volumes = [f3548_volume(), f3548_volume(f3548_circle(), start=TEN, end=NOON), f3548_volume(high_m=200.0)]
    zones = f3548_read(f3548_constraint(*volumes)).zones
    assert [(zone.id, len(zone.layers)) for zone in zones] == [(CONSTRAINT_ID, 2), (f"{CONSTRAINT_ID} (2)", 1)]
    assert zones[1].schedule == Schedule(((TEN_S, NOON_S),))


def test_what_a_volume_of_a_constraint_leaves_open_is_the_references_time_and_no_limit() -> None:
    (zone,) = f3548_read(f3548_constraint({"volume": f3548_polygon()})).zones
    assert zone.schedule == Schedule(((NINE_S, NOON_S),))
    assert (zone.layers[0].floor, zone.layers[0].ceiling) == (GROUND, UNLIMITED)


def test_all_published_forms_and_lists_of_them_are_read() -> None:
    pushed = {"operational_intent_id": INTENT_ID, "operational_intent": f3548_intent(), "subscriptions": []}
    reading = f3548_read([pushed, {"constraint": f3548_constraint()}, f3548_intent(), f3548_constraint()])
    assert reading.reasons == ()
    assert (len(reading.intents), len(reading.zones)) == (2, 2)
    assert reading.zones[1].source is not None
    assert reading.zones[1].source.feature == "[3]"


def test_members_that_the_standard_does_not_declare_are_ignored() -> None:
    document = spoiled(f3548_intent(), "details.volumes.0.volume.colour", "red")
    assert f3548_read({**document, "note": 1}).intents == f3548_read(f3548_intent()).intents


def test_edges_are_geodesics() -> None:
    long = [[113.0, 34.0], [114.0, 34.0], [114.0, 34.5], [113.0, 34.5], [113.0, 34.0]]
    (intent,) = f3548_read(spoiled(f3548_intent(), "details.volumes", [f3548_volume(f3548_polygon(long))])).intents
    ring = list(intent.volumes[0].layer.shape.exterior.coords)  # type: ignore[union-attr]
    assert {tuple(corner) for corner in long} <= set(ring)
    middle = GEOD.npts(113.0, 34.0, 114.0, 34.0, 1)[0]
    assert middle[1] - 34.0 > 0.001, "the geodesic runs some 130 m north of the parallel"
    off_m = min(GEOD.inv(*middle, *corner)[2] for corner in ring)
    assert off_m < 1000.0


def test_altitudes_are_ellipsoidal_and_held_within_what_anything_reaches() -> None:
    volume = f3548_volume(low_m=-8000.0, high_m=100_000.0)
    (intent,) = f3548_read(spoiled(f3548_intent(), "details.volumes", [volume])).intents
    assert intent.volumes[0].layer.floor == Height(-600.0, Datum.ELLIPSOIDAL)
    assert intent.volumes[0].layer.ceiling == Height(30_000.0, Datum.ELLIPSOIDAL)


def test_positions_are_moved_to_cgcs2000_where_a_motion_is_given() -> None:
    def centre(**kwargs: Any) -> LatLon:
        shape = f3548_read(f3548_intent(), **kwargs).intents[0].volumes[1].layer.shape
        assert isinstance(shape, Circle)
        return shape.centre

    given = LatLon(34.75, 113.62)
    assert centre() == given
    assert 0.7 < given.distance_m(centre(motion=EURASIA_2014)) < 0.85
    assert given.distance_m(centre(motion=EURASIA_2014, epoch=2000.0)) < 0.03
    assert 0.75 < given.distance_m(centre(motion=AMUR_2020, epoch=2026.4)) < 0.9


R, V = "reference", "details.volumes[0]"

BAD_INTENTS: list[tuple[str, Any, str, str]] = [
    ("reference.id", "x", "chart.shape", f"{R}.id"),
    ("reference.id", GONE, "chart.missing", f"{R}.id"),
    ("reference.state", "Ended", "chart.value", f"{R}.state"),
    ("reference.version", "3", "chart.shape", f"{R}.version"),
    ("reference.ovn", "short", "chart.length", f"{R}.ovn"),
    ("reference.uss_base_url", "https://a.example/", "f3548.base-url", f"{R}.uss_base_url"),
    ("reference.uss_base_url", "a.example", "chart.shape", f"{R}.uss_base_url"),
    ("reference.subscription_id", None, "chart.shape", f"{R}.subscription_id"),
    ("reference.time_start.value", "2026-05-18T17:00:00+08:00", "f3548.time", f"{R}.time_start.value"),
    ("reference.time_start.value", "", "f3548.time", f"{R}.time_start.value"),
    ("reference.time_start.value", "2026-02-30T09:00:00Z", "zone.time", f"{R}.time_start.value"),
    ("reference.time_start.format", "ISO8601", "chart.value", f"{R}.time_start.format"),
    ("details.volumes", [], "intent.volumes", "details"),
    ("details.volumes", GONE, "intent.volumes", "details"),
    ("details.off_nominal_volumes", [f3548_volume()], "intent.volumes", "details"),
    ("details.priority", 1.5, "chart.shape", "details.priority"),
    ("details.volumes.0.time_end", GONE, "chart.missing", f"{V}.time_end"),
    ("details.volumes.0.time_end.value", NINE, "zone.times", V),
    ("details.volumes.0.time_start.value", "2026-05-18T08:59:59Z", "f3548.span", V),
    ("details.volumes.0.time_end.value", "2026-05-18T12:00:00.1Z", "f3548.span", V),
    ("details.volumes.0.volume.altitude_lower", GONE, "chart.missing", f"{V}.volume.altitude_lower"),
    ("details.volumes.0.volume.altitude_lower.value", 140, "zone.flat", f"{V}.volume"),
    ("details.volumes.0.volume.altitude_lower.value", 150, "zone.heights", f"{V}.volume"),
    ("details.volumes.0.volume.altitude_upper.value", 100_001, "chart.range", f"{V}.volume.altitude_upper.value"),
    ("details.volumes.0.volume.altitude_upper.reference", "SFC", "chart.value", f"{V}.volume.altitude_upper.reference"),
    ("details.volumes.0.volume.altitude_upper.units", "FT", "chart.value", f"{V}.volume.altitude_upper.units"),
    ("details.volumes.0.volume.outline_polygon", GONE, "f3548.outline", f"{V}.volume"),
    (
        "details.volumes.0.volume.outline_circle",
        f3548_circle()["outline_circle"],
        "f3548.outline",
        f"{V}.volume",
    ),
    (
        "details.volumes.0.volume.outline_polygon.vertices.3",
        {"lng": 113.60, "lat": 34.74},
        "f3548.vertex-twice",
        f"{V}.volume.outline_polygon.vertices[3]",
    ),
    (
        "details.volumes.0.volume.outline_polygon.vertices",
        [{"lng": 113.60, "lat": 34.74}] * 2,
        "chart.length",
        f"{V}.volume.outline_polygon.vertices",
    ),
    (
        "details.volumes.0.volume.outline_polygon.vertices.0.lat",
        91,
        "chart.range",
        f"{V}.volume.outline_polygon.vertices[0].lat",
    ),
    (
        "details.volumes.0.volume.outline_polygon.vertices.1",
        {"lng": 113.59, "lat": 34.745},
        "outline.crossing",
        f"{V}.volume.outline_polygon.vertices",
    ),
    (
        "details.volumes.1.volume.outline_circle.radius.value",
        0,
        "chart.range",
        "details.volumes[1].volume.outline_circle.radius.value",
    ),
    (
        "details.volumes.1.volume.outline_circle.radius.units",
        "FT",
        "chart.value",
        "details.volumes[1].volume.outline_circle.radius.units",
    ),
]


@pytest.mark.parametrize(("path", "value", "code", "place"), BAD_INTENTS)
def test_an_intent_that_breaks_a_rule_is_refused_by_name_and_place(
    path: str, value: Any, code: str, place: str
) -> None:
    reading = f3548_read(spoiled(f3548_intent(), path, value))
    assert reading.intents == ()
    assert codes(reading) == [(code, place)]


@pytest.mark.parametrize(
    ("state", "member", "volumes"),
    [
        ("Nonconforming", "volumes", []),
        ("Nonconforming", "off_nominal_volumes", []),
        ("Contingent", "volumes", [f3548_volume()]),
        ("Contingent", "off_nominal_volumes", []),
        ("Activated", "off_nominal_volumes", [f3548_volume()]),
    ],
)
def test_each_state_has_its_volumes_and_no_others(state: str, member: str, volumes: list[Any]) -> None:
    reading = f3548_read(spoiled(f3548_intent(state), f"details.{member}", volumes))
    assert codes(reading) == [("intent.volumes", "details")]


BAD_CONSTRAINTS: list[tuple[str, Any, str, str]] = [
    ("details.volumes", [], "chart.length", "details.volumes"),
    ("details.type", "", "chart.shape", "details.type"),
    ("details.volumes.0.time_start.value", "2026-05-18T08:00:00Z", "f3548.span", V),
    ("details.geozone.restriction", "FORBIDDEN", "chart.value", "details.geozone.restriction"),
    ("details.geozone.country", "China", "chart.shape", "details.geozone.country"),
    ("details.geozone.reason", ["AIR"], "chart.value", "details.geozone.reason[0]"),
    ("details.geozone.type", "SPECIAL", "chart.value", "details.geozone.type"),
    ("reference.uss_availability", "Up", "chart.value", "reference.uss_availability"),
]


@pytest.mark.parametrize(("path", "value", "code", "place"), BAD_CONSTRAINTS)
def test_a_constraint_that_breaks_a_rule_is_refused_by_name_and_place(
    path: str, value: Any, code: str, place: str
) -> None:
    reading = f3548_read(spoiled(f3548_constraint(geozone=f3548_geozone()), path, value))
    assert reading.zones == ()
    assert codes(reading) == [(code, place)]


def ring(count: int, size_deg: float) -> list[list[float]]:
    """So many corners of a box around Zhengzhou, closed."""
    along = [113.6 + size_deg * i / (count // 2 - 1) for i in range(count // 2)]
    corners = [[lon, 34.7] for lon in along] + [[lon, 34.7 + size_deg] for lon in reversed(along)]
    return [*corners, corners[0]]


def test_a_constraint_has_a_thousand_vertices_and_an_intent_ten_thousand_at_most() -> None:
    def constraint(count: int) -> F3548Reading:
        return f3548_read(f3548_constraint(f3548_volume(f3548_polygon(ring(count, 0.01)))))

    assert codes(constraint(1000)) == []
    assert codes(constraint(1002)) == [("f3548.constraint-vertices", "details")]
    discs = [f3548_volume(f3548_circle(lng=113.0 + i / 1000)) for i in range(1001)]  # each counts as one
    assert codes(f3548_read(f3548_constraint(*discs))) == [("f3548.constraint-vertices", "details")]
    assert codes(f3548_read(f3548_constraint(*discs[1:]))) == []
    five = [f3548_volume(f3548_polygon(ring(2000, 0.01))) for _ in range(5)]
    assert codes(f3548_read(spoiled(f3548_intent(), "details.volumes", five))) == []
    more = [*five, f3548_volume(f3548_polygon(ring(4, 0.01)))]
    assert codes(f3548_read(spoiled(f3548_intent(), "details.volumes", more))) == [("intent.vertices", "details")]


def test_a_constraint_covers_ten_thousand_square_kilometres_at_most_counted_once() -> None:
    def constraint(*outlines: dict[str, Any]) -> F3548Reading:
        return f3548_read(f3548_constraint(*(f3548_volume(outline) for outline in outlines)))

    disc = f3548_circle(radius_m=56_000.0)  # 9852 km2
    assert codes(constraint(disc, f3548_circle(radius_m=50_000.0))) == []
    assert codes(constraint(f3548_circle(radius_m=57_000.0))) == [("f3548.constraint-area", "details")]
    assert codes(constraint(disc, f3548_circle(lng=115.0, radius_m=56_000.0))) == [("f3548.constraint-area", "details")]
    assert codes(constraint(f3548_circle(lng=180.0, radius_m=50_000.0))) == []


def test_a_constraint_lasts_a_day_at_most() -> None:
    document = f3548_constraint(f3548_volume(), f3548_volume(start=NEXT_NOON, end="2026-05-19T12:30:00Z"))
    document["reference"]["time_end"] = f3548_time("2026-05-20T00:00:00Z")
    assert codes(f3548_read(document)) == [("f3548.constraint-duration", "details")]


def test_an_edge_too_long_to_follow_is_refused_at_once() -> None:
    far = f3548_polygon([[-100.0, 60.0], [60.0, 60.0], [60.0, 70.0], [-100.0, 70.0], [-100.0, 60.0]])
    (reason,) = f3548_read(spoiled(f3548_intent(), "details.volumes", [f3548_volume(far)])).reasons
    assert reason.rule.code == "outline.many"


@pytest.mark.parametrize(
    ("document", "code", "place"),
    [
        ({}, "f3548.document", ""),
        (3, "f3548.document", ""),
        ([3], "f3548.document", "[0]"),
        ([[f3548_intent()]], "f3548.document", "[0]"),
        ({"operational_intent": 3}, "f3548.document", ""),
        ({"operational_intent_id": INTENT_ID, "subscriptions": []}, "f3548.deleted", ""),
        ({"constraint_id": CONSTRAINT_ID}, "f3548.deleted", ""),
        ([], "chart.empty", ""),
        ({"reference": 3, "details": {}}, "chart.shape", "reference"),
    ],
)
def test_what_is_neither_an_intent_nor_a_constraint_is_refused(document: Any, code: str, place: str) -> None:
    assert codes(f3548_read(document))[0] == (code, place)


def test_a_bad_one_does_not_hold_back_the_others() -> None:
    reading = f3548_read([f3548_intent(), spoiled(f3548_intent(), "reference.state", "?"), f3548_constraint()])
    assert (len(reading.intents), len(reading.zones)) == (1, 1)
    assert codes(reading) == [("chart.value", "[1].reference.state")]


def test_the_figures_are_those_of_the_standard() -> None:
    assert constants.CstrMaxVertices == f3548.CONSTRAINT_MOST_VERTICES
    assert constants.CstrMaxAreaKm2 == f3548.CONSTRAINT_MOST_KM2
    assert constants.CstrMaxDurationHours == f3548.CONSTRAINT_MOST_H
    assert constants.OiMaxVertices == MOST_VERTICES


@pytest.mark.skipif(not TEST_DATA.exists(), reason="the shared data is not here")
def test_test_data_of_interuss_is_refused_by_what_it_is() -> None:
    reading = read_f3548(TEST_DATA.read_bytes(), "flights.yaml")
    assert (reading.zones, reading.intents) == ((), ())
    assert [reason.rule.code for reason in reading.reasons] == ["f3548.test-data"]


def test_altitudes_of_a_constraint_must_be_in_order_too() -> None:
    volume = f3548_volume(low_m=200.0, high_m=100.0)
    assert codes(f3548_read(f3548_constraint(volume))) == [("zone.heights", f"{V}.volume")]
    half_open = {"volume": {**f3548_polygon(), "altitude_lower": f3548_altitude(50.0)}}
    (zone,) = f3548_read(f3548_constraint(half_open)).zones
    assert zone.layers[0].floor == Height(50.0, Datum.ELLIPSOIDAL)


def test_the_document_is_json_and_names_its_place_otherwise() -> None:
    (reason,) = read_f3548(b'{"a": 1,}', "utm.json").reasons
    assert re.fullmatch(r"utm\.json:1:\d+", reason.where)
    assert json.loads(json.dumps(reason.as_dict()))["code"] == "chart.json"
