from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from airspace.charted import Restriction
from airspace.clearing import Question, clear
from airspace.frames import Datum, Ground, Height, LatLon, LocalFrame
from airspace.ground.clearance import RequiredClearance
from airspace.intents import IntentState, OperationalIntent
from airspace.margins import derive_margins
from airspace.model import Airspace
from airspace.remedies import Limits, Remedy, RemedyKind, applied, remedies
from airspace.routes import Route
from airspace.rules import by_name
from airspace.schedules import Edge, Period, Schedule
from airspace.zones import load_charts
from missions.route_file import read_route
from tests.airspace.routes import (
    DEPARTS_S,
    LIMITS,
    Ridge,
    asked,
    closed,
    margins,
    random_route,
    random_zones,
    route,
)
from tests.airspace.shapes import FRAME, GROUND, GROUND_M, ZHENGZHOU, zone

EXAMPLES = Path(__file__).parents[2] / "examples" / "zhengzhou"
WALL = box(400.0, -200.0, 600.0, 150.0)
SHUT = box(400.0, -9000.0, 600.0, 9000.0)
STRAIGHT = route([(0, 0, 50), (1000, 0, 50)])


def offered(asking: Route, question: Question, limits: Limits | None = None) -> dict[RemedyKind, Remedy]:
    found = {remedy.kind: remedy for remedy in remedies(clear(asking, question), limits or LIMITS)}
    for remedy in found.values():
        assert applied(asking, remedy) == remedy.route
        assert clear(remedy.route, question).free
    return found


def test_no_departure_in_the_past_is_offered() -> None:
    shut = zone("A", closed(WALL, start_s=DEPARTS_S - 60.0, end_s=DEPARTS_S + 600.0))
    free_at_any_time = offered(STRAIGHT, asked(shut))
    assert {RemedyKind.EARLIER, RemedyKind.LATER} <= free_at_any_time.keys()
    assert free_at_any_time[RemedyKind.EARLIER].route.departs_s < DEPARTS_S - 60.0
    now = replace(LIMITS, not_before_s=DEPARTS_S - 60.0)
    assert RemedyKind.EARLIER not in offered(STRAIGHT, asked(shut), now)
    late = replace(LIMITS, not_before_s=DEPARTS_S + 3600.5)
    found = offered(STRAIGHT, asked(shut), late)
    assert found[RemedyKind.LATER].change.shift_s == 3601.0
    assert RemedyKind.EARLIER not in found


def test_a_leg_from_the_ground_keeps_to_the_upper_limit_too() -> None:
    hop = route([(0, 0, 0), (500, 0, 100), (1000, 0, 0)])
    shelf = zone("A", closed(box(450, -9000, 550, 9000), 20.0, 110.0))
    narrow = replace(LIMITS, detour_m=100.0)
    assert RemedyKind.HIGHER not in offered(hop, asked(shelf), narrow)
    high = offered(hop, asked(shelf), replace(narrow, highest_agl_m=200.0))
    assert high[RemedyKind.HIGHER].raise_m > 20.0


# -- the example -------------------------------------------------------------------------------------------------------


def example(name: str) -> tuple[Route, Question]:
    frame, ground = LocalFrame(LatLon(34.75, 113.62)), Ground(108.0, -19.4)
    zones = load_charts([EXAMPLES / "airspace.geojson"], frame, ground)
    airspace = Airspace(frame, ground, zones, jurisdiction=by_name("china"))
    asking = read_route(EXAMPLES / f"{name}-route.yaml")
    return asking, Question(airspace, derive_margins(asking.fix, asking.wind_mps))


def test_each_remedy_of_the_blocked_example_clears_it_when_applied() -> None:
    asking, question = example("blocked")
    assert not clear(asking, question).free
    found = remedies(clear(asking, question), LIMITS)
    assert len(found) >= 2
    for remedy in found:
        assert clear(applied(asking, remedy), question).free


def test_the_blocked_example_names_rule_place_and_time() -> None:
    asking, question = example("blocked")
    conflicts = clear(asking, question).conflicts
    assert [conflict.id for conflict in conflicts] == ["ZZ-EVENT-1", "ZZ-PAD-1"]
    for conflict in conflicts:
        assert "art." in conflict.rule.en
        assert conflict.grid_code.startswith("N49IB5")
        assert asking.departs_s < conflict.start_s < conflict.end_s < asking.departs_s + 600.0
        assert conflict.place.distance_m(asking.waypoints[2].position) < 600.0


def test_the_clear_example_needs_no_remedy() -> None:
    asking, question = example("clear")
    assert clear(asking, question).free
    assert remedies(clear(asking, question), LIMITS) == ()


# -- another departure -------------------------------------------------------------------------------------------------


def test_a_departure_moves_by_no_second_more_than_it_must() -> None:
    question = asked(zone("A", closed(SHUT, start_s=DEPARTS_S - 900.0, end_s=DEPARTS_S + 900.0)))
    found = offered(STRAIGHT, question)
    later, earlier = found[RemedyKind.LATER].change.shift_s, found[RemedyKind.EARLIER].change.shift_s
    assert earlier < 0.0 < later
    assert {later % 1.0, earlier % 1.0} == {0.0}
    assert not clear(STRAIGHT.departing(DEPARTS_S + later - 1.0), question).free
    assert not clear(STRAIGHT.departing(DEPARTS_S + earlier + 1.0), question).free


def test_a_departure_waits_for_a_gap_that_is_long_enough() -> None:
    # closed 07:00 to 20:00 but for half a minute at noon and two hours from 15:00, every day, at UTC+8
    hours = ((7.0, 12.0), (12.0 + 30 / 3600, 15.0), (17.0, 20.0))
    periods = tuple(Period(Edge(3600.0 * start), Edge(3600.0 * end)) for start, end in hours)
    held = replace(zone("A", closed(SHUT)), schedule=Schedule(periods=periods, zone="Asia/Shanghai"), place=ZHENGZHOU)
    departs_s = DEPARTS_S  # 09:00
    found = offered(STRAIGHT.departing(departs_s), asked(held, room=margins(pace=0.0)))
    opens_s = departs_s + 6 * 3600.0
    assert opens_s - 40.0 < found[RemedyKind.LATER].route.departs_s <= opens_s + 15.0
    assert found[RemedyKind.EARLIER].route.departs_s < departs_s - 2 * 3600.0 - 75.0


def test_what_is_always_closed_is_not_waited_for() -> None:
    kinds = offered(STRAIGHT, asked(zone("A", closed(WALL))))
    assert kinds.keys() & {RemedyKind.LATER, RemedyKind.EARLIER} == set()


def test_no_departure_is_offered_before_the_soonest_one() -> None:
    question = asked(zone("A", closed(SHUT, start_s=DEPARTS_S - 900.0, end_s=DEPARTS_S + 900.0)))
    found = offered(STRAIGHT, question, replace(LIMITS, not_before_s=DEPARTS_S - 60.0))
    assert RemedyKind.EARLIER not in found
    assert RemedyKind.LATER in found


def test_no_departure_is_offered_beyond_the_horizon() -> None:
    held = zone("A", closed(SHUT, start_s=DEPARTS_S - 9e5, end_s=DEPARTS_S + 9e5))
    assert RemedyKind.LATER not in offered(STRAIGHT, asked(held))
    assert RemedyKind.LATER in offered(STRAIGHT, asked(held, horizon_s=1e6))


def test_another_flight_is_let_past() -> None:
    crossing = asked().flown(route([(500, -500, 50), (500, 500, 50)]))
    airspace = Airspace(FRAME, GROUND, (), [OperationalIntent("other", 0, IntentState.ACCEPTED, crossing.volumes)])
    found = offered(STRAIGHT, Question(airspace, margins()))
    assert 0.0 < found[RemedyKind.LATER].change.shift_s < 300.0
    assert found.keys() >= {RemedyKind.EARLIER, RemedyKind.HIGHER, RemedyKind.LOWER, RemedyKind.AROUND}


# -- another height ----------------------------------------------------------------------------------------------------


def raised(asking: Route, by_m: float) -> Route:
    return replace(asking, waypoints=tuple(replace(w, height=w.height + by_m) for w in asking.waypoints))


def test_a_height_moves_by_no_metre_more_than_it_must() -> None:
    question = asked(zone("A", closed(SHUT, 40.0, 62.5)))
    found = offered(STRAIGHT, question)
    assert found[RemedyKind.HIGHER].raise_m == 18.0
    assert found[RemedyKind.LOWER].raise_m == -16.0
    assert not clear(raised(STRAIGHT, 17.0), question).free
    assert not clear(raised(STRAIGHT, -15.0), question).free


def test_a_height_passes_what_it_would_meet_on_the_way() -> None:
    layers = [zone("A", closed(SHUT, 40.0, 60.0)), zone("B", closed(SHUT, 66.0, 80.0))]
    assert offered(STRAIGHT, asked(*layers))[RemedyKind.HIGHER].raise_m == 36.0


def test_no_height_is_offered_outside_the_limits() -> None:
    question = asked(zone("A", closed(SHUT, 14.0, 117.0)))
    assert offered(STRAIGHT, question) == {}
    wide = offered(STRAIGHT, question, Limits(lowest_agl_m=5.0, highest_agl_m=150.0))
    assert wide[RemedyKind.LOWER].raise_m == -42.0
    assert wide[RemedyKind.HIGHER].raise_m == 73.0


def test_what_stands_on_the_ground_stays_there() -> None:
    asking = route([(0, 0, 0), (0, 0, 50), (1000, 0, 50), (1000, 0, 0)])
    found = offered(asking, asked(zone("A", closed(SHUT, 40.0, 62.5))))
    heights = [waypoint.height.value_m for waypoint in found[RemedyKind.HIGHER].route.waypoints]
    assert heights == [0.0, 68.0, 68.0, 0.0]


def test_no_height_is_offered_that_comes_too_close_to_the_ground() -> None:
    question = replace(asked(zone("A", closed(SHUT, 40.0, 62.5))), required=RequiredClearance(40.0, 10.0, 10.0))
    assert offered(STRAIGHT, question).keys() & {RemedyKind.LOWER, RemedyKind.HIGHER} == {RemedyKind.HIGHER}


def test_a_route_too_close_to_the_ground_is_raised_by_no_metre_more_than_it_must() -> None:
    question = replace(asked(), required=RequiredClearance(62.5, 10.0, 10.0))
    found = offered(STRAIGHT, question)
    assert list(found) == [RemedyKind.HIGHER]
    assert found[RemedyKind.HIGHER].raise_m == 13.0


def test_a_height_keeps_to_the_limits_over_a_ridge() -> None:
    question = Question(Airspace(FRAME, Ridge(40.0), [zone("A", closed(SHUT, 40.0, 62.5))]), margins())
    asking = replace(STRAIGHT, waypoints=tuple(replace(w, height=w.height + 5.0) for w in STRAIGHT.waypoints))
    assert offered(asking, question, replace(LIMITS, lowest_agl_m=15.0)).keys() >= {RemedyKind.HIGHER}
    assert RemedyKind.LOWER not in offered(asking, question, replace(LIMITS, lowest_agl_m=15.0))


# -- a way round -------------------------------------------------------------------------------------------------------


def test_a_way_round_keeps_all_places_and_says_how_much_longer_it_is() -> None:
    asking = route([(0, 0, 50), (200, 0, 50), (1000, 0, 50)])
    around = offered(asking, asked(zone("A", closed(WALL))))[RemedyKind.AROUND]
    places = [waypoint.position for waypoint in around.route.waypoints]
    assert [waypoint.position for waypoint in asking.waypoints] == [
        p for p in places if p in (places[0], places[1], places[-1])
    ]
    shortest_m = 200.0 + math.hypot(200.0, 160.0) + 200.0 + math.hypot(400.0, 160.0)
    assert around.added_m == pytest.approx(shortest_m - 1000.0, abs=10.0)
    assert around.added_s == pytest.approx(around.added_m / 8.0, abs=0.1)
    assert around.left_out == ()


def test_a_way_round_leaves_out_a_place_inside_and_says_so() -> None:
    asking = route([(0, 0, 50), (500, 0, 50), (1000, 0, 50)])
    around = offered(asking, asked(zone("A", closed(WALL))))[RemedyKind.AROUND]
    assert around.left_out == (1,)
    assert "leave out waypoint 1" in around.words.en
    assert "舍去航点 1" in around.words.zh


def test_there_is_no_way_round_for_an_end_that_is_inside() -> None:
    assert RemedyKind.AROUND not in offered(route([(500, 0, 50), (1000, 0, 50)]), asked(zone("A", closed(WALL))))


def test_there_is_no_way_round_what_reaches_across() -> None:
    assert RemedyKind.AROUND not in offered(STRAIGHT, asked(zone("A", closed(SHUT, 40.0, 62.5))))


def test_a_way_round_keeps_clear_of_what_it_meets_on_its_way() -> None:
    walls = [
        zone("A", closed(WALL)),
        zone("B", closed(box(300, 150, 700, 400))),
        zone("C", closed(box(300, -500, 700, -200))),
    ]
    around = offered(STRAIGHT, asked(*walls))[RemedyKind.AROUND]
    assert around.added_m > 400.0


def test_a_way_round_rises_between_the_heights_of_its_ends() -> None:
    asking = route([(0, 0, 40), (1000, 0, 80)])
    heights = [w.height for w in offered(asking, asked(zone("A", closed(WALL))))[RemedyKind.AROUND].route.waypoints]
    assert heights == sorted(heights)
    assert len(heights) > 3
    assert {height.datum for height in heights} == {Datum.AGL}


def test_a_way_round_between_two_datums_is_counted_over_the_ellipsoid() -> None:
    asking = route([(0, 0, 40), (1000, 0, 80)])
    over_sea = replace(asking.waypoints[1], height=Height(108.0 + 80.0, Datum.AMSL))
    mixed = replace(asking, waypoints=(asking.waypoints[0], over_sea))
    corners = offered(mixed, asked(zone("A", closed(WALL))))[RemedyKind.AROUND].route.waypoints[1:-1]
    assert {corner.height.datum for corner in corners} == {Datum.ELLIPSOIDAL}
    assert all(GROUND_M + 40.0 < corner.height.value_m < GROUND_M + 80.0 for corner in corners)


def test_a_way_round_of_a_timed_plan_keeps_its_pace() -> None:
    timed = replace(STRAIGHT, waypoints=tuple(replace(w, after_s=100.0) for w in STRAIGHT.waypoints))
    around = offered(timed, asked(zone("A", closed(WALL))))[RemedyKind.AROUND]
    assert around.added_s == pytest.approx(around.added_m / 10.0, abs=0.1)


# -- two together ------------------------------------------------------------------------------------------------------


def test_two_changes_are_put_together_when_one_is_not_enough() -> None:
    held = [
        zone("A", closed(SHUT, 0.0, 70.0)),
        zone("B", closed(SHUT, 70.0, 400.0, DEPARTS_S - 900.0, DEPARTS_S + 900.0)),
    ]
    found = offered(STRAIGHT, asked(*held))
    assert list(found) == [RemedyKind.PAIRED]
    pair = found[RemedyKind.PAIRED]
    assert pair.raise_m == 30.0
    assert pair.change.shift_s != 0.0
    assert "higher" in pair.words.en
    assert "later" in pair.words.en or "earlier" in pair.words.en


def test_leaving_at_another_time_can_spare_a_part_of_the_way_round() -> None:
    evening = closed(box(400, -1500, 600, 1000), start_s=DEPARTS_S - 900.0, end_s=DEPARTS_S + 900.0)
    found = offered(STRAIGHT, asked(zone("A", closed(WALL)), zone("B", evening)))
    assert found[RemedyKind.PAIRED].added_m < found[RemedyKind.AROUND].added_m - 500.0


def test_nothing_is_offered_where_nothing_helps() -> None:
    assert remedies(clear(STRAIGHT, asked(zone("A", closed(SHUT)))), LIMITS) == ()


# -- leave, and chance -------------------------------------------------------------------------------------------------


def test_a_zone_that_may_be_entered_by_leave_is_in_the_way_until_it_is_given() -> None:
    held = replace(zone("A", closed(WALL)), restriction=Restriction.AUTHORISATION)
    assert clear(STRAIGHT, asked(held)).conflicts[0].reason().rule.code == "airspace.authorisation"
    assert clear(STRAIGHT, asked(held, permitted=frozenset({"A"}))).free


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_every_remedy_of_a_random_route_clears_it_and_keeps_to_the_limits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    question, asking = asked(*random_zones(rng, 10)), random_route(rng)
    limits = Limits(lowest_agl_m=15.0, highest_agl_m=119.0)
    for kind, remedy in offered(asking, question, limits).items():
        assert abs(remedy.change.shift_s) <= question.horizon_s
        if remedy.raise_m:
            assert all(15.0 <= w.height.value_m <= 119.0 for w in remedy.route.waypoints)
        if kind in (RemedyKind.LATER, RemedyKind.EARLIER):
            sign = math.copysign(1.0, remedy.change.shift_s)
            for less_s in rng.integers(0, int(abs(remedy.change.shift_s)), 5).tolist():
                assert not clear(asking.departing(asking.departs_s + sign * less_s), question).free
        if kind in (RemedyKind.HIGHER, RemedyKind.LOWER):
            sign = math.copysign(1.0, remedy.raise_m)
            for less_m in range(int(abs(remedy.raise_m))):
                assert not clear(raised(asking, sign * less_m), question).free


def test_remedies_say_what_to_do_in_both_languages() -> None:
    evening = Polygon(WALL), DEPARTS_S - 900.0, DEPARTS_S + 900.0
    question = asked(zone("A", closed(evening[0], 40.0, 62.5, *evening[1:])))
    words = {kind: remedy.words for kind, remedy in offered(STRAIGHT, question).items()}
    assert words[RemedyKind.LATER].en.startswith("depart 14 min ")
    assert words[RemedyKind.LATER].zh.startswith("推迟 14 分")
    assert words[RemedyKind.HIGHER].en == "fly 18 m higher"
    assert words[RemedyKind.LOWER].zh == "飞行高度降低 16 米"
    assert words[RemedyKind.AROUND].en.startswith("fly around, ")
