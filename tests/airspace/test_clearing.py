from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from airspace.charted import Circle
from airspace.clearing import Answer, Flown, Question, clear
from airspace.frames import Datum, Height, LatLon, LocalFrame
from airspace.ground.clearance import LaidObstacles, RequiredClearance
from airspace.ground.obstacles import Obstacle, ObstacleKind
from airspace.intents import IntentState, OperationalIntent
from airspace.margins import MarginBreakdown, derive_margins
from airspace.model import Airspace
from airspace.routes import LONGEST_PIECE_S, TALLEST_PIECE_M, Waypoint
from airspace.volumes import Volume4D
from airspace.zones import Zone
from tests.airspace.routes import (
    DEPARTS_S,
    Ridge,
    asked,
    body_samples,
    closed,
    margins,
    place,
    random_route,
    random_zones,
    route,
)
from tests.airspace.shapes import FRAME, GROUND, GROUND_M, zone

seeds = st.integers(0, 2**32 - 1)
WALL = box(400.0, -200.0, 600.0, 150.0)


def met(answer: Answer) -> list[str]:
    return [conflict.id for conflict in answer.conflicts]


def test_a_route_that_meets_nothing_is_free() -> None:
    answer = clear(route([(0, 0, 50), (1000, 0, 50)]), asked(zone("A", closed(WALL, 60.0))))
    assert answer.free
    assert answer.conflicts == ()


def test_a_leg_is_asked_not_its_ends() -> None:
    answer = clear(route([(0, 0, 50), (1000, 0, 50)]), asked(zone("A", closed(WALL))))
    assert not answer.free
    assert met(answer) == ["A"]


def test_a_conflict_says_who_where_when_and_under_which_rule() -> None:
    conflict = clear(route([(0, 0, 50), (1000, 0, 50)]), asked(zone("A", closed(WALL)))).conflicts[0]
    assert (conflict.kind, conflict.id, conflict.rule.en) == ("zone", "A", "closed")
    assert conflict.legs == (1,)
    assert FRAME.xy(conflict.place) == pytest.approx((415.0, 0.0), abs=80.0)
    assert (conflict.floor_ellipsoidal_m, conflict.ceiling_ellipsoidal_m) == (GROUND_M + 45.0, GROUND_M + 55.0)
    # 390 m to 610 m at 8 m/s, and what a piece covers at its ends
    assert DEPARTS_S + 390 / 8 - 25.0 - LONGEST_PIECE_S < conflict.start_s < DEPARTS_S + 390 / 8
    assert DEPARTS_S + 610 / 8 < conflict.end_s < DEPARTS_S + 610 / 8 + 25.0 + LONGEST_PIECE_S
    assert conflict.overlap.bounds == pytest.approx((400.0, -10.0, 600.0, 10.0), abs=0.1)


def test_a_conflict_says_by_how_much_along_each_axis() -> None:
    held = closed(WALL, 40.0, 58.0, DEPARTS_S - 600.0, DEPARTS_S + 600.0)
    answer = clear(route([(0, 0, 50), (1000, 0, 50)]), asked(zone("A", held), room=margins(pace=0.0)))
    depth = answer.conflicts[0].depth
    assert depth.plan_m == pytest.approx(160.0, rel=0.01)
    assert depth.bearing_deg == pytest.approx(0.0, abs=1.0)
    assert depth.up_m == pytest.approx(13.0)
    assert depth.down_m == pytest.approx(15.0)
    assert depth.later_s is not None
    assert 600.0 + 15.0 - 61.0 - 20.0 < depth.later_s <= 600.0 + 15.0
    assert depth.earlier_s is not None
    assert 600.0 + 15.0 < depth.earlier_s <= 600.0 + 15.0 + 76.25 + 20.0


def test_what_is_always_active_cannot_be_waited_for() -> None:
    depth = clear(route([(0, 0, 50), (1000, 0, 50)]), asked(zone("A", closed(WALL)))).conflicts[0].depth
    assert depth.later_s is None
    assert depth.earlier_s is None


def test_one_zone_is_told_once_over_all_the_legs_that_enter_it() -> None:
    back_and_forth = route([(0, 0, 50), (1000, 0, 50), (1000, 50, 50), (0, 50, 50)])
    answer = clear(back_and_forth, asked(zone("A", closed(WALL))))
    assert met(answer) == ["A"]
    assert answer.conflicts[0].legs == (1, 3)
    assert len(answer.conflicts[0].details) > 2


def test_conflicts_come_in_the_order_in_which_the_route_meets_them() -> None:
    far, near = closed(box(800, -50, 900, 50)), closed(box(300, -50, 400, 50))
    answer = clear(route([(0, 0, 50), (1200, 0, 50)]), asked(zone("A", far), zone("B", near)))
    assert met(answer) == ["B", "A"]


def test_the_own_intent_of_a_route_is_not_in_its_way() -> None:
    flown = asked().flown(route([(0, 0, 50), (1000, 0, 50)]))
    own = OperationalIntent("me", 0, IntentState.ACCEPTED, flown.volumes)
    airspace = Airspace(FRAME, GROUND, (), [own])
    assert met(clear(flown.route, Question(airspace, margins()))) == ["me"]
    assert clear(flown.route, Question(airspace, margins(), own_id="me")).free


def test_an_intent_is_left_behind_by_a_shift_that_all_of_its_volumes_allow() -> None:
    other = asked().flown(route([(500, -500, 50), (500, 500, 50)]))
    airspace = Airspace(FRAME, GROUND, (), [OperationalIntent("other", 0, IntentState.ACCEPTED, other.volumes)])
    question = Question(airspace, margins())
    mine = route([(0, 0, 50), (1000, 0, 50)])
    depth = clear(mine, question).conflicts[0].depth
    assert depth.later_s is not None
    assert not clear(mine.departing(DEPARTS_S + depth.later_s - 1.0), question).free
    assert clear(mine.departing(DEPARTS_S + depth.later_s), question).free


# -- the ground --------------------------------------------------------------------------------------------------------

LOW = RequiredClearance(terrain_m=30.0, above_m=20.0, beside_m=15.0)


def test_a_leg_that_comes_too_close_to_the_ground_is_named() -> None:
    answer = clear(route([(0, 0, 60), (500, 0, 60), (1000, 0, 20)]), replace(asked(), required=LOW))
    assert not answer.free
    assert [(reason.rule.code, reason.where) for reason in answer.too_close] == [("ground.clearance.terrain", "leg 2")]
    assert [each.leg for each in answer.clearances] == [1, 2]


def over_ridge(tall_m: float, *zones: Zone) -> Question:
    return Question(Airspace(FRAME, Ridge(tall_m), zones), margins(), required=LOW)


def test_a_leg_over_a_ridge_is_judged_at_the_ridge_not_at_its_ends() -> None:
    straight = route([(0, 0, 60), (1000, 0, 60)])
    assert clear(straight, over_ridge(29.0)).free
    answer = clear(straight, over_ridge(31.0))
    assert [reason.rule.code for reason in answer.too_close] == ["ground.clearance.terrain"]
    assert answer.clearances[0].clearance.vertical_m == pytest.approx(29.0, abs=0.01)
    assert answer.clearances[0].clearance.along_m == pytest.approx(500.0, abs=0.1)


def test_heights_above_ground_follow_the_ground_from_place_to_place() -> None:
    legs = clear(route([(0, 0, 60), (500, 0, 60), (1000, 0, 60)]), over_ridge(31.0)).flown.legs
    assert [leg.end_ellipsoidal_m - GROUND_M for leg in legs] == pytest.approx([91.0, 60.0], abs=0.01)
    assert clear(route([(0, 0, 60), (500, 0, 60), (1000, 0, 60)]), over_ridge(31.0)).free


def test_a_zone_over_the_ridge_is_met_at_the_heights_of_the_ridge() -> None:
    shelf = zone("A", closed(box(450, -100, 550, 100), 80.0, 120.0))
    asking = route([(0, 0, 60), (500, 0, 60), (1000, 0, 60)])
    assert met(clear(asking, over_ridge(31.0, shelf))) == ["A"]
    assert met(clear(asking, over_ridge(5.0, shelf))) == []


def test_take_off_and_landing_come_to_the_ground_on_purpose() -> None:
    up_and_down = route([(0, 0, 0), (0, 0, 60), (1000, 0, 60), (1200, 0, 0)])
    assert clear(up_and_down, replace(asked(), required=LOW)).free
    onto_a_dock = route([(0, 0, 8), (0, 0, 60), (1000, 0, 60), (1000, 0, 8)])
    assert clear(onto_a_dock, replace(asked(), required=LOW)).free
    past_a_dock = route([(0, 0, 60), (500, 0, 60), (500, 0, 8), (500, 0, 60), (1000, 0, 60)])
    assert not clear(past_a_dock, replace(asked(), required=LOW)).free


def codes(answer: Answer) -> list[str]:
    return [reason.rule.code for reason in answer.too_close]


def test_a_long_climb_from_the_ground_is_still_asked_about_what_it_passes_over() -> None:
    straight_up_the_hill = route([(0, 0, 0), (1000, 0, 160)])
    assert clear(straight_up_the_hill, replace(asked(), required=LOW)).free
    assert codes(clear(straight_up_the_hill, over_ridge(60.0))) == ["ground.clearance.terrain"]
    assert codes(clear(route([(0, 0, 160), (1000, 0, 0)]), over_ridge(60.0))) == ["ground.clearance.terrain"]


def test_a_shallow_landing_does_not_go_low_from_far_away() -> None:
    for points in ([(0, 0, 8), (1000, 0, 0)], [(0, 0, 0), (1000, 0, 25)]):
        assert codes(clear(route(points), replace(asked(), required=LOW))) == ["ground.clearance.terrain"]
    near = route([(0, 0, 60), (0, 0, 45), (150, 0, 0)])
    assert clear(near, replace(asked(), required=LOW)).free


def test_a_landing_never_passes_under_the_ground() -> None:
    behind_the_top = Question(Airspace(FRAME, Ridge(400.0)), margins(), required=LOW)
    # from 20 m above the slope at 420 m east, under the top at 500 m, to the ground at 580 m
    through = route([(420, 0, 20), (580, 0, 0)])
    answer = clear(through, behind_the_top)
    assert set(codes(answer)) == {"ground.clearance.terrain"}
    assert min(each.clearance.vertical_m for each in answer.clearances) < -40.0


def test_a_place_on_the_ground_may_lie_a_little_under_what_the_model_says() -> None:
    assert clear(route([(0, 0, -1.5), (0, 0, 60), (1000, 0, 60)]), replace(asked(), required=LOW)).free


def test_a_climb_beside_a_cliff_is_too_close_to_it() -> None:
    cliff = Question(Airspace(FRAME, Ridge(5000.0)), margins(10.0), required=LOW)  # 10 m up on every metre
    answer = clear(route([(100, 0, 0), (100, 0, 60)]), cliff)
    assert codes(answer) == ["ground.clearance.terrain"]
    assert answer.clearances[0].clearance.vertical_m == pytest.approx(30.0 - 100.0, abs=0.1)
    gentle = Question(Airspace(FRAME, Ridge(500.0)), margins(10.0), required=LOW)
    assert clear(route([(100, 0, 0), (100, 0, 60)]), gentle).free


def test_ground_within_the_lateral_margin_beside_a_leg_counts() -> None:
    along_the_foot = route([(0, -100, 60), (0, 100, 60)])
    steep = Airspace(FRAME, Ridge(1000.0))  # 2 m up on every metre east of 0
    assert clear(along_the_foot, Question(steep, margins(10.0), required=LOW)).free
    answer = clear(along_the_foot, Question(steep, margins(20.0), required=LOW))
    assert codes(answer) == ["ground.clearance.terrain"]
    assert answer.clearances[0].clearance.vertical_m == pytest.approx(20.0, abs=0.01)
    assert answer.clearances[0].clearance.horizontal_m == pytest.approx(20.0)


def test_ground_within_the_vertical_margin_counts() -> None:
    low = route([(0, 0, 35), (1000, 0, 35)])
    assert clear(low, replace(asked(room=margins(10.0, 34.0)), required=LOW)).free
    assert codes(clear(low, replace(asked(room=margins(10.0, 36.0)), required=LOW))) == ["ground.clearance.terrain"]


def test_an_obstacle_within_the_margins_counts() -> None:
    mast = Obstacle("m1", "mast", ObstacleKind.MAST, Circle(place(500, 0), 1.0), (GROUND_M + 45.0,), GROUND_M)

    def beside(east_m: float, up_m: float, room: MarginBreakdown) -> list[str]:
        question = Question(asked().airspace, room, required=LOW, obstacles=LaidObstacles(FRAME, [mast]))
        return codes(clear(route([(0, east_m, up_m), (1000, east_m, up_m)]), question))

    assert beside(20.0, 60.0, margins(10.0)) == []
    assert beside(20.0, 60.0, margins(25.0)) == ["ground.clearance.obstacle"]
    assert beside(0.0, 70.0, margins(10.0, 5.0)) == []
    assert beside(0.0, 70.0, margins(10.0, 26.0)) == ["ground.clearance.obstacle"]


def test_a_route_that_takes_no_time_is_not_free() -> None:
    inside = route([(500, 0, 60)])
    assert not clear(inside, asked(zone("A", closed(WALL)))).free
    assert not clear(inside, asked()).free


def test_a_leg_along_the_ground_is_not_taken_for_a_take_off() -> None:
    answer = clear(route([(0, 0, 0), (1000, 0, 0)]), replace(asked(), required=LOW))
    assert [reason.rule.code for reason in answer.too_close] == ["ground.clearance.terrain"]


def test_an_obstacle_must_be_passed_above_or_beside() -> None:
    mast = Obstacle("m1", "mast", ObstacleKind.MAST, Circle(place(500, 0), 1.0), (GROUND_M + 45.0,), GROUND_M)
    question = replace(asked(), required=LOW, obstacles=LaidObstacles(FRAME, [mast]))
    assert [r.rule.code for r in clear(route([(0, 0, 60), (1000, 0, 60)]), question).too_close] == [
        "ground.clearance.obstacle"
    ]
    assert clear(route([(0, 0, 66), (1000, 0, 66)]), question).free
    assert clear(route([(0, 17, 60), (1000, 17, 60)]), question).free


def test_nothing_is_said_of_the_ground_where_nothing_is_required() -> None:
    assert clear(route([(0, 0, 5), (1000, 0, 5)]), asked()).clearances == ()


def test_a_place_beyond_the_grid_has_no_code() -> None:
    frame = LocalFrame(LatLon(89.0, 0.0))
    wall = zone("A", closed(WALL))
    polar = [Waypoint(frame.latlon(x, 0.0), Height(GROUND_M + 50.0, Datum.ELLIPSOIDAL)) for x in (0.0, 1000.0)]
    asking = replace(route([(0, 0, 50), (1000, 0, 50)]), waypoints=tuple(polar))
    assert clear(asking, Question(Airspace(frame, GROUND, [wall]), margins())).conflicts[0].grid_code == ""


# -- the oracle --------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(seeds)
def test_no_overlap_that_dense_sampling_finds_is_missed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    zones, room = random_zones(rng, 12), margins(float(rng.uniform(1, 60)), float(rng.uniform(0, 20)))
    answer = clear(random_route(rng), asked(*zones, room=room))
    sampled = {
        held.id
        for x, y, up_m, at_s in body_samples(answer.flown.legs, room, rng, 300)
        for held in zones
        if held.volume.contains(x, y, up_m, at_s)
    }
    assert sampled <= set(met(answer))


def meets_with_more_room(flown: Flown, room: MarginBreakdown, held: Volume4D) -> bool:
    """Whether the exact body, made larger by what pieces cover beyond it, reaches a volume at one of many moments."""
    departs_s, step_s = flown.legs[0].start_s, 0.25
    for leg in flown.legs:
        count = int((leg.end_s - leg.start_s) / step_s) + 2
        shares = np.linspace(0.0, 1.0, count)
        for x, y, up_m, at_s in map(leg.at, shares.tolist()):
            around = room.at(at_s + LONGEST_PIECE_S - departs_s)
            time_s = around.time_s + LONGEST_PIECE_S + step_s
            if (
                held.start_s <= at_s + time_s
                and at_s - time_s <= held.end_s
                and held.floor_ellipsoidal_m <= up_m + around.vertical_m + TALLEST_PIECE_M
                and up_m - around.vertical_m - TALLEST_PIECE_M <= held.ceiling_ellipsoidal_m
                and held.outline.distance(Point(x, y)) <= 1.005 * around.lateral_m + 4.0 * step_s
            ):
                return True
    return False


@settings(max_examples=15)
@given(seeds)
def test_no_conflict_is_told_that_lies_beyond_what_pieces_cover(seed: int) -> None:
    rng = np.random.default_rng(seed)
    zones, room = random_zones(rng, 12), margins(float(rng.uniform(1, 60)), float(rng.uniform(0, 20)))
    answer = clear(random_route(rng), asked(*zones, room=room))
    volumes = {held.id: held.volume for held in zones}
    for conflict in answer.conflicts:
        assert meets_with_more_room(answer.flown, room, volumes[conflict.id])


@settings(max_examples=20)
@given(seeds)
def test_two_routes_are_in_each_others_way_or_neither_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = random_route(rng), random_route(rng)

    def blocks(held: Flown, asking: Flown) -> bool:
        intent = OperationalIntent("held", 0, IntentState.ACCEPTED, held.volumes)
        return not clear(asking.route, Question(Airspace(FRAME, GROUND, (), [intent]), margins(60.0, 20.0))).free

    first, second = (asked(room=margins(60.0, 20.0)).flown(each) for each in (one, other))
    assert blocks(first, second) == blocks(second, first)


TERMS = (
    "wind_mps",
    "correction_age_s",
    "frame_m",
    "datum_m",
    "path_error_m",
    "height_error_m",
    "span_m",
    "tall_m",
    "lateral_buffer_m",
    "vertical_buffer_m",
    "late_start_s",
    "pace",
)


@settings(max_examples=40)
@given(seeds, st.sampled_from(TERMS), st.floats(0.0, 30.0))
def test_making_any_term_of_the_margins_larger_only_ever_adds_conflicts(seed: int, term: str, more: float) -> None:
    rng = np.random.default_rng(seed)
    zones, asking = random_zones(rng, 12), random_route(rng)
    given_terms = {name: float(rng.uniform(0.0, 1.0)) for name in TERMS}
    wider = {**given_terms, term: given_terms[term] + more}
    tight, wide = (clear(asking, asked(*zones, room=derive_margins("3d", **terms))) for terms in (given_terms, wider))
    assert set(met(tight)) <= set(met(wide))


@settings(max_examples=20)
@given(seeds)
def test_each_depth_separates_its_pair_and_a_little_less_does_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    zones, asking = random_zones(rng, 8), random_route(rng)
    for conflict in clear(asking, asked(*zones)).conflicts:
        alone = asked(next(held for held in zones if held.id == conflict.id))
        depth = conflict.depth
        for shift_s in (depth.later_s, None if depth.earlier_s is None else -depth.earlier_s):
            if shift_s is not None:
                spare_s = math.copysign(1e-6, shift_s)  # seconds since 1970 round
                assert clear(asking.departing(asking.departs_s + shift_s + spare_s), alone).free
                assert not clear(asking.departing(asking.departs_s + shift_s * 0.999), alone).free
        for raise_m in (depth.up_m, None if depth.down_m is None else -depth.down_m):
            if raise_m is not None:
                for by_m, free in ((raise_m * 1.0001, True), (raise_m * 0.999, False)):
                    raised = replace(
                        asking, waypoints=tuple(replace(w, height=w.height + by_m) for w in asking.waypoints)
                    )
                    assert clear(raised, alone).free is free
