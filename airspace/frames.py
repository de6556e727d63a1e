"""Positions, heights and the local metric frame in which all geometry is done.

Horizontal positions are CGCS2000 geographic degrees (EPSG:4490). Heights carry their datum and are turned into
ellipsoidal metres by a `Ground` before anything is compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt
from pyproj import Geod, Transformer

from airspace.ground.profiles import Profile
from airspace.reasons import Reason, Refused, Rule, Words

if TYPE_CHECKING:  # shapes are drawn with the positions of this file
    from airspace.charted import Shape

# The CGCS2000 ellipsoid (GB 22021-2008): semi-major axis [m] and inverse flattening.
SEMI_MAJOR_M = 6378137.0
INVERSE_FLATTENING = 298.257222101

GEOD = Geod(a=SEMI_MAJOR_M, rf=INVERSE_FLATTENING)

PRESSURE_NOT_PLACED = Rule(
    "airspace.height.pressure",
    Words(
        "{height} is a flight level, which moves with the weather and has no one height over the ellipsoid",
        "{height} 为飞行高度层，随气压变化，没有固定的椭球高",
    ),
    Words(
        "Give the height over the ground, the sea or the ellipsoid, or lay the whole band that the level can be in.",
        "请给出真高、海拔高或椭球高，或按该高度层可能所在的整个高度带处理。",
    ),
)


class Datum(StrEnum):
    """The surface that a height is counted from.

    `PRESSURE` counts standard-atmosphere metres from the 1013.25 hPa surface, as flight levels do.
    """

    ELLIPSOIDAL = "ellipsoidal"
    AMSL = "amsl"
    AGL = "agl"
    PRESSURE = "pressure"


@dataclass(frozen=True, slots=True)
class Height:
    """A height [m] over a named datum; two datums never compare.

    Metres may be added and taken away; the difference of two heights over one datum is metres. Whatever mixes two
    datums raises TypeError.
    """

    value_m: float
    datum: Datum

    def __lt__(self, other: Height) -> bool:
        return self.value_m < self._same_datum(other, "compared with").value_m

    def __le__(self, other: Height) -> bool:
        return self.value_m <= self._same_datum(other, "compared with").value_m

    def __add__(self, metres: float) -> Height:
        if not isinstance(metres, int | float):  # two heights have no sum, over whatever datum
            return NotImplemented
        return Height(self.value_m + metres, self.datum)

    @overload
    def __sub__(self, other: Height) -> float: ...

    @overload
    def __sub__(self, other: float) -> Height: ...

    def __sub__(self, other: Height | float) -> Height | float:
        if isinstance(other, Height):
            return self.value_m - self._same_datum(other, "taken from").value_m
        if not isinstance(other, int | float):
            return NotImplemented
        return Height(self.value_m - other, self.datum)

    def _same_datum(self, other: Height, doing: str) -> Height:
        if not isinstance(other, Height):
            raise TypeError(f"a height over {self.datum} cannot be {doing} a {type(other).__name__}")
        if self.datum is not other.datum:
            raise TypeError(f"a height over {self.datum} cannot be {doing} one over {other.datum}")
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

    @property
    def accuracy_m(self) -> float:
        """How well it is known [m]: a level is stated, and is what it is said to be."""
        return 0.0

    def ellipsoidal_m(self, height: Height) -> float:
        """The height over the CGCS2000 ellipsoid [m]. Raises `Refused` for a flight level: see `pressure_band_m`."""
        match height.datum:
            case Datum.ELLIPSOIDAL:
                return height.value_m
            case Datum.AMSL:
                return height.value_m + self.geoid_m
            case Datum.AGL:
                return height.value_m + self.amsl_m + self.geoid_m
            case Datum.PRESSURE:
                raise Refused([Reason(PRESSURE_NOT_PLACED, facts={"height": str(height)})])

    def agl_m(self, ellipsoidal_m: float) -> float:
        """The height above ground [m] of an ellipsoidal height [m]."""
        return ellipsoidal_m - self.geoid_m - self.amsl_m

    def at(self, position: LatLon) -> Ground:
        """The ground at one position: this, wherever it is (`ground.surface.Surface`)."""
        return self

    def under(self, shape: Shape) -> tuple[Ground, Ground]:
        """The lowest and the highest ground under a shape: both this."""
        return self, self

    def along(self, frame: LocalFrame, start_xy: tuple[float, float], end_xy: tuple[float, float]) -> Profile:
        """The ground under a straight line in a local frame [m], over the ellipsoid: this height all along."""
        return Profile.level(self.amsl_m + self.geoid_m, math.dist(start_xy, end_xy))


# The standard atmosphere (ICAO Doc 7488): pressure [hPa], temperature [K] and lapse [K/m] at sea level and below the
# tropopause [K].
STANDARD_HPA = 1013.25
STANDARD_K = 288.15
LAPSE_K_PER_M = 0.0065
TROPOPAUSE_K = 216.65
PRESSURE_EXPONENT = 0.190263

# The weather that a flight level must be found in: sea-level pressure [hPa], and by how much the air between the sea
# and the level may be colder or warmer than standard on average [K].
LOWEST_QNH_HPA = 950.0
HIGHEST_QNH_HPA = 1050.0
COLDEST_K = -40.0
WARMEST_K = 30.0


def pressure_band_m(height: Height) -> tuple[float, float]:
    """The lowest and the highest height above mean sea level [m] at which a flight level can lie.

    By the hydrostatic equation a pressure altitude h lies at (h - h(q)) / k (1 + d / 288.15 K) in air that is d warmer
    than standard all the way down to the sea, where the pressure is q, h(q) the pressure altitude of q and
    k = (q / 1013.25 hPa)^0.19: 547 m lower at 950 hPa, 299 m higher at 1050 hPa, and 3.5 % of the rest for 10 K. The
    temperature at the level is taken for 288.15 K, which widens the band and covers air above the tropopause. FL 65
    (1981 m) lies between 1247 m and 2514 m. Raises TypeError for a height over another datum.
    """
    if height.datum is not Datum.PRESSURE:
        raise TypeError(f"a height over {height.datum} is no flight level")
    coldest_air_k = max(TROPOPAUSE_K, STANDARD_K - LAPSE_K_PER_M * max(0.0, height.value_m))
    stretches = (1.0 + COLDEST_K / coldest_air_k, 1.0 + WARMEST_K / coldest_air_k)
    low_m, high_m = (_over_sea_m(height.value_m, hpa) for hpa in (LOWEST_QNH_HPA, HIGHEST_QNH_HPA))
    return min(low_m * s for s in stretches), max(high_m * s for s in stretches)


def _over_sea_m(level_m: float, qnh_hpa: float) -> float:
    """Where a pressure altitude [m] lies in standard air over a sea at another pressure than standard."""
    k: float = (qnh_hpa / STANDARD_HPA) ** PRESSURE_EXPONENT
    return (level_m - STANDARD_K / LAPSE_K_PER_M * (1.0 - k)) / k


# A quarter of the way round the earth: farther off, a frame's plane says nothing of shapes.
FARTHEST_M = 1.0e7

# Geodesics close in on each other as on a sphere of the semi-minor axis at most (the ellipsoid is bent most at the
# equator, where its Gaussian curvature is 1 / b^2), so that errors on that sphere bound the ellipsoid's.
SEMI_MINOR_M = SEMI_MAJOR_M * (1.0 - 1.0 / INVERSE_FLATTENING)


def scale_error(distance_m: float) -> float:
    """The largest relative error of a short length at a distance [m] from the origin of a `LocalFrame`.

    The length is drawn too long by this much when it lies across the direction of the origin, and true along it:
    a / sin a - 1 with a = distance / R, about (distance / R)^2 / 6. 0.41 mm a kilometre at 10 km, 10 mm at 50 km,
    165 mm at 200 km, 371 mm at 300 km.
    """
    angle = distance_m / SEMI_MINOR_M
    return angle / math.sin(angle) - 1.0 if angle else 0.0


class LocalFrame:
    """East and north [m] around an origin: the azimuthal equidistant plane of the CGCS2000 ellipsoid.

    Distance and direction from the origin are exact (below a micrometre) at any distance up to `FARTHEST_M`, but that
    PROJ puts what is within 0.9 mm of the origin on it. Between two other points the plane's distance is too long by at
    most `scale_error` of the one farther out, that is below 1 mm for points within 10 km of the origin and 2.4 km of
    each other; `LatLon.distance_m` is exact for any two. No plane does better around a point: of all maps of a round
    region this one has the least spread of scales (Milnor 1969, A problem in cartography, doi 10.2307/2317182).
    """

    def __init__(self, origin: LatLon) -> None:
        self.origin = origin
        plane = f"+proj=aeqd +lat_0={origin.lat_deg} +lon_0={origin.lon_deg} +a={SEMI_MAJOR_M} +rf={INVERSE_FLATTENING}"
        self._to_plane = Transformer.from_pipeline(
            f"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step {plane}"
        )

    def xy(self, position: LatLon) -> tuple[float, float]:
        """East and north [m] of one position. Raises ValueError beyond `FARTHEST_M`."""
        x, y = self._to_plane.transform(position.lon_deg, position.lat_deg)
        if not math.hypot(x, y) <= FARTHEST_M:
            raise ValueError(f"{position} is outside the local frame around {self.origin}")
        return float(x), float(y)

    def latlon(self, x_m: float, y_m: float) -> LatLon:
        """The position of one point east and north [m] of the origin. Raises ValueError beyond `FARTHEST_M`."""
        if not math.hypot(x_m, y_m) <= FARTHEST_M:
            raise ValueError(f"({x_m:g}, {y_m:g}) m is outside the local frame around {self.origin}")
        lon, lat = self._to_plane.transform(x_m, y_m, direction="INVERSE")
        return LatLon(float(lat), float(lon))

    def xy_array(self, lon_lat_deg: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Shape (n, 2) of longitude, latitude [deg] to shape (n, 2) of east, north [m].

        Raises ValueError when any lies beyond `FARTHEST_M`.
        """
        a = np.asarray(lon_lat_deg, dtype=np.float64)
        xy = np.column_stack(self._to_plane.transform(a[:, 0], a[:, 1]))
        within = np.hypot(xy[:, 0], xy[:, 1]) <= FARTHEST_M
        if not within.all():
            lon, lat = a[int(np.argmin(within))]
            raise ValueError(f"{LatLon(float(lat), float(lon))} is outside the local frame around {self.origin}")
        return xy

    def lon_lat_array(self, xy_m: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Shape (n, 2) of east, north [m] to shape (n, 2) of longitude, latitude [deg]."""
        a = np.asarray(xy_m, dtype=np.float64)
        lon, lat = self._to_plane.transform(a[:, 0], a[:, 1], direction="INVERSE")
        return np.column_stack([lon, lat])
