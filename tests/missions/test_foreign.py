"""Planning the mission files of others: each thing that is not flown is refused by name, and the rest is checked."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airspace.reasons import Refused
from missions.foreign import read_mission_file
from missions.foreign_commands import ALLOWED, REFUSED
from missions.items import Command, Frame, MissionItem
from missions.mission_file import FileHome, MissionFile
from missions.plan import Purpose
from tests.missions.foreign_scenario import (
    DRONE,
    GROUND,
    HOME,
    LAND,
    RTL,
    SITE,
    TAKEOFF,
    at,
    codes,
    flown,
    item,
    mission,
    order,
    plan,
    read_well,
    refused,
    waypoint,
    why,
)


@pytest.mark.parametrize("command", sorted(REFUSED))
def test_a_command_that_is_not_flown_is_refused_by_its_name(command: int) -> None:
    reasons = refused(mission(TAKEOFF, MissionItem(command, alt_m=30), RTL))
    name, rule = REFUSED[command]
    assert codes(reasons) == [rule.code]
    assert name in reasons[0].text("en")
    assert name in reasons[0].text("zh")
    assert "item 2" in reasons[0].text("en")
    assert reasons[0].where == "test.plan mission.items[1]"


@pytest.mark.parametrize("command", [0, 1, 4711, 5001, 5100, 65535])
def test_an_unknown_command_is_refused_by_its_number(command: int) -> None:
    reasons = refused(mission(TAKEOFF, MissionItem(command, alt_m=30), RTL))
    assert codes(reasons) == ["mission.unknown-command"]
    assert str(command) in reasons[0].text() or "FENCE" in reasons[0].text() or "RALLY" in reasons[0].text()


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (waypoint(50, 0, frame=Frame.GLOBAL_TERRAIN_ALT), "mission.terrain-height"),
        (waypoint(50, 0, frame=Frame.GLOBAL_TERRAIN_ALT_INT), "mission.terrain-height"),
        (waypoint(50, 0, frame=Frame.MISSION), "mission.frame"),
        (waypoint(50, 0, frame=1), "mission.frame"),
        (order(Command.NAV_DELAY, 5, frame=99), "mission.frame"),
        (waypoint(50, 0, autocontinue=False), "mission.autocontinue"),
        (MissionItem(16, alt_m=30.0), "mission.no-position"),
        (MissionItem(82, alt_m=30.0), "mission.no-position"),
        (MissionItem(16, lat_deg=95.0, lon_deg=1.0, alt_m=30.0), "mission.value"),
        (MissionItem(16, lat_deg=1.0, lon_deg=181.0, alt_m=30.0), "mission.value"),
        (waypoint(20_100, 0), "mission.too-far"),
        (MissionItem(21, lat_deg=0.0001), "mission.too-far"),
        (waypoint(50, 0, 0.0), "mission.height-zero"),
        (item(Command.NAV_LOITER_TIME, 50, 0, 0.0, 5), "mission.height-zero"),
        (waypoint(50, 0, -5.0), "mission.below-ground"),
        (waypoint(50, 0, 100.0, frame=Frame.GLOBAL), "mission.below-ground"),
        (waypoint(50, 0, 120.0), "mission.too-high"),
        (waypoint(50, 0, 228.0, frame=Frame.GLOBAL), "mission.too-high"),
        (waypoint(50, 0, math.nan), "mission.value"),
        (waypoint(50, 0, math.inf), "mission.value"),
        (waypoint(50, 0, 30, math.nan), "mission.value"),
        (replace(waypoint(50, 0), lat_deg=math.nan), "mission.value"),
        (waypoint(50, 0, 30, -1.0), "mission.value"),
        (waypoint(50, 0, 30, 4000.0), "mission.value"),
        (item(Command.NAV_LOITER_TIME, 50, 0, 30, -5), "mission.value"),
        (item(Command.NAV_LOITER_TIME, 50, 0, 30, 2.5), "mission.value"),
        (order(Command.NAV_DELAY, 0, 12, 30, 0), "mission.value"),
        (order(Command.NAV_DELAY, -1, 12, 30, 0), "mission.value"),
        (item(Command.NAV_LOITER_TURNS, 50, 0, 30, 0, 0, 20), "mission.value"),
        (item(Command.NAV_LOITER_TURNS, 50, 0, 30, 1.5, 0, 20), "mission.value"),
        (item(Command.NAV_LOITER_TURNS, 50, 0, 30, 1, 0, 0), "mission.value"),
        (item(Command.NAV_LOITER_TURNS, 50, 0, 30, 1, 0, 12.5), "mission.value"),
        (item(Command.NAV_LOITER_TURNS, 50, 0, 30, 1, 0, 257), "mission.value"),
        (item(Command.NAV_LOITER_TURNS, 0, 0, 30, 1, 0, 20), "mission.circle-centre"),
        (item(Command.NAV_LOITER_TURNS, 20, 0, 50, 1, 0, 20), "mission.circle-climbs"),
        (order(Command.DO_CHANGE_SPEED, 1, 15.1), "mission.too-fast"),
        (order(Command.DO_CHANGE_SPEED, 1, 0.1), "mission.value"),
        (order(Command.DO_CHANGE_SPEED, 1, -2), "mission.value"),
        (order(Command.DO_CHANGE_SPEED, 7, 5), "mission.value"),
        (order(Command.DO_CHANGE_SPEED, 2, 1), "mission.vertical-speed"),
        (order(Command.DO_CHANGE_SPEED, 3, 1), "mission.vertical-speed"),
        (order(Command.DO_JUMP, 1, -1), "mission.never-ends"),
        (order(Command.DO_JUMP, 0, 1), "mission.jump-target"),
        (order(Command.DO_JUMP, 4, 1), "mission.jump-target"),
        (order(Command.DO_JUMP, 1, 1.5), "mission.value"),
        (order(Command.DO_JUMP, 2, 30_000), "mission.too-long"),
        (TAKEOFF, "mission.second-takeoff"),
        (RTL, "mission.after-landing"),
        (LAND, "mission.after-landing"),
    ],
)
def test_an_item_that_cannot_be_flown_is_refused_with_its_number(bad: MissionItem, code: str) -> None:
    reasons = refused(mission(TAKEOFF, bad, RTL))
    assert codes(reasons) == [code]
    assert "item 2" in reasons[0].text("en") or code == "mission.after-landing"
    assert reasons[0].where.startswith("test.plan mission.items[")


def test_just_under_the_height_limit_is_flown() -> None:
    assert flown(waypoint(50, 0, 119.9)).max_relative_m == 119.9


def test_the_height_limit_counts_from_the_ground_and_not_from_the_dock() -> None:
    assert why(waypoint(50, 0, 115), home_amsl_m=GROUND.amsl_m + 6) == ["mission.too-high"]


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([waypoint(50, 0), RTL], "mission.no-takeoff"),
        ([RTL], "mission.no-takeoff"),
        ([order(Command.IMAGE_START_CAPTURE)], "mission.nothing-flown"),
        ([TAKEOFF], "mission.no-end"),
        ([TAKEOFF, waypoint(50, 0)], "mission.no-end"),
        ([TAKEOFF, waypoint(50, 0), order(Command.DO_JUMP, 2, 3)], "mission.no-end"),
        ([TAKEOFF, LAND, TAKEOFF, RTL], "mission.after-landing"),
        ([TAKEOFF, LAND, waypoint(50, 0)], "mission.after-landing"),
        ([TAKEOFF, waypoint(50, 0), LAND, order(Command.DO_JUMP, 2, 1)], "mission.after-landing"),
        ([TAKEOFF, waypoint(50, 0), order(Command.DO_JUMP, 1, 1), RTL], "mission.second-takeoff"),
        ([item(22, alt_m=0.0), RTL], "mission.below-ground"),
        ([item(22, alt_m=-3.0), RTL], "mission.below-ground"),
    ],
)
def test_a_mission_in_the_wrong_order_is_refused(items: list[MissionItem], code: str) -> None:
    assert codes(refused(mission(*items))) == [code]


def test_a_speed_order_behind_a_condition_is_refused() -> None:
    bad = [order(Command.CONDITION_DELAY, 5), order(Command.DO_CHANGE_SPEED, 1, 5)]
    assert why(*bad, waypoint(50, 0)) == ["mission.speed-after-condition"]


def test_a_spline_before_a_delay_is_refused() -> None:
    assert why(item(82, 50, 0), order(Command.NAV_DELAY, 3)) == ["mission.spline"]


def test_every_bad_item_is_named_at_once() -> None:
    bad = [waypoint(50, 0, 200), MissionItem(211), waypoint(50, 0, -1)]
    assert why(*bad) == ["mission.too-high", "mission.drops", "mission.below-ground"]


def test_a_file_without_home_needs_a_drone_that_knows_it() -> None:
    file = mission(TAKEOFF, RTL, home=None)
    assert codes(refused(file, home=None)) == ["mission.no-home"]
    assert plan(file).home.lat_deg == HOME.lat_deg
    no_height = mission(TAKEOFF, RTL, home=FileHome(HOME.lat_deg, HOME.lon_deg, None))
    assert codes(refused(no_height, home=None, home_amsl_m=None)) == ["mission.no-home-height"]


def test_without_a_drone_the_files_own_home_is_used() -> None:
    here = at(300, 300)
    file = mission(TAKEOFF, RTL, home=FileHome(here.lat_deg, here.lon_deg, 109.0))
    made = plan(file, home=None, home_amsl_m=None)
    assert (made.home.lat_deg, made.home_amsl_m) == (here.lat_deg, 109.0)


def test_a_plan_drawn_faster_than_the_drone_is_refused() -> None:
    assert codes(refused(mission(TAKEOFF, RTL, hover_mps=16.0))) == ["mission.plan-too-fast"]


def test_a_flight_beyond_the_battery_is_refused() -> None:
    assert why(waypoint(3000, 0), drone=replace(DRONE, battery_wh=50.0)) == ["plan.energy"]


def test_a_wind_beyond_the_drone_is_refused() -> None:
    assert why(waypoint(50, 0), wind_mps=12.5) == ["plan.wind"]


def test_a_route_of_too_many_pieces_is_refused() -> None:
    few = replace(SITE, limits=replace(SITE.limits, max_route_legs=10))
    assert why(waypoint(50, 0), waypoint(0, 50), order(Command.DO_JUMP, 2, 9), site=few) == ["mission.too-long"]


# -- any mission at all

NUMBERS = st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0, 5.0, 20.0, 30.0, 45.5, 300.0]) | st.floats(-400, 400)
ANY_ITEM = st.builds(
    item,
    st.sampled_from(sorted(ALLOWED)),
    st.floats(-400, 400),
    st.floats(-400, 400),
    st.floats(1, 119) | st.just(0.0),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    frame=st.sampled_from([3, 3, 3, 6, 0, 2]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ANY_ITEM, max_size=6), st.sampled_from([RTL, LAND, waypoint(1, 1)]))
def test_any_mission_is_planned_to_its_landing_or_refused_in_words(items: list[MissionItem], last: MissionItem) -> None:
    try:
        made = plan(mission(TAKEOFF, *items, last))
    except Refused as refusal:
        read_well(refusal)
        return
    assert made.legs[-1].purpose is Purpose.LANDING
    assert all(one.end == two.start and one.end_s == two.start_s <= two.end_s for one, two in pairwise(made.legs))
    assert max(leg.end.relative_m for leg in made.legs) < 120
    assert made.energy_wh <= made.energy_limit_wh
    assert len(made.volumes) == len(made.legs)
    assert all(check.passed for check in made.checks)


def test_a_file_is_known_by_its_content_and_not_by_its_name() -> None:
    assert (
        read_mission_file(b"QGC WPL 110\n0 1 0 16 0 0 0 0 1 2 3 1\n1 0 3 22 0 0 0 0 0 0 9 1\n", "a.plan").kind
        == "waypoints"
    )
    with pytest.raises(Refused) as caught:
        read_mission_file(b"<kml/>", "a.plan")
    assert codes(read_well(caught.value)) == ["file.unknown-format"]
    assert isinstance(mission(TAKEOFF), MissionFile)


def test_a_plan_is_named_after_the_file_without_its_folder() -> None:
    file = mission(TAKEOFF, RTL, name="/some/folder/patrol 7.plan")
    made = plan(file)
    assert (made.name, made.title, made.details["file"]) == ("patrol 7", "patrol 7.plan", "patrol 7.plan")
