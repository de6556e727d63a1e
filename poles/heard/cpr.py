"""Compact Position Reporting of ADS-B (RTCA DO-260B, 2.2.3.2.3; ICAO Doc 9871): 17 bits a coordinate.

A message says where in a zone an aircraft is, not in which zone: two messages, even and odd, of about the same moment
tell it, or one message and a place that is known to be near.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from airspace.frames import LatLon

ZONES = 15  # latitude zones between the equator and a pole
SCALE = 131072  # 2^17
AIRBORNE_DEG = 360.0
SURFACE_DEG = 90.0


@dataclass(frozen=True, slots=True)
class Cpr:
    """The coded halves of one message; on the surface zones are a quarter as wide, and the code as much finer."""

    odd: bool
    lat: int
    lon: int
    surface: bool = False

    @property
    def span_deg(self) -> float:
        """What the zones divide."""
        return SURFACE_DEG if self.surface else AIRBORNE_DEG


def zones_at(lat_deg: float) -> int:
    """How many longitude zones there are at a latitude (NL): 59 at the equator, 1 beyond 87 degrees."""
    away = abs(lat_deg)
    if away >= 87.0:
        return 2 if away == 87.0 else 1
    if away == 0.0:
        return 59
    inner = 1.0 - (1.0 - math.cos(math.pi / (2.0 * ZONES))) / math.cos(math.radians(away)) ** 2
    return min(math.floor(2.0 * math.pi / math.acos(inner)), 59)


def encode(position: LatLon, *, odd: bool, surface: bool = False) -> Cpr:
    """What a transmitter at a position says."""
    span = SURFACE_DEG if surface else AIRBORNE_DEG
    lat_zone = span / (4 * ZONES - odd)
    lat = math.floor(SCALE * (position.lat_deg % lat_zone) / lat_zone + 0.5)
    heard_lat = lat_zone * (lat / SCALE + math.floor(position.lat_deg / lat_zone))
    lon_zone = span / max(zones_at(heard_lat) - odd, 1)
    lon = math.floor(SCALE * (position.lon_deg % lon_zone) / lon_zone + 0.5)
    return Cpr(odd, lat % SCALE, lon % SCALE, surface)


def from_pair(even: Cpr, odd: Cpr, *, newest: Cpr, near: LatLon | None = None) -> LatLon | None:
    """The position of the newest of an even and an odd message; None when they lie in different zones of longitude.

    On the surface four places of the Earth answer to a pair: the nearest to `near` is meant, which must then be given.
    """
    span = newest.span_deg
    if newest.surface and near is None:
        return None
    index = math.floor((59 * even.lat - 60 * odd.lat) / SCALE + 0.5)
    lat_even = span / 60 * (index % 60 + even.lat / SCALE)
    lat_odd = span / 59 * (index % 59 + odd.lat / SCALE)
    if newest.surface and near is not None:
        lat_even, lat_odd = (_nearest(lat, span, near.lat_deg) for lat in (lat_even, lat_odd))
    else:
        lat_even, lat_odd = (lat - 360.0 if lat >= 270.0 else lat for lat in (lat_even, lat_odd))
    if abs(lat_even) > 90.0 or abs(lat_odd) > 90.0 or zones_at(lat_even) != zones_at(lat_odd):
        return None
    lat = lat_odd if newest.odd else lat_even
    zones = zones_at(lat)
    count = max(zones - newest.odd, 1)
    column = math.floor((even.lon * (zones - 1) - odd.lon * zones) / SCALE + 0.5)
    lon = span / count * (column % count + newest.lon / SCALE)
    if newest.surface and near is not None:
        return LatLon(lat, _nearest(lon, span, near.lon_deg))
    return LatLon(lat, (lon + 180.0) % 360.0 - 180.0)


def from_near(said: Cpr, near: LatLon) -> LatLon | None:
    """The position nearest to a place that answers to one message; true when the place is within half a zone.

    Half a zone is 180 NM in the air, 45 NM on the surface. None when the answer is no latitude.
    """
    lat_zone = said.span_deg / (4 * ZONES - said.odd)
    lat = _nearest(lat_zone * said.lat / SCALE, lat_zone, near.lat_deg)
    if abs(lat) > 90.0:
        return None
    lon_zone = said.span_deg / max(zones_at(lat) - said.odd, 1)
    lon = _nearest(lon_zone * said.lon / SCALE, lon_zone, near.lon_deg)
    return LatLon(lat, (lon + 180.0) % 360.0 - 180.0)


def _nearest(deg: float, every_deg: float, to_deg: float) -> float:
    """The angle that is nearest to another, of all that differ by whole steps from the given one."""
    return deg + every_deg * math.floor((to_deg - deg) / every_deg + 0.5)
