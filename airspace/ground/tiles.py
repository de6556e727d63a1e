"""Files of elevation models: found, checked and laid on one lattice of nodes."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
from pyproj.exceptions import ProjError
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from airspace.frames import INVERSE_FLATTENING, SEMI_MAJOR_M
from airspace.reasons import Reason, Refused, Rule, Words

Array = npt.NDArray[np.float64]

SUFFIXES = (".tif", ".tiff", ".hgt")

# Ground is nowhere lower or higher [m]: what a file says beyond this marks a void that it does not declare.
LOWEST_GROUND_M = -500.0
HIGHEST_GROUND_M = 9000.0

# How far tiles may lie beside the common lattice [cells].
MISFIT_CELLS = 0.01

UNREADABLE_TERRAIN = Rule(
    "ground.terrain.file",
    Words("cannot be used as a terrain model: {error}", "无法作为地形模型使用：{error}"),
    Words(
        "Give a GeoTIFF of heights in metres with its reference system, or an SRTM .hgt tile, or a folder of them.",
        "请提供带坐标系、以米为单位的 GeoTIFF 高程文件、SRTM .hgt 文件或其所在文件夹。",
    ),
)
FOREIGN_TERRAIN = Rule(
    "ground.terrain.frame",
    Words(
        "is in {crs}, which is not within metres of CGCS2000",
        "坐标系 {crs} 与 CGCS2000 相差不止数米",
    ),
    Words(
        "Transform it to CGCS2000 or WGS 84 with the parameters of its region.",
        "请用当地参数转换到 CGCS2000 或 WGS 84。",
    ),
)
TILES_DIFFER = Rule(
    "ground.terrain.tiles",
    Words(
        "does not share the lattice of {first}: another reference system, resolution or alignment",
        "与 {first} 的格网不一致：坐标系、分辨率或对齐方式不同",
    ),
    Words("Resample the tiles to one lattice, or load them apart.", "请重采样到同一格网，或分别加载。"),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One file: where its first node lies on the lattice, its rows and columns, and what its numbers mean."""

    source: str
    row: int
    column: int
    rows: int
    columns: int
    nodata: float | None
    scale: float
    offset_m: float

    def read_into(self, heights_m: npt.NDArray[np.float32], row: int, column: int) -> None:
        """Put this tile's heights [m] where the block that begins at a node has none yet (NaN).

        Raises `Refused` for a file that cannot be read any more.
        """
        top, left = max(row, self.row), max(column, self.column)
        bottom = min(row + heights_m.shape[0], self.row + self.rows)
        right = min(column + heights_m.shape[1], self.column + self.columns)
        if top >= bottom or left >= right:
            return
        window = Window(left - self.column, top - self.row, right - left, bottom - top)
        try:
            with rasterio.open(self.source) as file:
                raw = file.read(1, window=window)
        except (RasterioError, ValueError) as error:
            raise Refused([Reason(UNREADABLE_TERRAIN, self.source, {"error": str(error)})]) from None
        read = raw.astype(np.float64) * self.scale + self.offset_m
        void = ~((read >= LOWEST_GROUND_M) & (read <= HIGHEST_GROUND_M))
        if self.nodata is not None:
            void |= raw == self.nodata
        read[void] = np.nan
        here = heights_m[top - row : bottom - row, left - column : right - column]
        np.copyto(here, read.astype(np.float32), where=np.isnan(here))


@dataclass(frozen=True, slots=True)
class Lattice:
    """Nodes in rows and columns: `to_map`, rasterio's affine, takes (column, row) to the map coordinates of `crs`."""

    crs: pyproj.CRS
    to_map: Any


def read_tiles(path: Path) -> tuple[Lattice, tuple[Tile, ...]]:
    """The tiles of a file, of a zip archive or of a folder, on the lattice of the first by name.

    Nothing of the heights is read yet. Raises `Refused` with every file that cannot be used.
    """
    reasons: list[Reason] = []
    lattice: Lattice | None = None
    tiles: list[Tile] = []
    for source in _sources(path, reasons):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said below, as a reason
                file = rasterio.open(source)
            with file:
                found = _checked(file)
                if lattice is None:
                    lattice = found
                tiles.append(_placed(file, source, found, lattice, tiles))
        except (RasterioError, ProjError, ValueError) as error:  # and texts in it that are no UTF-8
            reasons.append(Reason(UNREADABLE_TERRAIN, source, {"error": str(error)}))
        except Refused as refused:
            reasons.extend(Reason(reason.rule, source, reason.facts) for reason in refused.reasons)
    if lattice is None and not reasons:
        reasons.append(Reason(UNREADABLE_TERRAIN, str(path), {"error": "no .tif, .tiff or .hgt in it"}))
    if reasons or lattice is None:
        raise Refused(reasons)
    return lattice, tuple(tiles)


def _sources(path: Path, reasons: list[Reason]) -> Iterator[str]:
    """What rasterio can open, in the order of names."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in files:
        if file.suffix.lower() == ".zip":
            try:
                with zipfile.ZipFile(file) as archive:
                    members = sorted(name for name in archive.namelist() if name.lower().endswith(SUFFIXES))
            except (OSError, zipfile.BadZipFile) as error:
                reasons.append(Reason(UNREADABLE_TERRAIN, str(file), {"error": str(error)}))
                continue
            yield from (f"/vsizip/{file}/{name}" for name in members)
        elif file.suffix.lower() in SUFFIXES or file == path:
            yield str(file)


def _checked(file: Any) -> Lattice:
    """The lattice of an open file. Raises `Refused` for what is no elevation model in metres."""
    error = None
    if file.crs is None:
        error = "no reference system"
    elif file.count != 1:
        error = f"{file.count} bands"
    elif (file.units[0] or "m").strip().lower() not in ("m", "metre", "meter", "metres", "meters"):
        error = f"heights in {file.units[0]}"
    elif min(file.height, file.width) < 2:
        error = f"{file.height} rows and {file.width} columns"
    elif np.dtype(file.dtypes[0]).kind not in "iuf":
        error = f"{file.dtypes[0]} numbers"
    if error is not None:
        raise Refused([Reason(UNREADABLE_TERRAIN, facts={"error": error})])
    crs = pyproj.CRS.from_wkt(file.crs.to_wkt())
    plan = crs.sub_crs_list[0] if crs.is_compound else crs
    shape = plan.ellipsoid
    if (
        shape is None
        or shape.semi_major_metre != SEMI_MAJOR_M
        or abs(shape.inverse_flattening - INVERSE_FLATTENING) > 1e-3
    ):
        raise Refused([Reason(FOREIGN_TERRAIN, facts={"crs": plan.name})])
    half_a_cell = type(file.transform).translation(0.5, 0.5)  # from the corner of the first cell to its middle, a node
    return Lattice(plan.to_2d(), file.transform @ half_a_cell)


def _placed(file: Any, source: str, own: Lattice, lattice: Lattice, before: list[Tile]) -> Tile:
    """The file on the lattice. Raises `Refused` when it does not fit."""
    to_lattice = ~lattice.to_map @ own.to_map
    column, row = round(to_lattice.c), round(to_lattice.f)
    far = to_lattice @ (file.width - 1, file.height - 1)
    misfit = max(
        abs(to_lattice.c - column),
        abs(to_lattice.f - row),
        abs(far[0] - column - (file.width - 1)),
        abs(far[1] - row - (file.height - 1)),
    )
    if own.crs != lattice.crs or misfit > MISFIT_CELLS:
        raise Refused([Reason(TILES_DIFFER, facts={"first": before[0].source if before else source})])
    return Tile(
        source, row, column, file.height, file.width, file.nodata, float(file.scales[0]), float(file.offsets[0])
    )
