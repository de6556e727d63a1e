from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.frames import LatLon
from airspace.reasons import Lang, Reason, Refused
from missions.request import parse_request, read_request
from tests.missions.scenario import ALTERNATE, EXAMPLE, PRIMARY

LANGUAGES: tuple[Lang, ...] = ("en", "zh")

GOOD = """\
beichen: 1
name: gas-main
title: {zh: 燃气干线, en: Gas main}
kind: corridor
frame: CGCS2000
line:
  - {lat_deg: 34.7466, lon_deg: 113.6050}
  - {lat_deg: 34.7552, lon_deg: 113.6330}
targets:
  - {name: M01, lat_deg: 34.7466, lon_deg: 113.6050}
  - {name: M02, lat_deg: 34.7500, lon_deg: 113.6150}
height_agl_m: 45
speed_mps: 8
camera: {spacing_m: 12, max_target_distance_m: 20}
land: {dock: 410105-LP-000003, alternates: [410105-LP-000004]}
priority: 10
requested_by: operations
when: {not_before: 2026-05-18T09:00:00+08:00, deadline: 2026-05-18T10:00:00+08:00}
limits: {max_wind_mps: 10, reserve_fraction: 0.3}
"""

# What to replace, with what; the line, field and rule of the one reason that must follow.
BAD = [
    ("beichen: 1", "beichen: 2", 1, "beichen", "request.choice"),
    ("beichen: 1\n", "", 1, "beichen", "request.missing-field"),
    ("name: gas-main", "name: ../etc", 2, "name", "request.format"),
    ("name: gas-main", "name: [a]", 2, "name", "request.type"),
    ("name: gas-main", "name: 7", 2, "name", "request.type"),
    ("title: {zh: 燃气干线, en: Gas main}", "title: {zh: 燃气干线}", 3, "title.en", "request.missing-field"),
    ("title: {zh: 燃气干线, en: Gas main}", "title: Gas main", 3, "title", "request.type"),
    ("kind: corridor", "kind: corridoor", 4, "kind", "request.choice"),
    ("kind: corridor", "type: corridor", 4, "type", "request.unknown-field"),
    ("frame: CGCS2000", "frame: WGS84", 5, "frame", "request.choice"),
    ("frame: CGCS2000", "frame: GCJ-02", 5, "frame", "request.choice"),
    ("frame: CGCS2000", "frame: cgcs2000", 5, "frame", "request.choice"),
    ("  - {lat_deg: 34.7552, lon_deg: 113.6330}\n", "", 7, "line", "request.count"),
    ("lat_deg: 34.7552, lon_deg", "lat_deg: 113.6330, lon_deg", 8, "line[1].lat_deg", "request.range"),
    ("lat_deg: 34.7552,", "lat_deg: north,", 8, "line[1].lat_deg", "request.type"),
    ("lat_deg: 34.7552,", "lat_deg: .nan,", 8, "line[1].lat_deg", "request.type"),
    ("lat_deg: 34.7552,", "lat_deg: '34.7552',", 8, "line[1].lat_deg", "request.type"),
    (
        "lat_deg: 34.7552, lon_deg: 113.6330",
        "lat_deg: 34.7466, lon_deg: 113.6050",
        8,
        "line[1].lat_deg",
        "request.contradiction",
    ),
    ("lat_deg: 34.7552,", "lat_deg: 36.7552,", 8, "line[1].lat_deg", "request.contradiction"),
    ("name: M02", "name: M01", 11, "targets[1].name", "request.duplicate"),
    ("name: M02,", "", 11, "targets[1].name", "request.missing-field"),
    ("height_agl_m: 45", "height_agl_m: 45 m", 12, "height_agl_m", "request.type"),
    ("height_agl_m: 45", "height_agl_m: -45", 12, "height_agl_m", "request.range"),
    ("height_agl_m: 45", "height_agl_m: 45\nheight_agl_m: 50", 13, "height_agl_m", "request.duplicate"),
    ("height_agl_m: 45", "height_agl_m: true", 12, "height_agl_m", "request.type"),
    ("height_agl_m: 45", "height_agl_m: 1e999", 12, "height_agl_m", "request.range"),
    ("speed_mps: 8", "speed_mps: 0", 13, "speed_mps", "request.range"),
    ("speed_mps: 8", "speed_mps:", 13, "speed_mps", "request.type"),
    ("speed_mps: 8", "speed_mps: 1:30", 13, "speed_mps", "request.type"),
    ("{spacing_m: 12, max", "{spacing_m: 12, overlap: 0.7, max", 14, "camera.spacing_m", "request.contradiction"),
    ("{spacing_m: 12, max", "{max", 14, "camera.spacing_m", "request.missing-field"),
    ("{spacing_m: 12, max", "{overlap: 0.7, max", 14, "camera.fov_deg", "request.missing-field"),
    ("{spacing_m: 12, max", "{overlap: 0.95, fov_deg: 5, max", 14, "camera.overlap", "request.contradiction"),
    ("camera: {spacing_m: 12, max_target_distance_m: 20}\n", "", 1, "camera", "request.missing-field"),
    ("{dock: 410105-LP-000003,", "{dock: 410105-LP-3,", 15, "land.dock", "request.format"),
    ("[410105-LP-000004]", "[410105-LP-000003]", 15, "land.alternates", "request.duplicate"),
    ("[410105-LP-000004]", "[4]", 15, "land.alternates[0]", "request.format"),
    ("[410105-LP-000004]", "410105-LP-000004", 15, "land.alternates", "request.type"),
    ("priority: 10", "priority: 1.5", 16, "priority", "request.type"),
    ("priority: 10", "priority: 101", 16, "priority", "request.range"),
    ("priority: 10", "permits: ZZ-PAD-1", 16, "permits", "request.type"),
    ("priority: 10", 'permits: [ZZ-PAD-1, ""]', 16, "permits[1]", "request.format"),
    ("requested_by: operations", 'requested_by: ""', 17, "requested_by", "request.format"),
    ("requested_by: operations\n", "", 1, "requested_by", "request.missing-field"),
    (
        "not_before: 2026-05-18T09:00:00+08:00",
        "not_before: 2026-05-18T09:00:00",
        18,
        "when.not_before",
        "request.format",
    ),
    ("not_before: 2026-05-18T09:00:00+08:00", "not_before: tomorrow", 18, "when.not_before", "request.format"),
    ("deadline: 2026-05-18T10:00:00", "deadline: 2026-05-18T08:00:00", 18, "when.deadline", "request.contradiction"),
    ("max_wind_mps: 10", "max_wind_mps: 99", 19, "limits.max_wind_mps", "request.range"),
    ("reserve_fraction: 0.3", "reserve_fraction: 30", 19, "limits.reserve_fraction", "request.range"),
    ("reserve_fraction: 0.3", "reserve: 0.3", 19, "limits.reserve", "request.unknown-field"),
    ("limits: {max_wind_mps: 10, reserve_fraction: 0.3}", "limits: []", 19, "limits", "request.type"),
]


def refused(text: str) -> tuple[Reason, ...]:
    with pytest.raises(Refused) as caught:
        parse_request(text, "request.yaml")
    return caught.value.reasons


def test_the_example_reads_as_it_says() -> None:
    request = read_request(EXAMPLE)
    assert request.docks == (PRIMARY, ALTERNATE)
    assert request.line[0] == LatLon(34.7466, 113.6050)
    assert len(request.targets) == 12
    assert (request.height_agl_m, request.speed_mps, request.camera.spacing_m) == (45.0, 8.0, 12.0)


def test_a_good_request_is_read_with_its_times() -> None:
    request = parse_request(GOOD, "request.yaml")
    assert request.not_before_s == 1779066000.0
    assert request.deadline_s == 1779069600.0
    assert (request.max_wind_mps, request.reserve_fraction, request.priority) == (10.0, 0.3, 10)
    assert request.permitted == frozenset()
    permits = GOOD.replace("priority: 10", "permits: [ZZ-SCHOOL-1, 校园 2]")
    assert parse_request(permits, "request.yaml").permitted == frozenset({"ZZ-SCHOOL-1", "校园 2"})


def test_what_may_be_left_out_may_be_left_out() -> None:
    lines = [
        line
        for line in GOOD.splitlines()
        if not line.startswith(("priority", "when", "limits", "targets", "  - {name"))
    ]
    request = parse_request("\n".join(lines), "request.yaml")
    assert request.targets == ()
    assert request.deadline_s is None
    assert request.reserve_fraction is None


@pytest.mark.parametrize(("old", "new", "line", "field", "rule"), BAD)
def test_each_wrong_field_gives_one_line_with_place_rule_and_remedy(
    old: str, new: str, line: int, field: str, rule: str
) -> None:
    assert GOOD.count(old) == 1
    reasons = refused(GOOD.replace(old, new))
    mine = [reason for reason in reasons if reason.rule.code == rule]
    assert [reason.where for reason in mine] == [f"request.yaml:{line} {field}"]
    # A field under a wrong name is both unknown and missing; nothing else may follow from one mistake.
    assert {reason.rule.code for reason in reasons} - {rule} <= {"request.missing-field"}
    assert len(reasons) == (2 if (old, new) == ("kind: corridor", "type: corridor") else 1)
    for lang in LANGUAGES:
        text = mine[0].text(lang)
        assert "\n" not in text
        assert "{" not in text.replace("{zh", "").replace("{spacing", "").replace("{dock", "")
        assert mine[0].rule.remedy.text(lang, mine[0].facts)
    assert mine[0].text("en") != mine[0].text("zh")


def test_all_problems_are_told_at_once() -> None:
    text = GOOD.replace("speed_mps: 8", "speed_mps: 80").replace("kind: corridor", "kind: area")
    text = text.replace("M02", "M01").replace("alternates", "alternate")
    assert [reason.where.split()[1] for reason in refused(text)] == [
        "kind",
        "targets[1].name",
        "speed_mps",
        "land.alternate",
    ]


def test_a_near_miss_of_a_name_is_guessed() -> None:
    (reason,) = (r for r in refused(GOOD.replace("height_agl_m", "height_m")) if r.rule.code == "request.unknown-field")
    assert reason.text("en").endswith("Did you mean height_agl_m?")


def test_foreign_frames_are_refused_with_what_they_are() -> None:
    (reason,) = refused(GOOD.replace("frame: CGCS2000", "frame: bd-09"))
    assert "Baidu" in reason.text("en")
    assert "百度" in reason.text("zh")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "request.yaml:1"),
        ("- 1\n", "request.yaml:1"),
        ("beichen: 1\n  name: x\n", "request.yaml:2"),
        ("beichen: [1\n", "request.yaml:2"),
        ("a: 1\n---\nb: 2\n", "request.yaml:2"),
        ("name: \x07\n", "request.yaml:1"),
        ("[" * 5000, "request.yaml:1"),
        ("a: &x 1\nb: *y\n", "request.yaml:2"),
    ],
)
def test_what_is_no_yaml_mapping_is_refused_at_its_line(text: str, where: str) -> None:
    assert refused(text)[0].where == where


def test_spacing_follows_from_overlap_and_field_of_view() -> None:
    text = GOOD.replace("spacing_m: 12", "overlap: 0.5, fov_deg: 90")
    assert parse_request(text, "x").camera.spacing_m == 45.0


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: 1\nb: \xe4"])
def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "request.yaml"
    path.write_bytes(content)
    with pytest.raises(Refused) as caught:
        read_request(path)
    assert caught.value.reasons[0].rule.code == "request.unreadable"


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        read_request(tmp_path / "none.yaml")
    assert caught.value.reasons[0].where.endswith("none.yaml")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 40), st.text(max_size=6))
def test_a_damaged_request_is_read_or_refused_and_never_anything_else(at: int, length: int, junk: str) -> None:
    try:
        parse_request(GOOD[:at] + junk + GOOD[at + length :], "request.yaml")
    except Refused as caught:
        assert caught.reasons  # noqa: PT017 -- either outcome is right
        for reason in caught.reasons:
            reason.text("en"), reason.text("zh")
