from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.drone.airframe import Airframe
from sim.drone.dynamics import Body, Reference
from sim.drone.trajectory import Limits, Point, SpeedProfile, SplineLeg, StraightLeg, Track

LIMITS = Limits(10.0, 2.5, 1.5, 2.5, 1.0, 1.0, 5.0, 2.0)


@settings(deadline=None)
@given(
    length=st.floats(0.01, 3000.0),
    start=st.floats(0.0, 12.0),
    speed=st.floats(0.2, 15.0),
    accel=st.floats(0.5, 5.0),
    jerk=st.floats(0.5, 8.0),
)
def test_a_profile_is_continuous_keeps_its_limits_and_ends_at_rest(
    length: float, start: float, speed: float, accel: float, jerk: float
) -> None:
    profile = SpeedProfile(length, start, speed, accel, jerk)
    steps = 400
    dt = profile.duration_s / steps
    s0, v0, _ = profile.at(0.0)
    assert s0 == 0.0
    assert v0 == pytest.approx(start, abs=1e-6)
    stoppable = start <= speed
    # one that cannot stop in time brakes harder than it was allowed to
    harder = max(1.0, max(abs(profile.at(i * dt)[2]) for i in range(steps + 1)) / accel)
    for i in range(1, steps + 1):
        s, v, a = profile.at(i * dt)
        assert s >= s0 - 2e-4 * length - 1e-6
        curved = abs(a) + 4.0 * harder * accel + harder**2 * jerk * dt
        assert abs(s - s0 - 0.5 * (v + v0) * dt) <= 2.0 * curved * dt**2 + 1e-6
        if stoppable:
            assert v <= max(speed, start) + 1e-6
        s0, v0 = s, v
    end_m, end_mps, _ = profile.at(profile.duration_s + 1.0)
    assert end_m == pytest.approx(length, rel=1e-3, abs=1e-2)
    assert end_mps == 0.0


def test_a_leg_takes_the_time_of_its_closed_form() -> None:
    profile = SpeedProfile(200.0, 0.0, 10.0, 2.5, 1.0)
    ramp = 10.0 / 2.5 + 2.5 / 1.0  # v/a + a/j
    assert profile.duration_s == pytest.approx(200.0 / 10.0 + ramp, abs=1e-6)
    assert profile.turn_in_s == pytest.approx(ramp)


def track_path(
    first: StraightLeg | SplineLeg, then: StraightLeg | SplineLeg | None, dt: float = 0.02
) -> list[Reference]:
    track, body = Track(first, LIMITS), Body(Airframe(), 0.0)
    track.then(then)
    path: list[Reference] = []
    for _ in range(20000):
        ref = Reference()
        if path:
            last = path[-1]
            ref.ve, ref.vn, ref.vu = last.ve, last.vn, last.vu
            # a body that follows perfectly
            body.e, body.n, body.u, body.ve, body.vn, body.vu = last.pe, last.pn, last.pu, last.ve, last.vn, last.vu
            ref.pe, ref.pn, ref.pu = last.pe, last.pn, last.pu
        track.advance(ref, body, dt)
        path.append(ref)
        if track.finished and not track.shift():
            break
    return path


@settings(deadline=None)
@given(st.floats(5.0, 179.0), st.floats(30.0, 300.0), st.floats(-20.0, 20.0))
def test_a_corner_is_cut_by_no_more_than_the_radius_and_without_a_jump(
    turn_deg: float, length: float, climb: float
) -> None:
    corner = (0.0, 100.0, 30.0)
    angle = math.radians(turn_deg)
    end = (length * math.sin(angle), 100.0 + length * math.cos(angle), 30.0 + climb)
    path = track_path(StraightLeg((0.0, 0.0, 30.0), corner, LIMITS), StraightLeg(corner, end, LIMITS))
    nearest = min(math.dist((r.pe, r.pn, r.pu), corner) for r in path)
    assert nearest <= 1.1 * LIMITS.radius_m
    for a, b in pairwise(path):
        assert math.dist((a.pe, a.pn, a.pu), (b.pe, b.pn, b.pu)) < 0.25
    assert math.dist((path[-1].pe, path[-1].pn, path[-1].pu), end) < 0.1


@settings(deadline=None, max_examples=25)
@given(st.floats(5.0, 179.0), st.floats(30.0, 300.0))
def test_steps_of_a_tick_cut_a_corner_where_fine_steps_do(turn_deg: float, length: float) -> None:
    corner = (0.0, 100.0, 30.0)
    angle = math.radians(turn_deg)
    end = (length * math.sin(angle), 100.0 + length * math.cos(angle), 30.0)
    misses, times = [], []
    for dt in (0.02, 0.1):
        path = track_path(StraightLeg((0.0, 0.0, 30.0), corner, LIMITS), StraightLeg(corner, end, LIMITS), dt)
        points = [(r.pe, r.pn, r.pu) for r in path]
        misses.append(min(_from_line(corner, a, b) for a, b in pairwise(points)))
        times.append(len(path) * dt)
    assert misses[1] == pytest.approx(misses[0], abs=0.25)
    assert times[1] == pytest.approx(times[0], abs=0.35)


def _from_line(p: Point, a: Point, b: Point) -> float:
    """Distance of a point from the line between two others."""
    span, to = [y - x for x, y in zip(a, b, strict=True)], [y - x for x, y in zip(a, p, strict=True)]
    square = math.fsum(x * x for x in span)
    share = min(max(math.fsum(x * y for x, y in zip(span, to, strict=True)) / square, 0.0), 1.0) if square else 0.0
    return math.dist(p, [x + share * s for x, s in zip(a, span, strict=True)])


def test_a_waypoint_in_line_is_flown_through_at_full_speed() -> None:
    first = StraightLeg((0.0, 0.0, 30.0), (0.0, 100.0, 30.0), LIMITS)
    path = track_path(first, StraightLeg((0.0, 100.0, 30.0), (0.0, 200.0, 30.0), LIMITS))
    near = [r for r in path if 90.0 < r.pn < 110.0]
    assert min(r.vn for r in near) > 9.5


def test_a_climbing_leg_is_no_faster_than_it_can_climb() -> None:
    leg = StraightLeg((0.0, 0.0, 0.0), (0.0, 30.0, 40.0), LIMITS)
    path = track_path(leg, None)
    assert max(r.vu for r in path) == pytest.approx(2.5, abs=0.01)


def test_a_slower_speed_in_the_middle_of_a_leg_is_obeyed_without_a_jump() -> None:
    track = Track(StraightLeg((0.0, 0.0, 30.0), (0.0, 300.0, 30.0), LIMITS), LIMITS)
    body, ref = Body(Airframe(), 0.0), Reference()
    speeds = []
    for step in range(5000):
        body.e, body.n, body.u, body.ve, body.vn, body.vu = ref.pe, ref.pn, ref.pu, ref.ve, ref.vn, ref.vu
        track.advance(ref, body, 0.02)
        speeds.append(ref.vn)
        if step == 800:
            track.change(Limits(4.0, 2.5, 1.5, 2.5, 1.0, 1.0, 5.0, 2.0))
        if track.finished:
            break
    assert max(abs(b - a) for a, b in pairwise(speeds)) < 0.12
    assert speeds[1500] == pytest.approx(4.0, abs=0.01)
    assert ref.pn == pytest.approx(300.0, abs=0.1)


def test_a_spline_passes_its_points_and_bends() -> None:
    leg = SplineLeg((0.0, 0.0, 30.0), (100.0, 0.0, 30.0), (0.0, 100.0, 0.0), (0.0, -100.0, 0.0), LIMITS)
    path = track_path(leg, None)
    assert math.dist((path[-1].pe, path[-1].pn), (100.0, 0.0)) < 0.1
    assert max(r.pn for r in path) > 15.0  # a straight line would stay at 0
    for ref in path:
        assert math.hypot(ref.ve, ref.vn) <= 10.0 + 1e-6
