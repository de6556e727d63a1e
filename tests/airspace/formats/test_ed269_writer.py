"""ED-269 out: what was read comes back as it was, and of other zones what is lost is told and nothing shrinks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box
from uas_standards.eurocae_ed269 import ED269Schema

from airspace.charted import UNLIMITED, ChartedZone, Circle, Corridor, Layer, Restriction
from airspace.formats.ed269 import read_ed269
from airspace.formats.ed269_writer import ed269
from airspace.formats.importing import read_chart_file
from airspace.formats.reading import Reading
from airspace.frames import Datum, Height, LatLon, LocalFrame
from airspace.laying import laid_shape, middle_of
from airspace.reasons import Words
from airspace.schedules import ALWAYS, Day, Edge, Period, Schedule, SunEvent
from airspace.zone_kinds import ZONE_KINDS
from tests.airspace.charted_zones import charts, layers, multipolygons, polygons
from tests.airspace.charted_zones import circles as some_circles
from tests.airspace.formats.geozone_documents import SQUARE, ed269_document, ed269_read, ed269_volume, ed269_zone

SEEDS = Path(__file__).parent / "seeds"
SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "ed269" / "test_eurocae_ed269.json"
TOWER = {"name": "Tower", "purpose": "AUTHORIZATION"}
YEAR = (1779062400.0, 1810598400.0)
HERE = LatLon(34.7466, 113.605)
MONDAYS = (Period(Edge(3600.0), Edge(7200.0), frozenset({Day.MON})),)


def zone(**given: Any) -> ChartedZone:
    """A square block of another source."""
    layer = Layer(Polygon(SQUARE), Height(0.0, Datum.AGL), Height(120.0, Datum.AGL))
    name, rule = Words("Block", "街区"), Words("closed", "禁止进入")
    made: dict[str, Any] = {"id": "B", "name": name, "kind": "no-fly", "rule": rule, "layers": (layer,), **given}
    return ChartedZone(**made)


def again(zones: list[ChartedZone], **given: Any) -> Reading:
    document = ed269(zones, **given).document
    return read_ed269(json.dumps(document).encode(), "again.json")


def lost(*zones: ChartedZone, country: str = "CHN", **given: Any) -> list[str]:
    """The codes of what an export loses, each reason looked at."""
    export = ed269(zones, country=country, **given)
    for reason in export.losses:
        assert reason.where in {zone.id for zone in zones}
        assert reason.text("en")
        assert reason.text("zh")
    return [reason.rule.code for reason in export.losses]


def test_a_document_with_everything_comes_back_as_it_was() -> None:
    document = ed269_document(ed269_zone(), ed269_zone(restriction="PROHIBITED"))
    export = ed269(read_ed269(json.dumps(document).encode(), "x").zones, title="test")
    assert export.losses == ()
    assert export.document == document


@pytest.mark.skipif(not SAMPLE.exists(), reason="the shared data is not here")
def test_the_sample_comes_back_as_it_was_but_for_repeated_corners() -> None:
    document = json.loads(SAMPLE.read_bytes())
    export = ed269(read_ed269(SAMPLE.read_bytes(), "x").zones, title=document["title"])
    assert export.losses == ()
    for feature in document["features"]:
        for volume in feature["geometry"]:
            for ring in volume["horizontalProjection"].get("coordinates", []):
                ring[:] = [corner for i, corner in enumerate(ring) if i == 0 or corner != ring[i - 1]]
    assert export.document["features"] == document["features"]


def test_an_independent_reader_takes_what_is_written() -> None:
    zones = [zone(), zone(id="C", restriction=Restriction.NONE, schedule=Schedule(periods=MONDAYS))]
    features = ed269(zones, country="CHN").document["features"]
    for feature in features:  # their reader cannot instantiate the Any that it takes these for
        del feature["extendedProperties"]
    theirs: Any = ED269Schema.from_dict({"features": features}).features
    assert [feature.identifier for feature in theirs] == ["B", "C"]
    assert [feature.restriction.value for feature in theirs] == ["PROHIBITED", "NO_RESTRICTION"]
    (period,) = theirs[1].applicability
    assert period.permanent.value == "NO"
    assert period.schedule[0].startTime.time.hour == 1


NORMALISED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"applicability": [{"permanent": "NO", "startDateTime": "2026-05-18T09:00:00+08:00"}]},
        {"applicability": [{"permanent": "NO", "startDateTime": "2026-05-18T01:00:00.00Z"}]},
    ),
    (
        {"applicability": [{"permanent": "NO", "endDateTime": "2026-05-18T09:00:00.123456Z"}]},
        {"applicability": [{"permanent": "NO", "endDateTime": "2026-05-18T09:00:00.123456Z"}]},
    ),
    (
        {"applicability": [{"permanent": "NO", "endDateTime": "9999-12-31T23:59:59Z"}]},
        {"applicability": [{"permanent": "YES"}]},
    ),
    (
        {
            "applicability": [
                {
                    "permanent": "NO",
                    "schedule": [{"day": ["SUN", "MON"], "startTime": "08:30+08:00", "endTime": "24:00+08:00"}],
                }
            ]
        },
        {
            "applicability": [
                {
                    "permanent": "NO",
                    "schedule": [
                        {"day": ["MON", "SUN"], "startTime": "08:30:00.00+08:00", "endTime": "00:00:00.00+08:00"}
                    ],
                }
            ]
        },
    ),
    ({"name": None, "reason": None}, {"name": ..., "reason": ...}),
    (
        {"geometry": [ed269_volume(upperLimit=None, upperVerticalReference="AGL")]},
        {"geometry": [ed269_volume(upperLimit=..., upperVerticalReference="AMSL")]},
    ),
    ({"geometry": [ed269_volume(lowerLimit=None)]}, {"geometry": [ed269_volume(lowerLimit=0)]}),
]


def without_gone(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_gone(inner) for name, inner in value.items() if inner is not ...}
    return [without_gone(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("given", "written"), NORMALISED)
def test_what_is_written_another_way_means_the_same(given: dict[str, Any], written: dict[str, Any]) -> None:
    reading = ed269_read(ed269_zone(**given))
    assert reading.reasons == ()
    export = ed269(reading.zones)
    assert export.document["features"] == [without_gone(ed269_zone(**written))]
    assert again([*reading.zones]).zones == reading.zones


def test_a_zone_that_needed_several_schedules_becomes_one_feature_again() -> None:
    first = {"permanent": "NO", "endDateTime": "2026-01-01T00:00:00.00Z"}
    second = {"permanent": "NO", "schedule": [{"day": ["ANY"], "startTime": "01:00:00.00Z", "endTime": "02:00:00.00Z"}]}
    other = ed269_zone(identifier="OTHER")
    document = ed269_document(ed269_zone(applicability=[first, second]), other, ed269_zone(applicability=[second]))
    reading = read_ed269(json.dumps(document).encode(), "x")
    assert [zone.id for zone in reading.zones] == ["CHN-HEN0001", "CHN-HEN0001 (2)", "CHN-OTHER", "CHN-HEN0001 (3)"]
    assert ed269(reading.zones, title="test").document == document
    apart = [reading.zones[0], reading.zones[2], reading.zones[1]]
    assert len(ed269(apart).document["features"]) == 3


def test_a_zone_of_another_source_keeps_what_ed269_has_no_member_for() -> None:
    given = zone(country="CHN", authority="Tower, 110")
    assert lost(given) == []
    (back,) = again([given]).zones
    assert replace(back, extra={}) == given
    properties = ed269([given]).document["features"][0]["extendedProperties"]["beichen"]
    assert properties == {"id": "B", "name_zh": "街区", "kind": "no-fly", "rule": "closed", "rule_zh": "禁止进入"}


def test_a_zone_that_names_no_country_gets_that_of_the_export_or_is_left_out() -> None:
    (back,) = again([zone()], country="CHE").zones
    assert (back.id, back.country) == ("B", "")
    assert lost(zone(authority="x"), country="") == ["export.country"]
    assert ed269([zone()]).document == {"features": []}


def test_who_is_to_be_asked_is_the_zones_then_the_exports_own() -> None:
    def written(given: ChartedZone, **more: Any) -> Any:
        return ed269([given], country="CHN", **more).document["features"][0]["zoneAuthority"]

    assert written(zone(authority="Tower, 110")) == [{"name": "Tower, 110", "purpose": "AUTHORIZATION"}]
    assert written(zone(), authority=TOWER) == [TOWER]
    assert written(zone()) == []
    assert lost(zone()) == ["export.authority"]
    (back,) = again([zone()], country="CHN", authority=TOWER).zones
    assert back.authority == ""


@pytest.mark.parametrize("datum", [Datum.ELLIPSOIDAL, Datum.PRESSURE])
def test_a_height_that_ed269_has_no_reference_for_leaves_the_zone_out(datum: Datum) -> None:
    high = Layer(Polygon(SQUARE), Height(0.0, Datum.AGL), Height(900.0, datum))
    given = zone(layers=(high,), authority="x")
    assert lost(given, zone(id="C", authority="x")) == ["export.datum"]
    assert [feature["identifier"] for feature in ed269([given, zone(id="C")], country="CHN").document["features"]] == [
        "C"
    ]


def test_a_corridor_is_drawn_around() -> None:
    path = (LatLon(34.74, 113.60), LatLon(34.80, 113.70), LatLon(34.78, 113.80))
    corridor = Corridor(path, 500.0)
    given = zone(layers=(Layer(corridor, Height(0.0, Datum.AGL), UNLIMITED),), authority="x")
    assert lost(given) == ["export.corridor"]
    (back,) = again([given], country="CHN").zones
    frame = LocalFrame(middle_of(corridor))
    drawn, true = laid_shape(frame, back.layers[0].shape), laid_shape(frame, corridor)
    assert drawn.buffer(0.05).covers(true)
    assert drawn.area == pytest.approx(true.area, rel=1e-3)


def test_a_corridor_too_long_to_draw_leaves_the_zone_out() -> None:
    corridor = Corridor((LatLon(34.0, 100.0), LatLon(34.0, 120.0), LatLon(34.0, 130.0)), 500.0)
    given = zone(layers=(Layer(corridor, Height(0.0, Datum.AGL), UNLIMITED),), authority="x")
    assert lost(given) == ["zone.far"]


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(periods=MONDAYS, zone="Europe/Berlin"),
        Schedule(periods=(Period(Edge(0.0, SunEvent.SUNRISE), Edge(0.0, SunEvent.SUNSET)),)),
        Schedule(periods=(Period(Edge(0.0), Edge(3600.0), frozenset({Day.HOLIDAY})),)),
    ],
)
def test_a_schedule_that_ed269_cannot_say_is_written_as_always_active_in_its_windows(schedule: Schedule) -> None:
    given = zone(schedule=replace(schedule, windows=(YEAR,)), authority="x")
    assert lost(given) == ["export.schedule"]
    (back,) = again([given], country="CHN").zones
    assert back.schedule == Schedule((YEAR,))


def test_a_time_zone_that_never_changes_is_an_offset() -> None:
    given = zone(schedule=Schedule(periods=MONDAYS, zone="Asia/Shanghai"), authority="x")
    assert lost(given) == []
    feature = ed269([given], country="CHN").document["features"][0]
    assert feature["applicability"][0]["schedule"][0]["startTime"] == "01:00:00.00+08:00"
    summer = replace(given, schedule=Schedule(((1780243200.0, 1781243200.0),), MONDAYS, "Europe/Berlin"))
    feature = ed269([summer], country="CHN").document["features"][0]
    assert feature["applicability"][0]["schedule"][0]["startTime"] == "01:00:00.00+02:00"


def test_what_another_format_said_and_long_identifiers_are_named_as_lost() -> None:
    assert lost(zone(id="ABCDEFGH", authority="x", extra={"openair": {"class": "R"}})) == [
        "export.identifier",
        "export.extra",
    ]


def test_feet_stay_feet_until_the_height_is_changed() -> None:
    (read,) = ed269_read(ed269_zone()).zones
    assert ed269([read]).document["features"][0]["geometry"][1]["upperLimit"] == 400
    changed = replace(read, layers=(read.layers[0], replace(read.layers[1], ceiling=Height(1 / 3, Datum.AMSL))))
    volume = ed269([changed]).document["features"][0]["geometry"][1]
    assert (volume["uomDimensions"], volume["upperLimit"]) == ("M", 1 / 3)
    assert again([changed]).zones[0].layers == changed.layers


def test_an_outline_of_several_parts_stays_one_layer() -> None:
    parts = MultiPolygon([box(113.6, 34.7, 113.61, 34.71), box(113.7, 34.7, 113.71, 34.71)])
    first, second = (
        Layer(shape, Height(0.0, Datum.AGL), Height(120.0, Datum.AGL)) for shape in (parts, Polygon(SQUARE))
    )
    given = zone(layers=(first, second), authority="x")
    assert len(ed269([given], country="CHN").document["features"][0]["geometry"]) == 3
    (back,) = again([given], country="CHN").zones
    assert back.layers == given.layers


def test_every_kind_comes_back() -> None:
    zones = [zone(id=f"K{i}", kind=kind, country="CHN") for i, kind in enumerate(ZONE_KINDS)]
    assert [back.kind for back in again(zones).zones] == [*ZONE_KINDS]


heights = (Datum.AGL, Datum.AMSL)
hours = st.builds(
    Schedule,
    st.lists(
        st.integers(0, 4_000_000_000).map(lambda s: (s / 1.0, s + 86_400.0)), min_size=1, max_size=3, unique=True
    ).map(tuple),
    st.lists(
        st.builds(
            Period,
            st.integers(0, 86_399).map(lambda s: Edge(float(s))),
            st.integers(1, 86_400).map(lambda s: Edge(float(s))),
            st.frozensets(st.sampled_from([*Day][:7])),
        ),
        max_size=2,
        unique=True,
    ).map(tuple),
)
simple = layers(heights, st.one_of(polygons(), multipolygons(), some_circles))


@settings(max_examples=25)
@given(charts(of_layers=simple, hours=hours | st.just(ALWAYS)))
def test_what_ed269_can_carry_comes_back_whole(zones: list[ChartedZone]) -> None:
    zones = [replace(zone, extra={}) for zone in zones]
    export = ed269(zones, country="CHE")
    assert {reason.rule.code for reason in export.losses} <= {"export.authority"}
    reading = read_ed269(json.dumps(export.document).encode(), "x")
    assert {reason.rule.code for reason in reading.reasons} <= {"chart.empty"}
    assert len(reading.zones) == len(zones)
    for back, zone in zip(reading.zones, zones, strict=True):
        assert replace(back, extra={}, schedule=ALWAYS) == replace(zone, schedule=ALWAYS)
        assert back.schedule.periods == zone.schedule.periods
        assert back.schedule.windows == zone.schedule.windows
    once_more = ed269(reading.zones, country="CHE")
    assert once_more.document == export.document


@settings(max_examples=25)
@given(charts(most=2))
def test_whatever_is_exported_is_read_again_and_is_never_less_active(zones: list[ChartedZone]) -> None:
    export = ed269(zones, country="CHE")
    reading = read_ed269(json.dumps(export.document).encode(), "x")
    assert {reason.rule.code for reason in reading.reasons} <= {"chart.empty"}
    left_out = {reason.where for reason in export.losses if reason.rule.code in ("export.datum", "zone.far")}
    kept = [zone for zone in zones if zone.id not in left_out]
    assert [back.id for back in reading.zones] == [zone.id for zone in kept]
    for back, zone in zip(reading.zones, kept, strict=True):
        assert back.restriction is zone.restriction
        for start_s, end_s in zone.schedule.active(1.7e9, 1.7e9 + 14 * 86400, HERE):
            active = back.schedule.active(start_s, end_s, HERE)
            # Times of day are written to the microsecond.
            assert sum(end - start for start, end in active) == pytest.approx(end_s - start_s, abs=1e-4)
        for layer in zone.layers:
            if isinstance(layer.shape, Circle):
                assert layer.shape in [found.shape for found in back.layers]


@pytest.mark.parametrize("extra", [None, 3, {"identifier": "A"}, {"uom": ["KM"]}, {"part": 2}])
def test_what_somebody_wrote_by_hand_into_extra_is_not_written_on(extra: Any) -> None:
    given = zone(extra={"ed269": extra}, authority="x")
    assert lost(given) == ["export.extra"]
    (feature,) = ed269([given], country="CHN").document["features"]
    assert feature["identifier"] == "B"


@pytest.mark.parametrize("seed", sorted(SEEDS.iterdir()), ids=lambda path: path.name)
def test_zones_of_every_format_go_out_and_come_back(seed: Path) -> None:
    zones = read_chart_file(seed).zones
    export = ed269(zones, country="CHE", authority=TOWER)
    left_out = {reason.where for reason in export.losses if reason.rule.code == "export.datum"}
    kept = [zone for zone in zones if zone.id not in left_out]
    reading = read_ed269(json.dumps(export.document).encode(), "x")
    assert {reason.rule.code for reason in reading.reasons} <= {"chart.empty"}
    assert [(back.id, back.kind, back.restriction, back.rule, back.name) for back in reading.zones] == [
        (zone.id, zone.kind, zone.restriction, zone.rule, zone.name) for zone in kept
    ]
