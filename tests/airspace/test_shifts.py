from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.affinity import translate
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from airspace.margins import grown
from airspace.shifts import (
    COARSE_M,
    Depth,
    forbidden_heights,
    forbidden_times,
    in_height,
    in_plan,
    in_time,
    least_plan_shift,
    least_shift,
)
from airspace.volumes import Volume4D
from tests.airspace.shapes import volume

whole = st.integers(-40, 40)
intervals = st.lists(st.tuples(whole, st.integers(1, 20)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=8)
L_SHAPE = Polygon([(0, 0), (300, 0), (300, 100), (100, 100), (100, 300), (0, 300)])


@given(intervals, st.sampled_from((1, -1)), st.booleans())
def test_the_least_shift_is_free_and_all_less_are_not(
    forbidden: list[tuple[float, float]], sign: Literal[1, -1], closed: bool
) -> None:
    def is_free(shift: float) -> bool:
        if closed:
            return not any(low <= shift <= high for low, high in forbidden)
        return not any(low < shift < high for low, high in forbidden)

    found = least_shift(forbidden, sign, closed=closed)
    assert found >= 0.0
    assert is_free(sign * found) if not closed or (found == 0.0 and is_free(0.0)) else is_free(sign * (found + 0.25))
    for less in np.arange(0.0, found, 0.25):
        assert not is_free(sign * float(less))


@given(intervals, st.sampled_from((1, -1)))
def test_a_shift_in_steps_is_a_free_multiple_of_the_step(
    forbidden: list[tuple[float, float]], sign: Literal[1, -1]
) -> None:
    found = least_shift(forbidden, sign, closed=False, step=7.0)
    assert found % 7.0 == 0.0
    assert not any(low < sign * found < high for low, high in forbidden)
    for less in np.arange(0.0, found, 7.0):
        assert any(low < sign * less < high for low, high in forbidden)


def volumes(count: int, seed: int) -> list[Volume4D]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        x, y, low, start = (float(v) for v in rng.integers(0, 40, size=4))
        wide, tall, long = (float(v) for v in rng.integers(1, 20, size=3))
        made.append(volume(box(x, y, x + wide, y + wide), low, low + tall, start, start + long))
    return made


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_pairs_that_share_plan_height_and_time_are_the_pairs_that_overlap(seed: int) -> None:
    own, others = volumes(6, seed), volumes(7, seed + 1)
    together = in_plan(own, others) & in_height(own, others) & in_time(own, others)
    assert together.tolist() == [[a.overlaps(b) for b in others] for a in own]


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(-60, 60))
def test_forbidden_shifts_are_those_after_which_a_pair_overlaps(seed: int, shift: int) -> None:
    own, others = volumes(4, seed), volumes(5, seed + 1)
    plan, height, time = in_plan(own, others), in_height(own, others), in_time(own, others)
    later = [volume(v.outline, *v.box[2:7:4], v.start_s + shift, v.end_s + shift) for v in own]
    forbidden = any(low < shift < high for low, high in forbidden_times(own, others, plan & height))
    assert forbidden == any(a.overlaps(b) for a in later for b in others)
    higher = [
        volume(v.outline, v.floor_ellipsoidal_m + shift, v.ceiling_ellipsoidal_m + shift, v.start_s, v.end_s)
        for v in own
    ]
    forbidden = any(low <= shift <= high for low, high in forbidden_heights(own, others, plan & time))
    assert forbidden == any(a.overlaps(b) for a in higher for b in others)


def moved(line: LineString | Point, shift_m: float, bearing_deg: float) -> LineString | Point:
    bearing = math.radians(bearing_deg)
    after: LineString | Point = translate(line, shift_m * math.sin(bearing), shift_m * math.cos(bearing))
    return after


@settings(max_examples=40)
@given(
    st.tuples(st.floats(-50, 350), st.floats(-50, 350)),
    st.tuples(st.floats(-50, 350), st.floats(-50, 350)),
    st.floats(1.0, 40.0),
    st.sampled_from(
        [L_SHAPE, box(0, 0, 200, 50), Point(100, 100).buffer(90), MultiPolygon([L_SHAPE, box(350, 0, 400, 90)])]
    ),
)
def test_the_least_shift_in_plan_separates_and_a_smaller_one_does_not(
    start: tuple[float, float], end: tuple[float, float], lateral_m: float, outline: Polygon
) -> None:
    line = LineString([start, end]) if math.dist(start, end) > 1.0 else Point(start)
    shift_m, bearing_deg = least_plan_shift([line], [outline], lateral_m)
    after = moved(line, shift_m + 0.01, bearing_deg)
    # the grown line reaches up to 0.5 % beyond its margin, and so does the grown sum: in other directions
    assert outline.distance(after) >= lateral_m * 0.999
    for turn in range(0, 360, 15):
        if shift_m > 0.1:
            near = moved(line, shift_m * 0.99 - 0.01 * lateral_m, turn)
            assert outline.distance(near) <= lateral_m * 1.01 + 0.02


def test_a_line_through_a_square_leaves_by_its_nearest_side() -> None:
    shift_m, bearing_deg = least_plan_shift([LineString([(-500, 80), (500, 80)])], [box(0, 0, 100, 100)], 10.0)
    assert shift_m == pytest.approx(30.0, rel=0.01)
    assert bearing_deg == pytest.approx(0.0, abs=1e-6)


def test_several_lines_leave_together() -> None:
    lines = [LineString([(-500, 80), (50, 80)]), LineString([(50, 80), (50, 500)])]
    shift_m, bearing_deg = least_plan_shift(lines, [box(0, 0, 100, 100)] * 2, 10.0)
    assert shift_m == pytest.approx(30.0, rel=0.01)
    assert 0.0 <= bearing_deg < 1.0


def test_what_is_apart_needs_no_shift() -> None:
    assert least_plan_shift([LineString([(500, 0), (600, 0)])], [box(0, 0, 100, 100)], 10.0) == (0.0, 0.0)


def test_a_hole_that_holds_the_line_is_a_way_out() -> None:
    ring = Polygon(box(-1000, -1000, 1000, 1000).exterior, [box(-100, -100, 100, 100).exterior.coords])
    shift_m, bearing_deg = least_plan_shift([Point(130, 0)], [ring], 10.0)
    assert shift_m == pytest.approx(40.0, rel=0.02)
    assert bearing_deg == pytest.approx(270.0, abs=1.0)


def test_an_outline_of_many_corners_is_taken_a_little_coarser() -> None:
    fine = Point(0, 0).buffer(200.0, quad_segs=2500)
    shift_m, _ = least_plan_shift([Point(0, 0)], [fine], 10.0)
    assert shift_m == pytest.approx(210.0, abs=2 * COARSE_M)
    assert shapely.get_num_coordinates(fine) == 10_001
    assert grown(Point(0, 0), 210.0).area > 0


def test_the_smaller_of_two_shifts_is_named_for_each_axis() -> None:
    depth = Depth(12.0, 90.0, up_m=30.0, down_m=4.0, earlier_s=None, later_s=90.0)
    assert (depth.height_m, depth.time_s) == (4.0, 90.0)
    assert Depth(12.0, 90.0, None, None, None, None).time_s is None


def test_a_hollow_outline_against_very_many_lines_is_taken_as_its_hull() -> None:
    lines = [LineString([(120 + i, 120), (121 + i, 120)]) for i in range(150)]
    exact_m, _ = least_plan_shift(lines[:3], [L_SHAPE] * 3, 5.0)
    enough_m, bearing_deg = least_plan_shift(lines * 4, [L_SHAPE] * 600, 5.0)
    assert exact_m == 0.0
    assert enough_m > 0.0
    assert all(L_SHAPE.distance(moved(line, enough_m + 0.01, bearing_deg)) >= 5.0 for line in lines)
