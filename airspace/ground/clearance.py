"""Clearance: how far a straight leg stays from the ground and from all that stands on it, at any point of the leg.

Exact along the leg, never sampled: over terrain it is the least height of a line over pieces of parabolas, and over or
beside an obstacle the least of a linear function over an ellipse and a box.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

from airspace.charted import Corridor
from airspace.frames import LatLon, LocalFrame
from airspace.ground.obstacles import Obstacle, ObstacleKind
from airspace.ground.surface import Surface
from airspace.ground.terrain_surface import TerrainSurface
from airspace.laying import laid_shape
from airspace.reasons import Reason, Rule, Words

Array = npt.NDArray[np.float64]
Xy = tuple[float, float]

TERRAIN = "terrain"
SPOT_M = 1e-3  # a leg shorter than this is one place in plan
LANES_M = 5.0  # ground beside a leg is looked at along lines so far apart; terrain models have nodes 12 to 90 m apart
SLACK_M = 1e-6  # what is just within a limit stays within it through rounding

TOO_LOW = Rule(
    "ground.clearance.terrain",
    Words(
        "{level} the ground near {place}, {along_m:.0f} m along the leg; {needed_m:g} m above it are needed",
        "在 {place} 附近（航段 {along_m:.0f} 米处）{level}，要求高出地面 {needed_m:g} 米",
    ),
    Words("Fly the leg {climb_m:.1f} m higher, or around.", "请将航段升高 {climb_m:.1f} 米或绕行。"),
)
TOO_CLOSE = Rule(
    "ground.clearance.obstacle",
    Words(
        "{level} the top of {name} ({kind} {id}) and {horizontal_m:.1f} m from it near {place}, {along_m:.0f} m along "
        "the leg; {needed_m:g} m above or {beside_m:g} m beside it are needed",
        "在 {place} 附近（航段 {along_m:.0f} 米处）{level}（{name}，{kind} {id}），水平距离 {horizontal_m:.1f} 米，"
        "要求高出顶部 {needed_m:g} 米或水平相距 {beside_m:g} 米",
    ),
    Words(
        "Fly the leg {climb_m:.1f} m higher, or {beside_m:g} m beside it.",
        "请将航段升高 {climb_m:.1f} 米，或与其保持水平 {beside_m:g} 米。",
    ),
)


@dataclass(frozen=True, slots=True)
class StraightLeg:
    """A straight piece of flight: its ends east and north [m] in a local frame and over the ellipsoid [m]."""

    start_xy: Xy
    end_xy: Xy
    start_ellipsoidal_m: float
    end_ellipsoidal_m: float

    @property
    def length_m(self) -> float:
        """How long it is in plan [m]; 0 for a climb on the spot."""
        return math.dist(self.start_xy, self.end_xy)


@dataclass(frozen=True, slots=True)
class Clearance:
    """How a leg passes over the terrain or over or beside one obstacle.

    `vertical_m` is the least height above the ground, or above the top of the obstacle while within the lateral limit
    asked about; negative means below. `along_m` and `place` say where on the leg that is [m from its start in plan].
    `horizontal_m` is the least distance in plan anywhere along the leg, 0 for what the leg passes over. `kind` is
    "terrain" or an `ObstacleKind`, `over` the id of the obstacle, or the name of the terrain.
    """

    over: str
    kind: str
    name: str
    along_m: float
    place: LatLon
    vertical_m: float
    horizontal_m: float


@dataclass(frozen=True, slots=True)
class RequiredClearance:
    """What a leg must keep: above the ground, and either above or beside every obstacle [m]."""

    terrain_m: float
    above_m: float
    beside_m: float


class LaidObstacles:
    """Obstacles in one local frame, found by place. Raises `Refused` for one that is too far from its origin."""

    def __init__(self, frame: LocalFrame, obstacles: Iterable[Obstacle] = ()) -> None:
        self.frame = frame
        self.obstacles = tuple(obstacles)
        laid = [_laid(frame, obstacle) for obstacle in self.obstacles]
        self._plans = np.array([plan for plan, _, _ in laid], dtype=object)
        self._edges = [edges for _, edges, _ in laid]
        self._widths_m = np.array([width_m for _, _, width_m in laid])
        self._widest_m = float(self._widths_m.max(initial=0.0))
        self._tree = shapely.STRtree(self._plans)

    def near(self, leg: StraightLeg, beside_m: float) -> list[Clearance]:
        """Every obstacle that the leg comes within `beside_m` [m] of in plan, in the order in which they were given."""
        line = LineString([leg.start_xy, leg.end_xy]) if leg.length_m > SPOT_M else Point(leg.start_xy)
        limit_m = beside_m + SLACK_M
        found = np.sort(self._tree.query(line, predicate="dwithin", distance=limit_m + self._widest_m))
        apart_m = np.maximum(0.0, shapely.distance(self._plans[found], line) - self._widths_m[found])
        found, apart_m = found[apart_m <= limit_m], apart_m[apart_m <= limit_m]
        if not len(found):
            return []
        counts = [len(self._edges[i]) for i in found]
        edges = np.concatenate([self._edges[i] for i in found])
        within_m = np.repeat(limit_m + self._widths_m[found], counts)
        parts = _least_over_edges(leg, edges, within_m)
        splits = np.cumsum(counts)[:-1]
        per_obstacle = zip(*(np.split(part, splits) for part in parts), strict=True)
        return [
            self._passed(int(i), leg, float(horizontal_m), *edge_parts)
            for i, horizontal_m, edge_parts in zip(found, apart_m, per_obstacle, strict=True)
        ]

    def passed(self, leg: StraightLeg, beside_m: float) -> list[Clearance]:
        """Those that are `near`, from the least height above their tops up."""
        return sorted(self.near(leg, beside_m), key=lambda clearance: (clearance.vertical_m, clearance.over))

    def _passed(
        self, i: int, leg: StraightLeg, horizontal_m: float, shares: Array, above_m: Array, apart_m: Array
    ) -> Clearance:
        """The clearance of one obstacle, of what its edges gave and of the ends of the leg that lie inside it."""
        obstacle, plan = self.obstacles[i], self._plans[i]
        vertical_m = float(above_m.min())
        share = float(shares[np.argmin(np.where(above_m <= vertical_m + SLACK_M, apart_m, np.inf))])
        if horizontal_m == 0.0 and obstacle.kind is not ObstacleKind.LINE:
            ends = ((0.0, leg.start_xy, leg.start_ellipsoidal_m), (1.0, leg.end_xy, leg.end_ellipsoidal_m))
            for end, xy, height_m in ends:
                over_m = height_m - obstacle.tops_ellipsoidal_m[0]
                if over_m < vertical_m and plan.covers(Point(xy)):
                    share, vertical_m = end, over_m
        return Clearance(
            over=obstacle.id,
            kind=str(obstacle.kind),
            name=obstacle.name,
            along_m=share * leg.length_m,
            place=_place(self.frame, leg, share),
            vertical_m=vertical_m,
            horizontal_m=horizontal_m,
        )


def clearances(leg: StraightLeg, surface: Surface, obstacles: LaidObstacles, beside_m: float) -> tuple[Clearance, ...]:
    """The clearance of a leg over the ground, and over or beside each obstacle within `beside_m` [m] in plan.

    The ground comes first, then obstacles from the least height above their tops up. The leg lies in the frame of the
    obstacles. Raises `Refused` where the terrain model knows no ground under the leg.
    """
    return _over_ground(leg, surface, obstacles.frame), *obstacles.passed(leg, beside_m)


def over_swath(leg: StraightLeg, surface: Surface, frame: LocalFrame, beside_m: float) -> Clearance:
    """The least height of any point of a leg over the ground within `beside_m` [m] of that point in plan.

    Exact under lines along the leg, `LANES_M` [m] apart at most and the outermost at `beside_m`; a peak between two of
    them is seen from no farther than half of that. `place` is that of the ground, `along_m` where the leg is abeam of
    it and `horizontal_m` how far to the side of the leg it lies. Raises `Refused` where no ground is known.
    """
    rises = leg.end_ellipsoidal_m >= leg.start_ellipsoidal_m
    lower, upper = (leg.start_xy, leg.end_xy) if rises else (leg.end_xy, leg.start_xy)
    low_m, high_m = sorted((leg.start_ellipsoidal_m, leg.end_ellipsoidal_m))
    way = math.atan2(upper[1] - lower[1], upper[0] - lower[0])
    count = math.ceil(beside_m / LANES_M)
    found: list[Clearance] = []
    for lane in range(-count, count + 1):
        off_m = lane * beside_m / count if count else 0.0
        reach_m = math.sqrt(max(0.0, beside_m**2 - off_m**2))
        behind, ahead, last = (
            (x + to_m * math.cos(way) - off_m * math.sin(way), y + to_m * math.sin(way) + off_m * math.cos(way))
            for (x, y), to_m in ((lower, -reach_m), (lower, reach_m), (upper, reach_m))
        )
        # what lies ahead of the lower end is within reach of a point of the leg that is as far behind it as can be
        parts = [(reach_m, StraightLeg(ahead, last, low_m, high_m))]
        parts += [(-reach_m, StraightLeg(behind, ahead, low_m, low_m))] if reach_m > 0.0 else []
        for from_m, part in parts:
            one = _over_ground(part, surface, frame)
            abeam_m = min(max(0.0, from_m + one.along_m), leg.length_m)
            along_m = abeam_m if rises else leg.length_m - abeam_m
            found.append(replace(one, along_m=along_m, horizontal_m=abs(off_m)))
    return min(found, key=lambda one: (one.vertical_m, one.horizontal_m))


def shortfalls(found: Iterable[Clearance], required: RequiredClearance, where: str = "") -> tuple[Reason, ...]:
    """A reason for every clearance that falls short of what is required, in the order in which they were found.

    The clearances must have been found with the required `beside_m`; found with more, they may fall short where the
    leg is beside enough.
    """
    reasons: list[Reason] = []
    for clearance in found:
        over_ground = clearance.kind == TERRAIN
        needed_m = required.terrain_m if over_ground else required.above_m
        beside = not over_ground and clearance.horizontal_m >= required.beside_m - SLACK_M
        if clearance.vertical_m >= needed_m - SLACK_M or beside:
            continue
        facts = {
            "id": clearance.over,
            "kind": _KIND_WORDS.get(clearance.kind, Words(clearance.kind, clearance.kind)),
            "name": clearance.name or clearance.over,
            "place": str(clearance.place),
            "along_m": clearance.along_m,
            "level": _level(clearance.vertical_m, "地面" if over_ground else "顶部"),
            "horizontal_m": clearance.horizontal_m,
            "needed_m": needed_m,
            "beside_m": required.beside_m,
            "climb_m": needed_m - clearance.vertical_m,
        }
        rule = TOO_LOW if over_ground else TOO_CLOSE
        place = clearance.place
        reasons.append(Reason(rule, where, facts, lat_deg=place.lat_deg, lon_deg=place.lon_deg))
    return tuple(reasons)


def _level(vertical_m: float, over_zh: str) -> Words:
    if vertical_m < 0.0:
        return Words(f"{-vertical_m:.1f} m below", f"低于{over_zh} {-vertical_m:.1f} 米")
    return Words(f"{vertical_m:.1f} m above", f"高出{over_zh} {vertical_m:.1f} 米")


_KIND_WORDS = {
    "building": Words("building", "建筑物"),
    "mast": Words("mast", "杆塔"),
    "line": Words("overhead line", "架空线路"),
}


def _over_ground(leg: StraightLeg, surface: Surface, frame: LocalFrame) -> Clearance:
    ground = surface.along(frame, leg.start_xy, leg.end_xy)
    name = surface.terrain.name if isinstance(surface, TerrainSurface) else ""
    vertical_m, along_m = ground.under(leg.start_ellipsoidal_m, leg.end_ellipsoidal_m).lowest()
    share = along_m / leg.length_m if leg.length_m > 0.0 else 0.0
    return Clearance(name, TERRAIN, name, along_m, _place(frame, leg, share), vertical_m, 0.0)


def _place(frame: LocalFrame, leg: StraightLeg, share: float) -> LatLon:
    (x0, y0), (x1, y1) = leg.start_xy, leg.end_xy
    return frame.latlon(x0 + share * (x1 - x0), y0 + share * (y1 - y0))


def _laid(frame: LocalFrame, obstacle: Obstacle) -> tuple[BaseGeometry, Array, float]:
    """The plan [m] of an obstacle, its edges, and how far it reaches to either side of them [m].

    Edges have shape (n, 6): x and y of both ends [m] and the height of the top at both ends, over the ellipsoid [m].
    """
    plan = laid_shape(frame, obstacle.shape, obstacle.id)
    if isinstance(obstacle.shape, Corridor):
        pylons = frame.xy_array([(at.lon_deg, at.lat_deg) for at in obstacle.shape.path])
        tops = np.array(obstacle.tops_ellipsoidal_m)
        edges = np.column_stack([pylons[:-1], pylons[1:], tops[:-1], tops[1:]])
        return LineString(pylons), edges, obstacle.shape.half_width_m
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(plan)]
    ends = np.concatenate([np.column_stack([ring[:-1], ring[1:]]) for ring in rings])
    top = np.full((len(ends), 2), obstacle.tops_ellipsoidal_m[0])
    return plan, np.column_stack([ends, top]), 0.0


def _least_over_edges(leg: StraightLeg, edges: Array, within_m: Array) -> tuple[Array, Array, Array]:
    """For each edge, where on the leg (0 to 1) it is least above the part of the edge within a distance [m] in plan.

    And by how much [m], and how far apart the two are there in plan [m]; infinite for an edge that is not so near.

    With t along the leg and s along an edge, both from 0 to 1, the points within the distance of each other fill the
    ellipse |a + t u - s v| <= d, and the height of one above the other is linear in t and s: the least of it in the
    ellipse and the unit square together is at a corner of the square, where a side of it meets the ellipse, or where
    the ellipse reaches farthest against the slope.
    """
    a = np.array(leg.start_xy) - edges[:, 0:2]
    u = np.broadcast_to(np.subtract(leg.end_xy, leg.start_xy), a.shape)
    v = edges[:, 2:4] - edges[:, 0:2]
    climb = leg.end_ellipsoidal_m - leg.start_ellipsoidal_m
    slope = edges[:, 5] - edges[:, 4]
    limit_m = within_m + SLACK_M
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        candidates = [*_on_sides(a, u, v, limit_m**2), *_against_slope(a, u, v, climb, slope, limit_m)]
    t, s = (np.stack(shares, axis=1) for shares in zip(*candidates, strict=True))
    inside = (t >= 0.0) & (t <= 1.0) & (s >= 0.0) & (s <= 1.0)  # not for what is not a number
    t, s = np.where(inside, t, 0.0), np.where(inside, s, 0.0)
    way = a[:, np.newaxis] + t[..., np.newaxis] * u[:, np.newaxis] - s[..., np.newaxis] * v[:, np.newaxis]
    apart_m = np.hypot(way[..., 0], way[..., 1])
    inside &= apart_m <= limit_m[:, np.newaxis] * (1.0 + 1e-9)
    above_m = leg.start_ellipsoidal_m + t * climb - (edges[:, 4:5] + s * slope[:, np.newaxis])
    above_m = np.where(inside, above_m, np.inf)
    least_m = above_m.min(axis=1)
    nearest = np.argmin(np.where(above_m <= least_m[:, np.newaxis] + SLACK_M, apart_m, np.inf), axis=1)
    rows = np.arange(len(edges))
    return t[rows, nearest], least_m, apart_m[rows, nearest]


def _on_sides(a: Array, u: Array, v: Array, limit2: Array) -> list[tuple[Array, Array]]:
    """The four corners of the unit square, where its sides enter and leave the ellipse, and their nearest points."""
    found: list[tuple[Array, Array]] = []
    for fixed in (0.0, 1.0):
        side = np.full(len(a), fixed)
        found += [(side, np.full(len(a), other)) for other in (0.0, 1.0)]
        found += [(side, s) for s in _within(a + fixed * u, -v, limit2)]
        found += [(t, side) for t in _within(a - fixed * v, u, limit2)]
    return found


def _within(start: Array, way: Array, limit2: Array) -> tuple[Array, Array, Array]:
    """Where start + x way enters, is deepest in, and leaves the circle around the origin; not a number where never."""
    length2 = (way * way).sum(axis=1)
    middle = -(start * way).sum(axis=1) / length2
    depth2 = limit2 - ((start + middle[:, np.newaxis] * way) ** 2).sum(axis=1)
    half = np.sqrt(depth2 / length2)
    return middle - half, np.clip(middle, 0.0, 1.0), middle + half


def _against_slope(
    a: Array, u: Array, v: Array, climb: float, slope: Array, limit_m: Array
) -> list[tuple[Array, Array]]:
    """Where the lines cross, and where the ellipse around that point reaches farthest against the slope of the height.

    With M the matrix of the ellipse and g the slope, that is M^-1 g from the crossing, as far as the ellipse goes.
    """
    uu, uv, vv = (u * u).sum(axis=1), (u * v).sum(axis=1), (v * v).sum(axis=1)
    det = uu * vv - uv * uv
    det = np.where(det > 1e-12 * uu * vv, det, np.nan)  # parallel: the ellipse has no end, and the sides say it all
    au, av = (a * u).sum(axis=1), (a * v).sum(axis=1)
    t0, s0 = (uv * av - vv * au) / det, (uu * av - uv * au) / det
    dt, ds = (vv * climb - uv * slope) / det, (uv * climb - uu * slope) / det
    reach = limit_m / np.sqrt(climb * dt - slope * ds)
    return [(t0, s0), (t0 - reach * dt, s0 - reach * ds)]
