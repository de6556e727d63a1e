"""Earth-fixed coordinates of places on the CGCS2000 ellipsoid and the local axes there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from airspace.frames import INVERSE_FLATTENING, SEMI_MAJOR_M, LatLon
from sim.gnss.orbits import Vector

ECCENTRICITY_2 = (2.0 - 1.0 / INVERSE_FLATTENING) / INVERSE_FLATTENING


def earth_fixed_m(place: LatLon, ellipsoidal_m: float) -> Vector:
    """Geocentric x, y, z [m] of a CGCS2000 position and ellipsoidal height."""
    lat, lon = math.radians(place.lat_deg), math.radians(place.lon_deg)
    curvature = SEMI_MAJOR_M / math.sqrt(1.0 - ECCENTRICITY_2 * math.sin(lat) ** 2)
    across = (curvature + ellipsoidal_m) * math.cos(lat)
    return (
        across * math.cos(lon),
        across * math.sin(lon),
        (curvature * (1.0 - ECCENTRICITY_2) + ellipsoidal_m) * math.sin(lat),
    )


@dataclass(frozen=True, slots=True)
class Axes:
    """East, north and up at a place as unit vectors in the earth-fixed frame."""

    east: Vector
    north: Vector
    up: Vector

    @classmethod
    def at(cls, place: LatLon) -> Axes:
        """The axes over the ellipsoid at a place."""
        lat, lon = math.radians(place.lat_deg), math.radians(place.lon_deg)
        sp, cp, sl, cl = math.sin(lat), math.cos(lat), math.sin(lon), math.cos(lon)
        return cls((-sl, cl, 0.0), (-sp * cl, -sp * sl, cp), (cp * cl, cp * sl, sp))

    def local(self, x: float, y: float, z: float) -> Vector:
        """An earth-fixed difference [m] as east, north and up [m]."""
        e, n, u = self.east, self.north, self.up
        return (
            e[0] * x + e[1] * y + e[2] * z,
            n[0] * x + n[1] * y + n[2] * z,
            u[0] * x + u[1] * y + u[2] * z,
        )
