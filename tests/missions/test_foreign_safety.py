"""Zones, reservations, fences and ways back of the mission files of others."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from airspace.frames import LatLon
from airspace.intents import IntentState, OperationalIntent
from airspace.model import Airspace
from airspace.reasons import Refused
from missions.items import Command, MissionItem
from missions.site import OpenGround
from missions.volumes import absolute
from tests.missions.foreign_scenario import (
    FRAME,
    GROUND,
    LAND,
    RTL,
    TAKEOFF,
    at,
    block,
    codes,
    flown,
    item,
    mission,
    plan,
    read_well,
    refused,
    route,
    waypoint,
    why,
)

# -- zones, reservations


def test_a_leg_through_a_zone_is_refused_though_both_ends_are_outside() -> None:
    reasons = refused(mission(TAKEOFF, waypoint(300, 0), LAND), block("z", 150, 0, 20))
    assert {"airspace.zone"} <= set(codes(reasons))
    assert reasons[0].where == "test.plan mission.items[1]"
    assert "block z" in reasons[0].text("en")


def test_a_zone_above_the_route_is_met_by_a_return_that_climbs_first() -> None:
    over = block("z", 250, 0, 30, 45, 300)
    low_end = [waypoint(0, 200, 80), waypoint(100, 100, 20), waypoint(250, 0, 20), LAND]
    assert "airspace.zone" in codes(refused(mission(TAKEOFF, *low_end), over))
    assert plan(mission(TAKEOFF, waypoint(100, 100, 20), waypoint(250, 0, 20), LAND), [over]).duration_s > 0


def test_a_reserved_airspace_is_kept_free() -> None:
    first = flown(waypoint(100, 0))
    airspace = Airspace(FRAME, GROUND)
    volumes = tuple(absolute(volume, FRAME, first.takeoff_s) for volume in first.volumes)
    airspace.put_intent(OperationalIntent("F1", 0, IntentState.ACCEPTED, volumes))
    assert "airspace.intent" in why(waypoint(100, 0), airspace=airspace)


BLOCKS = st.lists(
    st.tuples(st.floats(-300, 300), st.floats(-300, 300), st.floats(5, 60), st.floats(0, 60), st.floats(5, 60)),
    max_size=4,
)
POINTS = st.lists(st.tuples(st.floats(-250, 250), st.floats(-250, 250), st.floats(5, 100)), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(POINTS, BLOCKS, st.booleans())
def test_no_leg_of_any_plan_enters_a_zone(
    points: list[tuple[float, float, float]], blocks: list[tuple[float, ...]], spline: bool
) -> None:
    kind = Command.NAV_SPLINE_WAYPOINT if spline else Command.NAV_WAYPOINT
    zones = [block(f"z{i}", e, n, half, low, low + tall) for i, (e, n, half, low, tall) in enumerate(blocks)]
    try:
        made = plan(mission(TAKEOFF, *(item(kind, *point) for point in points), RTL), zones)
    except Refused as refusal:
        read_well(refusal)
        return
    for leg in made.legs:
        ends = [(*FRAME.xy(LatLon(p.lat_deg, p.lon_deg)), p.relative_m) for p in (leg.start, leg.end)]
        steps = 2 + int(math.dist(*ends))
        for k in range(steps + 1):
            e, n, h = (a + (b - a) * k / steps for a, b in zip(*ends, strict=True))
            for be, bn, half, low, tall in blocks:
                assert not (abs(e - be) <= half and abs(n - bn) <= half and low <= h <= low + tall)


# -- fence and ways back


def test_a_file_without_fence_gets_one_that_holds_the_route_and_home() -> None:
    made = flown(waypoint(200, 0), waypoint(200, 150))
    ring = Polygon([FRAME.xy(LatLon(corner.lat_deg, corner.lon_deg)) for corner in made.fence])
    assert {corner.command for corner in made.fence} == {Command.FENCE_POLYGON_INCLUSION}
    for leg in made.legs:
        assert ring.contains(Point(FRAME.xy(LatLon(leg.end.lat_deg, leg.end.lon_deg))).buffer(7))
    assert made.parameters["FENCE_TYPE"] == 5
    assert 30 < made.parameters["FENCE_ALT_MAX"] <= 120


def square_fence(half_m: float, command: int = 5001, east_m: float = 0.0) -> tuple[MissionItem, ...]:
    corners = [at(east_m + e * half_m, n * half_m) for e, n in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return tuple(
        MissionItem(command, 0, 4.0, lat_deg=c.lat_deg, lon_deg=c.lon_deg, autocontinue=False) for c in corners
    )


def circle_fence(radius_m: float, command: int, east_m: float = 0.0) -> tuple[MissionItem, ...]:
    c = at(east_m, 0)
    return (MissionItem(command, 0, radius_m, lat_deg=c.lat_deg, lon_deg=c.lon_deg, autocontinue=False),)


@pytest.mark.parametrize("fence", [square_fence(200), circle_fence(200, 5003), square_fence(40, 5002, -300)])
def test_the_files_own_fence_is_used_when_it_holds_the_route(fence: tuple[MissionItem, ...]) -> None:
    assert plan(mission(TAKEOFF, waypoint(100, 0), RTL, fence=fence)).fence == fence


@pytest.mark.parametrize(
    ("fence", "code"),
    [
        (square_fence(90), "mission.outside-fence"),
        (square_fence(102), "mission.outside-fence"),
        (circle_fence(102, 5003), "mission.outside-fence"),
        (circle_fence(10, 5004, 50), "mission.outside-fence"),
        (square_fence(10, 5002, 50), "mission.outside-fence"),
        (square_fence(200) + square_fence(200, 5001, 900), "mission.fence-shape"),
        (
            (*square_fence(200)[:1], square_fence(200)[2], square_fence(200)[1], square_fence(200)[3]),
            "mission.fence-shape",
        ),
    ],
)
def test_a_fence_of_the_file_that_does_not_hold_the_route_is_refused(fence: tuple[MissionItem, ...], code: str) -> None:
    assert set(codes(refused(mission(TAKEOFF, waypoint(100, 0), RTL, fence=fence)))) == {code}


def rally(east_m: float, north_m: float, alt_m: float = 30.0) -> MissionItem:
    return item(Command.RALLY_POINT, east_m, north_m, alt_m)


def test_a_return_goes_to_the_nearest_rally_point_of_the_file() -> None:
    made = plan(mission(TAKEOFF, waypoint(200, 0), RTL, rally=(rally(180, 50, 45),)))
    assert made.rally == (rally(180, 50, 45),)
    assert route(made)[-1] == (3, "landing", 180.0, 50.0, 0.0)
    assert max(leg.end.relative_m for leg in made.legs) == 45.0
    assert made.landings[0].name == "rally 1"


def test_a_rally_point_behind_a_zone_is_refused() -> None:
    wall = block("wall", 100, 60, 15, 0, 300)
    file = mission(TAKEOFF, waypoint(100, 0), LAND, rally=(rally(100, 90),))
    assert "mission.rally-blocked" in codes(refused(file, wall))


@pytest.mark.parametrize("alt_m", [0.0, -5.0, 120.0])
def test_a_rally_point_at_an_impossible_height_is_refused(alt_m: float) -> None:
    assert codes(refused(mission(TAKEOFF, RTL, rally=(rally(50, 0, alt_m),)))) == ["mission.rally-height"]


def test_open_ground_becomes_rally_points_but_never_draws_a_return_home_to_itself() -> None:
    near, far = OpenGround("near", at(190, 30)), OpenGround("far", at(0, 300))
    homeward = plan(mission(TAKEOFF, waypoint(200, 0), RTL), open_ground=[near, far])
    assert len(homeward.rally) == 1
    assert homeward.landings[0].name == "home"
    landing = plan(mission(TAKEOFF, waypoint(200, 0), LAND), open_ground=[near, far])
    assert len(landing.rally) == 2
    assert landing.parameters["RALLY_INCL_HOME"] == 1


def test_a_route_without_a_clear_way_back_is_refused_with_its_place_and_zone() -> None:
    wall = block("wall", 100, 0, 30)
    around_it = [waypoint(60, 150), waypoint(200, 150), waypoint(200, 0)]
    reasons = refused(mission(TAKEOFF, *around_it, LAND), wall)
    assert codes(reasons) == ["plan.contingency"]
    assert "block wall" in reasons[0].text()
    field = [OpenGround("field", at(220, 20))]
    assert plan(mission(TAKEOFF, *around_it, LAND), [wall], field).rally
