"""How far a route would have to move, along one axis at a time, to come clear of volumes: by how much it conflicts.

Along time and height each pair of volumes forbids one interval of shifts, so the least free shift is arithmetic on
intervals. In plan the forbidden shifts are a Minkowski sum, and the least free one is the way from its inside to its
edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import shapely
from shapely.affinity import translate
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

from airspace.margins import grown
from airspace.volumes import Volume4D

Interval = tuple[float, float]

ROUNDING = 1e-9  # of an area
MOST_SWEPT = 1500  # lines times edges; beyond it a hollow outline is taken as its hull, and the shift as enough
FINE_OUTLINE = 200  # an outline with more corners is taken coarser, which moves its edge by less than COARSE_M
COARSE_M = 0.5


@dataclass(frozen=True, slots=True)
class Depth:
    """The least shifts of a route that would each alone separate it from one zone or intent.

    `plan_m` [m] towards `bearing_deg` (clockwise from grid north of the local frame); `up_m` and `down_m` [m];
    `earlier_s` and `later_s` [s]. None where no shift within the horizon of the question does.
    """

    plan_m: float
    bearing_deg: float
    up_m: float | None
    down_m: float | None
    earlier_s: float | None
    later_s: float | None

    @property
    def height_m(self) -> float | None:
        """The smaller of the two shifts in height [m]."""
        return min((shift for shift in (self.up_m, self.down_m) if shift is not None), default=None)

    @property
    def time_s(self) -> float | None:
        """The smaller of the two shifts in time [s]."""
        return min((shift for shift in (self.earlier_s, self.later_s) if shift is not None), default=None)


def least_shift(forbidden: Iterable[Interval], sign: Literal[1, -1], *, closed: bool, step: float = 0.0) -> float:
    """How far one must go from 0 upwards (`sign` 1) or downwards (-1) to be in none of the forbidden intervals.

    Open intervals do not forbid their ends; of closed ones the answer is the last end that is still forbidden. With a
    `step` the answer is a multiple of it. The answer is not negative in either direction.
    """
    mirrored = forbidden if sign == 1 else [(-high, -low) for low, high in forbidden]
    shift = 0.0
    for low, high in sorted(mirrored):
        if (low <= shift <= high) if closed else (low < shift < high):
            shift = math.ceil(high / step) * step if step else high
        elif low > shift:
            break
    return shift


def in_plan(pieces: Sequence[Volume4D], others: Sequence[Volume4D]) -> npt.NDArray[np.bool_]:
    """Which outlines of pairs touch or overlap: shape (pieces, others)."""
    own = np.array([piece.outline for piece in pieces], dtype=object)
    theirs = np.array([other.outline for other in others], dtype=object)
    shapely.prepare(theirs)
    found: npt.NDArray[np.bool_] = shapely.intersects(theirs[np.newaxis, :], own[:, np.newaxis])
    return found


def in_height(pieces: Sequence[Volume4D], others: Sequence[Volume4D]) -> npt.NDArray[np.bool_]:
    """Which height bands of pairs touch or overlap: shape (pieces, others)."""
    own = np.array([(piece.floor_ellipsoidal_m, piece.ceiling_ellipsoidal_m) for piece in pieces])
    theirs = np.array([(other.floor_ellipsoidal_m, other.ceiling_ellipsoidal_m) for other in others])
    found: npt.NDArray[np.bool_] = (own[:, :1] <= theirs[:, 1]) & (theirs[:, 0] <= own[:, 1:])
    return found


def in_time(pieces: Sequence[Volume4D], others: Sequence[Volume4D]) -> npt.NDArray[np.bool_]:
    """Which half-open time windows of pairs overlap: shape (pieces, others)."""
    own = np.array([(piece.start_s, piece.end_s) for piece in pieces])
    theirs = np.array([(other.start_s, other.end_s) for other in others])
    found: npt.NDArray[np.bool_] = (own[:, :1] < theirs[:, 1]) & (theirs[:, 0] < own[:, 1:])
    return found


def forbidden_times(
    pieces: Sequence[Volume4D], others: Sequence[Volume4D], together: npt.NDArray[np.bool_]
) -> list[Interval]:
    """The open intervals of shifts [s] in which a pair of those that are `together` in plan and height overlaps."""
    return [
        (others[j].start_s - pieces[i].end_s, others[j].end_s - pieces[i].start_s) for i, j in np.argwhere(together)
    ]


def forbidden_heights(
    pieces: Sequence[Volume4D], others: Sequence[Volume4D], together: npt.NDArray[np.bool_]
) -> list[Interval]:
    """The closed intervals of shifts [m] in which a pair of those that are `together` in plan and time overlaps."""
    return [
        (
            others[j].floor_ellipsoidal_m - pieces[i].ceiling_ellipsoidal_m,
            others[j].ceiling_ellipsoidal_m - pieces[i].floor_ellipsoidal_m,
        )
        for i, j in np.argwhere(together)
    ]


def least_plan_shift(
    lines: Sequence[LineString | Point], outlines: Sequence[Polygon | MultiPolygon], lateral_m: float
) -> tuple[float, float]:
    """The least shift in plan after which no line, grown by the lateral margin, touches the outline paired with it.

    A line is straight from its first point to its last. Length [m] and bearing [deg clockwise from north]; exact for
    outlines of up to `FINE_OUTLINE` corners, and for hollow ones while there are no more than `MOST_SWEPT` pairs of a
    line and an edge: beyond that it is enough, if not the least.
    """
    forbidden = grown(shapely.union_all(_swept_back(lines, outlines)), lateral_m)
    origin = Point(0.0, 0.0)
    if not forbidden.intersects(origin):
        return 0.0, 0.0
    edge = shapely.get_point(shapely.shortest_line(origin, forbidden.boundary), 1)
    return math.hypot(edge.x, edge.y), round(math.degrees(math.atan2(edge.x, edge.y)), 6) % 360.0


def _swept_back(
    lines: Sequence[LineString | Point], outlines: Sequence[Polygon | MultiPolygon]
) -> list[Polygon | MultiPolygon]:
    """All shifts that bring a point of a line into its outline: the outline moved back along the line."""
    most = max(1, MOST_SWEPT // max(1, len(lines)))
    parts_of = {id(outline): _convex_parts(outline, most) for outline in outlines}
    swept: list[Polygon | MultiPolygon] = []
    for line, outline in zip(lines, outlines, strict=True):
        corners = shapely.get_coordinates(line)
        start, end = corners[0], corners[-1]
        whole, parts = parts_of[id(outline)]
        swept += shapely.convex_hull(shapely.multipoints(np.concatenate([parts - start, parts - end], axis=1))).tolist()
        if whole is not None:
            swept += [translate(whole, *-start), translate(whole, *-end)]
    return [shape for shape in swept if shape.area > 0.0]


def _convex_parts(
    outline: Polygon | MultiPolygon, most: int
) -> tuple[Polygon | MultiPolygon | None, npt.NDArray[np.float64]]:
    """What to move along a line to sweep an outline: its corners when it is convex, else itself and all of its edges.

    The parts have shape (parts, points, 2). Of more than `most` edges the convex hull is taken instead. A point that is
    in the outline while it moves, but neither before nor after, was crossed by an edge.
    """
    if shapely.get_num_coordinates(outline) > FINE_OUTLINE:
        outline = outline.simplify(COARSE_M)
    hull = shapely.convex_hull(outline)
    if shapely.get_num_coordinates(outline) > most or outline.area >= (1.0 - ROUNDING) * hull.area:
        return None, shapely.get_coordinates(hull)[np.newaxis]
    edges: list[npt.NDArray[np.float64]] = []
    for part in shapely.get_parts(outline):
        for ring in (part.exterior, *part.interiors):
            corners = shapely.get_coordinates(ring)
            edges.append(np.stack([corners[:-1], corners[1:]], axis=1))
    return outline, np.concatenate(edges)
