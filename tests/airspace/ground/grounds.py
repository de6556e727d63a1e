"""Small elevation models for the tests of this folder, and their heights worked out the plain way."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine

from airspace.frames import LatLon, LocalFrame
from airspace.geodesy.geoid import Geoid

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
CANBERRA = SHARED / "dem" / "S36E149.hgt.zip"
EGM96 = SHARED / "geoid" / "us_nga_egm96_15.tif"
KUNMING = SHARED / "buildings"

WEST_DEG, NORTH_DEG, STEP_DEG = 113.60, 34.80, 0.0005
MIDDLE = LatLon(34.79, 113.615)
FRAME = LocalFrame(MIDDLE)

Heights = npt.NDArray[np.float32]


def rough(seed: int, rows: int = 41, columns: int = 61) -> Heights:
    """Hills with steep cells: heights of 80 to 180 m."""
    rng = np.random.default_rng(seed)
    return rng.uniform(80.0, 180.0, (rows, columns)).astype(np.float32)


def write_dem(
    path: Path,
    heights_m: npt.NDArray[Any],
    *,
    west: float = WEST_DEG,
    north: float = NORTH_DEG,
    step: float = STEP_DEG,
    crs: str | None = "EPSG:4490",
    **more: Any,
) -> Path:
    """A GeoTIFF whose first node lies at `west` and `north`, with `step` between nodes, in the units of the frame."""
    bands = heights_m if heights_m.ndim == 3 else heights_m[np.newaxis]
    transform = Affine(step, 0.0, west - step / 2, 0.0, -step, north + step / 2)
    profile = {"driver": "GTiff", "dtype": bands.dtype, "count": len(bands), "crs": crs, "transform": transform}
    tags = {name: more.pop(name) for name in ("scales", "offsets", "units") if name in more}
    with rasterio.open(path, "w", **profile, height=bands.shape[1], width=bands.shape[2], **more) as file:
        file.write(bands)
        for name, value in tags.items():
            setattr(file, name, value)
    return path


def height_at(heights_m: npt.NDArray[Any], lon_deg: float, lat_deg: float) -> float:
    """Bilinear between nodes, one place at a time."""
    x, y = (lon_deg - WEST_DEG) / STEP_DEG, (NORTH_DEG - lat_deg) / STEP_DEG
    j, i = min(math.floor(x), heights_m.shape[1] - 2), min(math.floor(y), heights_m.shape[0] - 2)
    u, v = x - j, y - i
    north_m = float(heights_m[i, j]) * (1 - u) + float(heights_m[i, j + 1]) * u
    south_m = float(heights_m[i + 1, j]) * (1 - u) + float(heights_m[i + 1, j + 1]) * u
    height_m: float = north_m * (1 - v) + south_m * v
    return height_m


def flat_geoid(undulation_m: float, slope_m_per_deg: float = 0.0) -> Geoid:
    """A geoid of one undulation, or one that rises eastwards."""
    lon = np.arange(100.0, 131.0)
    row = undulation_m + slope_m_per_deg * (lon - 113.0)
    return Geoid("test", 20.0, 100.0, 1.0, 1.0, np.tile(row.astype(np.float32), (31, 1)))
