"""Where a drone must not be, because its own straight return from there would enter a zone.

ArduCopter returns to the nearest refuge. So the part of each refuge's neighbourhood that lies behind a zone, as seen
from the refuge, is closed to routes like the zone itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from airspace.margins import grown
from airspace.routing import Obstacle, PointXY
from missions.contingency import PIECE_M, UNSURE_M, Refuge

LEAST_AREA_M2 = 1.0
WIDEST_EDGE = 1.5  # an edge's length over the refuge's distance, so that it is seen under less than 75 degrees


@dataclass(frozen=True, slots=True)
class Shadow:
    """The places near `refuge` from which the zone `zone` (by id) is in the way."""

    zone: str
    refuge: str
    outline: Polygon | MultiPolygon


def shadows(refuges: Sequence[Refuge], zones: Sequence[Obstacle], clearance_m: float, area: Polygon) -> list[Shadow]:
    """What zones, grown by `clearance_m` [m], hide from the nearest of the refuges inside a convex area."""
    cores = [(zone.id, grown(zone.outline, clearance_m)) for zone in zones]
    reach_m = 4.0 * math.hypot(area.bounds[2] - area.bounds[0], area.bounds[3] - area.bounds[1])
    found: list[Shadow] = []
    for refuge in refuges:
        cell = neighbourhood(refuge, refuges, area)
        eye, widest_m = Point(refuge.at), _farthest_m(cell, refuge.at)
        for zone_id, core in cores:
            if core.distance(eye) >= widest_m or not _sector(core, refuge.at, reach_m).intersects(cell):
                continue  # what it hides lies behind it
            hidden = behind(core, refuge.at, reach_m).intersection(cell)
            parts = [part for part in shapely.get_parts(hidden) if part.area > LEAST_AREA_M2]
            if parts:
                found.append(Shadow(zone_id, refuge.name, shapely.union_all(parts)))
    return found


def neighbourhood(refuge: Refuge, refuges: Sequence[Refuge], area: Polygon) -> Polygon:
    """Where in a convex area a refuge may be the nearest from some point of a piece of the route."""
    cell = area
    reach_m = 2.0 * math.hypot(area.bounds[2] - area.bounds[0], area.bounds[3] - area.bounds[1])
    for other in refuges:
        between_m = math.dist(refuge.at, other.at)
        if other is refuge or between_m == 0.0:
            continue
        if between_m / 2.0 + UNSURE_M + PIECE_M >= _farthest_m(cell, refuge.at):
            continue  # it is nearer nowhere in what is left
        ahead = (np.asarray(other.at) - refuge.at) / between_m
        side = np.array([-ahead[1], ahead[0]])
        middle = refuge.at + ahead * (between_m / 2.0 + UNSURE_M + PIECE_M)
        left, right = middle + side * reach_m, middle - side * reach_m
        cell = cell.intersection(Polygon([left, right, right - 2.0 * reach_m * ahead, left - 2.0 * reach_m * ahead]))
    return cell


def _farthest_m(cell: Polygon, at: PointXY) -> float:
    """How far a shape reaches from a point [m]."""
    return float(np.hypot(*(shapely.get_coordinates(cell) - at).T).max(initial=0.0))


def _sector(core: Polygon | MultiPolygon, eye: PointXY, reach_m: float) -> BaseGeometry:
    """A convex shape that holds what a shape hides from a point, as far as three quarters of `reach_m` [m]."""
    points = shapely.get_coordinates(_in_short_edges(core, eye))
    away = points - eye
    far = eye + away / np.hypot(*away.T).clip(min=1e-9)[:, None] * reach_m
    sector: BaseGeometry = shapely.convex_hull(shapely.multipoints(np.vstack([points, far])))
    return sector


def _in_short_edges(core: Polygon | MultiPolygon, eye: PointXY) -> BaseGeometry:
    """A shape with more corners, so that none of its edges is seen under a wide angle."""
    distance_m = max(float(core.distance(Point(eye))), 1.0)
    fine: BaseGeometry = shapely.segmentize(core, WIDEST_EDGE * distance_m)
    return fine


def behind(core: Polygon | MultiPolygon, eye: PointXY, reach_m: float) -> Polygon | MultiPolygon:
    """Everything that a shape hides from a point outside it, as far as `reach_m` [m] from the point."""
    fine = shapely.orient_polygons(_in_short_edges(core, eye))
    hidden: list[Polygon] = []
    for part in shapely.get_parts(fine):
        for ring in (part.exterior, *part.interiors):
            hidden += _fans(shapely.get_coordinates(ring), np.asarray(eye), reach_m)
    united: Polygon | MultiPolygon = shapely.union_all(hidden)
    return united


def _fans(points: npt.NDArray[np.float64], eye: npt.NDArray[np.float64], reach_m: float) -> list[Polygon]:
    """For each run of edges that face the eye what lies behind it; the shape lies to the left of its edges.

    Such a run goes around the eye in one direction, so it and its far image bound a simple polygon.
    """
    away, edge = points - eye, np.diff(points, axis=0)
    facing = edge[:, 0] * away[:-1, 1] - edge[:, 1] * away[:-1, 0] > 0.0
    if not facing.any():
        return []
    if not facing.all():
        # Begin behind an edge that faces away, so that no run is cut by the ring's own beginning.
        first = int(np.flatnonzero(~facing)[0])
        points, facing = np.vstack([points[first:-1], points[: first + 1]]), np.roll(facing, -first)
    far = eye + (points - eye) / np.hypot(*(points - eye).T)[:, None] * reach_m
    starts = np.flatnonzero(np.diff(np.concatenate([[False], facing, [False]]).astype(int)) == 1)
    ends = np.flatnonzero(np.diff(np.concatenate([[False], facing, [False]]).astype(int)) == -1)
    runs = ((points[a : b + 1], far[a : b + 1][::-1]) for a, b in zip(starts, ends, strict=True))
    return [shapely.make_valid(Polygon(np.vstack(run))) for run in runs]
