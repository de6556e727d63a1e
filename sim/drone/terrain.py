"""Asking the ground station for terrain (TERRAIN_REQUEST), as ArduPilot's AP_Terrain does; what is sent is not used.

Terrain comes in blocks of 24 by 28 grid points around a reference at the whole degree south-west of the drone. A block
is asked for in 56 parts of 4 by 4 points, every bit of the mask one, again every two seconds until it comes.
"""

from __future__ import annotations

import math

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.autopilot import Autopilot
from sim.drone.fence import METRES_PER_DEG
from sim.drone.framing import Packed, form
from sim.drone.instant import Instant

TERRAIN_REQUEST = form(mavlink.MAVLINK_MSG_ID_TERRAIN_REQUEST)
EVERY_S = 2.0
BLOCK_NORTH, BLOCK_EAST = 24, 28  # grid points from one block to the next
WHOLE_BLOCK = (1 << 56) - 1


def block_corner_e7(lat_e7: int, lon_e7: int, spacing_m: float) -> tuple[int, int]:
    """South-west corner [deg 1e7] of the terrain block that holds a place."""
    lat, lon = lat_e7 / 1e7, lon_e7 / 1e7
    whole_lat, whole_lon = math.floor(lat), math.floor(lon)
    north_m = (lat - whole_lat) * METRES_PER_DEG
    east_m = (lon - whole_lon) * METRES_PER_DEG * math.cos(math.radians((lat + whole_lat) / 2.0))
    north_m -= north_m % (BLOCK_NORTH * spacing_m)
    east_m -= east_m % (BLOCK_EAST * spacing_m)
    corner_lat = whole_lat + north_m / METRES_PER_DEG
    metres_per_deg_lon = METRES_PER_DEG * math.cos(math.radians((corner_lat + whole_lat) / 2.0))
    return math.floor(corner_lat * 1e7), math.floor((whole_lon + east_m / metres_per_deg_lon) * 1e7)


class TerrainRequests:
    """Builds TERRAIN_REQUEST when one is due."""

    def __init__(self, autopilot: Autopilot, instant: Instant) -> None:
        self._autopilot = autopilot
        self._instant = instant
        self._asked_s = -math.inf

    def request(self) -> Packed | None:
        """TERRAIN_REQUEST, at most every two seconds and once the drone knows where it is."""
        autopilot = self._autopilot
        now = autopilot.now_s
        if now < self._asked_s:  # it was started anew
            self._asked_s = -math.inf
        if not autopilot.readiness.fixed or not autopilot.parameters["TERRAIN_ENABLE"]:
            return None
        if now - self._asked_s < EVERY_S - 1e-6:
            return None
        self._asked_s = now
        at = self._instant.now()
        spacing_m = max(autopilot.parameters["TERRAIN_SPACING"], 1.0)
        lat_e7, lon_e7 = block_corner_e7(at.lat_e7, at.lon_e7, spacing_m)
        return TERRAIN_REQUEST, TERRAIN_REQUEST.payload(lat_e7, lon_e7, round(spacing_m), WHOLE_BLOCK)
