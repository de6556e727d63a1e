from __future__ import annotations

import heapq
import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from airspace.routing import Barrier, Obstacle, Router, Way

AREA = box(-2000, -2000, 2000, 2000)
CLEAR_M = 10.0


def block(id_: str, x0: float, y0: float, x1: float, y1: float) -> Obstacle:
    return Obstacle(id_, box(x0, y0, x1, y1), CLEAR_M)


def route(router: Router, start: tuple[float, float], end: tuple[float, float]) -> Way:
    way = router.way(start, end)
    assert isinstance(way, Way)
    return way


def barrier(router: Router, start: tuple[float, float], end: tuple[float, float]) -> Barrier:
    way = router.way(start, end)
    assert isinstance(way, Barrier)
    return way


def test_a_free_way_is_straight() -> None:
    assert route(Router([], AREA), (0, 0), (500, 20)).points == ((0, 0), (500, 20))


def test_a_way_to_where_one_is_has_no_length() -> None:
    assert route(Router([block("A", 10, 10, 20, 20)], AREA), (-50, 0), (-50, 0)).length_m == 0.0


def test_a_way_goes_around_the_nearer_corner_with_its_clearance() -> None:
    wall = block("A", 200, -30, 210, 300)
    way = route(Router([wall], AREA), (0, 0), (400, 0))
    line = LineString(way.points)
    assert line.distance(wall.outline) >= CLEAR_M
    assert way.length_m == pytest.approx(2 * math.hypot(200, 38), rel=0.01)
    assert min(y for _, y in way.points) < -38


def test_a_way_leads_through_a_gap_that_is_wide_enough_and_not_through_one_that_is_not() -> None:
    def gap(width_m: float) -> Router:
        return Router([block("A", 200, -900, 210, -width_m / 2), block("B", 200, width_m / 2, 210, 900)], AREA)

    assert route(gap(22), (0, 0), (400, 0)).length_m == pytest.approx(400)
    assert route(gap(18), (0, 0), (400, 0)).length_m > 1800


def test_overlapping_obstacles_are_one_obstacle() -> None:
    router = Router([block("A", 100, -50, 200, 50), block("B", 150, -200, 160, 0)], AREA)
    way = route(router, (0, 0), (300, 0))
    assert all(y > 0 for _, y in way.points[1:-1])


def test_a_way_out_of_a_horseshoe_is_found_through_its_mouth() -> None:
    shoe = box(-100, -100, 100, 100).difference(box(-60, -60, 101, 60))
    way = route(Router([Obstacle("A", shoe, CLEAR_M)], AREA), (0, 0), (-300, 0))
    assert max(x for x, _ in way.points) > 100
    assert LineString(way.points).distance(shoe) >= CLEAR_M


def test_an_end_inside_an_obstacle_names_it_and_the_point() -> None:
    router = Router([block("A", 0, 0, 50, 50), block("B", 400, 0, 450, 50)], AREA)
    assert barrier(router, (25, 25), (300, 0)) == Barrier(("A",), (25, 25))
    assert barrier(router, (300, 0), (425, 25)) == Barrier(("B",), (425, 25))


def test_a_barrier_is_named_without_those_that_are_not_needed_for_it() -> None:
    walls = [
        block("north", -100, 80, 100, 100),
        block("south", -100, -100, 100, -80),
        block("east", 80, -100, 100, 100),
        block("west", -100, -100, -80, 100),
        block("inside", 30, -10, 40, 10),
        block("outside", 200, -50, 220, 50),
    ]
    assert barrier(Router(walls, AREA), (0, 0), (400, 0)).obstacles == ("east", "north", "south", "west")


def test_a_wall_across_the_whole_area_is_a_barrier() -> None:
    assert barrier(Router([block("A", 100, -3000, 110, 3000)], AREA), (0, 0), (400, 0)).obstacles == ("A",)


def test_an_end_outside_the_area_is_a_barrier_of_nothing() -> None:
    assert barrier(Router([], AREA), (0, 0), (5000, 0)) == Barrier(())


def test_an_obstacle_of_several_parts_blocks_with_each() -> None:
    parts = MultiPolygon([box(100, -10, 110, 10), box(200, -10, 210, 10)])
    router = Router([Obstacle("A", parts, CLEAR_M)], AREA)
    assert router.blocked_by((105, 0), (105, 0)) == ("A",)
    assert LineString(route(router, (0, 0), (300, 0)).points).distance(parts) >= CLEAR_M


def test_a_round_obstacle_of_many_corners_is_passed_with_few() -> None:
    tower = Point(200, 5).buffer(100, quad_segs=64)
    way = route(Router([Obstacle("A", tower, CLEAR_M)], AREA), (0, 0), (400, 0))
    assert LineString(way.points).distance(tower) >= CLEAR_M
    assert len(way.points) < 10
    tangent_m = math.sqrt(200**2 + 5**2 - 110**2)
    arc_m = 110 * (math.pi - 2 * math.acos(110 / math.hypot(200, 5)))
    assert way.length_m < 1.03 * (2 * tangent_m + arc_m)


def exhaustive_m(cores: list[Polygon], start: tuple[float, float], end: tuple[float, float]) -> float:
    """Dijkstra over all corners of slightly larger cores, without any of the planner's short cuts."""
    nodes = [start, end]
    for core in cores:
        nodes += list(core.buffer(0.05, join_style="mitre").exterior.coords)[:-1]
    best, heap = {0: 0.0}, [(0.0, 0)]
    while heap:
        length_m, node = heapq.heappop(heap)
        if node == 1:
            return length_m
        for other in range(len(nodes)):
            line = LineString([nodes[node], nodes[other]])
            total_m = length_m + line.length
            if total_m < best.get(other, math.inf) and not any(core.intersects(line) for core in cores):
                best[other] = total_m
                heapq.heappush(heap, (total_m, other))
    return math.inf


boxes = st.tuples(st.integers(50, 350), st.integers(-120, 120), st.integers(5, 60), st.integers(5, 120))


@settings(max_examples=40, deadline=None)
@given(st.lists(boxes, max_size=5))
def test_ways_are_as_short_as_the_visibility_graph_allows(drawn: list[tuple[int, int, int, int]]) -> None:
    obstacles = [block(f"{i}", x, y, x + w, y + h) for i, (x, y, w, h) in enumerate(drawn)]
    way = route(Router(obstacles, AREA), (0, 0), (450, 0))
    assert way.points[0] == (0, 0)
    assert way.points[-1] == (450, 0)
    for a, b in itertools.pairwise(way.points):
        for obstacle in obstacles:
            assert LineString([a, b]).distance(obstacle.outline) >= CLEAR_M
    cores = [obstacle.outline.buffer(CLEAR_M, join_style="mitre") for obstacle in obstacles]
    assert way.length_m <= exhaustive_m(cores, (0, 0), (450, 0)) * 1.001


def test_the_order_in_which_obstacles_are_given_does_not_matter() -> None:
    walls = [block("A", 100, -50, 120, 80), block("B", 220, -90, 240, 40), block("C", 320, -20, 330, 200)]
    ways = {route(Router(order, AREA), (0, 0), (450, 0)) for order in itertools.permutations(walls)}
    assert len(ways) == 1
