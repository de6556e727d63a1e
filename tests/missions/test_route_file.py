from __future__ import annotations

from pathlib import Path

import pytest

from airspace.frames import Datum, Height, LatLon
from airspace.reasons import Refused
from missions.route_file import parse_route, read_route

EXAMPLES = Path(__file__).parents[2] / "examples" / "zhengzhou"
GOOD = """\
beichen: 1
kind: route
name: river-crossing
frame: CGCS2000
departs: 2026-05-18T09:00:00+08:00
speed_mps: 8
climb_mps: 2.5
fix: rtk-fixed
wind_mps: 4
waypoints:
  - {lat_deg: 34.7466, lon_deg: 113.6050, height: {value_m: 60, datum: agl}}
  - {lat_deg: 34.7508, lon_deg: 113.6185, height: {value_m: 168, datum: amsl}, hold_s: 30}
"""


def reasons(text: str) -> list[str]:
    with pytest.raises(Refused) as refused:
        parse_route(text, "route.yaml")
    return [f"{reason.where} {reason.rule.code}" for reason in refused.value.reasons]


def test_a_route_is_read_as_it_is_written() -> None:
    route = parse_route(GOOD, "route.yaml")
    assert (route.name, route.departs_s, route.fix, route.wind_mps) == (
        "river-crossing",
        1779066000.0,
        "rtk-fixed",
        4.0,
    )
    assert (route.speed_mps, route.climb_mps, route.descend_mps) == (8.0, 2.5, 2.5)
    assert route.waypoints[0].position == LatLon(34.7466, 113.6050)
    assert route.waypoints[1].height == Height(168.0, Datum.AMSL)
    assert [waypoint.hold_s for waypoint in route.waypoints] == [0.0, 30.0]


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*-route.yaml")), ids=lambda path: path.stem)
def test_every_example_route_is_read(file: Path) -> None:
    assert len(read_route(file).waypoints) > 1


def test_there_are_example_routes() -> None:
    assert {path.stem for path in EXAMPLES.glob("*-route.yaml")} == {"blocked-route", "clear-route"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("beichen: 1\n", "", "route.yaml:1 beichen request.missing-field"),
        ("kind: route", "kind: corridor", "route.yaml:2 kind request.choice"),
        ("frame: CGCS2000", "frame: GCJ-02", "route.yaml:4 frame request.choice"),
        ("departs: 2026-05-18T09:00:00+08:00\n", "", "route.yaml:1 departs request.missing-field"),
        ("T09:00:00+08:00", "T09:00:00", "route.yaml:5 departs request.format"),
        ("speed_mps: 8", "speed_mps: fast", "route.yaml:6 speed_mps request.type"),
        ("climb_mps: 2.5", "climb_mps: 0", "route.yaml:7 climb_mps request.range"),
        ("fix: rtk-fixed", "fix: good", "route.yaml:8 fix request.choice"),
        ("wind_mps: 4", "wind_mps: .nan", "route.yaml:9 wind_mps request.type"),
        ("wind_mps: 4", "wind: 4", "route.yaml:9 wind request.unknown-field"),
        ("datum: agl", "datum: feet", "route.yaml:11 waypoints[0].height.datum request.choice"),
        ("value_m: 60", "value_m: 60000", "route.yaml:11 waypoints[0].height.value_m request.range"),
        ("lat_deg: 34.7508", "lat_deg: 134.7508", "route.yaml:12 waypoints[1].lat_deg request.range"),
        ("lat_deg: 34.7508", "lat_deg: 36.7508", "route.yaml:12 waypoints[1].lat_deg request.contradiction"),
        (", hold_s: 30", ", hold_s: -1", "route.yaml:12 waypoints[1].hold_s request.range"),
        ("{value_m: 168, datum: amsl}", "168", "route.yaml:12 waypoints[1].height request.type"),
    ],
)
def test_each_thing_that_is_wrong_is_named_with_its_line_and_field(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert expected in reasons(GOOD.replace(old, new, 1))


def test_all_problems_are_told_at_once() -> None:
    assert len(reasons(GOOD.replace("speed_mps: 8", "speed_mps: x").replace("fix: rtk-fixed", "fix: x"))) == 2


def test_a_point_that_is_the_one_before_it_is_refused_and_one_straight_above_is_not() -> None:
    first = "  - {lat_deg: 34.7466, lon_deg: 113.6050, height: {value_m: 60, datum: agl}}\n"
    assert "request.contradiction" in reasons(GOOD.replace(first, first + first))[0]
    assert len(parse_route(GOOD.replace(first, first + first.replace("m: 60", "m: 90")), "route.yaml").waypoints) == 3


def test_one_place_is_no_route() -> None:
    assert reasons(GOOD[: GOOD.rindex("  - ")]) == ["route.yaml:11 waypoints request.count"]


@pytest.mark.parametrize("text", ["", "- 1\n", "a: [", "\x00", "beichen: 1\n" * 2, "[" * 5000])
def test_what_is_no_route_at_all_is_refused_by_a_reason(text: str) -> None:
    assert reasons(text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="none"):
        read_route(tmp_path / "none.yaml")
