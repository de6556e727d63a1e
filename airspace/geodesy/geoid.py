"""Geoids: how high mean sea level lies above the ellipsoid, from grids, bilinear between their nodes.

The built-in grid is EGM96 (NGA, public domain), taken every half degree from NGA's 15-minute grid (PROJ-data
us_nga_egm96_15.tif) over 17-54.5 N, 72-136.5 E and rounded to centimetres. Against the 15-minute grid it is within
0.35 m for 95 % of that area and at most 2.7 m off (in the Himalaya); against EGM2008 (2.5 minutes) within 0.7 m for
95 % of Henan and at most 1.3 m, of which nearly all is EGM96 itself. Where that is not enough, load a finer grid.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO, overload

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.errors import RasterioError

from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Rule, Words

Array = npt.NDArray[np.float64]

# No geoid is farther from its ellipsoid [m]: what a grid says beyond this marks a gap (-88.8888 of GTX lies within, and
# is taken out by the readers).
MOST_M = 130.0
GTX_GAP_M = -88.88880157470703

MOST_NODES = 50_000_000  # of one grid; 2.5 minutes around the earth are 37 million

# What numpy's reader of archives raises for files that are none, or are torn.
_SPOILT = (OSError, ValueError, KeyError, EOFError, NotImplementedError, MemoryError, zlib.error, zipfile.BadZipFile)

BUILT_IN_ACCURACY_M = 1.0
EDGE = 1e-6  # of a cell: a place on the border of a grid is in it, whatever the rounding

# The zero of the 1985 National Height Datum (Huanghai, Qingdao) lies above the EGM2008 geoid: 0.32 m by 936 points
# (Zhai 2011), 0.34 m (Wu 2018, doi 10.11947/j.AGCS.2018.20170051), 0.21 to 0.30 m by others; no public grid exists.
DATUM_1985_ABOVE_EGM2008_M = 0.3
DATUM_1985_ACCURACY_M = 0.1

OUTSIDE_GEOID = Rule(
    "geodesy.geoid.outside",
    Words("{place} is outside the geoid grid {name} ({area})", "{place} 不在大地水准面格网 {name}（{area}）范围内"),
    Words("Configure a geoid grid that covers the place.", "请配置覆盖该地点的大地水准面格网。"),
)
GEOID_GAP = Rule(
    "geodesy.geoid.gap",
    Words("the geoid grid {name} has a gap at {place}", "大地水准面格网 {name} 在 {place} 处无数据"),
    Words("Configure a geoid grid that covers the place.", "请配置覆盖该地点的大地水准面格网。"),
)
GEOID_UNREADABLE = Rule(
    "geodesy.geoid.file",
    Words("cannot be used as a geoid grid: {error}", "无法作为大地水准面格网使用：{error}"),
    Words(
        "Give an .npz (lat, lon, N), .gtx or GeoTIFF grid in degrees and metres.",
        "请提供以度和米为单位的 .npz（lat、lon、N）、.gtx 或 GeoTIFF 格网。",
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Geoid:
    """Undulations [m] on a grid of degrees, rows from south to north, columns from west to east.

    `accuracy_m` is what 95 % of the undulations are within, as far as it is known; None where nobody said.
    """

    name: str
    south_deg: float
    west_deg: float
    step_lat_deg: float
    step_lon_deg: float
    undulations_m: npt.NDArray[np.float32]
    accuracy_m: float | None = None

    @classmethod
    def built_in(cls) -> Geoid:
        """EGM96 over China every half degree: see the top of this file for its provenance and accuracy."""
        with resources.files("airspace.geodesy").joinpath("egm96_china_30min.npz").open("rb") as file:
            return _read_npz(file, "EGM96 30' (built in)", accuracy_m=BUILT_IN_ACCURACY_M)

    @classmethod
    def load(cls, path: Path, *, name: str = "", accuracy_m: float | None = None) -> Geoid:
        """A grid from a file: .npz with `lat`, `lon` [deg] and `N` [m], .gtx, or a GeoTIFF in geographic degrees.

        Raises `Refused` for what is none of these.
        """
        try:
            if path.suffix.lower() == ".npz":
                with path.open("rb") as file:
                    return _read_npz(file, name or path.stem, accuracy_m)
            return _read_raster(path, name or path.stem, accuracy_m)
        except (*_SPOILT, RasterioError) as error:
            raise Refused(
                [Reason(GEOID_UNREADABLE, str(path), {"error": str(error) or type(error).__name__})]
            ) from None

    @overload
    def undulation_m(self, lat_deg: float, lon_deg: float) -> float: ...

    @overload
    def undulation_m(self, lat_deg: Array, lon_deg: Array) -> Array: ...

    def undulation_m(self, lat_deg: float | Array, lon_deg: float | Array) -> float | Array:
        """The height of the geoid above the ellipsoid [m], bilinear. Raises `Refused` outside the grid and in gaps."""
        lat, lon = np.asarray(lat_deg, dtype=np.float64), np.asarray(lon_deg, dtype=np.float64)
        row, column = self._cells(lat, lon)
        rows, columns = self.undulations_m.shape
        i = np.clip(np.floor(row), 0, rows - 2).astype(np.intp)
        j = np.clip(np.floor(column), 0, columns - 2).astype(np.intp)
        v, u = row - i, column - j
        n = self.undulations_m
        south = n[i, j] * (1.0 - u) + n[i, j + 1] * u
        north = n[i + 1, j] * (1.0 - u) + n[i + 1, j + 1] * u
        undulation: Array = south * (1.0 - v) + north * v
        if np.isnan(undulation).any():
            raise Refused([Reason(GEOID_GAP, facts=self._facts(lat, lon, np.isnan(undulation)))])
        return float(undulation) if undulation.ndim == 0 else undulation

    def range_m(self, south_deg: float, west_deg: float, north_deg: float, east_deg: float) -> tuple[float, float]:
        """The lowest and the highest undulation [m] in a box of degrees, exact for the bilinear surface.

        Raises `Refused` as `undulation_m` does.
        """
        rows, columns = self.undulations_m.shape
        lat = _with_nodes(south_deg, north_deg, self.south_deg, self.step_lat_deg, rows)
        lon = _with_nodes(west_deg, east_deg, self.west_deg, self.step_lon_deg, columns)
        corners_m = self.undulation_m(*np.meshgrid(lat, lon, indexing="ij"))
        return float(corners_m.min()), float(corners_m.max())

    def raised(self, offset_m: float, name: str, accuracy_m: float | None = None) -> Geoid:
        """The surface that lies `offset_m` above this one, such as the zero of a national height datum."""
        return Geoid(
            name,
            self.south_deg,
            self.west_deg,
            self.step_lat_deg,
            self.step_lon_deg,
            self.undulations_m + np.float32(offset_m),
            accuracy_m,
        )

    def _cells(self, lat: Array, lon: Array) -> tuple[Array, Array]:
        rows, columns = self.undulations_m.shape
        row = (lat - self.south_deg) / self.step_lat_deg
        column = (lon - self.west_deg) / self.step_lon_deg
        turn = 360.0 / self.step_lon_deg
        column = np.where(column < -EDGE, column + turn, np.where(column > columns - 1 + EDGE, column - turn, column))
        within = (row >= -EDGE) & (row <= rows - 1 + EDGE) & (column >= -EDGE) & (column <= columns - 1 + EDGE)
        if not within.all():
            raise Refused([Reason(OUTSIDE_GEOID, facts=self._facts(lat, lon, ~within))])
        return np.clip(row, 0.0, rows - 1.0), np.clip(column, 0.0, columns - 1.0)

    def _facts(self, lat: Array, lon: Array, bad: npt.NDArray[np.bool_]) -> Mapping[str, str]:
        lats, lons = np.broadcast_arrays(lat, lon)
        worst = int(np.argmax(bad))
        rows, columns = self.undulations_m.shape
        north_deg = self.south_deg + (rows - 1) * self.step_lat_deg
        east_deg = self.west_deg + (columns - 1) * self.step_lon_deg
        area = f"{self.south_deg:g}..{north_deg:g} N, {self.west_deg:g}..{east_deg:g} E"
        place = LatLon(float(lats.ravel()[worst]), float(lons.ravel()[worst]))
        return {"place": str(place), "name": self.name, "area": area}


def datum_1985(
    egm2008: Geoid, offset_m: float = DATUM_1985_ABOVE_EGM2008_M, accuracy_m: float = DATUM_1985_ACCURACY_M
) -> Geoid:
    """The zero surface of the 1985 National Height Datum: H85 = h - (N of EGM2008 + offset).

    Known to a decimetre over the country (`DATUM_1985_ABOVE_EGM2008_M` has the sources); a survey's own offset is
    better. With another geoid than EGM2008 the difference of the two geoids comes on top.
    """
    return egm2008.raised(offset_m, f"1985 National Height Datum by {egm2008.name}", accuracy_m)


def _with_nodes(low: float, high: float, origin: float, step: float, count: int) -> Array:
    nodes = origin + step * np.arange(count)
    return np.concatenate([[low], nodes[(nodes > low) & (nodes < high)], [high]])


def _read_npz(file: IO[bytes], name: str, accuracy_m: float | None) -> Geoid:
    with np.load(file, allow_pickle=False) as arrays:
        if sum(member.file_size for member in arrays.zip.infolist()) > MOST_NODES * 8:
            raise ValueError(f"more than {MOST_NODES} nodes")
        lat, lon = arrays["lat"].astype(np.float64), arrays["lon"].astype(np.float64)
        in_cm = "N_cm" in arrays
        undulations_m = arrays["N_cm"] / np.float32(100.0) if in_cm else arrays["N"].astype(np.float32)
    return _gridded(name, lat, lon, undulations_m, accuracy_m)


def _read_raster(path: Path, name: str, accuracy_m: float | None) -> Geoid:
    with rasterio.open(path) as grid:
        if grid.count != 1:
            raise ValueError(f"{grid.count} bands")
        if grid.crs is None and path.suffix.lower() != ".gtx":
            raise ValueError("no reference system")
        if grid.crs is not None and not grid.crs.is_geographic:
            raise ValueError("not in degrees")
        if grid.height * grid.width > MOST_NODES:
            raise ValueError(f"{grid.height} x {grid.width} nodes, more than {MOST_NODES}")
        if path.suffix.lower() == ".gtx" and path.stat().st_size < 4 * grid.height * grid.width:
            raise ValueError("cut short")  # rasterio would fill up with zeros
        a = grid.transform
        if a.b or a.d:
            raise ValueError("rotated")
        undulations_m = grid.read(1).astype(np.float32)
        if grid.nodata is not None:
            undulations_m[undulations_m == np.float32(grid.nodata)] = np.nan
        rows, columns = undulations_m.shape
        lat = a.f + a.e * (np.arange(rows) + 0.5)
        lon = a.c + a.a * (np.arange(columns) + 0.5)
    undulations_m[undulations_m == np.float32(GTX_GAP_M)] = np.nan
    return _gridded(name, lat, lon, undulations_m, accuracy_m)


def _gridded(
    name: str, lat: Array, lon: Array, undulations_m: npt.NDArray[np.float32], accuracy_m: float | None
) -> Geoid:
    """A geoid of rows and columns in any order, closed over the antimeridian when it goes round the earth."""
    if undulations_m.ndim != 2 or undulations_m.shape != (lat.size, lon.size) or min(lat.size, lon.size) < 2:
        raise ValueError(f"{undulations_m.shape} undulations on {lat.shape} latitudes and {lon.shape} longitudes")
    if lat[0] > lat[-1]:
        lat, undulations_m = lat[::-1], undulations_m[::-1]
    step_lat, step_lon = (lat[-1] - lat[0]) / (lat.size - 1), (lon[-1] - lon[0]) / (lon.size - 1)
    for axis, step in ((lat, step_lat), (lon, step_lon)):
        if not (step > 0.0 and np.allclose(np.diff(axis), step, rtol=0.0, atol=step * 1e-3)):
            raise ValueError("latitudes or longitudes are not evenly spaced")
    undulations_m = np.where(np.abs(undulations_m) <= MOST_M, undulations_m, np.float32(np.nan))
    if abs(lon.size * step_lon - 360.0) < step_lon * 1e-3:
        undulations_m = np.concatenate([undulations_m, undulations_m[:, :1]], axis=1)
    grid = np.ascontiguousarray(undulations_m, dtype=np.float32)
    return Geoid(name, float(lat[0]), float(lon[0]), float(step_lat), float(step_lon), grid, accuracy_m)
