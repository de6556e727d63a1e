from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from airspace.frames import LatLon
from airspace.margins import grown
from airspace.routing import Obstacle, Router
from missions.contingency import Contingency, Refuge, Stranded, choose_refuges, pieces, rally_items
from missions.shadows import behind, neighbourhood, shadows
from tests.missions.scenario import FRAME

AREA = box(-2000, -2000, 2000, 2000)
HOME = Refuge("home", (0.0, 0.0), home=True)
EAST = Refuge("east", (600.0, 0.0))
ROUTE = pieces([(0.0, 50.0), (600.0, 50.0)])


def router(*boxes: tuple[float, float, float, float]) -> Router:
    return Router([Obstacle(f"Z{i}", box(*b), 5.0) for i, b in enumerate(boxes)], AREA)


def chosen(
    route: list[tuple[tuple[float, float], tuple[float, float]]], *refuges: Refuge, among: Router
) -> Contingency:
    found = choose_refuges(route, refuges, among)
    assert isinstance(found, Contingency)
    return found


def test_pieces_follow_the_line_and_are_short() -> None:
    found = pieces([(0.0, 0.0), (100.0, 0.0), (100.0, 7.0)], 15.0)
    assert found[0][0] == (0.0, 0.0)
    assert found[-1][1] == (100.0, 7.0)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(found))
    assert max(math.dist(a, b) for a, b in found) <= 15.0
    assert pieces([(3.0, 4.0), (3.0, 4.0)]) == [((3.0, 4.0), (3.0, 4.0))]


def test_all_refuges_stay_where_nothing_is_in_the_way() -> None:
    found = chosen(ROUTE, HOME, EAST, among=router())
    assert found.refuges == (HOME, EAST)
    assert found.includes_home
    assert max(found.farthest_m) < math.hypot(330, 50)


def test_a_refuge_behind_a_zone_is_given_up_for_a_farther_one() -> None:
    found = chosen(ROUTE, HOME, EAST, among=router((560.0, 0.0, 575.0, 8.0)))
    assert found.refuges == (HOME,)
    assert max(found.farthest_m) > 600.0


def test_even_home_is_given_up_when_a_rally_point_is_better() -> None:
    found = chosen(ROUTE, HOME, EAST, among=router((25.0, 0.0, 40.0, 8.0)))
    assert found.refuges == (EAST,)
    assert not found.includes_home


def test_where_nothing_helps_the_place_and_the_zones_are_named() -> None:
    found = choose_refuges(ROUTE, (HOME, EAST), router((40.0, 0.0, 290.0, 30.0), (310.0, 0.0, 560.0, 30.0)))
    assert isinstance(found, Stranded)
    assert found.blocked_by
    assert found.at in [point for piece in ROUTE for point in piece]


def test_areas_hold_every_straight_way_to_a_nearest_refuge() -> None:
    found = chosen(ROUTE, HOME, EAST, among=router())
    for x in np.linspace(0.0, 600.0, 83):
        refuge = HOME if x < 300.0 else EAST
        way = LineString([(x, 50.0), refuge.at])
        assert any(area.buffer(1e-6).covers(way) for area in found.areas)


def test_rally_points_are_the_refuges_but_home_at_whole_metres() -> None:
    (item,) = rally_items(chosen(ROUTE, HOME, EAST, among=router()), FRAME, 44.7)
    assert (item.command, item.frame, item.alt_m) == (5100, 3, 44.0)
    assert FRAME.xy(LatLon(item.lat_deg, item.lon_deg)) == pytest.approx((600.0, 0.0), abs=0.02)


corner = st.floats(-400, 400)


@settings(max_examples=60, deadline=None)
@given(corner, corner, st.floats(5, 150), st.floats(5, 150), corner, corner)
def test_a_shadow_holds_exactly_the_places_from_which_the_zone_is_in_the_way(
    x: float, y: float, w: float, h: float, px: float, py: float
) -> None:
    zone, eye, place = box(x, y, x + w, y + h), (0.0, 0.0), (px, py)
    if zone.distance(Point(eye)) < 1.0:
        return
    hidden = zone.union(behind(zone, eye, 8000.0))
    way = LineString([eye, place]) if place != eye else Point(eye)
    if zone.buffer(-0.1).intersects(way):
        assert hidden.buffer(1e-6).covers(Point(place))
    elif not zone.buffer(0.1).intersects(way):
        assert not hidden.buffer(-1e-6).intersects(Point(place))


def test_a_ring_hides_everything_outside_from_a_refuge_within() -> None:
    ring = Point(0, 0).buffer(100).difference(Point(0, 0).buffer(60))
    hidden = ring.union(behind(ring, (5.0, 5.0), 8000.0))
    assert hidden.covers(Point(500, 300))
    assert hidden.covers(Point(-300, -40))
    assert not hidden.intersects(Point(20, 20))


def test_shadows_end_where_another_refuge_is_nearer() -> None:
    zone = Obstacle("Z", box(100, -20, 120, 20), 5.0)
    (shadow,) = shadows([HOME, EAST], [zone], 5.0, AREA)[:1]
    assert (shadow.zone, shadow.refuge) == ("Z", "home")
    assert shadow.outline.covers(Point(250, 0))
    assert not shadow.outline.intersects(Point(400, 0))
    assert neighbourhood(HOME, [HOME], AREA).equals(AREA)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_no_shadow_is_passed_over_among_many_refuges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    area = box(-800, -600, 800, 600)
    refuges = [
        Refuge(f"R{n}", (float(e), float(rng.uniform(-550, 550)))) for n, e in enumerate(rng.uniform(-750, 750, 9))
    ]
    blocks = [Point(*rng.uniform((-900, -700), (900, 700))).buffer(rng.uniform(10, 150)) for _ in range(12)]
    zones = [
        Obstacle(f"Z{n}", block, 0.0)
        for n, block in enumerate(blocks)
        if all(block.distance(Point(refuge.at)) > 31.0 for refuge in refuges)
    ]
    reach_m = 4.0 * math.hypot(1600.0, 1200.0)
    expected = {
        (zone.id, refuge.name): hidden.area
        for refuge in refuges
        for zone in zones
        if not (
            hidden := behind(grown(zone.outline, 30.0), refuge.at, reach_m).intersection(
                neighbourhood(refuge, refuges, area)
            )
        ).is_empty
    }
    found = {(shadow.zone, shadow.refuge): shadow.outline.area for shadow in shadows(refuges, zones, 30.0, area)}
    assert found.keys() <= expected.keys()
    for key, area_m2 in expected.items():
        assert found.get(key, 0.0) == pytest.approx(area_m2, abs=5.0)  # slivers below 1 m2 each are no shadows
