"""Positions, heights and the local metric frame in which all geometry is done.

Horizontal positions are CGCS2000 geographic degrees (EPSG:4490). Heights carry their datum and are turned into
ellipsoidal metres by a `Ground` before anything is compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Geod, Transformer

# The CGCS2000 ellipsoid (GB 22021-2008): semi-major axis [m] and inverse flattening.
SEMI_MAJOR_M = 6378137.0
INVERSE_FLATTENING = 298.257222101

GEOD = Geod(a=SEMI_MAJOR_M, rf=INVERSE_FLATTENING)


class Datum(StrEnum):
    """The surface that a height is counted from."""

    ELLIPSOIDAL = "ellipsoidal"
    AMSL = "amsl"
    AGL = "agl"


@dataclass(frozen=True, slots=True)
class Height:
    """A height [m] over a named datum; two datums never compare."""

    value_m: float
    datum: Datum

    def __lt__(self, other: Height) -> bool:
        return self.value_m < self._same_datum(other).value_m

    def __le__(self, other: Height) -> bool:
        return self.value_m <= self._same_datum(other).value_m

    def _same_datum(self, other: Height) -> Height:
        if self.datum is not other.datum:
            raise TypeError(f"a height over {self.datum} cannot be compared with one over {other.datum}")
        return other

    def __str__(self) -> str:
        return f"{self.value_m:g} m {self.datum}"


@dataclass(frozen=True, slots=True)
class LatLon:
    """A horizontal position in CGCS2000 degrees."""

    lat_deg: float
    lon_deg: float

    def __str__(self) -> str:
        return f"{self.lat_deg:.6f},{self.lon_deg:.6f}"

    def distance_m(self, other: LatLon) -> float:
        """Geodesic distance [m] on the CGCS2000 ellipsoid."""
        return float(GEOD.inv(self.lon_deg, self.lat_deg, other.lon_deg, other.lat_deg)[2])


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground under a site taken as level: its height above mean sea level and the geoid under it [m].

    `geoid_m` is the height of the geoid above the ellipsoid (negative in Henan).
    """

    amsl_m: float
    geoid_m: float

    def ellipsoidal_m(self, height: Height) -> float:
        """The height over the CGCS2000 ellipsoid [m]."""
        match height.datum:
            case Datum.ELLIPSOIDAL:
                return height.value_m
            case Datum.AMSL:
                return height.value_m + self.geoid_m
            case Datum.AGL:
                return height.value_m + self.amsl_m + self.geoid_m

    def agl_m(self, ellipsoidal_m: float) -> float:
        """The height above ground [m] of an ellipsoidal height [m]."""
        return ellipsoidal_m - self.geoid_m - self.amsl_m


class LocalFrame:
    """East and north [m] around an origin: a transverse Mercator plane with scale 1 at the origin.

    The scale error is (x / R)^2 / 2, that is 1.2 mm a kilometre at 10 km east or west of the origin.
    """

    def __init__(self, origin: LatLon) -> None:
        self.origin = origin
        ellipsoid = f"+a={SEMI_MAJOR_M} +rf={INVERSE_FLATTENING}"
        geographic = CRS.from_proj4(f"+proj=longlat {ellipsoid} +no_defs")
        plane = CRS.from_proj4(f"+proj=tmerc +lat_0={origin.lat_deg} +lon_0={origin.lon_deg} +k=1 {ellipsoid} +units=m")
        self._to_plane = Transformer.from_crs(geographic, plane, always_xy=True)

    def xy(self, position: LatLon) -> tuple[float, float]:
        """East and north [m] of one position."""
        x, y = self._to_plane.transform(position.lon_deg, position.lat_deg)
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError(f"{position} is outside the local frame around {self.origin}")
        return float(x), float(y)

    def latlon(self, x_m: float, y_m: float) -> LatLon:
        """The position of one point east and north [m] of the origin."""
        lon, lat = self._to_plane.transform(x_m, y_m, direction="INVERSE")
        return LatLon(float(lat), float(lon))

    def xy_array(self, lon_lat_deg: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Shape (n, 2) of longitude, latitude [deg] to shape (n, 2) of east, north [m]."""
        a = np.asarray(lon_lat_deg, dtype=np.float64)
        x, y = self._to_plane.transform(a[:, 0], a[:, 1])
        return np.column_stack([x, y])

    def lon_lat_array(self, xy_m: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Shape (n, 2) of east, north [m] to shape (n, 2) of longitude, latitude [deg]."""
        a = np.asarray(xy_m, dtype=np.float64)
        lon, lat = self._to_plane.transform(a[:, 0], a[:, 1], direction="INVERSE")
        return np.column_stack([lon, lat])
