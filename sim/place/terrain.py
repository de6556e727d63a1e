"""Ground that rises and falls, on a grid that is quick to ask."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from airspace.frames import LocalFrame
from airspace.ground.terrain import Terrain

Array = npt.NDArray[np.float64]

GRID_M = 15.0  # elevation models have nodes 12 to 90 m apart


class TerrainGrid:
    """Heights above the world's datum [m] at the nodes of a square grid, bilinear between.

    `heights_m` has a row for each step [m] north of `south_m` and a column for each east of `west_m`. Outside of it the
    ground goes on as high as its edge.
    """

    def __init__(self, west_m: float, south_m: float, step_m: float, heights_m: Array) -> None:
        self._west_m, self._south_m, self._step_m = west_m, south_m, step_m
        self._last: tuple[int, int] = (heights_m.shape[1] - 1, heights_m.shape[0] - 1)
        self._table = heights_m
        self._rows: list[list[float]] = heights_m.tolist()
        self.highest_m = float(heights_m.max())

    @classmethod
    def sampled(
        cls, terrain: Terrain, frame: LocalFrame, box_m: tuple[float, float, float, float], datum_ellipsoidal_m: float
    ) -> TerrainGrid:
        """The model over a box (west, south, east, north [m] in a frame), counted from a datum over the ellipsoid [m].

        Raises `Refused` where the model has no height.
        """
        west_m, south_m, east_m, north_m = box_m
        columns = max(2, math.ceil((east_m - west_m) / GRID_M) + 1)
        rows = max(2, math.ceil((north_m - south_m) / GRID_M) + 1)
        e, n = np.meshgrid(west_m + GRID_M * np.arange(columns), south_m + GRID_M * np.arange(rows))
        nodes = np.column_stack([e.ravel(), n.ravel()])
        heights_m = terrain.heights_m(frame.lon_lat_array(nodes)) - datum_ellipsoidal_m
        return cls(west_m, south_m, GRID_M, heights_m.reshape(rows, columns))

    def height_m(self, e_m: float, n_m: float) -> float:
        """The ground's height above the datum [m] at one place."""
        columns, rows = self._last
        x = min(max((e_m - self._west_m) / self._step_m, 0.0), columns)
        y = min(max((n_m - self._south_m) / self._step_m, 0.0), rows)
        column, row = min(int(x), columns - 1), min(int(y), rows - 1)
        u, v = x - column, y - row
        low, high = self._rows[row], self._rows[row + 1]
        south = low[column] * (1.0 - u) + low[column + 1] * u
        north = high[column] * (1.0 - u) + high[column + 1] * u
        return south * (1.0 - v) + north * v

    def heights_m(self, e_m: Array, n_m: Array) -> Array:
        """The same for arrays of one shape."""
        columns, rows = self._last
        x = np.clip((e_m - self._west_m) / self._step_m, 0.0, columns)
        y = np.clip((n_m - self._south_m) / self._step_m, 0.0, rows)
        column = np.minimum(x.astype(np.intp), columns - 1)
        row = np.minimum(y.astype(np.intp), rows - 1)
        u, v, table = x - column, y - row, self._table
        south = table[row, column] * (1.0 - u) + table[row, column + 1] * u
        north = table[row + 1, column] * (1.0 - u) + table[row + 1, column + 1] * u
        heights: Array = south * (1.0 - v) + north * v
        return heights
