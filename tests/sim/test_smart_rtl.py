"""SMART_RTL: the way that was flown, remembered, straightened and flown back."""

from __future__ import annotations

import asyncio
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clock import Clock, run, virtual_tempo
from sim.drone.modes import Mode
from sim.drone.smart_rtl import nearest_approach, pruned, simplified
from sim.drone.trajectory import Point
from tests.sim.station import Station, airborne, place, stage, when

points = st.tuples(st.floats(-200, 200), st.floats(-200, 200), st.floats(0, 60))
ways = st.lists(points, min_size=2, max_size=40)


def to_way_m(p: Point, way: list[Point]) -> float:
    """How far a point is from a way, by looking at many points of it."""
    best = math.inf
    for a, b in pairwise(way):
        for i in range(101):
            t = i / 100
            best = min(best, math.dist(p, tuple(x + (y - x) * t for x, y in zip(a, b, strict=True))))
    return best


@given(ways, st.floats(0.5, 20.0))
@settings(deadline=None, max_examples=50)
def test_a_simplified_way_misses_no_point_by_more_than_the_tolerance(way: list[Point], tolerance_m: float) -> None:
    short = simplified(way, tolerance_m)
    assert (short[0], short[-1]) == (way[0], way[-1])
    assert [p for p in way if p in short][: len(short)] == short or set(short) <= set(way)
    for p in way:
        # the looked-at points of a leg are up to 6 m apart
        assert to_way_m(p, short) <= tolerance_m + 6.0


def test_a_straight_way_is_two_points() -> None:
    assert simplified([(float(i), 2.0 * i, 30.0) for i in range(200)], 1.0) == [(0.0, 0.0, 30.0), (199.0, 398.0, 30.0)]


@given(points, points, points, points)
@settings(deadline=None)
def test_the_nearest_approach_is_never_nearer_than_it_says_is_possible(a: Point, b: Point, c: Point, d: Point) -> None:
    distance, middle = nearest_approach(a, b, c, d)
    if distance == math.inf:
        return
    on_one = min(math.dist(middle, (a[0] + (b[0] - a[0]) * i / 200, a[1] + (b[1] - a[1]) * i / 200,
                                    a[2] + (b[2] - a[2]) * i / 200)) for i in range(201))  # fmt: skip
    assert on_one <= distance / 2.0 + math.dist(a, b) / 400.0 + 1e-6


@given(ways, st.floats(0.5, 10.0))
@settings(deadline=None, max_examples=50)
def test_pruning_keeps_the_ends_and_never_lengthens_the_way(way: list[Point], near_m: float) -> None:
    def length(w: list[Point]) -> float:
        return math.fsum(math.dist(a, b) for a, b in pairwise(w))

    short = pruned(way, near_m)
    assert (short[0], short[-1]) == (way[0], way[-1])
    assert len(short) <= len(way)
    # the middle of a crossing can lie half its width beside the way that is kept
    assert length(short) <= length(way) + near_m * len(way)


def test_a_loop_is_cut_where_the_way_crosses_itself() -> None:
    way: list[Point] = [(0, 0, 20), (0, 50, 20), (30, 50, 20), (30, 25, 20), (-20, 25, 20), (-60, 30, 20)]
    short = pruned(way, 2.0)
    assert short == [(0, 0, 20), (0.0, 25.0, 20.0), (-20, 25, 20), (-60, 30, 20)]


async def fly_to(sim: Any, station: Station, east_m: float, north_m: float, up_m: float = 20.0) -> None:
    x, y = place(east_m, north_m)
    assert await station.command(192, -1, 0, 0, 0, x / 1e7, y / 1e7, up_m, as_int=True) == 0
    body = sim.autopilot.body
    await when(lambda: math.hypot(body.e - east_m, body.n - north_m) < 1.0, 120.0)


def test_it_flies_back_the_way_it_came_and_lands_where_it_was_armed() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 20.0)
            for east, north in ((80.0, 0.0), (80.0, 80.0), (0.0, 80.0)):
                await fly_to(sim, station, east, north)
            assert len(sim.autopilot.breadcrumbs.points) > 20
            body, way = sim.autopilot.body, [(0.0, 80.0), (80.0, 80.0), (80.0, 0.0), (0.0, 0.0)]
            assert await station.command(176, 1, 21) == 0
            corners = list(way)
            off_m = 0.0
            while sim.truth.armed:
                await asyncio.sleep(0.2)
                here = (body.e, body.n, 0.0)
                off_m = max(off_m, to_way_m(here, [(e, n, 0.0) for e, n in way]))
                corners = [c for c in corners if math.dist(c, here[:2]) > 6.0]
                assert clock.monotonic_s() < 400.0
            assert off_m < 4.0
            assert not corners
            assert math.hypot(body.e, body.n) < 1.0
            assert sim.truth.landed

    run(main, virtual_tempo())


def test_it_needs_a_way_to_fly_back() -> None:
    # without one the mode cannot be entered, and a failsafe that asks for it returns or lands instead
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_parameter("SRTL_POINTS", 0)
            await airborne(sim, station, 15.0)
            assert await station.command(176, 1, 21) == 4
            assert "Mode change to SMARTRTL failed: init failed" in station.texts()
            assert sim.truth.mode is Mode.GUIDED

    run(main, virtual_tempo())


def test_a_point_that_was_not_reached_is_kept_for_the_next_time() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 20.0)
            for east, north in ((60.0, 0.0), (60.0, 60.0)):
                await fly_to(sim, station, east, north)
            assert await station.command(176, 1, 21) == 0
            await asyncio.sleep(4.0)
            assert await station.command(176, 1, 17) == 0
            left = sim.autopilot.breadcrumbs.points
            assert any(math.dist(p[:2], (60.0, 0.0)) < 3.0 for p in left)
            await asyncio.sleep(3.0)
            assert await station.command(176, 1, 21) == 0
            await when(lambda: not sim.truth.armed, 200.0)
            assert math.hypot(sim.autopilot.body.e, sim.autopilot.body.n) < 1.0

    run(main, virtual_tempo())


def test_hovering_fills_nothing_and_a_long_way_is_straightened() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 20.0)
            await asyncio.sleep(60.0)
            assert len(sim.autopilot.breadcrumbs.points) <= 13  # the climb
            await fly_to(sim, station, 400.0, 0.0)
            assert len(sim.autopilot.breadcrumbs.points) < 70

    run(main, virtual_tempo())


def test_without_a_position_for_15_s_it_gives_up() -> None:
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            await airborne(sim, station, 20.0)
            assert await station.command(176, 1, 2) == 0  # ALT_HOLD flies without a position
            sim.set_fix(1)
            await asyncio.sleep(20.0)
            assert "SmartRTL deactivated: bad position" in station.texts()
            assert not sim.autopilot.breadcrumbs.active

    run(main, virtual_tempo())


@pytest.mark.parametrize(("final_cm", "lands"), [(0, True), (800, False)])
def test_it_ends_as_rtl_does(final_cm: int, lands: bool) -> None:
    # RTL_ALT_FINAL above zero ends the flight hovering there
    async def main(clock: Clock) -> None:
        async with stage(clock) as (sim, station):
            sim.set_parameter("RTL_ALT_FINAL", final_cm)
            await airborne(sim, station, 15.0)
            await fly_to(sim, station, 40.0, 0.0, 15.0)
            assert await station.command(176, 1, 21) == 0
            await asyncio.sleep(90.0)
            assert sim.truth.armed is not lands
            if not lands:
                assert sim.truth.relative_m == pytest.approx(final_cm / 100.0, abs=0.5)

    run(main, virtual_tempo())
