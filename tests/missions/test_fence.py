from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from missions.fence import MOST_CORNERS, Fence, fence_from_items, fence_items, fence_parameters, make_fence
from missions.items import Command
from missions.rings import few_corners
from tests.missions.scenario import FRAME

MARGIN_M = 8.0


def test_a_fence_around_one_line_has_few_corners_and_holds_it() -> None:
    line = LineString([(0, 0), (1000, 0), (1500, 400)])
    fence = make_fence([line], [], MARGIN_M)
    assert fence.corners <= 12
    assert fence.holds([line], MARGIN_M)
    assert fence.inclusion.area < line.buffer(MARGIN_M + 26).area


def test_a_zone_at_the_edge_is_left_out() -> None:
    line, zone = LineString([(0, 0), (600, 0)]), box(200, 11, 260, 80)
    fence = make_fence([line], [zone], MARGIN_M)
    assert fence.exclusions == ()
    assert fence.holds([line], MARGIN_M)
    assert fence.keeps_out([zone])
    assert not fence.inclusion.intersects(zone)


def test_a_zone_that_the_route_encloses_becomes_an_exclusion() -> None:
    loop, zone = LineString([(0, 0), (200, 0), (200, 200), (0, 200), (0, 0)]), Point(100, 100).buffer(60)
    fence = make_fence([loop], [zone], MARGIN_M)
    assert len(fence.exclusions) == 1
    assert fence.exclusions[0].covers(zone)
    assert fence.holds([loop], MARGIN_M)
    assert fence.keeps_out([zone])


def test_a_zone_of_several_parts_is_kept_out_of_with_each() -> None:
    loop = LineString([(0, 0), (400, 0), (400, 200), (0, 200), (0, 0)])
    zone = MultiPolygon([box(50, 60, 90, 120), box(250, 60, 300, 120), box(200, 212, 240, 260)])
    fence = make_fence([loop], [zone], MARGIN_M)
    assert len(fence.exclusions) == 2
    assert fence.keeps_out([zone])


def test_what_is_in_two_pieces_or_touches_a_zone_gets_no_fence() -> None:
    with pytest.raises(ValueError, match="one piece"):
        make_fence([Point(0, 0), Point(500, 0)], [], MARGIN_M)
    with pytest.raises(ValueError, match="touches"):
        make_fence([LineString([(0, 0), (100, 0)])], [box(40, 5, 60, 50)], MARGIN_M)


def test_items_give_the_same_fence_back_to_the_centimetre() -> None:
    loop, zone = LineString([(0, 0), (200, 0), (200, 200), (0, 200), (0, 0)]), Point(100, 100).buffer(60)
    fence = make_fence([loop], [zone], MARGIN_M)
    items = fence_items(fence, FRAME)
    assert len(items) == fence.corners
    assert {item.command for item in items} == {Command.FENCE_POLYGON_INCLUSION, Command.FENCE_POLYGON_EXCLUSION}
    back = fence_from_items(items, FRAME)
    assert back.inclusion.hausdorff_distance(fence.inclusion) < 0.01
    assert back.holds([loop], MARGIN_M)
    assert back.keeps_out([zone])


def test_items_that_are_no_polygons_are_no_fence() -> None:
    items = fence_items(make_fence([LineString([(0, 0), (100, 0)])], [], MARGIN_M), FRAME)
    with pytest.raises(ValueError, match="polygon"):
        fence_from_items(items[1:], FRAME)
    with pytest.raises(ValueError, match="inclusion"):
        fence_from_items([], FRAME)


def test_the_parameters_switch_the_default_circle_off_and_let_every_rally_point_count() -> None:
    parameters = fence_parameters(highest_relative_m=53.0, return_relative_m=45.0, rally_includes_home=False)
    assert parameters == {
        "FENCE_TYPE": 5.0,
        "FENCE_ACTION": 1.0,
        "FENCE_ALT_MAX": 53.0,
        "RTL_ALT": 4500.0,
        "RTL_CONE_SLOPE": 0.0,
        "RALLY_INCL_HOME": 0.0,
        "RALLY_LIMIT_KM": 0.0,
    }


def test_few_corners_stay_between_the_two_polygons() -> None:
    inner, outer = Point(0, 0).buffer(100, quad_segs=32), Point(0, 0).buffer(120, quad_segs=32)
    ring = few_corners(inner, outer, 20.0)
    assert ring.contains(inner)
    assert outer.covers(ring)
    assert len(ring.exterior.coords) - 1 <= 7


turns = st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=2, max_size=8, unique=True)
zones = st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500), st.integers(5, 120)), max_size=5)


@settings(max_examples=60, deadline=None)
@example([(0, -50), (-116, -1), (0, -61), (67, -3), (1, 20), (0, 0)], [])  # the last pull crossed the first
@given(turns, zones)
def test_every_fence_holds_its_lines_and_keeps_out_of_zones(
    points: list[tuple[int, int]], circles: list[tuple[int, int, int]]
) -> None:
    line = LineString(points)
    outlines: list[Polygon] = [Point(x, y).buffer(r) for x, y, r in circles]
    outlines = [outline for outline in outlines if outline.distance(line) > MARGIN_M + 2.0]
    fence = make_fence([line], outlines, MARGIN_M)
    assert fence.inclusion.is_valid
    assert fence.holds([line], MARGIN_M)
    assert fence.keeps_out(outlines)
    if not outlines:
        assert fence.corners <= MOST_CORNERS
    assert isinstance(fence, Fence)
