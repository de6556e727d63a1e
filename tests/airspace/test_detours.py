from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from airspace.detours import way_round
from airspace.volumes import Volume4D
from tests.airspace.routes import DEPARTS_S, asked, closed, margins, random_route, random_zones, route
from tests.airspace.shapes import FRAME, zone

WALL = box(400.0, -200.0, 600.0, 150.0)
STRAIGHT = route([(0, 0, 50), (1000, 0, 50)])


def test_a_free_route_is_its_own_way_round() -> None:
    found = way_round(STRAIGHT, asked(), 3000.0)
    assert found is not None
    assert found.flown.route == STRAIGHT
    assert found.left_out == ()


def test_a_way_round_looks_no_farther_than_it_may() -> None:
    question = asked(zone("A", closed(WALL)))
    assert way_round(STRAIGHT, question, 100.0) is None
    assert way_round(STRAIGHT, question, 250.0) is not None


def test_there_is_no_way_out_of_a_closed_ring() -> None:
    ring = Polygon(Point(1000, 0).buffer(400).exterior, [Point(1000, 0).buffer(200).exterior])
    assert way_round(STRAIGHT, asked(zone("A", closed(ring))), 3000.0) is None


def test_what_is_not_asked_about_is_left_in_the_way() -> None:
    question = asked(zone("A", closed(WALL)), zone("B", closed(box(700, -50, 800, 50))))
    found = way_round(STRAIGHT, question, 3000.0, frozenset({("zone", "A")}))
    assert found is not None
    assert {conflict.other_id for conflict in question.found(found.flown.volumes)} == {"A"}


def test_only_what_is_met_in_its_hours_is_gone_round() -> None:
    later = closed(box(400, -2000, 600, 2000), start_s=DEPARTS_S + 3600.0)
    alone = way_round(STRAIGHT, asked(zone("A", closed(WALL))), 3000.0)
    both = way_round(STRAIGHT, asked(zone("A", closed(WALL)), zone("B", later)), 3000.0)
    assert alone is not None
    assert both is not None
    assert both.flown.route == alone.flown.route


def test_what_a_way_round_meets_because_it_is_longer_is_gone_round_too() -> None:
    # beside the wall, closed from the moment at which the straight route would just have passed
    beyond = Volume4D(box(900, -300, 980, 300), 0.0, 400.0, DEPARTS_S + 150.0, DEPARTS_S + 9000.0)
    slow = asked(zone("A", closed(WALL)), zone("B", beyond), room=margins(time_s=0.1, pace=0.0))
    found = way_round(STRAIGHT, slow, 3000.0)
    assert found is not None
    assert slow.found(found.flown.volumes) == []


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.floats(5.0, 60.0))
def test_a_way_round_is_free_and_keeps_its_ends_and_the_order_of_its_places(seed: int, lateral_m: float) -> None:
    rng = np.random.default_rng(seed)
    asking, question = random_route(rng), asked(*random_zones(rng, 10), room=margins(lateral_m))
    found = way_round(asking, question, 2000.0)
    if found is None:
        return
    assert question.found(found.flown.volumes) == []
    led = [waypoint.position for waypoint in found.flown.route.waypoints]
    kept = [w.position for i, w in enumerate(asking.waypoints) if i not in found.left_out]
    assert (led[0], led[-1]) == (kept[0], kept[-1])
    order = iter(led)
    assert all(position in order for position in kept)
    area = box(*Polygon([FRAME.xy(w.position) for w in asking.waypoints]).bounds).buffer(2000.0, join_style="mitre")
    assert all(area.buffer(1.0).covers(Point(FRAME.xy(position))) for position in led)


def test_a_way_round_is_as_short_as_the_wall_allows() -> None:
    found = way_round(STRAIGHT, asked(zone("A", closed(WALL)), room=margins(10.0)), 3000.0)
    assert found is not None
    taut_m = 2 * np.hypot(389.0, 161.0) + 222.0
    assert found.flown.length_m == pytest.approx(taut_m, rel=0.02)
