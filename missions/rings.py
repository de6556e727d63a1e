"""Outlines with few corners that run between an inner and an outer polygon."""

from __future__ import annotations

import shapely
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from airspace.routing import PointXY

STEP_M = 6.0  # between the places where an outline may have a corner
LEVELS = (0.1, 0.3, 0.6)  # how far out, as a share of the room, outlines are tried
SHARE_OF_GAP = 0.3  # of the narrowest gap, kept free at its outer side


def few_corners(inner: Polygon, outer: Polygon, room_m: float) -> Polygon:
    """A polygon that holds `inner`, lies in `outer` and has few corners; both must be without holes.

    The outline is pulled straight, corner by corner, along rings at several distances from `inner`, and the one with
    the fewest corners is taken. `inner` must lie inside `outer` without touching its edge.
    """
    gap_m = float(inner.exterior.distance(outer.exterior))
    held = outer.buffer(-SHARE_OF_GAP * gap_m)
    shapely.prepare(inner)
    shapely.prepare(outer)
    best = outer
    for level in LEVELS:
        ring = part_with(inner.buffer(max(level * room_m, SHARE_OF_GAP * gap_m)).intersection(held), inner)
        straight = _whole(_pulled_straight(ring, inner, outer), inner)
        if len(straight.exterior.coords) < len(best.exterior.coords) and _between(straight, inner, outer):
            best = straight
    return best


def part_with(shape: BaseGeometry, inner: BaseGeometry) -> Polygon:
    """The part of a shape that holds `inner`, with its holes filled. Raises ValueError when no part does."""
    for part in shapely.get_parts(shape):
        filled = Polygon(part.exterior)
        if filled.contains(inner):
            return filled
    raise ValueError("no part of the shape holds what it must")


def _whole(ring: Polygon, inner: Polygon) -> Polygon:
    """A ring whose last pull crosses its first, as the one outline around `inner` that it draws."""
    if ring.is_valid:
        return ring
    try:
        return part_with(shapely.make_valid(ring), inner)
    except ValueError:
        return ring


def _between(ring: Polygon, inner: Polygon, outer: Polygon) -> bool:
    return bool(ring.is_valid and ring.contains(inner) and outer.covers(ring))


def _pulled_straight(ring: Polygon, inner: Polygon, outer: Polygon) -> Polygon:
    """From each corner the farthest point along the ring that a straight line reaches between the two polygons."""
    points: list[PointXY] = [(x, y) for x, y in shapely.segmentize(ring, STEP_M).exterior.coords]
    last = len(points) - 1
    corners = [0]
    while corners[-1] < last:
        here = corners[-1]
        reach = 1
        while here + 2 * reach <= last and _passes(points[here], points[here + 2 * reach], inner, outer):
            reach *= 2
        low, high = here + reach, min(here + 2 * reach, last + 1)
        while high - low > 1:
            middle = (low + high) // 2
            if _passes(points[here], points[middle], inner, outer):
                low = middle
            else:
                high = middle
        corners.append(low)
    if len(corners) < 4:
        return ring
    return Polygon([points[i] for i in corners])


def _passes(a: PointXY, b: PointXY, inner: Polygon, outer: Polygon) -> bool:
    line = LineString([a, b])
    return bool(outer.covers(line)) and not inner.intersects(line)
