from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from airspace.charted import Restriction
from airspace.frames import LatLon
from airspace.intents import IntentState, OperationalIntent
from airspace.model import Airspace
from airspace.reasons import Refused
from airspace.rules import by_name
from airspace.schedules import Day, Edge, Period, Schedule
from airspace.zones import load_charts
from missions.items import Command
from missions.plan import Plan, Purpose
from missions.planning import plan_request
from missions.volumes import absolute, plan_conflicts
from tests.missions import oracle
from tests.missions.judging import MAY_REFUSE, codes, judged, plan_or_refusal
from tests.missions.scenario import (
    CHART,
    DRONE,
    FRAME,
    GROUND,
    HOME,
    PRIMARY,
    SITE,
    TAKEOFF_S,
    changed,
    example,
    plan,
    square,
    zone,
)

ON_THE_ROUTE = LatLon(34.75166, 113.62115)  # target M08


def test_the_example_is_planned_among_the_example_zones() -> None:
    zones = load_charts([CHART], FRAME, GROUND)
    made = plan(zones=zones)
    assert all(check.passed for check in made.checks)
    assert [target.name for target in made.targets if not target.covered] == []
    assert oracle.entered(made, zones) == []
    assert 7 * 60 < made.duration_s < 10 * 60
    assert made.min_clearance_m is not None
    assert made.min_clearance_m > 50


def test_the_camera_is_on_exactly_during_the_survey() -> None:
    on = False
    made = plan(zones=[zone("A", square(ON_THE_ROUTE, 120))])
    survey = {leg.seq for leg in made.legs if leg.purpose is Purpose.SURVEY}
    for seq, item in enumerate(made.items, 1):
        if item.command == Command.DO_SET_CAM_TRIGG_DIST:
            on = item.param1 > 0
        elif item.command == Command.NAV_WAYPOINT:
            assert on == (seq in survey)
    assert not on


def test_the_same_inputs_give_the_same_bytes_and_the_bytes_give_the_same_plan() -> None:
    zones = [zone("B", square(ON_THE_ROUTE, 150)), zone("A", square(LatLon(34.7490, 113.6130), 90))]
    first = msgspec.json.encode(plan(zones=zones))
    assert msgspec.json.encode(plan(zones=reversed(zones))) == first
    assert msgspec.json.decode(first, type=Plan) == plan(zones=zones)


def test_a_zone_over_the_route_is_flown_around_and_its_targets_are_listed() -> None:
    blocks = [zone("A", square(ON_THE_ROUTE, 120))]
    made = plan(zones=blocks)
    assert oracle.entered(made, blocks) == []
    missed = [target for target in made.targets if not target.covered]
    assert [target.name for target in missed] == ["M08"]
    assert "block A (A)" in missed[0].why_not
    assert "街区 A（A）" in missed[0].why_not_zh
    assert any(leg.purpose is Purpose.TRANSIT and leg.seq > 4 for leg in made.legs)
    assert next(check for check in made.checks if check.code == "targets").en.startswith("11 of 12")
    assert made.min_clearance_m is not None
    assert made.min_clearance_m > 7.5


def test_a_zone_above_or_below_the_route_is_not_in_the_way() -> None:
    straight = plan()
    above = zone("A", square(ON_THE_ROUTE, 120), floor_agl_m=60)
    below = zone("B", square(LatLon(34.7532, 113.6261), 60), ceiling_agl_m=35)
    assert plan(zones=[above, below]).legs == straight.legs


def test_a_zone_that_opens_after_the_flight_is_not_in_the_way() -> None:
    later = zone("A", square(ON_THE_ROUTE, 120), start_s=TAKEOFF_S + 1800.0)
    assert plan(zones=[later]).legs == plan().legs


def test_a_flight_that_lasts_into_a_zones_hours_is_planned_around_it() -> None:
    late = zone("A", square(LatLon(34.7532, 113.6261), 120), start_s=TAKEOFF_S + 1801.0)
    slow = changed(speed_mps=1.0)
    site = replace(SITE, limits=replace(SITE.limits, reserve_fraction=0.0))
    drone = replace(DRONE, battery_wh=2000.0)
    made = plan(slow, [late], site=site, drone=drone)
    assert oracle.entered(made, [late]) == []
    assert made.legs != plan(slow, site=site, drone=drone).legs


def test_a_refuge_that_a_zone_hides_is_given_up_for_others() -> None:
    wall = zone("A", square(LatLon(34.7511, 113.6192), 60))
    made = plan(zones=[wall])
    assert "middle field" not in made.details["refuges"]
    judged(made, [wall])


def test_targets_that_lie_where_no_return_is_clear_are_listed_with_the_zone_that_hides_them() -> None:
    two_fields = replace(SITE, open_ground=(SITE.open_ground[1], SITE.open_ground[2]))
    wall = zone("A", square(ON_THE_ROUTE, 160))
    made = plan(zones=[wall], site=two_fields)
    judged(made, [wall])
    missed = {target.name: target.why_not for target in made.targets if not target.covered}
    assert "M08" in missed
    assert all("(A)" in why for why in missed.values())


def test_airspace_that_another_flight_holds_is_refused() -> None:
    first = plan()
    volumes = tuple(absolute(volume, FRAME, TAKEOFF_S) for volume in first.volumes)
    held = OperationalIntent("other", 10, IntentState.ACCEPTED, volumes)
    airspace = Airspace(FRAME, GROUND, (), [held])
    with pytest.raises(Refused) as caught:
        plan(airspace=airspace)
    assert {reason.rule.code for reason in caught.value.reasons} == {"airspace.intent"}
    plan(airspace=airspace, takeoff_s=TAKEOFF_S + 7200.0)


def test_planning_needs_nothing_but_its_arguments() -> None:
    made = plan_request(
        example(),
        site=SITE,
        airspace=Airspace(FRAME, GROUND),
        drone=DRONE,
        home=HOME,
        home_amsl_m=108.0,
        docks_free=(PRIMARY,),
        takeoff_s=0.0,
    )
    assert made.takeoff_s == 0.0


corners = st.tuples(st.floats(-1500, 1500), st.floats(-500, 700))
blocks = st.lists(st.tuples(corners, st.floats(15, 260), st.integers(3, 9), st.floats(0, 3.1)), min_size=1, max_size=6)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(blocks)
def test_no_leg_of_any_plan_enters_a_zone(
    drawn: list[tuple[tuple[float, float], float, int, float]],
) -> None:
    zones = []
    for number, ((x, y), radius_m, count, turn_rad) in enumerate(drawn):
        angles = [turn_rad + 2 * math.pi * k / count for k in range(count)]
        outline = Polygon([(x + radius_m * math.cos(a), y + radius_m * math.sin(a)) for a in angles])
        zones.append(zone(f"Z{number}", outline))
    made = plan_or_refusal(zones)
    if isinstance(made, Plan):
        judged(made, zones)
    else:
        assert set(codes(made)) <= MAY_REFUSE


def test_a_zone_that_asks_for_leave_is_flown_through_with_it_and_around_without() -> None:
    asks = replace(zone("A", square(ON_THE_ROUTE, 120)), restriction=Restriction.AUTHORISATION)
    without = plan(zones=[asks])
    assert oracle.entered(without, [asks]) == []
    made = plan(replace(example(), permitted=frozenset({"A"})), zones=[asks])
    assert made.legs == plan().legs
    assert made.permitted == frozenset({"A"})
    assert plan_conflicts(made, Airspace(FRAME, GROUND, [asks]), TAKEOFF_S) == []
    closed = replace(asks, restriction=Restriction.PROHIBITED)
    assert plan_conflicts(made, Airspace(FRAME, GROUND, [closed]), TAKEOFF_S)
    assert plan(replace(example(), permitted=frozenset({"A"})), zones=[closed]).legs == without.legs


def test_a_zone_that_asks_for_nothing_and_one_that_is_not_active_then_are_not_in_the_way() -> None:
    nothing = replace(zone("A", square(ON_THE_ROUTE, 120)), restriction=Restriction.NONE)
    hours = Schedule(
        periods=(Period(Edge(7.5 * 3600.0), Edge(17 * 3600.0), frozenset({Day.TUE})),), zone="Asia/Shanghai"
    )
    tuesdays = replace(zone("B", square(ON_THE_ROUTE, 120)), schedule=hours, place=HOME)
    assert plan(zones=[nothing, tuesdays]).legs == plan().legs
    mondays = replace(hours, periods=(replace(hours.periods[0], days=frozenset({Day.MON})),))
    assert plan(zones=[replace(tuesdays, schedule=mondays)]).legs != plan().legs


def test_an_intent_of_lower_priority_is_planned_over_where_the_law_says_so() -> None:
    request = replace(example(), priority=50)
    volumes = tuple(absolute(volume, FRAME, TAKEOFF_S) for volume in plan().volumes)
    held = OperationalIntent("other", 10, IntentState.ACCEPTED, volumes)
    with pytest.raises(Refused, match="priority 10"):
        plan(request, airspace=Airspace(FRAME, GROUND, (), [held]))
    airspace = Airspace(FRAME, GROUND, (), [held], jurisdiction=by_name("ed269"))
    assert plan(request, airspace=airspace).legs == plan().legs
    assert plan(request).priority == 50
