"""Buildings, masts and lines as things to land on, to fly into and to hide behind, found by place.

A grid of cells knows what reaches into each; most cells are empty or wholly inside one building, and for the others the
edges are looked at (even-odd rule).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon

from airspace.charted import Corridor
from airspace.frames import LocalFrame
from airspace.ground.obstacles import Obstacle, ObstacleKind
from airspace.laying import laid_shape

CELL_M = 20.0
SIGHT_STEP_M = 8.0
SKIN_M = 0.05  # a body that stands on a roof is not inside of the building

Array = npt.NDArray[np.float64]
Edge: TypeAlias = tuple[float, float, float, float]
Xyz: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Solid:
    """Something that stands: its plan in the world's frame [m] and how high it reaches above the datum [m].

    Between its two ends (`from_xy`, `to_xy`) the top of a span of a line goes straight from `top_m` to `far_top_m`.
    """

    name: str
    plan: Polygon | MultiPolygon
    top_m: float
    is_roof: bool
    far_top_m: float = 0.0
    from_xy: tuple[float, float] = (0.0, 0.0)
    to_xy: tuple[float, float] = (0.0, 0.0)

    def top_at(self, e_m: float, n_m: float) -> float:
        """The top [m] over a place inside the plan."""
        run_e, run_n = self.to_xy[0] - self.from_xy[0], self.to_xy[1] - self.from_xy[1]
        length_2 = run_e * run_e + run_n * run_n
        if length_2 == 0.0:
            return self.top_m
        share = ((e_m - self.from_xy[0]) * run_e + (n_m - self.from_xy[1]) * run_n) / length_2
        return self.top_m + (self.far_top_m - self.top_m) * min(max(share, 0.0), 1.0)

    @property
    def highest_m(self) -> float:
        """The highest of its top [m]."""
        return max(self.top_m, self.far_top_m) if self.from_xy != self.to_xy else self.top_m


def solids_of(frame: LocalFrame, obstacles: Iterable[Obstacle], datum_ellipsoidal_m: float) -> Iterator[Solid]:
    """Obstacles as solids in a frame, above a datum; each span of a line is one, a curtain down to the ground."""
    for obstacle in obstacles:
        name = obstacle.name or obstacle.id
        tops = [top - datum_ellipsoidal_m for top in obstacle.tops_ellipsoidal_m]
        if isinstance(obstacle.shape, Corridor):
            pylons = frame.xy_array([(at.lon_deg, at.lat_deg) for at in obstacle.shape.path]).tolist()
            for n in range(len(pylons) - 1):
                span = LineString(pylons[n : n + 2]).buffer(obstacle.shape.half_width_m)
                a, b = tuple(pylons[n]), tuple(pylons[n + 1])
                yield Solid(name, span, tops[n], False, tops[n + 1], a, b)
        else:
            plan = laid_shape(frame, obstacle.shape, obstacle.id)
            yield Solid(name, plan, tops[0], obstacle.kind is ObstacleKind.BUILDING)


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a solid reaches into a cell: all of the cell, or what its edges enclose."""

    solid: Solid
    whole: bool
    edges: tuple[Edge, ...]

    def covers(self, e_m: float, n_m: float) -> bool:
        if self.whole:
            return True
        inside = False
        for e0, n0, e1, n1 in self.edges:
            if (n0 > n_m) != (n1 > n_m) and e_m < e0 + (e1 - e0) * (n_m - n0) / (n1 - n0):
                inside = not inside
        return inside


class Buildings:
    """Solids found by place."""

    def __init__(self, solids: Iterable[Solid]) -> None:
        self.solids = tuple(solids)
        self.highest_m = max((solid.highest_m for solid in self.solids), default=-math.inf)
        self._cells: dict[tuple[int, int], tuple[_Part, ...]] = {}
        for solid in self.solids:
            edges = tuple(map(tuple, edges_of(solid).tolist()))
            for cell, whole in _touched_cells(solid.plan):
                part = _Part(solid, whole, () if whole else edges)
                self._cells[cell] = (*self._cells.get(cell, ()), part)
        # whether a cell is taken, with a free margin around all that are
        taken = np.array([*self._cells] or [(0, 0)], dtype=np.intp)
        self._corner = taken.min(axis=0) - 1
        self._taken = np.zeros(taken.max(axis=0) - self._corner + 2, dtype=bool)
        if self._cells:
            self._taken[tuple((taken - self._corner).T)] = True

    def any_near(self, places_m: Array) -> npt.NDArray[np.bool_]:
        """Whether anything reaches into the cells of places, shape (n, 2) to (n,)."""
        cells = np.clip(np.floor(places_m / CELL_M).astype(np.intp) - self._corner, 0, np.array(self._taken.shape) - 1)
        near: npt.NDArray[np.bool_] = self._taken[cells[:, 0], cells[:, 1]]
        return near

    def at(self, e_m: float, n_m: float) -> Iterator[Solid]:
        """All that stands over one place."""
        for part in self._cells.get((math.floor(e_m / CELL_M), math.floor(n_m / CELL_M)), ()):
            if part.covers(e_m, n_m):
                yield part.solid

    def roof_m(self, e_m: float, n_m: float) -> float:
        """The highest roof over one place [m above the datum]; minus infinity where there is none."""
        highest = -math.inf
        for part in self._cells.get((math.floor(e_m / CELL_M), math.floor(n_m / CELL_M)), ()):
            solid = part.solid
            if solid.is_roof and solid.top_m > highest and part.covers(e_m, n_m):
                highest = solid.top_m
        return highest

    def struck(self, e_m: float, n_m: float, u_m: float) -> str | None:
        """What a body at this place is inside of, by name."""
        if u_m > self.highest_m:
            return None
        for solid in self.at(e_m, n_m):
            if u_m < solid.top_at(e_m, n_m) - SKIN_M:
                return solid.name
        return None


def hidden_by(buildings: Buildings) -> Callable[[Xyz, Xyz], bool]:
    """Whether something stands between two places [m], looked for every `SIGHT_STEP_M` of the way."""

    def hidden(a: Xyz, b: Xyz) -> bool:
        if min(a[2], b[2]) > buildings.highest_m:
            return False
        steps = np.linspace(0.0, 1.0, int(math.dist(a, b) / SIGHT_STEP_M) + 2)[1:-1, np.newaxis]
        way = np.array(a) + steps * (np.array(b) - np.array(a))
        places = way[buildings.any_near(way[:, :2])].tolist()
        return any(buildings.struck(e, n, u) is not None for e, n, u in places)

    return hidden


def edges_of(solid: Solid) -> Array:
    """The edges of a solid's plan, shape (n, 4): east and north of both ends [m]."""
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(solid.plan)]
    return np.concatenate([np.column_stack([ring[:-1], ring[1:]]) for ring in rings])


def _touched_cells(plan: Polygon | MultiPolygon) -> Iterator[tuple[tuple[int, int], bool]]:
    """The cells that a plan touches, and whether it covers all of each."""
    west, south, east, north = (math.floor(side / CELL_M) for side in plan.bounds)
    columns = np.tile(np.arange(west, east + 1), north - south + 1)
    rows = np.repeat(np.arange(south, north + 1), east - west + 1)
    boxes = shapely.box(columns * CELL_M, rows * CELL_M, (columns + 1) * CELL_M, (rows + 1) * CELL_M)
    shapely.prepare(plan)
    touched, covered = shapely.intersects(plan, boxes), shapely.covers(plan, boxes)
    for n in np.flatnonzero(touched).tolist():
        yield (int(columns[n]), int(rows[n])), bool(covered[n])
