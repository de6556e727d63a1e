"""What covers and keys are made for: an outline in degrees between two ellipsoidal heights, borders included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiPolygon, Polygon

from airspace.beidou import code_rules as rules
from airspace.beidou.code import refused
from airspace.beidou.height_code import heights_m
from airspace.beidou.levels import LIMIT_LAT_DEG, HeightForm
from airspace.frames import LocalFrame
from airspace.volumes import Volume4D

# An edge that is straight in a local frame bends in degrees, by at most edge^2 (2 tan(lat) + 1) / 8R within 600 km of
# the frame's origin: 12 mm for edges of 100 m at 88 degrees of latitude, 0.5 mm in Henan.
LONGEST_EDGE_M = 100.0
SPARE_M = 0.02


@dataclass(frozen=True, slots=True)
class Solid:
    """A closed block of airspace: `outline_lon_lat_deg` in CGCS2000 (longitude, latitude), heights ellipsoidal [m].

    Longitudes may run on beyond 180 degrees, or stop there on both sides. Raises ValueError for an outline that is not
    simple or heights upside down, and `Refused` for what reaches where the grid has no cells.
    """

    outline_lon_lat_deg: Polygon | MultiPolygon
    floor_ellipsoidal_m: float
    ceiling_ellipsoidal_m: float

    def __post_init__(self) -> None:
        outline, floor_m, ceiling_m = self.outline_lon_lat_deg, self.floor_ellipsoidal_m, self.ceiling_ellipsoidal_m
        if outline.is_empty or not outline.is_valid:
            raise ValueError(f"a solid has a simple outline: {shapely.is_valid_reason(outline)}")
        if not floor_m <= ceiling_m:
            raise ValueError(f"a solid's floor of {floor_m} m is not above its ceiling of {ceiling_m} m")
        west_deg, south_deg, east_deg, north_deg = outline.bounds
        for lat_deg in (south_deg, north_deg):
            if not abs(lat_deg) < LIMIT_LAT_DEG:
                raise refused(rules.POLAR, "", found=lat_deg)
        for lon_deg in (west_deg, east_deg):
            if not abs(lon_deg) <= 540.0:
                raise refused(rules.LONGITUDE, "", found=lon_deg)
        low_m, high_m = heights_m(HeightForm.MIXED)
        for height_m in (floor_m, ceiling_m):
            if not low_m <= height_m < high_m:
                raise refused(rules.HEIGHT, "", found=height_m, low_m=low_m, high_m=high_m)


def solid_around(volume: Volume4D, frame: LocalFrame) -> Solid:
    """The solid that holds all of a volume of a local frame, 2 cm wider so that no bent edge cuts a corner off.

    For volumes within 600 km of the frame's origin. Raises `Refused` as `Solid` does.
    """
    wider = shapely.segmentize(shapely.buffer(volume.outline, SPARE_M), LONGEST_EDGE_M)

    def unrolled(xy_m: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        lon_lat_deg = frame.lon_lat_array(xy_m)
        off_deg = lon_lat_deg[:, 0] - frame.origin.lon_deg
        lon_lat_deg[:, 0] -= 360.0 * np.round(off_deg / 360.0)
        return lon_lat_deg

    outline: Polygon | MultiPolygon = shapely.transform(wider, unrolled)
    return Solid(outline, volume.floor_ellipsoidal_m, volume.ceiling_ellipsoidal_m)
