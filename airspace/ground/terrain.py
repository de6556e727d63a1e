"""Terrain: digital elevation models as bilinear surfaces, read block by block where they are asked for.

GeoTIFF in any projection of a frame like CGCS2000 and SRTM `.hgt`, alone, in `.zip`, or as a folder of tiles that share
one lattice. A place without a height, be it a void cell or a gap between tiles, is refused by name and never zero.
WGS 84 and its kin are taken as CGCS2000: the metre between them is nothing to a model with cells of 10 m and more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer
from rasterio.features import rasterize
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Polygon

from airspace.frames import LatLon
from airspace.geodesy.geoid import Geoid
from airspace.ground.profiles import Profile
from airspace.ground.tiles import Lattice, Tile, read_tiles
from airspace.reasons import Reason, Refused, Rule, Words

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

BLOCK = 512  # nodes a side
MOST_BLOCKS = 128  # kept in memory: 128 MB of them

FEW_CELLS = 64  # so many are tested one by one sooner than drawn

# A place this close to a node's row or column [cells] is on it, whatever the rounding of degrees.
SNAP_CELLS = 1e-7

# An edge is straight in degrees; where the map bends it, pieces of this length [deg] stay straight within 2 cm.
LONGEST_EDGE_DEG = 0.01
GROWN_CELLS = 0.01  # an outline reaches this much farther, so that a cell touched at its border is touched

OUTSIDE_TERRAIN = Rule(
    "ground.terrain.outside",
    Words("{place} is outside the terrain model {name}", "{place} 不在地形模型 {name} 范围内"),
    Words("Load a terrain model that covers the place.", "请加载覆盖该地点的地形模型。"),
)
VOID_TERRAIN = Rule(
    "ground.terrain.void",
    Words("the terrain model {name} has no height at {place}", "地形模型 {name} 在 {place} 处无高程"),
    Words("Fill the void from another source, or keep away from it.", "请用其他数据补齐空洞，或避开该处。"),
)


class Terrain:
    """A bilinear surface over the nodes of an elevation model, in ellipsoidal metres.

    `counted_from` is the geoid that the file's heights are counted from, EGM96 for SRTM; None for files that hold
    ellipsoidal heights. Blocks are read when first needed and kept, the least used going first.
    """

    def __init__(self, name: str, lattice: Lattice, tiles: tuple[Tile, ...], counted_from: Geoid | None) -> None:
        self.name = name
        self.counted_from = counted_from
        self._to_map = lattice.to_map
        self._from_map = ~lattice.to_map
        self._transformer = Transformer.from_crs("EPSG:4490", lattice.crs, always_xy=True)
        self._is_geographic = bool(lattice.crs.is_geographic)
        self._tiles = tiles
        self._blocks: OrderedDict[tuple[int, int], npt.NDArray[np.float32]] = OrderedDict()

    @classmethod
    def load(cls, path: Path, counted_from: Geoid | None) -> Terrain:
        """The model in a file, a zip archive or a folder of tiles. Raises `Refused` with every file that is no good."""
        lattice, tiles = read_tiles(path)
        return cls(path.name, lattice, tiles, counted_from)

    def ellipsoidal_m(self, position: LatLon) -> float:
        """The height of the ground over the ellipsoid [m]. Raises `Refused` where the model has none."""
        return float(self.heights_m(np.array([[position.lon_deg, position.lat_deg]]))[0])

    def heights_m(self, lon_lat_deg: npt.ArrayLike) -> Array:
        """Shape (n, 2) of longitude, latitude [deg] to shape (n,) of ellipsoidal heights [m].

        Raises `Refused` when the model has no height at any of them.
        """
        cells = self._cells(lon_lat_deg)
        self._refuse_voids(cells.sum(axis=1), cells)  # places that the map cannot show
        heights_m: Array = self._bilinear(cells[np.newaxis], np.floor(cells))[0]
        return heights_m

    def along(self, lon_lat_deg: npt.ArrayLike, along_m: npt.ArrayLike) -> Profile:
        """The ground under a path of n points, shape (n, 2) of longitude, latitude [deg], straight in the map between.

        `along_m`, shape (n,), says how far along the path each point is [m]. Exact for the bilinear surface: the pieces
        of the profile are those between cell borders. Raises `Refused` where the model has no height.
        """
        path = self._cells(lon_lat_deg)
        self._refuse_voids(path.sum(axis=1), path)  # places that the map cannot show
        at = _crossings(path)
        piece = np.minimum(at.astype(np.intp), len(path) - 2)
        share = (at - piece)[:, np.newaxis]
        places = path[piece] + (path[piece + 1] - path[piece]) * share
        middles = (places[:-1] + places[1:]) / 2.0
        three = np.stack([places[:-1], middles, places[1:]])
        heights_m = self._bilinear(three, np.floor(_snapped(middles)))
        # The geoid was asked at the same three places of each piece, which is exact but for a bend below 1 mm where one
        # of its own, far larger cells ends inside the piece.
        way_m = np.interp(at, np.arange(len(path)), np.asarray(along_m, dtype=np.float64))
        return Profile(way_m, heights_m[0], heights_m[1], heights_m[2])

    def range_m(self, outline_lon_lat_deg: Polygon | MultiPolygon) -> tuple[float, float]:
        """The lowest and the highest ellipsoidal height [m] in all cells that an outline touches.

        Nothing in the outline is lower or higher. Raises `Refused` where one of those cells has no height.
        """
        outline = outline_lon_lat_deg
        if not self._is_geographic:
            outline = shapely.segmentize(outline, LONGEST_EDGE_DEG)
        in_cells = shapely.transform(outline, self._cells).buffer(GROWN_CELLS, join_style="mitre")
        low_m, high_m = np.inf, -np.inf
        for row, column, touched in _touched_cells(in_cells):
            nodes = np.zeros((touched.shape[0] + 1, touched.shape[1] + 1), dtype=bool)
            for down in (0, 1):
                for right in (0, 1):
                    nodes[down : down + touched.shape[0], right : right + touched.shape[1]] |= touched
            i, j = np.nonzero(nodes)
            places = np.column_stack([j + column, i + row]).astype(np.float64)
            heights_m = self._window_m(row, column, nodes.shape)[i, j]
            self._refuse_voids(heights_m, places)
            if self.counted_from is not None:
                heights_m = heights_m + self._undulations_m(self.counted_from, places)
            low_m, high_m = min(low_m, float(heights_m.min())), max(high_m, float(heights_m.max()))
        return low_m, high_m

    def _cells(self, lon_lat_deg: npt.ArrayLike) -> Array:
        """Shape (n, 2) of longitude, latitude [deg] to columns and rows of the lattice, whole numbers on its nodes."""
        degrees = np.asarray(lon_lat_deg, dtype=np.float64)
        x, y = self._transformer.transform(degrees[:, 0], degrees[:, 1])
        a, b, c, d, e, f = self._from_map[:6]
        away = ~(np.isfinite(x) & np.isfinite(y))  # where the projection ends; whoever asks refuses what is no number
        x, y = np.where(away, np.nan, x), np.where(away, np.nan, y)
        return _snapped(np.column_stack([a * x + b * y + c, d * x + e * y + f]))

    def _lon_lat_deg(self, cells: Array) -> Array:
        a, b, c, d, e, f = self._to_map[:6]
        x, y = a * cells[:, 0] + b * cells[:, 1] + c, d * cells[:, 0] + e * cells[:, 1] + f
        return np.column_stack(self._transformer.transform(x, y, direction="INVERSE"))

    def _bilinear(self, places: Array, corner: Array) -> Array:
        """Ellipsoidal heights, shape (k, n), of k times n places in the cells whose first corners are given, (n, 2)."""
        j, i = corner.astype(np.intp).T
        u, v = places[..., 0] - corner[:, 0], places[..., 1] - corner[:, 1]
        heights_m = np.zeros(u.shape)
        for di, dj in ((0, 0), (0, 1), (1, 0), (1, 1)):
            weight = (v if di else 1.0 - v) * (u if dj else 1.0 - u)
            needed = (weight != 0.0).any(axis=0)  # a node beyond the edge of the model has no say on the edge itself
            node_m = np.zeros(len(i))
            node_m[needed] = self._nodes_m(i[needed] + di, j[needed] + dj)
            heights_m += weight * node_m
        flat = places.reshape(-1, 2)
        self._refuse_voids(heights_m.ravel(), flat)
        if self.counted_from is not None:
            heights_m += self._undulations_m(self.counted_from, flat).reshape(heights_m.shape)
        return heights_m

    def _undulations_m(self, geoid: Geoid, cells: Array) -> Array:
        lon_lat_deg = self._lon_lat_deg(cells)
        return geoid.undulation_m(lon_lat_deg[:, 1], lon_lat_deg[:, 0])

    def _refuse_voids(self, heights_m: Array, cells: Array) -> None:
        voids = ~np.isfinite(heights_m)
        if not voids.any():
            return
        column, row = cells[voids].T
        outside = np.ones(len(row), dtype=bool)
        for tile in self._tiles:
            inside = (row >= tile.row) & (row <= tile.row + tile.rows - 1)
            outside &= ~(inside & (column >= tile.column) & (column <= tile.column + tile.columns - 1))
        worst = int(np.argmax(outside))
        lon_deg, lat_deg = self._lon_lat_deg(cells[voids][worst : worst + 1])[0]
        place = LatLon(float(lat_deg), float(lon_deg))
        facts = {"place": str(place), "name": self.name}
        rule = OUTSIDE_TERRAIN if outside[worst] else VOID_TERRAIN
        raise Refused([Reason(rule, facts=facts, lat_deg=place.lat_deg, lon_deg=place.lon_deg)])

    def _nodes_m(self, row: Indices, column: Indices) -> Array:
        """The file's own heights [m] of nodes, NaN where there are none."""
        heights_m = np.empty(row.shape)
        block_row, block_column = row // BLOCK, column // BLOCK
        _, first, of = np.unique(block_row * (1 << 32) + block_column, return_index=True, return_inverse=True)
        for block, at in enumerate(first):
            top, left = int(block_row[at]), int(block_column[at])
            here = of == block
            heights_m[here] = self._block(top, left)[row[here] - top * BLOCK, column[here] - left * BLOCK]
        return heights_m

    def _window_m(self, row: int, column: int, shape: tuple[int, ...]) -> Array:
        """The file's own heights [m] of all nodes in a window that begins at a node, NaN where there are none."""
        heights_m = np.empty(shape)
        for top in range(row - row % BLOCK, row + shape[0], BLOCK):
            for left in range(column - column % BLOCK, column + shape[1], BLOCK):
                block = self._block(top // BLOCK, left // BLOCK)
                above, beside = max(row - top, 0), max(column - left, 0)
                part = block[above : row + shape[0] - top, beside : column + shape[1] - left]
                i, j = top + above - row, left + beside - column
                heights_m[i : i + part.shape[0], j : j + part.shape[1]] = part
        return heights_m

    def _block(self, block_row: int, block_column: int) -> npt.NDArray[np.float32]:
        key = block_row, block_column
        block = self._blocks.get(key)
        if block is None:
            block = np.full((BLOCK, BLOCK), np.nan, dtype=np.float32)
            for tile in self._tiles:
                tile.read_into(block, block_row * BLOCK, block_column * BLOCK)
            self._blocks[key] = block
            if len(self._blocks) > MOST_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(key)
        return block


def _snapped(cells: Array) -> Array:
    nearest = np.round(cells)
    return np.where(np.abs(cells - nearest) < SNAP_CELLS, nearest, cells)


def _crossings(path: Array) -> Array:
    """Where a path of n points crosses rows and columns, as rising numbers from 0 at its first point to n - 1."""
    at = [np.arange(len(path), dtype=np.float64)]
    for axis in (0, 1):
        start, end = path[:-1, axis], path[1:, axis]
        first = np.floor(np.minimum(start, end)) + 1.0
        count = np.maximum(0.0, np.ceil(np.maximum(start, end)) - first).astype(np.intp)
        piece = np.repeat(np.arange(len(start)), count)
        rank = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
        at.append(piece + (first[piece] + rank - start[piece]) / (end[piece] - start[piece]))
    return np.unique(np.concatenate(at))


def _touched_cells(outline: Polygon | MultiPolygon) -> Iterator[tuple[int, int, npt.NDArray[np.bool_]]]:
    """First row, first column and mask of cells, a block at a time, with those that an outline touches."""
    left, top, right, bottom = (int(np.floor(side)) for side in outline.bounds)
    for row in range(top, bottom + 1, BLOCK):
        for column in range(left, right + 1, BLOCK):
            shape = min(BLOCK, bottom + 1 - row), min(BLOCK, right + 1 - column)
            touched = _touched_of(outline, row, column, shape)
            if touched.any():
                yield row, column, touched


def _touched_of(
    outline: Polygon | MultiPolygon, row: int, column: int, shape: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    if shape[0] * shape[1] <= FEW_CELLS:
        j, i = np.meshgrid(column + np.arange(shape[1]), row + np.arange(shape[0]))
        few: npt.NDArray[np.bool_] = shapely.intersects(outline, shapely.box(j, i, j + 1, i + 1))
        return few
    moved = translate(outline, -column, -row)
    many: npt.NDArray[np.uint8] = rasterize([moved], out_shape=shape, all_touched=True, dtype="uint8")
    return many.astype(bool)
