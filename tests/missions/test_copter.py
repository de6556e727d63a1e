"""What ArduCopter makes of a mission file's items: which legs it flies, and in which order."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from missions.foreign_commands import ALLOWED
from missions.items import Command, Frame, MissionItem
from missions.plan import Plan, Purpose
from missions.stored_items import as_stored
from tests.missions.foreign_scenario import (
    GROUND,
    LAND,
    RTL,
    TAKEOFF,
    flown,
    item,
    mission,
    order,
    plan,
    route,
    waypoint,
)


def test_take_off_waypoint_and_return_are_flown_as_arducopter_does() -> None:
    made = flown(waypoint(100, 0, 40))
    assert route(made) == [
        (1, "climb", 0.0, 0.0, 30.0),
        (2, "transit", 100.0, 0.0, 40.0),
        (3, "approach", 0.0, 0.0, 40.0),
        (3, "hold", 0.0, 0.0, 40.0),
        (3, "landing", 0.0, 0.0, 0.0),
    ]
    assert (made.hold_seq, made.landings[0].name, made.landings[0].land_seq) == (0, "home", 3)
    assert made.items == mission(TAKEOFF, waypoint(100, 0, 40), RTL).items
    assert made.source == "plan"


def test_a_return_from_below_climbs_to_the_return_height_first() -> None:
    made = flown(waypoint(100, 0, 60), waypoint(200, 0, 20))
    assert route(made)[3:5] == [(4, "climb", 200.0, 0.0, 60.0), (4, "approach", 0.0, 0.0, 60.0)]
    assert made.parameters["RTL_ALT"] == 6000


def test_a_landing_flies_level_to_its_place_and_then_down_whatever_its_height() -> None:
    made = plan(mission(TAKEOFF, waypoint(50, 0), item(Command.NAV_LAND, 50, 80, 100)))
    assert route(made)[2:] == [(3, "approach", 50.0, 80.0, 30.0), (3, "landing", 50.0, 80.0, 0.0)]
    assert made.landings[0].name == "landing"


def test_a_landing_without_place_goes_down_where_the_drone_is() -> None:
    assert route(plan(mission(TAKEOFF, waypoint(50, 0), LAND)))[2:] == [(3, "landing", 50.0, 0.0, 0.0)]


def test_the_take_off_climbs_where_the_drone_stands_and_not_where_the_item_says() -> None:
    made = plan(mission(item(Command.NAV_TAKEOFF, 40, 40), RTL))
    assert route(made)[0] == (1, "climb", 0.0, 0.0, 30.0)


def test_heights_above_sea_level_become_heights_above_home() -> None:
    made = flown(waypoint(100, 0, GROUND.amsl_m + 45, frame=Frame.GLOBAL))
    assert route(made)[1] == (2, "transit", 100.0, 0.0, 45.0)


def test_from_a_dock_above_ground_a_landing_elsewhere_goes_down_to_the_ground() -> None:
    made = plan(mission(TAKEOFF, item(Command.NAV_LAND, 100, 0)), home_amsl_m=GROUND.amsl_m + 6)
    assert made.legs[-1].end.relative_m == -6.0
    assert made.legs[1].end.relative_m == 30.0


@pytest.mark.parametrize(
    "waiting",
    [waypoint(50, 0, 30, 12.0), item(Command.NAV_LOITER_TIME, 50, 0, 30, 12.0)],
    ids=["waypoint with delay", "loiter"],
)
def test_a_wait_is_a_hold_of_its_length(waiting: MissionItem) -> None:
    legs = flown(waiting).legs
    assert [leg.purpose for leg in legs[1:3]] == [Purpose.TRANSIT, Purpose.HOLD]
    assert legs[2].end_s - legs[2].start_s == pytest.approx(12.0, abs=0.002)
    assert legs[2].energy_wh > 0


def test_a_delay_and_a_loiter_without_place_hold_here() -> None:
    made = flown(waypoint(50, 0), order(Command.NAV_DELAY, 7.0), MissionItem(Command.NAV_LOITER_TIME, param1=5.0))
    assert route(made)[2:4] == [(3, "hold", 50.0, 0.0, 30.0), (4, "hold", 50.0, 0.0, 30.0)]


def test_a_jump_flies_its_items_again_as_often_as_it_says() -> None:
    made = flown(waypoint(50, 0), waypoint(50, 50), order(Command.DO_JUMP, 2, 2))
    assert [leg.seq for leg in made.legs][:7] == [1, 2, 3, 2, 3, 2, 3]


def test_a_jump_inside_another_does_not_count_anew() -> None:
    # AP_Mission keeps one counter for each jump until the mission starts again
    made = flown(
        waypoint(50, 0), waypoint(50, 50), order(Command.DO_JUMP, 3, 1), waypoint(0, 50), order(Command.DO_JUMP, 2, 1)
    )
    assert [leg.seq for leg in made.legs if leg.purpose is Purpose.TRANSIT] == [2, 3, 5, 2, 3, 5]


def test_a_speed_order_holds_from_the_item_before_it_and_not_on_the_return() -> None:
    made = flown(waypoint(100, 0), order(Command.DO_CHANGE_SPEED, 1, 4.0, -1), waypoint(200, 0))
    assert [leg.speed_mps for leg in made.legs[1:4]] == [10.0, 4.0, 10.0]
    assert made.parameters["WPNAV_SPEED"] == 1000


def test_the_hover_speed_of_a_plan_is_the_speed_that_it_is_flown_at() -> None:
    made = plan(mission(TAKEOFF, waypoint(300, 0), RTL, hover_mps=5.0))
    assert made.cruise_mps == made.legs[1].speed_mps == 5.0
    assert made.parameters["WPNAV_SPEED"] == 500
    assert made.duration_s > plan(mission(TAKEOFF, waypoint(300, 0), RTL)).duration_s + 40


def test_a_camera_that_fires_by_distance_makes_a_survey_and_is_counted() -> None:
    made = flown(
        waypoint(50, 0),
        order(Command.DO_SET_CAM_TRIGG_DIST, 10, 0, 1),
        waypoint(150, 0),
        order(Command.DO_SET_CAM_TRIGG_DIST, 0),
    )
    assert [str(leg.purpose) for leg in made.legs][1:4] == ["transit", "survey", "approach"]
    assert made.photos_planned == 11


def test_the_legs_join_in_place_and_time() -> None:
    made = flown(waypoint(50, 0), item(Command.NAV_LOITER_TURNS, 100, 0, 30, 1, 0, 20), waypoint(0, 90))
    for one, two in pairwise(made.legs):
        assert one.end == two.start
        assert one.end_s == two.start_s
    assert made.legs[0].start_s == 0
    assert made.duration_s == made.legs[-1].end_s


@pytest.mark.parametrize("radius_m", [20.0, -20.0])
def test_turns_begin_at_the_nearest_point_of_the_circle_and_end_there(radius_m: float) -> None:
    made = flown(waypoint(50, 0), item(Command.NAV_LOITER_TURNS, 100, 0, 30, 2, 0, radius_m))
    *ends, stopped = [(e, n) for seq, _, e, n, _ in route(made) if seq == 3]
    assert ends[0] == ends[-1] == (80.0, 0.0)
    assert all(math.hypot(e - 100, n) == pytest.approx(20.0, abs=0.11) for e, n in ends)
    # seen from above, clockwise from the western point is to the north
    assert (ends[1][1] > 0) == (radius_m > 0)
    # it leaves the circle at speed and needs room to stop
    assert stopped[0] == pytest.approx(80.0, abs=0.11)
    assert 5 < stopped[1] * math.copysign(1, radius_m) < 20
    middles = [((a[0] + b[0]) / 2 - 100, (a[1] + b[1]) / 2) for a, b in pairwise(ends)]
    assert all(math.hypot(*middle) >= 19.4 for middle in middles)


def test_a_spline_leaves_towards_the_next_item_and_stays_near_arducopters_curve() -> None:
    made = flown(waypoint(100, 0), item(Command.NAV_SPLINE_WAYPOINT, 200, 100), waypoint(200, 200))
    curve = [(e, n) for seq, _, e, n, _ in route(made) if seq == 3]
    assert curve[-1] == (200.0, 100.0)
    assert len(curve) > 4
    # in by the way of the leg before (east), out towards the next waypoint (north)
    assert curve[0][1] < curve[0][0] - 100
    assert abs(curve[-1][0] - curve[-2][0]) < abs(curve[-1][1] - curve[-2][1])
    exact = [_hermite(t / 500, (100.0, 0.0), (200.0, 100.0), (100.0, 0.0), (0.0, 100.0)) for t in range(501)]
    assert max(_distance_to_line(point, [(100.0, 0.0), *curve]) for point in exact) < 0.6


def _hermite(t: float, p0: Any, p1: Any, v0: Any, v1: Any) -> tuple[float, float]:
    a, b, c, d = 2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, -2 * t**3 + 3 * t**2, t**3 - t**2
    x, y = (a * p0[i] + b * v0[i] + c * p1[i] + d * v1[i] for i in (0, 1))
    return x, y


def _distance_to_line(point: tuple[float, float], line: list[tuple[float, float]]) -> float:
    found = []
    for (ax, ay), (bx, by) in pairwise(line):
        length = math.hypot(bx - ax, by - ay)
        share = min(max(((point[0] - ax) * (bx - ax) + (point[1] - ay) * (by - ay)) / length**2, 0), 1)
        found.append(math.hypot(point[0] - ax - share * (bx - ax), point[1] - ay - share * (by - ay)))
    return min(found)


@pytest.mark.parametrize("command", sorted(ALLOWED - {177, 178} - {16, 18, 19, 20, 21, 22, 82, 93}))
def test_harmless_orders_do_not_change_the_route(command: int) -> None:
    plain, with_order = flown(waypoint(50, 0)), flown(order(command, 0, 0, 0, 0), waypoint(50, 0))
    assert [leg.end for leg in plain.legs] == [leg.end for leg in with_order.legs]


def test_orders_after_the_landing_are_let_pass() -> None:
    assert plan(mission(TAKEOFF, RTL, order(Command.IMAGE_STOP_CAPTURE))).landings[0].land_seq == 2


def test_the_same_file_gives_the_same_plan_to_the_byte_and_it_survives_json() -> None:
    file = mission(TAKEOFF, waypoint(50, 0), item(Command.NAV_SPLINE_WAYPOINT, 90, 90), RTL)
    once, again = plan(file), plan(file)
    text = msgspec.json.encode(once)
    assert text == msgspec.json.encode(again)
    assert msgspec.json.decode(text, type=Plan) == once


def test_values_that_the_vehicle_would_not_keep_are_not_sent() -> None:
    wide = waypoint(50, 0, 30, 3.0)
    made = flown(replace(wide, param2=2.0, param4=90.0), item(Command.NAV_LOITER_TIME, 50, 50, 30, 5, 9, -20, 3))
    assert made.items[1] == wide
    assert (made.items[2].param2, made.items[2].param3, made.items[2].param4) == (0.0, -1.0, 1.0)
    assert made.details["items_with_ignored_values"] == [2, 3]


def test_a_landing_is_sent_with_the_side_that_the_vehicle_reads_back() -> None:
    # AP_Mission answers 1 for a landing's parameter 4, whatever was sent, unless that was negative
    made = plan(mission(TAKEOFF, waypoint(50, 0), LAND))
    assert made.items[-1] == replace(LAND, param4=1.0)


def test_an_order_without_a_place_is_sent_without_one() -> None:
    made = flown(replace(order(Command.DO_CHANGE_SPEED, 1, 5), lat_deg=3.0, alt_m=7.0), waypoint(50, 0))
    assert made.items[1] == order(Command.DO_CHANGE_SPEED, 1, 5)


@pytest.mark.parametrize("command", sorted(ALLOWED))
def test_what_the_vehicle_holds_stays_as_it_is(command: int) -> None:
    once = as_stored(MissionItem(command, 3, 1.5, 2.5, -3.5, 4.5, 34.75, 113.62, 30.0))
    assert as_stored(once) == once
