"""What an ADS-B receiver on board makes of an aircraft: MAVLink's ADSB_VEHICLE."""

from __future__ import annotations

import math
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from airspace.frames import LocalFrame
from sim.traffic.aircraft import Kind, Sighting

RECEIVER_RANGE_M = 30_000.0  # of a small receiver between buildings
HEARD_EVERY_S = 1.0  # ADSB_VEHICLE for each aircraft, as ArduPilot's receivers send it on

EMITTERS = {
    Kind.AEROPLANE: mavlink.ADSB_EMITTER_TYPE_LIGHT,
    Kind.HELICOPTER: mavlink.ADSB_EMITTER_TYPE_ROTOCRAFT,
    Kind.DRONE: mavlink.ADSB_EMITTER_TYPE_UAV,
    Kind.BALLOON: mavlink.ADSB_EMITTER_TYPE_LIGHTER_AIR,
}
VALID = (
    mavlink.ADSB_FLAGS_VALID_COORDS
    | mavlink.ADSB_FLAGS_VALID_ALTITUDE
    | mavlink.ADSB_FLAGS_VALID_HEADING
    | mavlink.ADSB_FLAGS_VALID_VELOCITY
    | mavlink.ADSB_FLAGS_VALID_CALLSIGN
    | mavlink.ADSB_FLAGS_VERTICAL_VELOCITY_VALID
)


def adsb_vehicle(sighting: Sighting, frame: LocalFrame, datum_amsl_m: float) -> Any:
    """The message: CGCS2000 degrees, height above sea level by satellites [mm], course [cdeg], speeds [cm/s]."""
    e, n, u = sighting.place
    east, north, up = sighting.velocity
    at = frame.latlon(e, n)
    return mavlink.MAVLink_adsb_vehicle_message(
        sighting.aircraft.icao,
        round(at.lat_deg * 1e7),
        round(at.lon_deg * 1e7),
        mavlink.ADSB_ALTITUDE_TYPE_GEOMETRIC,
        round((u + datum_amsl_m) * 1000.0),
        round(math.degrees(math.atan2(east, north)) % 360.0 * 100.0) % 36000,
        round(math.hypot(east, north) * 100.0),
        round(up * 100.0),
        sighting.aircraft.id[:8].upper().encode("ascii", "replace"),
        EMITTERS[sighting.aircraft.kind],
        0,
        VALID,
        0,
    )
