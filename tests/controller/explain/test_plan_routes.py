from __future__ import annotations

from dataclasses import replace

import pytest

from airspace.clearing import Question, clear
from airspace.margins import derive_margins
from airspace.model import Airspace
from airspace.routes import legs_of
from controller.explain.plan_routes import routes_of_plan
from missions.plan import Plan
from tests.missions.scenario import FRAME, GROUND, HOME, SITE, TAKEOFF_S, plan, square, zone


@pytest.fixture(scope="module")
def planned() -> Plan:
    return plan()


def test_a_plan_has_a_route_for_each_way_to_end(planned: Plan) -> None:
    routes = routes_of_plan(planned, wind_mps=4.0)
    assert len(routes) == len(planned.landings)
    assert [route.name.partition(" > ")[2] for route in routes] == [landing.name for landing in planned.landings]
    assert {route.departs_s for route in routes} == {TAKEOFF_S}
    assert {route.wind_mps for route in routes} == {4.0}


@pytest.mark.parametrize("number", range(3))
def test_a_route_flies_the_legs_of_its_plan_at_their_times(planned: Plan, number: int) -> None:
    landing = planned.landings[number].name
    legs = legs_of(routes_of_plan(planned)[number], FRAME, GROUND)
    wanted = [leg for leg in planned.legs if leg.branch == landing]
    wanted = [leg for leg in planned.legs if not leg.branch and leg.start_s < wanted[0].start_s] + wanted
    assert len(legs) == len(wanted)
    for leg, planned_leg in zip(legs, wanted, strict=True):
        assert leg.start_s - TAKEOFF_S == pytest.approx(planned_leg.start_s, abs=0.5)
        assert leg.end_s - leg.start_s == pytest.approx(planned_leg.end_s - planned_leg.start_s, abs=1e-3)
        home_m = planned.home_amsl_m + planned.geoid_m
        assert leg.end_ellipsoidal_m == pytest.approx(home_m + planned_leg.end.relative_m)


def test_what_a_plan_was_made_free_of_its_routes_are_free_of(planned: Plan) -> None:
    block = zone("B", square(HOME, 60.0), floor_agl_m=200.0)
    question = Question(Airspace(FRAME, SITE.ground, [block]), derive_margins())
    assert all(clear(route, question).free for route in routes_of_plan(planned))


def test_what_comes_over_a_plan_later_is_met_by_its_routes(planned: Plan) -> None:
    question = Question(Airspace(FRAME, SITE.ground, [zone("B", square(HOME, 60.0))]), derive_margins())
    assert not any(clear(route, question).free for route in routes_of_plan(planned))


def test_a_plan_without_a_place_to_land_is_one_route(planned: Plan) -> None:
    common = tuple(leg for leg in planned.legs if not leg.branch)
    (route,) = routes_of_plan(replace(planned, landings=(), legs=common))
    assert route.name == planned.name
    assert len(legs_of(route, FRAME, GROUND)) == len(common)
