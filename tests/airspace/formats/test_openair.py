"""OpenAir records: what each says, and by which name a wrong one is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon

from airspace.charted import UNLIMITED, ChartedZone, Circle, Corridor, Restriction
from airspace.formats import openair
from airspace.formats.chart import MOST_REASONS
from airspace.formats.openair import MOST_ZONES, read_openair
from airspace.formats.openair_classes import CLASSES, STRICTNESS, TYPES, kind_and_restriction
from airspace.frames import Datum, Height, LatLon
from airspace.schedules import ALWAYS, BEGINNING_S
from airspace.volumes import FOREVER_S
from airspace.zone_kinds import ZONE_KINDS

SQUARE = "DP 34:40:00 N 113:40:00 E\nDP 34:40:00 N 113:50:00 E\nDP 34:30:00 N 113:50:00 E\nDP 34:30:00 N 113:40:00 E\n"
CENTRE = "V X=34:44:48 N 113:37:30 E\n"


def block(shape: str = SQUARE, **fields: str | None) -> str:
    """A zone from the ground to 3000 ft; a field of None leaves its record out."""
    given = {"AC": "R", "AN": "Zone", "AL": "GND", "AH": "3000ft AMSL", **fields}
    return "".join(f"{tag} {value}\n" for tag, value in given.items() if value is not None) + shape


def read_one(text: str | bytes) -> ChartedZone:
    reading = read_openair(text.encode() if isinstance(text, str) else text, "x.txt")
    assert [reason.text() for reason in reading.reasons] == []
    (zone,) = reading.zones
    return zone


def problems(text: str | bytes) -> list[tuple[str, str]]:
    """Code and place of each reason; that the words can be told is checked on the way."""
    reading = read_openair(text.encode() if isinstance(text, str) else text, "x.txt")
    assert all(reason.text("en") and reason.text("zh") for reason in reading.reasons)
    return [(reason.rule.code, reason.where) for reason in reading.reasons]


# Heights


@pytest.mark.parametrize(
    ("text", "height"),
    [
        ("GND", Height(0.0, Datum.AGL)),
        ("SFC", Height(0.0, Datum.AGL)),
        ("sfc", Height(0.0, Datum.AGL)),
        ("0", Height(0.0, Datum.AGL)),
        ("0 ft", Height(0.0, Datum.AGL)),
        ("0 ft AMSL", Height(0.0, Datum.AMSL)),
        ("0 ft AGL", Height(0.0, Datum.AGL)),
        ("1000ft", Height(304.8, Datum.AMSL)),
        ("1000 ft MSL", Height(304.8, Datum.AMSL)),
        ("1000FT AMSL", Height(304.8, Datum.AMSL)),
        ("1000F ASL", Height(304.8, Datum.AMSL)),
        ("100 Agl", Height(30.48, Datum.AGL)),
        ("100m GND", Height(100.0, Datum.AGL)),
        ("100 m AGL", Height(100.0, Datum.AGL)),
        ("50 GND", Height(50 * 0.3048, Datum.AGL)),
        ("450.5m AMSL", Height(450.5, Datum.AMSL)),
        ("450MSL", Height(450 * 0.3048, Datum.AMSL)),
        ("500 ASFC", Height(500 * 0.3048, Datum.AGL)),
        ("-100 ft AMSL", Height(-30.48, Datum.AMSL)),
        ("FL10", Height(304.8, Datum.PRESSURE)),
        ("FL 10", Height(304.8, Datum.PRESSURE)),
        ("1000 STD", Height(304.8, Datum.PRESSURE)),
        ("300m STD", Height(300.0, Datum.PRESSURE)),
        ("1000ft AGL (Mo-Fri)", Height(304.8, Datum.AGL)),
    ],
)
def test_a_floor_is_read_over_its_datum(text: str, height: Height) -> None:
    floor = read_one(block(AL=text, AH="FL300")).layers[0].floor
    assert floor.datum is height.datum
    assert floor.value_m == pytest.approx(height.value_m, abs=1e-9)


@pytest.mark.parametrize(
    "text", ["UNL", "UNLIM", "UNLIMITED", "UNLTD", "unl", "UNLIM (Mon-Fri)", "FL999", "99999 ft", "40000m"]
)
def test_a_ceiling_without_a_limit_is_above_all_flying(text: str) -> None:
    assert read_one(block(AH=text)).layers[0].ceiling == UNLIMITED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ask on 122.8",
        "100m AGL/423m AMSL",
        "1000 ft AGL AMSL",
        "FL",
        "FL-10",
        "1,000 ft",
        "1000 yd",
        "AGL",
        "1e3",
        "٣٠",
    ],
)
def test_a_height_that_says_two_things_or_none_is_refused(text: str) -> None:
    assert problems(block(AH=text)) == [("openair.height", "x.txt line 4 AH")]


def test_a_floor_has_a_limit() -> None:
    assert problems(block(AL="UNL")) == [("openair.height", "x.txt line 3 AL")]


@pytest.mark.parametrize(
    ("floor", "code"), [("-2000 ft", "chart.range"), ("-1 ft AGL", "chart.range"), ("99999 ft", "chart.range")]
)
def test_a_floor_out_of_range_is_refused(floor: str, code: str) -> None:
    assert problems(block(AL=floor)) == [(code, "x.txt line 3 AL")]


@pytest.mark.parametrize(
    ("floor", "ceiling", "code"),
    [("3000ft", "3000ft AMSL", "zone.flat"), ("FL100", "FL95", "zone.heights"), ("GND", "SFC", "zone.flat")],
)
def test_a_zone_has_its_floor_under_its_ceiling(floor: str, ceiling: str, code: str) -> None:
    assert problems(block(AL=floor, AH=ceiling)) == [(code, "x.txt line 4 AH")]


def test_heights_over_two_datums_are_compared_where_the_zone_is_laid() -> None:
    layer = read_one(block(AL="FL100", AH="500m AGL")).layers[0]
    assert (layer.floor.datum, layer.ceiling.datum) == (Datum.PRESSURE, Datum.AGL)


@pytest.mark.parametrize("tag", ["AL", "AH"])
def test_a_zone_without_a_height_is_refused(tag: str) -> None:
    text = "".join(line for line in block().splitlines(keepends=True) if not line.startswith(tag))
    assert problems(text) == [("openair.missing", "x.txt line 1")]


# Positions


@pytest.mark.parametrize(
    ("text", "lat_deg", "lon_deg"),
    [
        ("34:44:48 N 113:37:30 E", 34 + 44 / 60 + 48 / 3600, 113.625),
        ("34:44:48N 113:37:30E", 34 + 44 / 60 + 48 / 3600, 113.625),
        ("34:44:48.50N 113:37:30.25E", 34 + 44 / 60 + 48.5 / 3600, 113 + 37 / 60 + 30.25 / 3600),
        ("34:44.8N 113:37.5E", 34 + 44.8 / 60, 113.625),
        ("34.7466 N 113.625 E", 34.7466, 113.625),
        ("34:44:48 S 113:37:30 W", -(34 + 44 / 60 + 48 / 3600), -113.625),
        ("34:44:48 s 113:37:30 w", -(34 + 44 / 60 + 48 / 3600), -113.625),
        ("34:44:48N113:37:30E", 34 + 44 / 60 + 48 / 3600, 113.625),
        ("34:44:48 N, 113:37:30 E", 34 + 44 / 60 + 48 / 3600, 113.625),
        ("34:44:48 N 113:37:30 E   c29", 34 + 44 / 60 + 48 / 3600, 113.625),
        ("34:44:48 N 113:37:30 E * the tower", 34 + 44 / 60 + 48 / 3600, 113.625),
        ("90:00:00 N 180:00:00 W", 90.0, -180.0),
    ],
)
def test_a_position_is_degrees_with_minutes_and_seconds_or_decimals(text: str, lat_deg: float, lon_deg: float) -> None:
    circle = read_one(block(f"V X={text}\nDC 5\n")).layers[0].shape
    assert isinstance(circle, Circle)
    assert circle.centre.lat_deg == pytest.approx(lat_deg, abs=1e-12)
    assert circle.centre.lon_deg == pytest.approx(lon_deg, abs=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "113:37:30 E 34:44:48 N",
        "34:44:48 N",
        "34:60:00 N 113:37:30 E",
        "34:44:60 N 113:37:30 E",
        "34.5:44:48 N 113:37:30 E",
        "90:00:01 N 113:37:30 E",
        "34:44:48 N 180:00:01 E",
        "34:44:48 113:37:30",
        "-34:44:48 N 113:37:30 E",
        "34:44:48 N 113:37:30 E 34:44:48 N 113:37:30 E",
        "34,74 N 113,62 E",
        "",
    ],
)
def test_a_position_that_cannot_be_meant_is_refused(text: str) -> None:
    assert ("openair.position", "x.txt line 5 DP") in problems(block(f"DP {text}\n" + SQUARE))


@given(st.floats(-89.9, 89.9), st.floats(-179.9, 179.9), st.integers(0, 2))
def test_a_position_written_in_any_form_comes_back(lat_deg: float, lon_deg: float, form: int) -> None:
    def angle(value_deg: float, positive: str, negative: str) -> str:
        sign, degrees = positive if value_deg >= 0 else negative, abs(value_deg)
        if form == 0:
            return f"{degrees:.9f}{sign}"
        if form == 1:
            whole, minutes = divmod(round(degrees * 60, 7), 60)
            return f"{whole:.0f}:{minutes:.7f}{sign}"
        whole, seconds = divmod(round(degrees * 3600, 5), 3600)
        return f"{whole:.0f}:{seconds // 60:.0f}:{seconds % 60:.5f} {sign}"

    text = f"V X={angle(lat_deg, 'N', 'S')} {angle(lon_deg, 'E', 'W')}\nDC 5\n"
    circle = read_one(block(text)).layers[0].shape
    assert isinstance(circle, Circle)
    assert circle.centre.distance_m(LatLon(lat_deg, lon_deg)) < 0.002


# Shapes


def test_a_circle_stays_a_circle() -> None:
    circle = read_one(block(CENTRE + "DC 5.5\n")).layers[0].shape
    assert isinstance(circle, Circle)
    assert circle.radius_m == pytest.approx(5.5 * 1852)


def test_corners_make_a_polygon_closed_or_not() -> None:
    shape = read_one(block(SQUARE)).layers[0].shape
    assert isinstance(shape, Polygon)
    assert shape.equals(read_one(block(SQUARE + SQUARE.splitlines()[0] + "\n")).layers[0].shape)
    assert shape.bounds == pytest.approx((113 + 40 / 60, 34.5, 113 + 50 / 60, 34 + 40 / 60))


def test_an_airway_is_as_wide_as_its_width_in_all() -> None:
    shape = read_one(block("V W=8\nDY 34:00:00N 113:00:00E\nDY 34:30:00N 113:20:00E\n")).layers[0].shape
    assert shape == Corridor((LatLon(34.0, 113.0), LatLon(34.5, 113 + 20 / 60)), 4 * 1852.0)


def test_the_direction_begins_clockwise_in_each_zone() -> None:
    arc = "DA 5,0,90\nDP 34:44:48 N 113:37:30 E\n"
    one, other = (
        zone.layers[0].shape
        for zone in read_openair((block(CENTRE + "V D=-\n" + arc) + block(CENTRE + arc)).encode(), "x").zones
    )
    assert isinstance(one, Polygon)
    assert isinstance(other, Polygon)
    assert one.area == pytest.approx(3 * other.area, rel=0.01)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("", [("openair.no-shape", "x.txt line 1")]),
        ("DC 5\n", [("openair.centre", "x.txt line 5 DC")]),
        ("DA 5,0,90\n", [("openair.centre", "x.txt line 5 DA")]),
        ("DB 34:44:48 N 113:37:30 E, 34:40:00 N 113:37:30 E\n", [("openair.centre", "x.txt line 5 DB")]),
        (CENTRE + "DC 5\nDC 6\n", [("openair.shapes", "x.txt line 1")]),
        (CENTRE + "DC 5\n" + SQUARE, [("openair.shapes", "x.txt line 1")]),
        (SQUARE + "V W=2\nDY 34:00:00N 113:00:00E\nDY 34:30:00N 113:20:00E\n", [("openair.shapes", "x.txt line 1")]),
        ("DY 34:00:00N 113:00:00E\nDY 34:30:00N 113:20:00E\n", [("openair.width", "x.txt line 1")]),
        ("V W=2\nDY 34:00:00N 113:00:00E\n", [("outline.line", "x.txt line 1")]),
        (CENTRE + "DC -5\n", [("openair.numbers", "x.txt line 6 DC")]),
        (CENTRE + "DC 0\n", [("chart.range", "x.txt line 6 DC")]),
        (CENTRE + "DC 5 km\n", [("openair.numbers", "x.txt line 6 DC")]),
        (CENTRE + "DA 5,0\n", [("openair.numbers", "x.txt line 6 DA")]),
        (CENTRE + "DA 5,0,361\n", [("chart.range", "x.txt line 6 DA")]),
        (CENTRE + "DA 5,90,90\n", [("openair.arc", "x.txt line 6 DA")]),
        (CENTRE + "DA 0,0,90\n", [("openair.arc-size", "x.txt line 6 DA")]),
        (CENTRE + "DA 500,0,90\n", [("openair.arc-size", "x.txt line 6 DA")]),
        (CENTRE + "DB 34:44:48 N 113:37:30 E\n", [("openair.position", "x.txt line 6 DB")]),
        (CENTRE + "DB 34:44:00 N 113:37:30 E, 34:44:00 N 113:37:30 E\n", [("openair.arc", "x.txt line 6 DB")]),
        (CENTRE + "DB 34:50:00 N 113:37:30 E, 34:30:00 N 113:37:30 E\n", [("openair.radius", "x.txt line 6 DB")]),
        ("V D=5\n" + SQUARE, [("openair.variable", "x.txt line 5 V")]),
        ("V Q=5\n" + SQUARE, [("openair.variable", "x.txt line 5 V")]),
        ("V X\n" + SQUARE, [("openair.variable", "x.txt line 5 V")]),
        ("".join(SQUARE.splitlines(keepends=True)[:2]), [("outline.short", "x.txt line 1")]),
        ("".join(SQUARE.splitlines(keepends=True)[i] for i in (0, 2, 1, 3)), [("outline.crossing", "x.txt line 1")]),
    ],
)
def test_a_shape_that_cannot_be_drawn_is_refused_by_name(shape: str, expected: list[tuple[str, str]]) -> None:
    assert problems(block(shape)) == expected


def test_a_centre_of_another_zone_is_not_borrowed() -> None:
    assert problems(block(CENTRE + "DC 5\n") + block("DC 5\n", AN="Other")) == [("openair.centre", "x.txt line 11 DC")]


def test_zoom_is_passed_over() -> None:
    assert read_one(block("V Z=100\n" + SQUARE)).layers == read_one(block()).layers


# Names, ids, classes, times


def test_an_id_is_given_or_made_of_the_name() -> None:
    text = block(AI="one") + block(AN="Sector") + block(AN="Sector") + block(AN="Sector (2)")
    text += "AC D\nAL GND\nAH FL10\n" + SQUARE
    ids = [zone.id for zone in read_openair(text.encode(), "x.txt").zones]
    assert ids == ["one", "Sector", "Sector (2)", "Sector (2) (2)", "openair line 34"]


def test_an_id_given_twice_is_refused() -> None:
    assert problems(block(AI="one") + block(AI="one")) == [("zone.id", "x.txt line 10 AI")]


def test_a_zone_without_a_name_is_called_by_its_kind() -> None:
    zone = read_one("AC CTR\nAL GND\nAH FL10\n" + SQUARE)
    assert (zone.name.en, zone.name.zh) == ("control zone", "管制地带")


def test_white_space_in_a_name_is_evened_out() -> None:
    assert read_one(block(AN="  CTR \t Zheng\u00a0zhou ")).name.en == "CTR Zheng zhou"


def test_a_name_that_cannot_be_shown_is_refused() -> None:
    assert problems(block(AN="A\x07B")) == [("chart.shape", "x.txt line 2 AN")]


@pytest.mark.parametrize("token", [*CLASSES, *TYPES])
def test_every_class_has_a_kind_with_words_and_a_rule_that_names_it(token: str) -> None:
    zone = read_one(block(AC=token))
    assert zone.kind in ZONE_KINDS
    assert zone.rule.en.endswith(f"charted as AC {token}")
    assert zone.rule.zh.endswith(f"航图标注为 AC {token}")
    assert read_one(block(AC=token.lower())).kind == zone.kind


@pytest.mark.parametrize(
    ("class_token", "type_token", "kind", "restriction"),
    [
        ("D", "TMA", "control-area", Restriction.AUTHORISATION),
        ("G", "ATZ", "aerodrome-traffic", Restriction.AUTHORISATION),
        ("E", "RMZ", "radio-mandatory", Restriction.CONDITIONAL),
        ("C", "RMZ", "radio-mandatory", Restriction.AUTHORISATION),
        ("UNC", "P", "no-fly", Restriction.PROHIBITED),
        ("UNC", "FIS", "information-region", Restriction.NONE),
        ("UNC", "", "unclassified", Restriction.CONDITIONAL),
        ("G", "NONE", "class-g", Restriction.NONE),
        ("G", "", "class-g", Restriction.NONE),
        ("R", "", "restricted", Restriction.AUTHORISATION),
    ],
)
def test_a_type_names_the_kind_and_the_stricter_of_both_decides(
    class_token: str, type_token: str, kind: str, restriction: Restriction
) -> None:
    fields = {"AC": class_token} | ({"AY": type_token} if type_token else {})
    zone = read_one(block(**fields))
    assert (zone.kind, zone.restriction) == (kind, restriction)


@given(st.sampled_from(sorted(set(CLASSES) - {"UNC", "UNCLASSIFIED"})), st.sampled_from(sorted(TYPES)))
def test_a_type_never_asks_for_less_than_its_class(class_token: str, type_token: str) -> None:
    by_class, both = kind_and_restriction(class_token, ""), kind_and_restriction(class_token, type_token)
    assert by_class is not None
    assert both is not None
    assert STRICTNESS.index(both[1]) >= STRICTNESS.index(by_class[1])


@pytest.mark.parametrize(
    ("fields", "tag"), [({"AC": "XYZ"}, "AC"), ({"AC": "D", "AY": "XYZ"}, "AY"), ({"AC": ""}, "AC")]
)
def test_an_unknown_class_or_type_is_refused(fields: dict[str, str], tag: str) -> None:
    ((code, where),) = problems(block(**fields))
    assert code == "openair.class"
    assert where.endswith(f" {tag}")


def utc_s(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("lines", "windows"),
    [
        (["2026-05-18T09:00Z/2026-05-18T12:00Z"], [(utc_s(2026, 5, 18, 9), utc_s(2026, 5, 18, 12))]),
        (["2026-05-18T09:00:30Z/2026-05-18T24:00Z"], [(utc_s(2026, 5, 18, 9, 0, 30), utc_s(2026, 5, 19))]),
        (["2026-05-18T09:00Z/NONE"], [(utc_s(2026, 5, 18, 9), FOREVER_S)]),
        (["NONE/2026-05-18T09:00Z ; until then"], [(BEGINNING_S, utc_s(2026, 5, 18, 9))]),
        (
            ["2026-05-19T09:00Z/2026-05-19T12:00Z", "2026-05-18T09:00Z/2026-05-18T12:00Z"],
            [(utc_s(2026, 5, 18, 9), utc_s(2026, 5, 18, 12)), (utc_s(2026, 5, 19, 9), utc_s(2026, 5, 19, 12))],
        ),
    ],
)
def test_activation_times_are_windows(lines: list[str], windows: list[tuple[float, float]]) -> None:
    text = block("".join(f"AA {line}\n" for line in lines) + SQUARE)
    assert list(read_one(text).schedule.windows) == windows


def test_a_zone_activated_nobody_knows_when_counts_as_active_always() -> None:
    zone = read_one(block(AA="NONE"))
    assert zone.schedule == ALWAYS
    assert zone.extra["openair"]["AA"] == ["NONE"]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["2026-05-18T09:00Z"], "openair.times"),
        (["2026-05-18T09:00/2026-05-18T12:00"], "openair.times"),
        (["2026-05-18T09:00+08:00/2026-05-18T12:00+08:00"], "openair.times"),
        (["2026-06-31T09:00Z/2026-07-18T12:00Z"], "openair.times"),
        (["2026-05-18T24:01Z/2026-07-18T12:00Z"], "openair.times"),
        (["2026-05-18T12:00Z/2026-05-18T12:00Z"], "zone.times"),
        (["NONE/NONE/NONE"], "openair.times"),
        (["NONE", "2026-05-18T09:00Z/2026-05-18T12:00Z"], "openair.times-none"),
    ],
)
def test_an_activation_time_that_is_none_is_refused(lines: list[str], code: str) -> None:
    text = block("".join(f"AA {line}\n" for line in lines) + SQUARE)
    assert problems(text) == [(code, "x.txt line 5 AA")]


def test_a_transponder_code_has_four_digits() -> None:
    assert problems(block(AX="70")) == [("openair.numbers", "x.txt line 5 AX")]


# Records and files


def test_what_has_no_field_is_kept_as_the_file_says_it() -> None:
    shape = "AF 118.1\nAF 119.2\nAG Tower\nAR 120.0\n" + SQUARE
    zone = read_one(block(shape, AC="D", AY="CTR", AI="ctr", AX="7000"))
    kept = zone.extra["openair"]
    assert {tag: kept[tag] for tag in ("AC", "AY", "AI", "AX", "AF", "AG", "AR")} == {
        "AC": "D", "AY": "CTR", "AI": "ctr", "AX": "7000", "AF": ["118.1", "119.2"], "AG": ["Tower"], "AR": ["120.0"],
    }  # fmt: skip
    assert kept["line"] == 1
    assert kept["lines"][-4:] == SQUARE.splitlines()
    assert zone.source is not None
    assert (zone.source.file, zone.source.feature, zone.source.format) == ("x.txt", "line 1", "openair")


def test_what_only_draws_is_passed_over() -> None:
    display = "SP 0,1,255,0,0\nSB -1,-1,-1\nAT 34:00:00 N 113:00:00 E\n* a comment\n\n"
    terrain = "TO a lake\nDP 34:00:00 N 113:00:00 E\nV X=34:00:00 N 113:00:00 E\nDC 5\n"
    reading = read_openair((display + block(display + SQUARE) + terrain + block(AN="Next")).encode(), "x.txt")
    assert reading.reasons == ()
    assert [zone.id for zone in reading.zones] == ["Zone", "Next"]


def test_an_unknown_record_is_told_and_its_zone_left_out() -> None:
    text = block("XX 1\n" + SQUARE) + block(AN="Good")
    reading = read_openair(text.encode(), "x.txt")
    assert [(reason.rule.code, reason.where) for reason in reading.reasons] == [("openair.record", "x.txt line 5")]
    assert [zone.id for zone in reading.zones] == ["Good"]


def test_records_before_the_first_zone_are_told_once() -> None:
    assert problems("AN A\nAL GND\n" + SQUARE + block()) == [("openair.orphan", "x.txt line 1")]


@pytest.mark.parametrize("record", ["AN Zone", "AL GND", "AH FL10", "AY CTR", "AI x", "AX 7000"])
def test_a_record_that_comes_once_is_refused_twice(record: str) -> None:
    text = f"AC R\n{record}\n* between\n{record}\n" + block(SQUARE).partition("\n")[2]
    assert ("openair.repeated", f"x.txt line 4 {record[:2]}") in problems(text)


def test_all_problems_of_a_zone_are_told_together() -> None:
    text = block("DP here\nDC x\n", AC="XYZ", AL="low", AH="high")
    codes = [code for code, _ in problems(text)]
    assert codes == [
        "openair.position",
        "openair.numbers",
        "openair.centre",
        "openair.class",
        "openair.height",
        "openair.height",
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_of_three_ways(end: str) -> None:
    assert read_one(block().replace("\n", end)).name.en == "Zone"
    assert problems(block(AH="x").replace("\n", end)) == [("openair.height", "x.txt line 4 AH")]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "Kőszeg 北辰"), ("utf-8-sig", "Kőszeg"), ("cp1252", "München – “Süd”"), ("latin-1", "Höhe")],
)
def test_text_is_utf_8_and_what_is_not_is_windows_1252(encoding: str, name: str) -> None:
    assert read_one(block(AN=name).encode(encoding)).name.en == name


def test_a_byte_that_is_in_neither_is_shown_as_lost() -> None:
    assert read_one(block(AN="A").encode().replace(b"AN A", b"AN A\x81\xe4")).name.en == "A\ufffdä"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", [("openair.empty", "x.txt")]),
        (b"* nothing but a comment\n", [("openair.empty", "x.txt")]),
        (block().encode("utf-16"), [("openair.binary", "x.txt")]),
        (b"PK\x03\x04\0\0", [("openair.binary", "x.txt")]),
    ],
)
def test_a_file_that_is_no_chart_is_refused(data: bytes, expected: list[tuple[str, str]]) -> None:
    assert problems(data) == expected


def test_a_file_of_too_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openair, "MOST_BYTES", 10)
    assert problems(block()) == [("chart.unreadable", "x.txt")]


def test_a_line_without_an_end_is_refused() -> None:
    assert problems(block(AN="A" * 2000)) == [("openair.long", "x.txt line 2")]


def test_a_file_of_nothing_but_problems_is_given_up() -> None:
    found = problems("what is this\n" * 100_000)
    assert len(found) == MOST_REASONS + 2
    assert found[-1][0] == "chart.problems"


def test_more_corners_of_arcs_than_any_country_has_are_not_drawn() -> None:
    text = "".join(block(CENTRE + "DA 5,0,360\n" * 70, AI=str(i)) for i in range(40))
    assert problems(text)[-1][0] == "openair.much"


def test_more_zones_than_any_country_has_are_not_read() -> None:
    assert problems(block(CENTRE + "DC 5\n", AN=None) * (MOST_ZONES + 1)) == [
        ("openair.much", f"x.txt line {5 * MOST_ZONES + 1}")
    ]


def test_more_records_than_a_zone_can_have_are_not_read() -> None:
    reading = read_openair((block("AF 118.1\n" * 20_000 + SQUARE) + block(AN="Next")).encode(), "x.txt")
    assert [(reason.rule.code, reason.where) for reason in reading.reasons] == [("openair.much", "x.txt line 1")]
    assert [zone.id for zone in reading.zones] == ["Next"]


def test_an_outline_of_too_many_corners_is_refused() -> None:
    assert problems(block(CENTRE + "DA 5,0,360\n" * 90)) == [("outline.many", "x.txt line 1")]
