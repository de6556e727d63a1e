"""KML and KMZ charts: what is read, what comes back from our own, and by which name the rest is refused."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from shapely.geometry import MultiPolygon, Polygon

from airspace.charted import ChartedZone, Circle, Corridor, Restriction
from airspace.formats import kml_tree
from airspace.formats.chart import MOST_REASONS
from airspace.formats.kml import read_kml
from airspace.formats.kml_elements import NAMESPACE
from airspace.formats.kml_writer import kml
from airspace.frames import Datum, Height, LatLon
from airspace.schedules import ALWAYS, BEGINNING_S, Day
from airspace.volumes import FOREVER_S
from airspace.zone_kinds import ZONE_KINDS
from tests.airspace.charted_zones import charted_zones, charts
from tests.airspace.formats.fuzzing import REAL, SEEDS, archive

RING = "113.60,34.74{0} 113.62,34.74{0} 113.62,34.76{0} 113.60,34.76{0} 113.60,34.74{0}"
HEIGHTS = {"floor_m": "0", "floor_datum": "agl", "ceiling_m": "120", "ceiling_datum": "agl"}


def polygon(altitude: str = "", extra: str = "") -> str:
    ring = RING.format(f",{altitude}" if altitude else "")
    boundary = f"<outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
    return f"<Polygon>{extra}{boundary}</Polygon>"


def extended(data: dict[str, str]) -> str:
    pairs = "".join(f'<Data name="{name}"><value>{text}</value></Data>' for name, text in data.items())
    return f"<ExtendedData>{pairs}</ExtendedData>"


def placemark(
    shape: str | None = None, data: dict[str, str] | None = None, *, more: str = "", name: str = "Zone"
) -> str:
    """A square from the ground to 120 m, or another shape with other data; `more` stands before them."""
    named = f"<name>{name}</name>" if name else ""
    given = extended(HEIGHTS if data is None else data)
    return f"<Placemark>{named}{more}{given}{polygon() if shape is None else shape}</Placemark>"


def document(*features: str, namespace: str = NAMESPACE) -> bytes:
    inner = "\n".join(features)
    return f'<kml xmlns="{namespace}" xmlns:gx="http://www.google.com/kml/ext/2.2"><Document>\n{inner}\n</Document></kml>'.encode()


def read_one(data: bytes) -> ChartedZone:
    reading = read_kml(data, "x.kml")
    assert [reason.text() for reason in reading.reasons] == []
    (zone,) = reading.zones
    return zone


def problems(data: bytes) -> list[tuple[str, str]]:
    """Code and place of each reason; that the words can be told is checked on the way."""
    reading = read_kml(data, "x.kml")
    assert all(reason.text("en") and reason.text("zh") for reason in reading.reasons)
    return [(reason.rule.code, reason.where) for reason in reading.reasons]


def utc_s(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


# Our own, there and back


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(charts(most=3))
def test_what_we_write_comes_back_equal(zones: list[ChartedZone]) -> None:
    reading = read_kml(kml(zones).encode(), "x.kml")
    assert list(reading.zones) == zones
    assert bool(reading.reasons) is not bool(zones)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(charted_zones())
def test_a_zone_says_where_it_was_read(zone: ChartedZone) -> None:
    (back,) = read_kml(archive(kml([zone]).encode()), "x.kmz").zones
    assert back.source is not None
    assert (back.source.file, back.source.format) == ("x.kmz", "kml")
    assert back.source.feature.startswith("line ")


def test_what_we_write_hangs_at_its_ceiling_and_stands_on_the_ground() -> None:
    zone = read_one(document(placemark()))
    root = ET.fromstring(kml([zone]))
    names = {"k": NAMESPACE}
    drawn = root.find(".//k:Polygon", names)
    assert drawn is not None
    assert drawn.findtext("k:extrude", namespaces=names) == "1"
    assert drawn.findtext("k:altitudeMode", namespaces=names) == "relativeToGround"
    assert drawn.findtext(".//k:coordinates", namespaces=names, default="").split()[0] == "113.6,34.74,120.0"
    assert root.findtext(".//k:Placemark/k:styleUrl", namespaces=names) == "#prohibited"


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ("<Point><coordinates>113.6,34.7</coordinates></Point>", {"radius_m": "500"}),
        ("<LineString><coordinates>113.6,34.7 113.7,34.8</coordinates></LineString>", {"half_width_m": "200"}),
    ],
)
def test_a_circle_and_a_corridor_are_drawn_for_people_as_well(shape: str, size: dict[str, str]) -> None:
    zone = read_one(document(placemark(shape, HEIGHTS | size)))
    text = kml([zone])
    assert text.count("<Placemark>") == 2
    assert text.count("<Polygon>") == 1
    assert text.count("drawing_of") == 1
    assert read_one(text.encode()) == zone


def test_a_corridor_too_long_to_be_drawn_is_still_written() -> None:
    line = "<LineString><coordinates>0,0 90,0 179,0</coordinates></LineString>"
    zone = read_one(document(placemark(line, HEIGHTS | {"half_width_m": "200"})))
    assert read_one(kml([zone]).encode()) == zone


@pytest.mark.parametrize("place", ["-180.0,0.0", "179.999,-17.0", "0.0,89.99"])
def test_a_circle_over_the_antimeridian_or_a_pole_comes_back(place: str) -> None:
    point = f"<Point><coordinates>{place}</coordinates></Point>"
    zone = read_one(document(placemark(point, HEIGHTS | {"radius_m": "5000"})))
    assert read_one(kml([zone]).encode()) == zone


def test_what_xml_cannot_carry_is_left_out() -> None:
    zone = read_one(document(placemark()))
    title = "a\x00b\x1f<&>"
    assert "<name>ab&lt;&amp;&gt;</name>" in kml([zone], title)


# Charts of other programs


def test_a_sample_of_everything_is_read() -> None:
    reading = read_kml((SEEDS / "zones.kml").read_bytes(), "zones.kml")
    assert reading.reasons == ()
    stadium, pad, line, steps = reading.zones
    assert (stadium.id, stadium.name.en, stadium.kind, stadium.restriction) == (
        "Stadium & park", "Stadium & park", "other", Restriction.PROHIBITED,
    )  # fmt: skip
    assert isinstance(stadium.layers[0].shape, Polygon)
    assert len(stadium.layers[0].shape.interiors) == 1
    assert (stadium.layers[0].floor, stadium.layers[0].ceiling) == (Height(0.0, Datum.AGL), Height(120.0, Datum.AGL))
    assert stadium.schedule.windows == ((utc_s("2026-05-18T01:00:00"), utc_s("2026-05-21T00:00:00")),)
    assert stadium.extra == {"kml": {"description": "closed <b>today</b>"}}
    assert pad.layers[0].shape == Circle(LatLon(34.75, 113.62), 150.0)
    assert pad.rule == ZONE_KINDS["hospital-pad"]
    assert pad.restriction is Restriction.AUTHORISATION
    assert pad.schedule.periods[0].days == frozenset({Day.MON})
    assert isinstance(line.layers[0].shape, Corridor)
    assert steps.name.en == "Steps"
    assert [layer.ceiling.value_m for layer in steps.layers] == [100.0, 200.0]
    assert isinstance(steps.layers[0].shape, MultiPolygon)


@pytest.mark.parametrize("namespace", [*kml_tree.NAMESPACES])
def test_every_namespace_of_kml_is_read(namespace: str) -> None:
    assert read_one(document(placemark(), namespace=namespace)).name.en == "Zone"


@pytest.mark.parametrize(("mode", "datum"), [("relativeToGround", Datum.AGL), ("absolute", Datum.AMSL)])
def test_an_extruded_outline_reaches_from_the_ground_to_its_highest_corner(mode: str, datum: Datum) -> None:
    shape = polygon("300.5", f"<extrude>1</extrude><altitudeMode>{mode}</altitudeMode>").replace("300.5", "310.5", 1)
    layer = read_one(document(placemark(shape, {}))).layers[0]
    assert (layer.floor, layer.ceiling) == (Height(0.0, Datum.AGL), Height(310.5, datum))


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        (polygon(), "kml.height"),
        (polygon("100"), "kml.height"),
        (polygon("100", "<extrude>1</extrude>"), "kml.height"),
        (polygon("100", "<extrude>1</extrude><altitudeMode>clampToGround</altitudeMode>"), "kml.height"),
        (polygon("", "<extrude>1</extrude><altitudeMode>absolute</altitudeMode>"), "kml.height"),
        (polygon("100", "<altitudeMode>absolute</altitudeMode>"), "kml.sheet"),
        (polygon("0", "<extrude>1</extrude><altitudeMode>relativeToGround</altitudeMode>"), "zone.flat"),
        (polygon("99999", "<extrude>1</extrude><altitudeMode>relativeToGround</altitudeMode>"), "chart.range"),
        (polygon("100", "<extrude>1</extrude><altitudeMode>relativeToSeaFloor</altitudeMode>"), "kml.mode"),
        (polygon("100", "<extrude>1</extrude><gx:altitudeMode>relativeToSeaFloor</gx:altitudeMode>"), "kml.mode"),
    ],
)
def test_an_outline_without_heights_is_refused_by_name(shape: str, code: str) -> None:
    ((found, where),) = problems(document(placemark(shape, {})))
    assert found == code
    assert where.startswith("x.kml line 2")


def test_outlines_of_one_zone_have_one_altitude_mode() -> None:
    low, high = (
        polygon("100", f"<extrude>1</extrude><altitudeMode>{mode}</altitudeMode>")
        for mode in ("absolute", "relativeToGround")
    )
    both = f"<MultiGeometry>{low}{high.replace('113.', '114.')}</MultiGeometry>"
    assert [code for code, _ in problems(document(placemark(both, {})))] == ["kml.mode"]


def test_holes_of_more_corners_than_an_outline_may_have_are_told_once() -> None:
    ring = f"<LinearRing><coordinates>{'113.61,34.75 ' * 9000}</coordinates></LinearRing>"
    hole = f"<innerBoundaryIs>{ring}</innerBoundaryIs>"
    shape = polygon().replace("</Polygon>", hole * 5 + "</Polygon>")
    assert problems(document(placemark(shape))) == [("outline.many", "x.kml line 2 Placemark")]


def test_whoever_imports_may_name_a_ceiling_for_what_has_no_heights() -> None:
    other = placemark(data=HEIGHTS | {"ceiling_m": "50"}, name="Low")
    reading = read_kml(document(placemark(data={}), other), "x.kml", ceiling=Height(90.0, Datum.AMSL))
    assert reading.reasons == ()
    assert [zone.layers[0].ceiling for zone in reading.zones] == [Height(90.0, Datum.AMSL), Height(50.0, Datum.AGL)]
    assert reading.zones[0].layers[0].floor == Height(0.0, Datum.AGL)


@pytest.mark.parametrize(
    ("begin", "end", "window"),
    [
        ("2026-05-18T09:00:00Z", "2026-05-18T12:00:00Z", ("2026-05-18T09:00:00", "2026-05-18T12:00:00")),
        ("2026-05-18T09:00:00+08:00", "2026-05-18T12:00:00.5+08:00", ("2026-05-18T01:00:00", "2026-05-18T04:00:00.5")),
        ("2026-05-18", "2026-05-18", ("2026-05-18T00:00:00", "2026-05-19T00:00:00")),
        ("2026-02", "2026-02", ("2026-02-01T00:00:00", "2026-03-01T00:00:00")),
        ("2026-12", "2026-12", ("2026-12-01T00:00:00", "2027-01-01T00:00:00")),
        ("2026", "2026", ("2026-01-01T00:00:00", "2027-01-01T00:00:00")),
    ],
)
def test_a_time_span_is_a_window_and_a_day_month_or_year_the_whole_of_it(
    begin: str, end: str, window: tuple[str, str]
) -> None:
    span = f"<TimeSpan><begin>{begin}</begin><end>{end}</end></TimeSpan>"
    assert read_one(document(placemark(more=span))).schedule.windows == ((utc_s(window[0]), utc_s(window[1])),)


def test_a_time_span_may_be_open() -> None:
    begun = placemark(more="<TimeSpan><begin>2026</begin></TimeSpan>")
    ended = placemark(more="<TimeSpan><end>2026</end></TimeSpan>", name="Other")
    zones = read_kml(document(begun, ended), "x.kml").zones
    assert [zone.schedule.windows for zone in zones] == [
        ((utc_s("2026-01-01"), FOREVER_S),),
        ((BEGINNING_S, utc_s("2027-01-01")),),
    ]
    assert read_one(document(placemark(more="<TimeSpan/>"))).schedule == ALWAYS


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("<TimeSpan><begin>2026-05-18T09:00:00</begin></TimeSpan>", "kml.time"),
        ("<TimeSpan><begin>yesterday</begin></TimeSpan>", "kml.time"),
        ("<TimeSpan><end>2026-06-31</end></TimeSpan>", "kml.time"),
        ("<TimeSpan><end>2026-13</end></TimeSpan>", "kml.time"),
        ("<TimeSpan><end>9999-12-31</end></TimeSpan>", "kml.time"),
        ("<TimeSpan><begin>0000</begin></TimeSpan>", "kml.time"),
        ("<TimeSpan><begin>2026-05-18</begin><end>2026-05-17</end></TimeSpan>", "zone.times"),
        ("<TimeSpan/><TimeSpan/>", "kml.repeated"),
        ("<TimeStamp><when>2026-05-18</when></TimeStamp>", "kml.instant"),
    ],
)
def test_a_time_that_is_no_window_is_refused(more: str, code: str) -> None:
    assert [found for found, _ in problems(document(placemark(more=more)))] == [code]


def test_a_time_of_a_folder_is_not_passed_over() -> None:
    folder = f"<Folder><TimeSpan><begin>2026</begin></TimeSpan>{placemark()}</Folder>"
    assert problems(document(folder)) == [("kml.folder-time", "x.kml line 2")]


@pytest.mark.parametrize(
    ("shape", "data", "code"),
    [
        ("", {}, "kml.no-shape"),
        ("<MultiGeometry/>", {}, "kml.no-shape"),
        ("<gx:Track/>", {}, "kml.no-shape"),
        ("<Model/>", {}, "kml.geometry"),
        ("<LinearRing><coordinates>113,34 114,34 114,35</coordinates></LinearRing>", {}, "kml.geometry"),
        (f"<MultiGeometry>{polygon()}<Poligon/></MultiGeometry>", {}, "kml.element"),
        (f"<MultiGeometry>{polygon()}<gx:Track/></MultiGeometry>", {}, "kml.element"),
        (polygon(extra="<innerBoundary/>"), {}, "kml.element"),
        (polygon(extra="<gx:innerBoundaryIs/>"), {}, "kml.element"),
        (polygon().replace("<LinearRing>", "<LinearRing><hole/>"), {}, "kml.element"),
        ("<Point><coordinates>113,34</coordinates></Point>", {}, "kml.point"),
        ("<LineString><coordinates>113,34 114,34</coordinates></LineString>", {}, "kml.line"),
        ("<LineString><coordinates>113,34</coordinates></LineString>", {"half_width_m": "50"}, "outline.line"),
        ("<Point><coordinates>113,34 114,35</coordinates></Point>", {"radius_m": "50"}, "kml.coordinates"),
        ("<Point><coordinates>113,34</coordinates></Point>", {"radius_m": "0"}, "chart.range"),
        ("<Point><coordinates>113,34</coordinates></Point>", {"radius_m": "wide"}, "kml.data"),
        ("<Point><coordinates>113,34</coordinates></Point>", {"half_width_m": "50"}, "kml.size-unused"),
        (polygon(), {"radius_m": "50"}, "kml.size-unused"),
        (polygon() + polygon(), {}, "kml.repeated"),
        (
            f"<MultiGeometry>{polygon()}<Point><coordinates>113,34</coordinates></Point></MultiGeometry>",
            {},
            "kml.shapes",
        ),
        ("<Polygon/>", {}, "chart.missing"),
        ("<Polygon><outerBoundaryIs/></Polygon>", {}, "chart.missing"),
        ("<Polygon><outerBoundaryIs><LinearRing/></outerBoundaryIs></Polygon>", {}, "kml.coordinates"),
        (polygon().replace("</Polygon>", "<outerBoundaryIs/></Polygon>"), {}, "kml.repeated"),
        (polygon().replace("</outer", "<LinearRing/></outer"), {}, "kml.repeated"),
        (polygon().replace("</LinearRing>", "<coordinates/></LinearRing>"), {}, "kml.repeated"),
        (polygon().replace("113.60,34.74 ", "113.60,34.74 " * 10_002), {}, "outline.many"),
        (polygon().replace("113.60,34.74 ", "113.60, 34.74 "), {}, "kml.coordinates"),
        (polygon().replace("113.62,34.74", "nan,34.74"), {}, "kml.coordinates"),
        (polygon().replace("113.62,34.74", "113.62;34.74"), {}, "kml.coordinates"),
        (polygon().replace("113.62,34.74", "213.62,34.74"), {}, "outline.earth"),
        (polygon().replace("113.62,34.76", "113.59,34.75"), {}, "outline.crossing"),
        (f"<MultiGeometry>{polygon()}{polygon()}</MultiGeometry>", {}, "outline.crossing"),
    ],
)
def test_a_shape_that_is_no_zone_is_refused_by_name(shape: str, data: dict[str, str], code: str) -> None:
    ((found, where),) = problems(document(placemark(shape, HEIGHTS | data)))
    assert found == code
    assert where.startswith("x.kml line 2")


@pytest.mark.parametrize(
    ("data", "code", "field"),
    [
        ({"floor_m": "0", "floor_datum": "agl"}, "chart.missing", "ceiling_m"),
        (HEIGHTS | {"floor_datum": "msl"}, "chart.value", "floor_datum"),
        (HEIGHTS | {"floor_m": "low"}, "kml.data", "floor_m"),
        (HEIGHTS | {"floor_m": "-5"}, "chart.range", "floor_m"),
        (HEIGHTS | {"floor_m": "120"}, "zone.flat", ""),
        (HEIGHTS | {"floor_m": "130"}, "zone.heights", ""),
        (HEIGHTS | {"kind": "castle"}, "chart.value", "kind"),
        (HEIGHTS | {"restriction": "maybe"}, "chart.value", "restriction"),
        (HEIGHTS | {"country": "China"}, "", "country"),
        (HEIGHTS | {"schedule": "{"}, "chart.json", "schedule"),
        (HEIGHTS | {"schedule": "[]"}, "chart.shape", "schedule"),
        (HEIGHTS | {"extra": '{"a": 1, "a": 2}'}, "chart.repeated", "extra"),
        (HEIGHTS | {"layer": "1/2"}, "kml.data", "layer"),
        (HEIGHTS | {"id": "A", "layer": "3/2"}, "kml.data", "layer"),
        (HEIGHTS | {"id": ""}, "chart.shape", "id"),
    ],
)
def test_data_that_cannot_be_meant_is_refused_with_its_name(data: dict[str, str], code: str, field: str) -> None:
    found = problems(document(placemark(data=data)))
    assert found[0][0] == code or not code
    assert field in found[0][1]


def test_data_given_twice_is_refused() -> None:
    text = placemark().replace("</ExtendedData>", '<Data name="floor_m"><value>5</value></Data></ExtendedData>')
    assert problems(document(text)) == [("kml.repeated", "x.kml line 2 Data")]


def test_data_of_other_programs_is_kept() -> None:
    zone = read_one(document(placemark(data=HEIGHTS | {"area": "7", "extra": '{"kml": {"a": 1}, "b": 2}'})))
    assert zone.extra == {"kml": {"a": 1, "data": {"area": "7"}}, "b": 2}
    assert read_one(kml([zone]).encode()) == zone


def test_a_placemark_has_a_name_or_an_id() -> None:
    assert problems(document(placemark(name=""))) == [("chart.missing", "x.kml line 2 Placemark.name")]
    assert read_one(document(placemark(name="", data=HEIGHTS | {"id": "A"}))).name.en == "A"
    assert read_one(document(placemark(name=" A\n  B "))).name.en == "A B"


def test_names_that_come_again_are_numbered_around_the_ids_that_are_given() -> None:
    marks = [
        placemark(),
        placemark(),
        placemark(data=HEIGHTS | {"id": "Zone"}),
        placemark(data=HEIGHTS | {"id": "Zone (2)"}),
    ]
    ids = [zone.id for zone in read_kml(document(*marks), "x.kml").zones]
    assert ids == ["Zone (3)", "Zone (4)", "Zone", "Zone (2)"]


def test_an_id_given_twice_is_refused() -> None:
    marks = [placemark(data=HEIGHTS | {"id": "A"})] * 2
    assert problems(document(*marks)) == [("zone.id", "x.kml line 3 Placemark.id")]


# Layers


def layers(*numbers: str, **changed: str) -> bytes:
    return document(*(placemark(data=HEIGHTS | {"id": "A", "layer": number} | changed) for number in numbers))


def test_layers_are_joined_in_their_order() -> None:
    low, high = HEIGHTS | {"id": "A", "layer": "1/2"}, HEIGHTS | {"id": "A", "layer": "2/2", "ceiling_m": "500"}
    zone = read_one(document(placemark(data=high), placemark(data=low)))
    assert [layer.ceiling.value_m for layer in zone.layers] == [120.0, 500.0]


@pytest.mark.parametrize(
    "numbers", [("1/2",), ("2/2",), ("1/2", "1/2"), ("1/3", "2/3"), ("1/2", "2/3"), ("1/2", "2/2", "2/2")]
)
def test_a_zone_of_which_a_layer_is_missing_is_not_half_read(numbers: tuple[str, ...]) -> None:
    reading = read_kml(layers(*numbers), "x.kml")
    assert reading.zones == ()
    assert [reason.rule.code for reason in reading.reasons] == ["kml.layer"]


def test_a_zone_of_which_a_layer_is_spoiled_is_not_half_read() -> None:
    bad = placemark(data=HEIGHTS | {"id": "A", "layer": "2/2", "ceiling_m": "x"})
    reading = read_kml(document(placemark(data=HEIGHTS | {"id": "A", "layer": "1/2"}), bad), "x.kml")
    assert reading.zones == ()
    assert [reason.rule.code for reason in reading.reasons] == ["kml.data", "kml.layer"]


def test_layers_that_disagree_are_refused() -> None:
    marks = [
        placemark(data=HEIGHTS | {"id": "A", "layer": f"{i}/2", "kind": kind})
        for i, kind in ((1, "power"), (2, "fuel"))
    ]
    assert problems(document(*marks)) == [("kml.layer", "x.kml line 2 Placemark")]


# Files


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "kml.xml"),
        (b"hello", "kml.xml"),
        (b"<kml>", "kml.xml"),
        (b"<kml></kml></kml>", "kml.xml"),
        (b'<?xml version="1.0" encoding="nonsense"?><kml/>', "kml.xml"),
        (b"<svg/>", "kml.root"),
        (b'<kml xmlns="http://example.org/"/>', "kml.root"),
        (b"<kml/>", "kml.empty"),
        (document(), "kml.empty"),
        (document('<Placemark><ExtendedData><Data name="drawing_of"/></ExtendedData></Placemark>'), "kml.empty"),
        (document("<NetworkLink/>"), "kml.link"),
        (document("<Balloon/>"), "kml.element"),
        (document(placemark(more="<Balloon/>")), "kml.element"),
        (b"PK\x03\x04 nonsense", "kml.zip"),
        (archive(), "kml.archive"),
        (archive(b"<kml/>", b"<kml/>"), "kml.archive"),
    ],
)
def test_a_file_that_is_no_chart_is_refused_by_name(data: bytes, code: str) -> None:
    assert [found for found, _ in problems(data)] == [code]


ENTITIES = '<!DOCTYPE kml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("head", [ENTITIES, '<!DOCTYPE kml SYSTEM "file:///etc/passwd">', "<!DOCTYPE kml>"])
def test_declarations_are_refused_unseen(head: str) -> None:
    assert problems(head.encode() + document(placemark())) == [("kml.dtd", "x.kml line 1")]


def test_depth_and_number_of_elements_have_limits() -> None:
    deep = b"<kml>" + b"<Folder>" * 100_000
    many = b"<kml>" + b"<a/>" * 200_000
    foreign = b"<kml>" + b"<x:a xmlns:x='y'>" * 100_000
    assert [problems(data) for data in (deep, many, foreign)] == [[("kml.large", "x.kml line 1")]] * 3


def test_an_archive_that_unpacks_to_a_thousand_times_its_size_is_refused() -> None:
    bomb = archive(b"<kml>" + b" " * 2 * kml_tree.LEAST_BOMB_BYTES)
    assert len(bomb) < 10_000
    assert problems(bomb) == [("kml.zip", "x.kml")]


def test_a_document_larger_than_any_chart_is_refused() -> None:
    assert problems(b"<kml>" + b" " * kml_tree.MOST_KML_BYTES) == [("kml.large", "x.kml")]


def test_data_of_more_members_than_any_zone_has_are_refused() -> None:
    crowd = json.dumps({"a": [0] * 50_002})
    assert problems(document(placemark(data=HEIGHTS | {"extra": crowd}))) == [
        ("kml.large", "x.kml line 2 Placemark extra")
    ]


def test_an_archive_that_lies_about_a_size_is_refused() -> None:
    honest = bytearray(archive(document(placemark())))
    at = honest.index(b"PK\x01\x02")
    honest[at + 24 : at + 28] = (10).to_bytes(4, "little")
    assert [code for code, _ in problems(bytes(honest))] == ["kml.zip"]


def test_an_archive_with_a_password_or_another_compression_is_refused() -> None:
    locked = bytearray(archive(document(placemark())))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(magic) + offset] |= 1
    assert [code for code, _ in problems(bytes(locked))] == ["kml.zip"]
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_BZIP2) as kmz:
        kmz.writestr("doc.kml", document(placemark()))
    assert [code for code, _ in problems(held.getvalue())] == ["kml.zip"]


def test_an_archive_of_too_many_files_or_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kml_tree, "MOST_MEMBERS", 1)
    assert problems(archive(b"<kml/>", b"<kml/>")) == [("kml.large", "x.kml")]
    monkeypatch.setattr(kml_tree, "MOST_BYTES", 10)
    assert problems(archive(b"<kml/>")) == [("chart.unreadable", "x.kml")]


def test_pictures_beside_the_chart_are_passed_over() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as kmz:
        kmz.writestr("files/icon.png", b"\x89PNG")
        kmz.writestr("Chart.KML", document(placemark()))
    assert read_one(held.getvalue()).name.en == "Zone"


def test_a_file_of_nothing_but_problems_is_given_up() -> None:
    found = problems(document(*[placemark(data={})] * 2000))
    assert len(found) == MOST_REASONS + 2
    assert found[-1][0] == "chart.problems"


def test_good_placemarks_are_read_beside_bad_ones() -> None:
    reading = read_kml(document(placemark(data={}), placemark(name="Good")), "x.kml")
    assert [zone.id for zone in reading.zones] == ["Good"]
    assert [(reason.rule.code, reason.where) for reason in reading.reasons] == [
        ("kml.height", "x.kml line 2 Placemark")
    ]


def test_drawings_and_styles_are_passed_over() -> None:
    display = "<Style id='s'><PolyStyle/></Style><visibility>0</visibility><LookAt/><open>1</open>"
    square = polygon(extra="<tessellate>1</tessellate><gx:drawOrder>1</gx:drawOrder>")
    zone = read_one(document(display, "<GroundOverlay/>", placemark(square, more=display + "<styleUrl>#s</styleUrl>")))
    assert zone == read_one(document(placemark()))


@pytest.mark.parametrize(
    ("name", "zones", "codes"),
    [
        ("tracks/zurich.kml", 4, {"kml.height": 6, "kml.sheet": 4, "kml.line": 2, "kml.point": 2}),
        ("routes/stvnfrnk/template.kml", 0, {"kml.empty": 1}),
    ],
)
def test_what_is_no_zone_in_a_real_file_is_refused_for_that(name: str, zones: int, codes: dict[str, int]) -> None:
    path: Path = REAL / name
    if not path.exists():
        pytest.skip("the shared data is not here")
    reading = read_kml(path.read_bytes(), path.name)
    found: dict[str, int] = {}
    for reason in reading.reasons:
        found[reason.rule.code] = found.get(reason.rule.code, 0) + 1
    assert (len(reading.zones), found) == (zones, codes)


def test_a_schedule_of_our_own_stands_beside_a_time_span() -> None:
    schedule = json.dumps({"periods": [{"start": "08:00", "end": "17:00"}], "zone": "Asia/Shanghai"})
    text = placemark(data=HEIGHTS | {"schedule": schedule}, more="<TimeSpan><begin>2026</begin></TimeSpan>")
    zone = read_one(document(text))
    assert zone.schedule.windows == ((utc_s("2026-01-01"), FOREVER_S),)
    assert zone.schedule.zone == "Asia/Shanghai"
    assert "<TimeSpan>" in kml([zone])
    assert '"active"' not in kml([zone])
