from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point

from airspace.frames import Datum, Height
from airspace.margins import MarginBreakdown
from airspace.routes import LONGEST_PIECE_S, TALLEST_PIECE_M, Route, RouteLeg, Waypoint, legs_of, pieces_of
from tests.airspace.routes import DEPARTS_S, body_samples, margins, place, route
from tests.airspace.shapes import FRAME, GROUND, GROUND_M

points = st.lists(
    st.tuples(st.floats(-3000.0, 3000.0), st.floats(-3000.0, 3000.0), st.floats(0.0, 120.0)), min_size=2, max_size=6
)
rooms = st.builds(margins, st.floats(0.5, 60.0), st.floats(0.0, 30.0), st.floats(0.0, 120.0), st.floats(0.0, 1.5))


def test_legs_follow_each_other_without_a_gap_in_place_or_time() -> None:
    legs = legs_of(route([(0, 0, 50), (800, 0, 50), (800, 400, 80)], hold_s=30.0), FRAME, GROUND)
    assert [leg.number for leg in legs] == [1, 2, 2]
    assert legs[0].start_s == DEPARTS_S
    for before, after in pairwise(legs):
        assert (before.end_xy, before.end_ellipsoidal_m, before.end_s) == (
            after.start_xy,
            after.start_ellipsoidal_m,
            after.start_s,
        )


def test_a_leg_takes_as_long_as_the_slower_of_its_two_movements() -> None:
    level, climb, descent = legs_of(route([(0, 0, 50), (800, 0, 50), (800 + 80, 0, 100), (800, 0, 40)]), FRAME, GROUND)
    assert level.end_s - level.start_s == pytest.approx(100.0, abs=1e-6)
    assert climb.end_s - climb.start_s == pytest.approx(50 / 2.5)
    assert descent.end_s - descent.start_s == pytest.approx(60 / 1.5)


def test_heights_of_different_datums_meet_over_the_ellipsoid() -> None:
    asked = route([(0, 0, 50), (100, 0, 50)])
    over_sea = Waypoint(place(100, 0), Height(108.0 + 50.0, Datum.AMSL))
    leg = legs_of(replace(asked, waypoints=(asked.waypoints[0], over_sea)), FRAME, GROUND)[0]
    assert leg.start_ellipsoidal_m == pytest.approx(GROUND_M + 50.0)
    assert leg.end_ellipsoidal_m == pytest.approx(GROUND_M + 50.0)


def test_a_plan_that_timed_its_legs_is_believed() -> None:
    asked = route([(0, 0, 0), (0, 0, 45), (800, 0, 45)])
    timed = replace(asked, waypoints=tuple(replace(w, after_s=21.0) for w in asked.waypoints))
    assert [leg.end_s - leg.start_s for leg in legs_of(timed, FRAME, GROUND)] == [21.0, 21.0]


def test_a_place_that_comes_twice_makes_no_leg() -> None:
    assert len(legs_of(route([(0, 0, 50), (0, 0, 50), (90, 0, 50)]), FRAME, GROUND)) == 1


def test_a_way_is_never_timed_away() -> None:
    asked = route([(0, 0, 50), (1000, 0, 50), (1000, 100, 50)])
    first, second, third = asked.waypoints
    for after_s in (0.0, 1e-9):
        with pytest.raises(ValueError, match="takes time"):
            replace(asked, waypoints=(first, replace(second, after_s=after_s), third))
    up = replace(second, position=first.position, height=second.height + 60.0, after_s=0.0)
    with pytest.raises(ValueError, match="takes time"):
        replace(asked, waypoints=(first, up, third))
    # in height over another datum, which only the ground tells
    beside = Waypoint(first.position, Height(GROUND_M + 110.0, Datum.ELLIPSOIDAL), after_s=0.0)
    legs = legs_of(replace(asked, waypoints=(first, beside, third)), FRAME, GROUND)
    assert [leg.number for leg in legs] == [1, 2]
    assert legs[0].end_ellipsoidal_m - legs[0].start_ellipsoidal_m == pytest.approx(60.0)
    assert len(pieces_of(legs[:1], margins(time_s=0.0, pace=0.0))) == 12


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed_mps": 0.0},
        {"climb_mps": -1.0},
        {"descend_mps": math.inf},
        {"departs_s": math.nan},
        {"waypoints": ()},
    ],
)
def test_a_route_that_nobody_can_fly_is_no_value(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a route"):
        replace(route([(0, 0, 50), (90, 0, 50)]), **wrong)


def test_a_wait_that_goes_back_in_time_is_no_value() -> None:
    with pytest.raises(ValueError, match="not negative"):
        route([(0, 0, 50), (90, 0, 50)], hold_s=-1.0)


@settings(max_examples=60)
@given(points, rooms, st.integers(0, 2**32 - 1), st.floats(0.0, 300.0))
def test_every_point_of_the_flight_with_its_margins_is_in_one_piece_at_its_time(
    corners: list[tuple[float, float, float]], room: MarginBreakdown, seed: int, hold_s: float
) -> None:
    legs = legs_of(route(corners, hold_s=hold_s), FRAME, GROUND)
    if not legs:
        return
    volumes = [piece.volume for piece in pieces_of(legs, room)]
    for x, y, up_m, at_s in body_samples(legs, room, np.random.default_rng(seed), 20):
        # a point on the very edge may be off by the rounding of seconds since 1970
        assert any(
            v.start_s - 1e-6 <= at_s < v.end_s + 1e-6
            and v.floor_ellipsoidal_m - 1e-6 <= up_m <= v.ceiling_ellipsoidal_m + 1e-6
            and v.outline.distance(Point(x, y)) < 1e-6
            for v in volumes
        )


@settings(max_examples=60)
@given(points, rooms)
def test_a_piece_covers_no_more_than_is_said(corners: list[tuple[float, float, float]], room: MarginBreakdown) -> None:
    legs = legs_of(route(corners), FRAME, GROUND)
    for piece in pieces_of(legs, room):
        volume, around = piece.volume, room.at(legs[-1].end_s - legs[0].start_s)
        height_m = volume.ceiling_ellipsoidal_m - volume.floor_ellipsoidal_m
        assert height_m <= TALLEST_PIECE_M + 2 * around.vertical_m + 1e-6
        assert volume.end_s - volume.start_s <= LONGEST_PIECE_S + 2 * around.time_s + 1e-3
        line = LineString([piece.start_xy, piece.end_xy])
        farthest_m = max(line.distance(Point(corner)) for corner in volume.outline.exterior.coords)
        assert farthest_m <= 1.005 * around.lateral_m + 1e-6


def test_a_stay_is_one_piece_however_long_it_is() -> None:
    legs = legs_of(route([(0, 0, 50), (8, 0, 50)], hold_s=3600.0), FRAME, GROUND)
    pieces = pieces_of(legs, margins())
    assert [piece.leg for piece in pieces] == [0, 1]
    assert pieces[1].volume.end_s == pytest.approx(DEPARTS_S + 3601.0 + 15.0 + 360.1)


def test_a_long_climb_does_not_close_the_sky_above_its_start() -> None:
    legs = legs_of(route([(0, 0, 0), (800, 0, 100)]), FRAME, GROUND)
    pieces = pieces_of(legs, margins(10.0, 5.0))
    at_start = [piece.volume for piece in pieces if piece.volume.outline.covers(Point(0.0, 0.0))]
    assert max(volume.ceiling_ellipsoidal_m for volume in at_start) <= GROUND_M + 10.0 + 5.0 + 1e-6


def test_a_flight_without_a_lateral_margin_sweeps_nothing() -> None:
    with pytest.raises(ValueError, match="sweeps no volume"):
        pieces_of(legs_of(route([(0, 0, 50), (90, 0, 50)]), FRAME, GROUND), margins(lateral_m=0.0))


def test_departing_later_moves_every_leg_by_the_same() -> None:
    asked: Route = route([(0, 0, 50), (800, 0, 50), (800, 400, 80)])
    early: tuple[RouteLeg, ...] = legs_of(asked, FRAME, GROUND)
    late = legs_of(asked.departing(DEPARTS_S + 60.0), FRAME, GROUND)
    assert [leg.start_s + 60.0 for leg in early] == pytest.approx([leg.start_s for leg in late])
