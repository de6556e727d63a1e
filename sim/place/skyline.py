"""The horizon that buildings and hills leave of the sky, seen from a place."""

from __future__ import annotations

import math
from collections import OrderedDict

import numpy as np
import numpy.typing as npt

from sim.place.buildings import Buildings, edges_of
from sim.place.terrain import TerrainGrid

Array = npt.NDArray[np.float64]

AZIMUTHS = 120
PLACE_M = 5.0  # one horizon serves a box of this size
REACH_M = 600.0  # a tower of 100 m stands 10 degrees high there, the usual mask of receivers
HILLS_M = np.geomspace(20.0, 5000.0, 40)
KEPT = 20_000
STEP_DEG = 360.0 / AZIMUTHS


class CitySkyline:
    """How high the horizon stands around places in the world's frame; horizons are kept for boxes of `PLACE_M`.

    A horizon is worked out for the middle of its box in `AZIMUTHS` directions, exactly for the edges of plans within
    `REACH_M` there, and for hills at 40 distances up to 5 km. Where that middle is inside of a building, beside its
    wall, it is worked out for each place that is asked about.
    """

    def __init__(self, buildings: Buildings, terrain: TerrainGrid | None = None) -> None:
        self._buildings = buildings
        self._terrain = terrain
        edges = [edges_of(solid) for solid in buildings.solids]
        self._edges = np.concatenate(edges) if edges else np.zeros((0, 4))
        tops = [np.full(len(own), solid.highest_m) for own, solid in zip(edges, buildings.solids, strict=True)]
        self._tops = np.concatenate(tops) if tops else np.zeros(0)
        self._middles = (self._edges[:, :2] + self._edges[:, 2:]) / 2.0
        self._halves = np.hypot(*(self._edges[:, 2:] - self._edges[:, :2]).T) / 2.0
        bearing = np.radians(np.arange(AZIMUTHS) * STEP_DEG)
        self._ways = np.column_stack([np.sin(bearing), np.cos(bearing)])
        self._kept: OrderedDict[tuple[int, int, int], list[float]] = OrderedDict()
        self._place, self._around = (math.nan, math.nan, math.nan), [0.0] * AZIMUTHS
        self._highest_m = max(buildings.highest_m, terrain.highest_m if terrain is not None else 0.0)

    def elevation_deg(self, e_m: float, n_m: float, u_m: float, azimuth_deg: float) -> float:
        """How high the horizon stands [deg] from a place, looking to an azimuth clockwise from north; 90 inside."""
        if u_m > self._highest_m:
            return 0.0
        return self.horizon_deg(e_m, n_m, u_m)[round(azimuth_deg / STEP_DEG) % AZIMUTHS]

    def horizon_deg(self, e_m: float, n_m: float, u_m: float) -> list[float]:
        """The horizon [deg] around a place, clockwise from north in `AZIMUTHS` directions."""
        box = (round(e_m / PLACE_M), round(n_m / PLACE_M), round(u_m / PLACE_M))
        horizon = self._kept.get(box)
        if horizon is None:
            middle = tuple(number * PLACE_M for number in box)
            inside = self._buildings.struck(*middle) is not None
            horizon = self._kept[box] = [] if inside else self._looked_around(*middle)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return horizon or self._beside_a_wall(e_m, n_m, u_m)

    def _beside_a_wall(self, e_m: float, n_m: float, u_m: float) -> list[float]:
        place = (e_m, n_m, u_m)
        if place != self._place:  # a receiver looks to all its satellites from one place
            self._place, self._around = place, self._looked_around(*place)
        return self._around

    def _looked_around(self, e_m: float, n_m: float, u_m: float) -> list[float]:
        tangent = np.zeros(AZIMUTHS)
        if self._terrain is not None:
            u_m = max(u_m, self._terrain.height_m(e_m, n_m))
            tangent = np.maximum(tangent, self._hills(self._terrain, e_m, n_m, u_m))
        if self._buildings.struck(e_m, n_m, u_m) is not None:
            return [90.0] * AZIMUTHS
        away = np.hypot(self._middles[:, 0] - e_m, self._middles[:, 1] - n_m) - self._halves
        near = np.flatnonzero((away < REACH_M) & (self._tops > u_m))
        if len(near):
            tangent = np.maximum(tangent, self._walls(near, e_m, n_m, u_m))
        horizon: list[float] = np.degrees(np.arctan(tangent)).tolist()
        return horizon

    def _walls(self, near: npt.NDArray[np.intp], e_m: float, n_m: float, u_m: float) -> Array:
        """The tangent of the highest edge in each direction: where the ray meets the edge's wall."""
        start = self._edges[near, :2] - (e_m, n_m)
        run = self._edges[near, 2:] - self._edges[near, :2]
        over = self._tops[near] - u_m
        with np.errstate(divide="ignore", invalid="ignore"):
            across = np.outer(run[:, 1], self._ways[:, 0]) - np.outer(run[:, 0], self._ways[:, 1])
            away = (start[:, 0] * run[:, 1] - start[:, 1] * run[:, 0])[:, np.newaxis] / across
            share = (np.outer(start[:, 1], -self._ways[:, 0]) + np.outer(start[:, 0], self._ways[:, 1])) / across
            met = (away > 0.0) & (share >= 0.0) & (share <= 1.0)
            tangents = np.where(met, over[:, np.newaxis] / away, 0.0)
        highest: Array = tangents.max(axis=0)
        return highest

    def _hills(self, terrain: TerrainGrid, e_m: float, n_m: float, u_m: float) -> Array:
        e = e_m + np.outer(self._ways[:, 0], HILLS_M)
        n = n_m + np.outer(self._ways[:, 1], HILLS_M)
        highest: Array = ((terrain.heights_m(e, n) - u_m) / HILLS_M).max(axis=1)
        return highest
