"""What the drone does by itself: the rally points from which every point of the route has a clear straight way.

ArduCopter's return flies at return height in a straight line to the nearest of home and the rally points, whatever
lies between. So a set of places is chosen for which the nearest one is always reached without entering a zone. The
route is looked at in short pieces, and the ways from all points of a piece to a place as the triangle that they fill.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from airspace.frames import LocalFrame
from airspace.routing import PointXY, Router
from missions.items import Command, Frame, MissionItem

Piece = tuple[PointXY, PointXY]
"""A short straight part of the route, or twice the same point."""

PIECE_M = 15.0
UNSURE_M = 10.0  # of two places whose distances differ less than this either may be taken for the nearest
POSITION_DIGITS = 7  # degrees: what an autopilot stores


@dataclass(frozen=True, slots=True)
class Refuge:
    """A place where a drone may come down by itself; home is the place of take-off."""

    name: str
    at: PointXY
    home: bool = False


@dataclass(frozen=True, slots=True)
class Stranded:
    """A point of the route that no choice of refuges serves: the last one left and the zones in between, by id."""

    at: PointXY
    refuge: str
    blocked_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contingency:
    """The chosen refuges and what follows from them.

    `farthest_m` holds for each piece the longest way that it may have to go, and `areas` all ways in plan.
    """

    refuges: tuple[Refuge, ...]
    farthest_m: tuple[float, ...]
    areas: tuple[BaseGeometry, ...]

    @property
    def includes_home(self) -> bool:
        """Whether home is among the refuges."""
        return any(refuge.home for refuge in self.refuges)


def pieces(line: Sequence[PointXY], longest_m: float = PIECE_M) -> list[Piece]:
    """A line in pieces of at most `longest_m` [m]; a line without extent is one piece."""
    found: list[Piece] = []
    for a, b in itertools.pairwise(line):
        steps = max(1, math.ceil(math.dist(a, b) / longest_m))
        points = [(a[0] + (b[0] - a[0]) * k / steps, a[1] + (b[1] - a[1]) * k / steps) for k in range(steps)]
        found += itertools.pairwise([*points, b])
    return found


def choose_refuges(route: Sequence[Piece], refuges: Sequence[Refuge], router: Router) -> Contingency | Stranded:
    """The refuges that stay when those are given up that may be nearest somewhere and are not reached from there.

    A refuge that is nearest in some choice is nearest in every smaller choice that keeps it. So giving up each one
    that fails leaves the largest choice that works, and when none is left there is none. `router` says what is clear
    at return height.
    """
    ends = np.asarray(route, dtype=np.float64)
    places = np.asarray([refuge.at for refuge in refuges], dtype=np.float64)
    middles, lengths = ends.mean(axis=1), np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    distance_m = np.hypot(*(middles[:, None, :] - places[None, :, :]).transpose(2, 0, 1))
    areas = _areas(ends, places)
    blocked = _blocked(areas, router)
    kept = list(range(len(refuges)))
    while True:
        near = distance_m[:, kept] < distance_m[:, kept].min(axis=1, keepdims=True) + UNSURE_M + lengths[:, None]
        bad = near & blocked[:, kept]
        if not bad.any():
            break
        row, column = (int(i) for i in np.argwhere(bad)[0])
        if len(kept) == 1:
            at, refuge = route[row][0], refuges[kept[0]]
            return Stranded(at, refuge.name, router.blocking(areas[row, kept[0]]))
        kept.pop(column)
    farthest_m = np.where(near, distance_m[:, kept], 0.0).max(axis=1) + lengths / 2.0
    return Contingency(
        refuges=tuple(refuges[i] for i in kept),
        farthest_m=tuple(float(x) for x in farthest_m),
        areas=tuple(areas[:, kept][near]),
    )


def _areas(ends: npt.NDArray[np.float64], places: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    """All ways from a piece (row) to a place (column): a triangle, or less when the three points are in line."""
    shape = (len(ends), len(places))
    corners = np.empty((*shape, 3, 2))
    corners[:, :, :2, :] = ends[:, None, :, :]
    corners[:, :, 2, :] = places[None, :, :]
    hulls: npt.NDArray[np.object_] = shapely.convex_hull(shapely.linestrings(corners.reshape(-1, 3, 2)))
    return hulls.reshape(shape)


def _blocked(areas: npt.NDArray[np.object_], router: Router) -> npt.NDArray[np.bool_]:
    forbidden = router.forbidden()
    shapely.prepare(forbidden)
    result: npt.NDArray[np.bool_] = shapely.intersects(forbidden, areas)
    return result


def rally_items(contingency: Contingency, frame: LocalFrame, return_relative_m: float) -> tuple[MissionItem, ...]:
    """The refuges but home as rally points; the autopilot stores their heights as whole metres above home."""
    positions = [(refuge, frame.latlon(*refuge.at)) for refuge in contingency.refuges if not refuge.home]
    return tuple(
        MissionItem(
            command=int(Command.RALLY_POINT),
            frame=int(Frame.GLOBAL_RELATIVE_ALT),
            lat_deg=round(at.lat_deg, POSITION_DIGITS),
            lon_deg=round(at.lon_deg, POSITION_DIGITS),
            alt_m=float(math.floor(return_relative_m)),
        )
        for _, at in positions
    )
