"""Corridors: from a line on the ground to stretches that are flown with the camera on, and what the camera then sees.

The drone flies above the line. Where the line is too close to a zone the camera is off and the drone goes around.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import LineString, MultiLineString, Point
from shapely.geometry.base import BaseGeometry

from airspace.routing import Barrier, PointXY, Router
from missions.plan import Purpose

SHORTEST_PIECE_M = 5.0  # less is not worth a detour
PIECE_GAP_M = 0.5  # a piece ends this far before the clearance of a zone begins
STRAIGHT_M = 0.2  # points of a line that deviate less are not waypoints


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of points flown for one purpose."""

    purpose: Purpose
    points: tuple[PointXY, ...]

    @property
    def line(self) -> LineString:
        """The stretch in plan [m]."""
        return LineString(self.points)


@dataclass(frozen=True, slots=True)
class Corridor:
    """The way along a line: surveys and the transits to and between them. `left_out` are pieces nobody can reach."""

    stretches: tuple[Stretch, ...]
    left_out: tuple[LineString, ...]

    @property
    def surveyed(self) -> MultiLineString:
        """What is flown with the camera on."""
        return MultiLineString([stretch.points for stretch in self.stretches if stretch.purpose is Purpose.SURVEY])


def corridor(start: PointXY, line: Sequence[PointXY], router: Router) -> Corridor | Barrier:
    """The way from `start` along the free pieces of a line, in the line's direction.

    A barrier is returned when no piece can be flown: it names the zones that cover the line or close the way to it.
    """
    pieces = free_pieces(line, router)
    stretches: list[Stretch] = []
    left_out: list[LineString] = []
    barrier: Barrier | None = None
    here = start
    for piece in pieces:
        way = router.way(here, piece[0])
        if isinstance(way, Barrier):
            barrier = barrier or way
            left_out.append(LineString(piece))
            continue
        if way.length_m > 0.0:
            stretches.append(Stretch(Purpose.TRANSIT, way.points))
        stretches.append(Stretch(Purpose.SURVEY, piece))
        here = piece[-1]
    if not stretches:
        return barrier or Barrier(covering(line, router))
    return Corridor(tuple(stretches), tuple(left_out))


def free_pieces(line: Sequence[PointXY], router: Router) -> list[tuple[PointXY, ...]]:
    """The runs of a line that keep clear of every obstacle, in order, each without needless points."""
    forbidden = shapely.buffer(router.forbidden(), PIECE_GAP_M)
    runs: list[list[PointXY]] = []
    for a, b in itertools.pairwise(line):
        for start, end in _free_parts(a, b, forbidden):
            if runs and math.dist(runs[-1][-1], start) < 1e-6:
                runs[-1].append(end)
            else:
                runs.append([start, end])
    long_enough = [run for run in runs if LineString(run).length >= SHORTEST_PIECE_M]
    return [_coordinates(LineString(run).simplify(STRAIGHT_M)) for run in long_enough]


def _free_parts(a: PointXY, b: PointXY, forbidden: BaseGeometry) -> list[tuple[PointXY, PointXY]]:
    """One segment without what is forbidden, as pieces in the order of flight."""
    if a == b:
        return []
    rest = LineString([a, b]).difference(forbidden)
    parts = [_coordinates(part) for part in shapely.get_parts(rest) if not part.is_empty]
    return sorted(((part[0], part[-1]) for part in parts), key=lambda part: math.dist(a, part[0]))


def _coordinates(line: LineString) -> tuple[PointXY, ...]:
    return tuple((float(x), float(y)) for x, y in line.coords)


def covering(line: Sequence[PointXY], router: Router) -> tuple[str, ...]:
    """The obstacles that come too close to some part of a line, by id."""
    met = {id_ for a, b in itertools.pairwise(line) for id_ in router.blocked_by(a, b)}
    return tuple(sorted(met))


@dataclass(frozen=True, slots=True)
class Sighting:
    """How near the camera's way comes to a target [m], and the zones that keep it from coming nearer, by id."""

    distance_m: float
    kept_off_by: tuple[str, ...]


def sight(target: PointXY, surveyed: MultiLineString, line: Sequence[PointXY], router: Router) -> Sighting:
    """What the camera gets to see of one target."""
    nearest = LineString(line).interpolate(LineString(line).project(Point(target)))
    return Sighting(float(surveyed.distance(Point(target))), router.blocked_by((nearest.x, nearest.y), target))


def photos(stretches: Sequence[Stretch], spacing_m: float) -> int:
    """How often the camera fires: at once where it is switched on, then every `spacing_m`."""
    surveys = [stretch for stretch in stretches if stretch.purpose is Purpose.SURVEY]
    return sum(1 + math.floor(stretch.line.length / spacing_m) for stretch in surveys)


def forward_or_back(start: PointXY, line: Sequence[PointXY], finish: PointXY) -> tuple[PointXY, ...]:
    """The line in the direction that makes the whole flight shorter; as given when both are equal."""
    forward_m = math.dist(start, line[0]) + math.dist(line[-1], finish)
    back_m = math.dist(start, line[-1]) + math.dist(line[0], finish)
    return tuple(line) if forward_m <= back_m else tuple(reversed(line))
