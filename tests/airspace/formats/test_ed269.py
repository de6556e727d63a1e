"""ED-269 documents: what is read, as what, and by an independent reader too; what is refused, with its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import MultiPolygon, Polygon
from uas_standards.eurocae_ed269 import ED269Schema
from uas_standards.eurocae_ed269 import Restriction as TheirRestriction

from airspace.charted import UNLIMITED, Circle, Restriction
from airspace.formats.ed269 import read_ed269
from airspace.frames import Datum, Height, LatLon
from airspace.reasons import Words
from airspace.schedules import ALWAYS, BEGINNING_S, Day, Edge, Period, Schedule
from airspace.volumes import FOREVER_S
from tests.airspace.charts import GONE, spoiled
from tests.airspace.formats.geozone_documents import (
    HOLE,
    SQUARE,
    ed269_document,
    ed269_read,
    ed269_volume,
    ed269_zone,
)

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "ed269"
BOW_TIE = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]
THEIR_RESTRICTIONS = {
    TheirRestriction.PROHIBITED: Restriction.PROHIBITED,
    TheirRestriction.REQ_AUTHORISATION: Restriction.AUTHORISATION,
    TheirRestriction.CONDITIONAL: Restriction.CONDITIONAL,
    TheirRestriction.NO_RESTRICTION: Restriction.NONE,
}
EVENING = {"day": ["SAT"], "startTime": "17:00Z", "endTime": "23:00Z"}


def when(*periods: dict[str, Any]) -> tuple[Schedule, ...]:
    reading = ed269_read(ed269_zone(applicability=[*periods]))
    assert reading.reasons == ()
    return tuple(zone.schedule for zone in reading.zones)


def daily(start: str, end: str, *days: str) -> Schedule:
    schedule = [{"day": days or ["MON"], "startTime": start, "endTime": end}]
    (found,) = when({"permanent": "NO", "schedule": schedule})
    return found


def limits(**members: Any) -> tuple[Height, Height]:
    volume = {name: value for name, value in ed269_volume(**members).items() if value is not GONE}
    reading = ed269_read(ed269_zone(geometry=[volume]))
    assert reading.reasons == ()
    (layer,) = reading.zones[0].layers
    return layer.floor, layer.ceiling


def test_a_zone_with_every_member_is_read_whole() -> None:
    reading = ed269_read()
    assert reading.reasons == ()
    (zone,) = reading.zones
    assert zone.id == "CHN-HEN0001"
    assert zone.country == "CHN"
    assert zone.name == Words("East gate", "East gate")
    assert zone.restriction is Restriction.AUTHORISATION
    assert zone.kind == "air-traffic"
    assert zone.rule.en == "ED-269 zone, to be authorised (NOISE, AIR_TRAFFIC): Call first"
    assert zone.rule.zh == "ED-269 区域，须经授权（NOISE、AIR_TRAFFIC）：Call first"
    assert zone.authority == "Tower, ATC, Duty officer, +86 371 0000, tower@example.org, https://example.org/"
    square, disc = zone.layers
    assert square.shape == Polygon(SQUARE, [HOLE])
    assert (square.floor, square.ceiling) == (Height(0.0, Datum.AGL), Height(120.0, Datum.AGL))
    assert isinstance(disc.shape, Circle)
    assert disc.shape.centre == LatLon(34.75, 113.62)
    assert disc.shape.radius_m == pytest.approx(457.2)
    assert disc.ceiling.datum is Datum.AMSL
    assert disc.ceiling.value_m == pytest.approx(121.92)
    assert zone.schedule == Schedule(
        ((1779094800.0, 1810630800.0),),
        (Period(Edge(61_200.0), Edge(84_600.5), frozenset({Day.SAT, Day.SUN})),),
    )
    assert zone.extra["ed269"]["zoneAuthority"][1]["intervalBefore"] == "P1D"
    assert zone.extra["ed269"]["extendedProperties"] == {"colour": "red"}
    assert zone.source is not None
    assert (zone.source.file, zone.source.feature, zone.source.format) == ("zones.json", "features[0]", "ED-269")


def test_both_published_wrappers_and_a_byte_order_mark_are_read() -> None:
    listed = {"formatVersion": "1.0", "createdAt": "2026-01-01", "UASZoneList": [ed269_zone()]}
    reading = read_ed269(b"\xef\xbb\xbf" + json.dumps(listed).encode(), "list.json")
    assert reading.reasons == ()
    assert reading.zones == ed269_read().zones
    assert reading.zones[0].source is not None
    assert reading.zones[0].source.feature == "UASZoneList[0]"


def test_null_stands_for_what_is_not_given() -> None:
    optional = ("name", "region", "reason", "message", "otherReasonInfo", "uSpaceClass", "extendedProperties")
    (zone,) = ed269_read(ed269_zone(**dict.fromkeys(optional))).zones
    assert zone.name.en == "HEN0001"
    assert zone.kind == "geozone"
    assert not set(optional) & set(zone.extra["ed269"])


def test_versions_of_one_identifier_get_numbers() -> None:
    zones = ed269_read(ed269_zone(), ed269_zone(restriction="PROHIBITED"), ed269_zone(country="CHE")).zones
    assert [zone.id for zone in zones] == ["CHN-HEN0001", "CHN-HEN0001 (2)", "CHE-HEN0001"]


@pytest.mark.parametrize("name", TheirRestriction)
def test_each_restriction_is_its_own(name: TheirRestriction) -> None:
    assert ed269_read(ed269_zone(restriction=name)).zones[0].restriction is THEIR_RESTRICTIONS[name]


@pytest.mark.parametrize(
    ("reasons", "kind"),
    [
        (["OTHER"], "geozone"),
        ([], "geozone"),
        (["NOISE", "PRIVACY"], "privacy"),
        (["NATURE", "SENSITIVE"], "sensitive"),
        (["POPULATION"], "population"),
        (["FOREIGN_TERRITORY"], "foreign-territory"),
        (["AIR_TRAFFIC", "EMERGENCY"], "emergency"),
    ],
)
def test_the_weightiest_reason_is_the_kind(reasons: list[str], kind: str) -> None:
    assert ed269_read(ed269_zone(reason=reasons)).zones[0].kind == kind


def test_who_authorises_is_asked_before_who_informs() -> None:
    press = {"name": "Press", "purpose": "INFORMATION"}
    assert ed269_read(ed269_zone(zoneAuthority=[press])).zones[0].authority == "Press"
    assert ed269_read(ed269_zone(zoneAuthority=[])).zones[0].authority == ""
    tower = {"name": " Tower\n2 ", "purpose": "AUTHORIZATION", "contactName": "Tower 2"}
    assert ed269_read(ed269_zone(zoneAuthority=[press, tower])).zones[0].authority == "Tower 2"


def test_limits_are_in_the_unit_of_the_volume_and_a_missing_one_is_none() -> None:
    assert limits(lowerLimit=30.5, upperLimit=50)[0] == Height(30.5, Datum.AGL)
    floor, ceiling = limits(uomDimensions="FT", lowerLimit=1000, lowerVerticalReference="AMSL", upperLimit=GONE)
    assert floor.datum is Datum.AMSL
    assert floor.value_m == pytest.approx(304.8)
    assert ceiling == UNLIMITED
    assert limits(lowerLimit=GONE, lowerVerticalReference="AMSL")[0] == Height(0.0, Datum.AGL)
    assert limits(upperLimit=1_000_000, upperVerticalReference="AMSL")[1] == UNLIMITED


def test_what_jumps_over_the_antimeridian_is_split_there() -> None:
    ring = [[179.9, -17.0], [-179.9, -17.0], [-179.9, -16.9], [179.9, -16.9], [179.9, -17.0]]
    volume = ed269_volume(horizontalProjection={"type": "Polygon", "coordinates": [ring]})
    shape = ed269_read(ed269_zone(geometry=[volume])).zones[0].layers[0].shape
    assert isinstance(shape, MultiPolygon)
    assert len(shape.geoms) == 2


def test_permanent_is_always() -> None:
    assert when({"permanent": "YES"}) == (ALWAYS,)
    bounded = {"permanent": "NO", "endDateTime": "2027-01-01T00:00Z"}
    assert when(bounded, {"permanent": "YES"}) == (ALWAYS,)


def test_windows_with_the_same_hours_are_one_schedule_and_others_are_zones_of_their_own() -> None:
    first = {"permanent": "NO", "endDateTime": "2026-01-01T00:00:00Z", "schedule": [EVENING]}
    second = {"permanent": "NO", "startDateTime": "2027-01-01T00:00:00Z", "schedule": [EVENING]}
    whole = {"permanent": "NO", "startDateTime": "2026-06-01T00:00:00+08:00", "endDateTime": "2026-06-02T00:00:00Z"}
    weekend, june = when(first, whole, second)
    assert weekend.windows == ((BEGINNING_S, 1767225600.0), (1798761600.0, FOREVER_S))
    assert june.windows == ((1780243200.0, 1780358400.0),)
    assert june.periods == ()
    zones = ed269_read(ed269_zone(applicability=[first, whole])).zones
    assert [zone.id for zone in zones] == ["CHN-HEN0001", "CHN-HEN0001 (2)"]
    assert [zone.extra["ed269"]["part"] for zone in zones] == [1, 2]


def test_ends_before_1970_and_after_2100_are_open() -> None:
    (schedule,) = when(
        {"permanent": "NO", "startDateTime": "1900-01-01T00:00:00Z", "endDateTime": "9999-12-31T23:59:59Z"}
    )
    assert schedule == ALWAYS


@pytest.mark.parametrize(
    ("start", "end", "zone", "start_s", "end_s"),
    [
        ("08:30:00.00Z", "17:00Z", "UTC", 30_600.0, 61_200.0),
        ("08:30+08:00", "17:00+0800", "Etc/GMT-8", 30_600.0, 61_200.0),
        ("08:30-05:00", "17:00-05:00", "Etc/GMT+5", 30_600.0, 61_200.0),
        ("22:00Z", "06:00Z", "UTC", 79_200.0, 21_600.0),
        ("00:00Z", "00:00Z", "UTC", 0.0, 86_400.0),
        ("24:00Z", "24:00:00Z", "UTC", 0.0, 86_400.0),
        ("08:30:15.125Z", "08:30:15.25Z", "UTC", 30_615.125, 30_615.25),
    ],
)
def test_times_of_day_keep_their_offset(start: str, end: str, zone: str, start_s: float, end_s: float) -> None:
    schedule = daily(start, end)
    assert schedule.zone == zone
    assert schedule.periods == (Period(Edge(start_s), Edge(end_s), frozenset({Day.MON})),)


@pytest.mark.parametrize("offset_h", [5.5, -3.5, 14, -12, 13.75])
@pytest.mark.parametrize(("start_h", "end_h"), [(1, 5), (22, 6), (0, 24), (12, 12)])
def test_times_of_day_are_active_when_the_clocks_of_their_offset_show_them(
    offset_h: float, start_h: int, end_h: int
) -> None:
    sign, minutes = ("-" if offset_h < 0 else "+"), int(abs(offset_h) * 60)
    offset = f"{sign}{minutes // 60:02}:{minutes % 60:02}"
    schedule = daily(f"{start_h:02}:00{offset}", f"{end_h:02}:00{offset}", "MON", "WED")
    place = LatLon(34.7, 113.6)
    monday_s = 1779062400.0 - offset_h * 3600  # midnight of Monday 18 May 2026 on those clocks
    hours = end_h - start_h if end_h > start_h else end_h - start_h + 24
    expected = [
        (monday_s + d * 86400 + start_h * 3600, monday_s + d * 86400 + (start_h + hours) * 3600) for d in (0, 2)
    ]
    assert list(schedule.active(monday_s, monday_s + 6 * 86400, place)) == expected


def test_offsets_in_parts_of_an_hour_and_different_ones_are_turned_into_utc() -> None:
    schedule = [
        {"day": ["MON"], "startTime": "01:00+05:30", "endTime": "05:00+05:30"},
        {"day": ["ANY"], "startTime": "20:00-05:00", "endTime": "21:00-05:00"},
    ]
    (found,) = when({"permanent": "NO", "schedule": schedule})
    assert found.zone == "UTC"
    assert found.periods == (
        Period(Edge(70_200.0), Edge(84_600.0), frozenset({Day.SUN})),
        Period(Edge(3600.0), Edge(7200.0)),
    )


A = "features[0]"
G = f"{A}.geometry[0]"
H = f"{G}.horizontalProjection"
P = f"{A}.applicability[0]"

# (where the document is spoiled, with what, the code of the rule, the place that the reason names)
BAD: list[tuple[str, Any, str, str]] = [
    ("features", GONE, "chart.missing", "features"),
    ("features", {}, "chart.shape", "features"),
    ("features", [], "chart.empty", ""),
    ("type", "FeatureCollection", "chart.unknown", "type"),
    ("title", 3, "chart.shape", "title"),
    ("features.0", 3, "chart.shape", A),
    ("features.0.colour", 3, "chart.unknown", f"{A}.colour"),
    ("features.0.identifier", GONE, "chart.missing", f"{A}.identifier"),
    ("features.0.identifier", " ", "chart.shape", f"{A}.identifier"),
    ("features.0.identifier", "a\nb", "chart.shape", f"{A}.identifier"),
    ("features.0.identifier", None, "chart.shape", f"{A}.identifier"),
    ("features.0.country", "CN", "chart.shape", f"{A}.country"),
    ("features.0.name", "", "chart.shape", f"{A}.name"),
    ("features.0.type", "PROHIBITED", "chart.value", f"{A}.type"),
    ("features.0.restriction", "REQ_AUTHORIZATION", "chart.value", f"{A}.restriction"),
    ("features.0.restrictionConditions", 3, "chart.shape", f"{A}.restrictionConditions"),
    ("features.0.region", 65536, "chart.range", f"{A}.region"),
    ("features.0.region", 1.5, "chart.shape", f"{A}.region"),
    ("features.0.reason", "NOISE", "chart.shape", f"{A}.reason"),
    ("features.0.reason", ["DAR"], "chart.value", f"{A}.reason[0]"),
    ("features.0.reason", ["OTHER"] * 10, "chart.length", f"{A}.reason"),
    ("features.0.regulationExemption", True, "chart.shape", f"{A}.regulationExemption"),
    ("features.0.uSpaceClass", [3], "chart.shape", f"{A}.uSpaceClass[0]"),
    ("features.0.zoneAuthority", GONE, "chart.missing", f"{A}.zoneAuthority"),
    ("features.0.zoneAuthority.0.purpose", "AUTHORISATION", "chart.value", f"{A}.zoneAuthority[0].purpose"),
    ("features.0.zoneAuthority.0.fax", "1", "chart.unknown", f"{A}.zoneAuthority[0].fax"),
    ("features.0.applicability", [], "chart.length", f"{A}.applicability"),
    ("features.0.applicability.0.permanent", GONE, "chart.missing", f"{P}.permanent"),
    ("features.0.applicability.0", {"permanent": "NO"}, "geozone.never", P),
    ("features.0.applicability.0.startDateTime", "2026-05-18T09:00:00", "zone.time", f"{P}.startDateTime"),
    ("features.0.applicability.0.endDateTime", "2026-02-31T09:00:00Z", "zone.time", f"{P}.endDateTime"),
    ("features.0.applicability.0.endDateTime", "2026-05-18T09:00:00Z", "zone.times", P),
    ("features.0.applicability.0.startDateTime", "2200-01-01T00:00:00Z", "zone.times", P),
    ("features.0.applicability.0.schedule", [], "chart.length", f"{P}.schedule"),
    ("features.0.applicability.0.schedule.0.day", [], "chart.length", f"{P}.schedule[0].day"),
    ("features.0.applicability.0.schedule.0.day", ["HOL"], "chart.value", f"{P}.schedule[0].day[0]"),
    ("features.0.applicability.0.schedule.0.day", ["ANY", "MON"], "geozone.days", f"{P}.schedule[0].day"),
    ("features.0.applicability.0.schedule.0.startTime", "17:00", "geozone.clock", f"{P}.schedule[0].startTime"),
    ("features.0.applicability.0.schedule.0.startTime", "SR", "geozone.clock", f"{P}.schedule[0].startTime"),
    ("features.0.applicability.0.schedule.0.endTime", "24:01Z", "geozone.clock", f"{P}.schedule[0].endTime"),
    ("features.0.applicability.0.schedule.0.endTime", "23:60Z", "geozone.clock", f"{P}.schedule[0].endTime"),
    ("features.0.applicability.0.schedule.0.endTime", "23:00+08:00", "geozone.offsets", f"{P}.schedule[0]"),
    ("features.0.applicability.0.schedule.0.endEvent", "SS", "chart.unknown", f"{P}.schedule[0].endEvent"),
    ("features.0.geometry", [], "chart.length", f"{A}.geometry"),
    ("features.0.geometry.0.uomDimensions", "m", "chart.value", f"{G}.uomDimensions"),
    ("features.0.geometry.0.upperLimit", "120", "chart.shape", f"{G}.upperLimit"),
    ("features.0.geometry.0.upperLimit", 0, "zone.flat", G),
    ("features.0.geometry.0.lowerLimit", 130, "zone.heights", G),
    ("features.0.geometry.0.lowerLimit", -1, "chart.range", f"{G}.lowerLimit"),
    ("features.0.geometry.0.lowerLimit", 40_000, "chart.range", f"{G}.lowerLimit"),
    ("features.0.geometry.0.upperVerticalReference", "W84", "chart.value", f"{G}.upperVerticalReference"),
    ("features.0.geometry.0.upperVerticalReference", GONE, "chart.missing", f"{G}.upperVerticalReference"),
    ("features.0.geometry.0.horizontalProjection", GONE, "chart.missing", H),
    ("features.0.geometry.0.horizontalProjection.type", "Point", "chart.value", f"{H}.type"),
    ("features.0.geometry.0.horizontalProjection.coordinates", [], "chart.length", f"{H}.coordinates"),
    ("features.0.geometry.0.horizontalProjection.coordinates", [SQUARE[:3]], "chart.length", f"{H}.coordinates[0]"),
    ("features.0.geometry.0.horizontalProjection.coordinates", [SQUARE[:4]], "outline.open", f"{H}.coordinates[0]"),
    ("features.0.geometry.0.horizontalProjection.coordinates", [BOW_TIE], "outline.crossing", f"{H}.coordinates"),
    (
        "features.0.geometry.0.horizontalProjection.coordinates.0.1",
        [34.74, 113.61],
        "outline.earth",
        f"{H}.coordinates[0]",
    ),
    (
        "features.0.geometry.0.horizontalProjection.coordinates.0.1",
        [113.61, 34.74, 5],
        "outline.position",
        f"{H}.coordinates[0][1]",
    ),
    ("features.0.geometry.1.horizontalProjection.radius", 0, "chart.range", f"{A}.geometry[1].horizontalProjection"),
    (
        "features.0.geometry.1.horizontalProjection.radius",
        GONE,
        "chart.missing",
        f"{A}.geometry[1].horizontalProjection.radius",
    ),
    (
        "features.0.extendedProperties",
        {"beichen": {"kind": "nowhere"}},
        "chart.value",
        f"{A}.extendedProperties.beichen.kind",
    ),
    ("features.0.extendedProperties", {"beichen": {"x": 1}}, "chart.unknown", f"{A}.extendedProperties.beichen.x"),
    (
        "features.0.extendedProperties",
        {"beichen": {"parts": [1]}},
        "geozone.parts",
        f"{A}.extendedProperties.beichen.parts",
    ),
    ("features.0.extendedProperties", {"beichen": {"parts": [2]}}, "geozone.geometry", f"{A}.geometry[0]"),
]


@pytest.mark.parametrize(("path", "value", "code", "place"), BAD)
def test_what_is_wrong_is_refused_by_name_and_place(path: str, value: Any, code: str, place: str) -> None:
    document = spoiled(ed269_document(), path, value)
    reading = read_ed269(json.dumps(document).encode(), "zones.json")
    assert reading.zones == ()
    assert [(reason.rule.code, reason.where) for reason in reading.reasons] == [(code, f"zones.json {place}".rstrip())]
    assert reading.reasons[0].text("en")
    assert reading.reasons[0].text("zh")


def test_permanent_yes_with_bounds_names_each_of_them() -> None:
    period = {"permanent": "YES", "startDateTime": "2026-05-18T09:00:00Z", "schedule": [EVENING]}
    reasons = ed269_read(ed269_zone(applicability=[period])).reasons
    assert [(reason.rule.code, reason.where) for reason in reasons] == [
        ("geozone.permanent", f"zones.json {P}.startDateTime"),
        ("geozone.permanent", f"zones.json {P}.schedule"),
    ]


def test_a_bad_zone_does_not_hold_back_the_others_and_all_its_problems_are_told() -> None:
    bad = ed269_zone(country="cn", type="x", geometry=[ed269_volume(uomDimensions="km")])
    reading = ed269_read(ed269_zone(identifier="A"), bad, ed269_zone(identifier="B"))
    assert [zone.id for zone in reading.zones] == ["CHN-A", "CHN-B"]
    assert [reason.where for reason in reading.reasons] == [
        "zones.json features[1].country",
        "zones.json features[1].type",
        "zones.json features[1].geometry[0].uomDimensions",
    ]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe{}", b'{"features": [1], "features": []}', b"3", b"[" * 100_000])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    reading = read_ed269(data, "x.json")
    assert reading.zones == ()
    assert reading.reasons
    assert all(reason.where.startswith("x.json") for reason in reading.reasons)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("name", ["geo-awareness-che-1.json", "test_eurocae_ed269.json"])
def test_the_sample_of_interuss_reads_as_their_own_reader_reads_it(name: str) -> None:
    data = (SAMPLES / name).read_bytes()
    reading = read_ed269(data, name)
    assert reading.reasons == ()
    theirs: Any = ED269Schema.from_dict(json.loads(data)).features
    assert len(reading.zones) == len(theirs) == 6
    for zone, other in zip(reading.zones, theirs, strict=True):
        assert zone.id.startswith(f"{other.country}-{other.identifier}")
        assert zone.name.en == other.name
        assert zone.restriction is THEIR_RESTRICTIONS[other.restriction]
        assert len(zone.layers) == len(other.geometry)
        for layer, volume in zip(zone.layers, other.geometry, strict=True):
            unit_m = 0.3048 if volume.uomDimensions == "FT" else 1.0
            assert layer.floor.value_m == pytest.approx(volume.lowerLimit * unit_m)
            assert layer.ceiling.value_m == pytest.approx(volume.upperLimit * unit_m)
            assert layer.ceiling.datum.value == volume.upperVerticalReference.lower()
            if isinstance(layer.shape, Circle):
                assert [layer.shape.centre.lon_deg, layer.shape.centre.lat_deg] == volume.horizontalProjection.center
                assert layer.shape.radius_m == pytest.approx(volume.horizontalProjection.radius * unit_m)
            else:
                assert isinstance(layer.shape, Polygon)
                corners = {tuple(corner) for corner in volume.horizontalProjection.coordinates[0]}
                assert set(layer.shape.exterior.coords) == corners
        for period in other.applicability:
            if "startDateTime" in period:
                window = (period.startDateTime.datetime.timestamp(), period.endDateTime.datetime.timestamp())
                assert zone.schedule.windows == (window,)
            else:
                assert zone.schedule == ALWAYS
            assert len(zone.schedule.periods) == len(period.get("schedule") or [])
    assert len({zone.id for zone in reading.zones}) == 6
