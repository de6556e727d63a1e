"""Files of terrain and buildings, made for a test."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from airspace.frames import LatLon, LocalFrame

MIDDLE = LatLon(34.75, 113.62)
FRAME = LocalFrame(MIDDLE)


def slope(folder: Path) -> Path:
    """A plain of 100 m above the ellipsoid that rises by 1 m each 100 m to the east, in a GeoTIFF of 0.0005 degrees."""
    path, step, side = folder / "slope.tif", 0.0005, 240
    frame = LocalFrame(MIDDLE)
    west, north = MIDDLE.lon_deg - step * side / 2, MIDDLE.lat_deg + step * side / 2
    columns, rows = np.meshgrid(np.arange(side), np.arange(side))
    lon, lat = west + (columns + 0.5) * step, north - (rows + 0.5) * step
    east = frame.xy_array(np.column_stack([lon.ravel(), lat.ravel()]))[:, 0].reshape(side, side)
    heights = (100.0 + east / 100.0).astype("float32")
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=1, dtype="float32", crs="EPSG:4490",
        transform=Affine(step, 0.0, west, 0.0, -step, north),
    ) as file:  # fmt: skip
        file.write(heights, 1)
    return path


def house(folder: Path, east_m: float, top_m: float) -> str:
    """A file with one house of 20 m by 20 m; its name."""
    corners = [(east_m + e, n) for e, n in ((-10, -10), (10, -10), (10, 10), (-10, 10), (-10, -10))]
    ring = FRAME.lon_lat_array(corners).tolist()
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"id": "H1", "name": "house", "height": top_m},
    }
    chart = {"type": "FeatureCollection", "features": [feature]}
    (folder / "houses.geojson").write_text(json.dumps(chart), encoding="utf-8")
    return "houses.geojson"
