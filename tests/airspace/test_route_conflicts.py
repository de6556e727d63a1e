from __future__ import annotations

import pytest
from shapely.geometry import LineString, Polygon, box

from airspace.clearing import clear
from airspace.route_conflicts import depth_words, duration_words, legs_words
from airspace.shifts import Depth
from tests.airspace.routes import DEPARTS_S, asked, closed, route
from tests.airspace.shapes import zone

WALL = box(400.0, -200.0, 600.0, 150.0)


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0.0, "0 s", "0 秒"),
        (59.2, "1 min", "1 分"),
        (3600.0, "1 h", "1 小时"),
        (3661.0, "1 h 1 min 1 s", "1 小时 1 分 1 秒"),
        (90000.0, "25 h", "25 小时"),
    ],
)
def test_spans_are_told_in_hours_minutes_and_seconds_rounded_up(seconds: float, en: str, zh: str) -> None:
    words = duration_words(seconds)
    assert (words.en, words.zh) == (en, zh)


@pytest.mark.parametrize(
    ("numbers", "en"), [((2,), "leg 2"), ((1, 2, 3, 7), "legs 1-3, 7"), ((1, 3), "legs 1, 3"), ((4, 5), "legs 4-5")]
)
def test_legs_are_told_in_runs(numbers: tuple[int, ...], en: str) -> None:
    assert legs_words(numbers).en == en


def test_the_smaller_shift_of_each_axis_is_told_with_its_direction() -> None:
    words = depth_words(Depth(12.4, 44.0, up_m=30.0, down_m=4.04, earlier_s=None, later_s=61.0))
    assert words.en == "12 m north-east or 4.0 m lower or 1 min 1 s later"
    assert words.zh == "向东北 12 米或降低 4.0 米或推迟 1 分 1 秒"


def test_an_axis_along_which_nothing_helps_is_not_told() -> None:
    assert depth_words(Depth(12.4, 359.0, None, None, None, None)).en == "12 m north"


def test_the_reason_of_a_route_covers_all_of_its_legs() -> None:
    asking = route([(0, 0, 50), (500, 0, 58), (1000, 0, 50)])
    conflict = clear(asking, asked(zone("A", closed(WALL)))).conflicts[0]
    reason = conflict.reason("route.yaml")
    assert reason.where == "route.yaml"
    assert (reason.start_s, reason.end_s) == (conflict.start_s, conflict.end_s)
    assert conflict.start_s == min(detail.start_s for detail in conflict.details)
    assert conflict.end_s == max(detail.end_s for detail in conflict.details)
    assert reason.facts["low_m"] == pytest.approx(min(d.floor_ellipsoidal_m for d in conflict.details) - 88.6)
    assert reason.facts["high_m"] == pytest.approx(58.0 + 5.0)
    assert (reason.lat_deg, reason.lon_deg) == (conflict.place.lat_deg, conflict.place.lon_deg)


def test_the_place_of_a_conflict_is_where_it_is_met_first() -> None:
    conflict = clear(route([(0, 0, 50), (1000, 0, 50)]), asked(zone("A", closed(WALL)))).conflicts[0]
    assert conflict.place == min(conflict.details, key=lambda detail: detail.start_s).place


def test_a_touch_is_a_conflict_with_a_shared_line_and_no_depth_to_speak_of() -> None:
    flown = asked().flown(route([(0, 0, 50), (1000, 0, 50)]))
    edge = max(y for _, y in flown.volumes[0].outline.exterior.coords)
    beside = zone("A", closed(box(-50.0, edge, 1050.0, edge + 100.0)))
    (conflict,) = clear(flown.route, asked(beside)).conflicts
    assert conflict.depth.plan_m == pytest.approx(0.0, abs=0.02)
    assert not isinstance(conflict.overlap, Polygon) or conflict.overlap.area < 1.0
    assert isinstance(conflict.overlap, LineString) or conflict.overlap.length > 0.0


def test_hours_that_come_again_are_counted_one_by_one() -> None:
    first = zone("A", closed(WALL, start_s=DEPARTS_S - 100.0, end_s=DEPARTS_S + 200.0))
    second = zone("B", closed(WALL, start_s=DEPARTS_S + 260.0, end_s=DEPARTS_S + 900.0))
    alone, both = (clear(route([(0, 0, 50), (1000, 0, 50)]), asked(*zones)) for zones in ([first], [first, second]))
    assert alone.conflicts[0].depth.later_s == both.conflicts[0].depth.later_s
