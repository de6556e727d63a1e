"""Shortest any-angle ways around zones: a lazy visibility graph with A*, and the barrier when there is no way.

Only obstacles that a way has run into are part of the graph. The shortest way around some of the obstacles that
touches none of the others is the shortest way around all of them, so the answer is exact.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LinearRing, LineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from airspace.margins import grown

PointXY = tuple[float, float]
"""East and north [m] in a local frame."""

CORNER_GAP_M = 0.05  # corners of a way lie this far outside the clearance, so that rounding never puts them inside
MITRE_LIMIT = 1.2
FINE_OUTLINE = 48  # an outline with more corners than this is rounded outwards before it gives corners to ways
ROUNDING_M = 1.5


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something to keep `clearance_m` [m] away from: an id and its outline in the local frame [m]."""

    id: str
    outline: Polygon | MultiPolygon
    clearance_m: float


@dataclass(frozen=True, slots=True)
class Way:
    """A way from its first to its last point; every corner between them is a waypoint."""

    points: tuple[PointXY, ...]

    @property
    def length_m(self) -> float:
        """Length of the way [m]."""
        return math.fsum(math.dist(a, b) for a, b in zip(self.points, self.points[1:], strict=False))


@dataclass(frozen=True, slots=True)
class Barrier:
    """Why there is no way: a smallest set of obstacles that alone already close it, by id.

    `at` is the point that they cover, when one end lies inside them.
    """

    obstacles: tuple[str, ...]
    at: PointXY | None = None


class Router:
    """Ways that keep clear of every obstacle and stay inside `area`, a convex polygon in the local frame."""

    def __init__(self, obstacles: Sequence[Obstacle], area: Polygon) -> None:
        self.area = area
        self.obstacles = tuple(sorted(obstacles, key=lambda obstacle: obstacle.id))
        self._cores = [grown(obstacle.outline, obstacle.clearance_m) for obstacle in self.obstacles]
        for core in self._cores:
            shapely.prepare(core)
        self._tree = shapely.STRtree(self._cores)
        self._corners: dict[int, npt.NDArray[np.float64]] = {}

    def blocked_by(self, start: PointXY, end: PointXY) -> tuple[str, ...]:
        """The obstacles that a straight line comes too close to, by id; the line may be a point."""
        return self.blocking(Point(start) if start == end else LineString([start, end]))

    def blocking(self, shape: BaseGeometry) -> tuple[str, ...]:
        """The obstacles that a shape comes too close to, by id."""
        return tuple(self.obstacles[i].id for i in sorted(self._tree.query(shape, predicate="intersects")))

    def forbidden(self) -> Polygon | MultiPolygon:
        """All places that are too close to an obstacle, as one shape."""
        return shapely.union_all(self._cores) if self._cores else Polygon()

    def way(self, start: PointXY, end: PointXY) -> Way | Barrier:
        """The shortest way, or what closes it. An end outside the area is a barrier of no obstacles."""
        if not all(self.area.covers(Point(point)) for point in (start, end)):
            return Barrier(())
        for point in (start, end):
            if inside := self.blocked_by(point, point):
                return Barrier(inside, point)
        if start == end:
            return Way((start, end))
        known: list[int] = []
        while True:
            points = self._shortest(start, end, known)
            if points is None:
                return Barrier(self._barrier(start, end, known))
            met = self._met(points)
            if not met - set(known):
                return Way(points)
            known = sorted(met | set(known))

    def _met(self, points: Sequence[PointXY]) -> set[int]:
        lines = shapely.linestrings(np.stack([np.asarray(points[:-1]), np.asarray(points[1:])], axis=1))
        return {int(i) for i in self._tree.query(lines, predicate="intersects")[1]}

    def _shortest(self, start: PointXY, end: PointXY, known: Sequence[int]) -> tuple[PointXY, ...] | None:
        """A* over the ends and the corners of the known obstacles; node 0 is the start, node 1 the end."""
        nodes = np.vstack([np.array([start, end]), *(self._corners_of(i) for i in known)])
        sight = _Sight(nodes, [self._cores[i] for i in known])
        to_go = np.hypot(*(nodes - nodes[1]).T)
        cost = np.full(len(nodes), np.inf)
        cost[0] = 0.0
        parent = np.zeros(len(nodes), dtype=np.int64)
        done = np.zeros(len(nodes), dtype=bool)
        heap = [(float(to_go[0]), 0)]
        while heap:
            _, node = heapq.heappop(heap)
            if done[node]:
                continue
            if node == 1:
                return _chain(nodes, parent)
            done[node] = True
            seen = sight.of(node, np.flatnonzero(~done))
            through = cost[node] + np.hypot(*(nodes[seen] - nodes[node]).T)
            better = through < cost[seen] - 1e-9
            for other, length in zip(seen[better].tolist(), through[better].tolist(), strict=True):
                cost[other], parent[other] = length, node
                heapq.heappush(heap, (length + float(to_go[other]), other))
        return None

    def _corners_of(self, index: int) -> npt.NDArray[np.float64]:
        """The convex corners around one obstacle, those outside the area left out: shape (n, 2)."""
        if index not in self._corners:
            outline = self.obstacles[index].outline
            away_m = self.obstacles[index].clearance_m / math.cos(math.pi / 32) + CORNER_GAP_M
            if shapely.get_num_coordinates(outline) > FINE_OUTLINE:
                shape = outline.buffer(away_m + ROUNDING_M).simplify(0.9 * ROUNDING_M)
            else:
                shape = outline.buffer(away_m, join_style="mitre", mitre_limit=MITRE_LIMIT)
            parts = shapely.get_parts(shape)
            rings = [(part.exterior, True) for part in parts] + [(hole, False) for p in parts for hole in p.interiors]
            corners = np.vstack([_convex_corners(ring, outer) for ring, outer in rings])
            self._corners[index] = corners[shapely.contains_xy(self.area, corners)]
        return self._corners[index]

    def _barrier(self, start: PointXY, end: PointXY, known: Sequence[int]) -> tuple[str, ...]:
        """The obstacles that are left when each one is dropped without which the others still close the way."""
        # A gap too narrow for a corner and its rounding is open on the map and closed to ways.
        widened_m = 2 * ROUNDING_M if self._joined(start, end, known, 0.0) else 0.0
        kept = list(known)
        for index in known:
            fewer = [i for i in kept if i != index]
            if not self._joined(start, end, fewer, widened_m):
                kept = fewer
        return tuple(self.obstacles[i].id for i in kept)

    def _joined(self, start: PointXY, end: PointXY, indices: Sequence[int], widened_m: float) -> bool:
        shapes = [self._cores[i].buffer(widened_m) for i in indices]
        free = self.area.difference(shapely.union_all(shapes)) if shapes else self.area
        pair = shapely.points([start, end])
        return any(bool(np.all(shapely.covers(part, pair))) for part in shapely.get_parts(free))


class _Sight:
    """Which nodes see each other past some cores."""

    def __init__(self, nodes: npt.NDArray[np.float64], cores: Sequence[Polygon | MultiPolygon]) -> None:
        self._nodes = nodes
        self._tree = shapely.STRtree(cores) if cores else None

    def of(self, node: int, others: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        if self._tree is None or not len(others):
            return others
        here = np.broadcast_to(self._nodes[node], (len(others), 2))
        lines = shapely.linestrings(np.stack([here, self._nodes[others]], axis=1))
        hidden = self._tree.query(lines, predicate="intersects")[0]
        clear = np.ones(len(others), dtype=bool)
        clear[hidden] = False
        return others[clear]


def _convex_corners(ring: LinearRing, outer: bool) -> npt.NDArray[np.float64]:
    """The corners of an obstacle's outer or inner ring that a taut way past it could touch."""
    points: npt.NDArray[np.float64] = shapely.get_coordinates(ring)[:-1]
    ahead, back = np.roll(points, -1, axis=0) - points, points - np.roll(points, 1, axis=0)
    cross = back[:, 0] * ahead[:, 1] - back[:, 1] * ahead[:, 0]
    convex: npt.NDArray[np.bool_] = cross > 0.0 if ring.is_ccw is outer else cross < 0.0
    return points[convex]


def _chain(nodes: npt.NDArray[np.float64], parent: npt.NDArray[np.int64]) -> tuple[PointXY, ...]:
    order = [1]
    while order[-1] != 0:
        order.append(int(parent[order[-1]]))
    return tuple((float(nodes[i, 0]), float(nodes[i, 1])) for i in reversed(order))
