"""3-degree Gauss-Kruger zones of CGCS2000: northing and easting for projected work, and what maps and surveys hand in.

Zone n has its central meridian at 3n degrees east and reaches 1.5 degrees to either side; China lies in zones 25 to 45
(EPSG:4534 to 4554, and 4513 to 4533 with the zone number before the easting). Scale 1 on the central meridian, false
easting 500 km (GB/T 22021, GB/T 13989).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from airspace.frames import LatLon
from airspace.reasons import Reason, Refused, Rule, Words

FIRST_ZONE = 25
LAST_ZONE = 45
ZONE_WIDTH_DEG = 3.0
PREFIX_M = 1_000_000.0

# Surveys carry a zone on over its border where a town lies on it.
OVERLAP_DEG = 0.5
MOST_NORTHING_M = 6_000_000.0  # 54.1 degrees north; China ends at 53.6

OUTSIDE_ZONES = Rule(
    "geodesy.gk.outside",
    Words(
        "longitude {lon_deg} is outside the Gauss-Kruger zones of China, 73.5 to 136.5 degrees east",
        "经度 {lon_deg} 不在中国高斯-克吕格三度带范围（东经 73.5 至 136.5 度）内",
    ),
    Words("Give a position in China, in degrees.", "请给出中国境内的经纬度（度）。"),
)
NO_SUCH_ZONE = Rule(
    "geodesy.gk.zone",
    Words("zone {zone} is no 3-degree zone of China, 25 to 45", "{zone} 不是中国的三度带带号（25 至 45）"),
    Words(
        "Use the central meridian divided by 3; zones 13 to 23 are 6 degrees wide, another projection.",
        "带号等于中央经线除以 3；13 至 23 为六度带，属另一种投影。",
    ),
)
ZONE_MISSING = Rule(
    "geodesy.gk.zone-missing",
    Words(
        "easting {easting_m} m has no zone number before it, so that it fits 21 places",
        "东坐标 {easting_m} 米未带带号，可对应 21 个位置",
    ),
    Words("Say which zone it is in.", "请说明带号。"),
)
ZONE_DIFFERS = Rule(
    "geodesy.gk.zone-differs",
    Words(
        "easting {easting_m} m is one of zone {found}, not of zone {zone}",
        "东坐标 {easting_m} 米属于第 {found} 带，而非第 {zone} 带",
    ),
    Words("Correct the zone or the easting.", "请更正带号或东坐标。"),
)
OUTSIDE_ZONE = Rule(
    "geodesy.gk.outside-zone",
    Words(
        "easting {easting_m} m, northing {northing_m} m are {away_deg:.2f} degrees off the meridian of zone {zone}",
        "东坐标 {easting_m} 米、北坐标 {northing_m} 米距第 {zone} 带中央经线 {away_deg:.2f} 度",
    ),
    Words(
        "A 3-degree zone ends 1.5 degrees from its meridian: name the zone in which the point lies.",
        "三度带在距中央经线 1.5 度处终止，请给出该点所在的带号。",
    ),
)
NORTHING_BEYOND = Rule(
    "geodesy.gk.northing",
    Words(
        "northing {northing_m} m is not between the equator and the north of China",
        "北坐标 {northing_m} 米不在赤道与中国北界之间",
    ),
    Words(
        "See whether the two are swapped: the northing, x in Chinese surveys, comes first.",
        "请检查南北与东西坐标是否颠倒：北坐标（测量中的 x）在前。",
    ),
)


@dataclass(frozen=True, slots=True)
class GridPoint:
    """A point of one 3-degree zone: northing and easting [m], the easting without the zone number before it."""

    zone: int
    northing_m: float
    easting_m: float

    @property
    def prefixed_easting_m(self) -> float:
        """The easting with the zone number before it, as EPSG:4513 to 4533 write it [m]."""
        return self.zone * PREFIX_M + self.easting_m


def central_meridian_deg(zone: int) -> float:
    """The central meridian of a zone [deg east]. Raises `Refused` for what is no zone of China."""
    if not FIRST_ZONE <= zone <= LAST_ZONE:
        raise Refused([Reason(NO_SUCH_ZONE, facts={"zone": zone})])
    return zone * ZONE_WIDTH_DEG


def epsg_code(zone: int, *, prefixed: bool = False) -> int:
    """The EPSG code of a zone's CRS, the one with the zone number in the easting when `prefixed`."""
    central_meridian_deg(zone)
    return (4513 if prefixed else 4534) + zone - FIRST_ZONE


def zone_of(lon_deg: float) -> int:
    """The zone of a longitude; a border belongs to the zone east of it. Raises `Refused` outside of China's zones."""
    zone = math.floor(lon_deg / ZONE_WIDTH_DEG + 0.5) if math.isfinite(lon_deg) else 0
    if not FIRST_ZONE <= zone <= LAST_ZONE:
        raise Refused([Reason(OUTSIDE_ZONES, facts={"lon_deg": lon_deg})])
    return zone


def project(position: LatLon, zone: int | None = None) -> GridPoint:
    """A position in its own zone, or in a neighbouring one as far as zones overlap.

    Raises `Refused` for a position farther than `OVERLAP_DEG` beyond the border of the zone asked for.
    """
    chosen = zone_of(position.lon_deg) if zone is None else zone
    away_deg = abs(position.lon_deg - central_meridian_deg(chosen))
    easting_m, northing_m = _transformer(chosen).transform(position.lon_deg, position.lat_deg)
    point = GridPoint(chosen, float(northing_m), float(easting_m))
    if not away_deg <= ZONE_WIDTH_DEG / 2 + OVERLAP_DEG:
        raise Refused([_outside_zone(point, away_deg)])
    return point


def unproject(point: GridPoint) -> LatLon:
    """The position of a point of a zone. Raises `Refused` for one that cannot be a point of that zone."""
    central_deg = central_meridian_deg(point.zone)
    _check_northing(point.northing_m)
    lon_deg, lat_deg = _transformer(point.zone).transform(point.easting_m, point.northing_m, direction="INVERSE")
    away_deg = abs(lon_deg - central_deg)
    if not away_deg <= ZONE_WIDTH_DEG / 2 + OVERLAP_DEG:  # infinite where the easting is no distance on the earth
        raise Refused([_outside_zone(point, away_deg)])
    return LatLon(float(lat_deg), float(lon_deg))


def read_point(northing_m: float, easting_m: float, zone: int | None = None) -> GridPoint:
    """Northing and easting as somebody gave them: the zone from the easting's prefix, or else as said.

    Raises `Refused` for an easting without a zone, for a prefix that contradicts `zone`, for swapped axes and for a
    point that does not lie in its zone.
    """
    _check_northing(northing_m)
    prefix, bare_m = divmod(easting_m, PREFIX_M) if math.isfinite(easting_m) else (0.0, easting_m)
    if prefix == 0.0 and zone is None:
        raise Refused([Reason(ZONE_MISSING, facts={"easting_m": easting_m})])
    found = int(prefix) if prefix else int(zone or 0)
    if zone is not None and found != zone:
        raise Refused([Reason(ZONE_DIFFERS, facts={"easting_m": easting_m, "found": found, "zone": zone})])
    point = GridPoint(found, northing_m, bare_m)
    unproject(point)
    return point


def project_array(lon_lat_deg: npt.ArrayLike, zone: int) -> npt.NDArray[np.float64]:
    """Shape (n, 2) of longitude, latitude [deg] to shape (n, 2) of easting (without prefix), northing [m] in one zone.

    Raises `Refused` when any position is farther than `OVERLAP_DEG` beyond the border of the zone.
    """
    a = np.asarray(lon_lat_deg, dtype=np.float64)
    plane_m = np.column_stack(_transformer(zone).transform(a[:, 0], a[:, 1]))
    _all_in_zone(plane_m, a[:, 0], zone)
    return plane_m


def unproject_array(easting_northing_m: npt.ArrayLike, zone: int) -> npt.NDArray[np.float64]:
    """Shape (n, 2) of easting (without prefix), northing [m] in one zone to shape (n, 2) of longitude, latitude [deg].

    Raises `Refused` when any point cannot be one of that zone.
    """
    a = np.asarray(easting_northing_m, dtype=np.float64)
    for northing_m in (a[:, 1].min(initial=0.0), a[:, 1].max(initial=0.0)):  # not a number comes out of both
        _check_northing(float(northing_m))
    lon_lat_deg = np.column_stack(_transformer(zone).transform(a[:, 0], a[:, 1], direction="INVERSE"))
    _all_in_zone(a, lon_lat_deg[:, 0], zone)
    return lon_lat_deg


def _check_northing(northing_m: float) -> None:
    if not 0.0 <= northing_m <= MOST_NORTHING_M:
        raise Refused([Reason(NORTHING_BEYOND, facts={"northing_m": northing_m})])


def _all_in_zone(easting_northing_m: npt.NDArray[np.float64], lon_deg: npt.NDArray[np.float64], zone: int) -> None:
    away_deg = np.abs(lon_deg - central_meridian_deg(zone))
    outside = ~(away_deg <= ZONE_WIDTH_DEG / 2 + OVERLAP_DEG)
    if outside.any():
        worst = int(np.argmax(outside))
        easting_m, northing_m = easting_northing_m[worst]
        point = GridPoint(zone, float(northing_m), float(easting_m))
        raise Refused([_outside_zone(point, float(away_deg[worst]))])


def _outside_zone(point: GridPoint, away_deg: float) -> Reason:
    facts = {
        "easting_m": point.easting_m,
        "northing_m": point.northing_m,
        "away_deg": away_deg,
        "zone": point.zone,
    }
    return Reason(OUTSIDE_ZONE, facts=facts)


@lru_cache(maxsize=LAST_ZONE - FIRST_ZONE + 1)
def _transformer(zone: int) -> Transformer:
    return Transformer.from_crs("EPSG:4490", f"EPSG:{epsg_code(zone)}", always_xy=True)
