"""What drones and aircraft say of themselves on the air, as a receiver on a pole gets it.

The city's drones speak GB 46750-2025 by Wi-Fi once a second while they are up; other drones GB 42590-2023, as those
that were sold before; aircraft with a transponder ADS-B.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator

from airspace.frames import LatLon, LocalFrame
from poles.heard import adsb, gb46750, open_drone_id
from poles.heard.drone import Aircraft as Heard
from poles.heard.drone import Frame, Operator, OperatorPlace, Status, WeightClass
from poles.heard.open_drone_id import BasicId, IdKind, Location, System
from poles.protocol import Source
from sim.traffic.aircraft import Kind, Place, Sighting

Frames = list[tuple[Source, bytes]]

_AIRCRAFT = {
    Kind.AEROPLANE: Heard.AEROPLANE,
    Kind.HELICOPTER: Heard.ROTORCRAFT,
    Kind.DRONE: Heard.UNMANNED,
    Kind.BALLOON: Heard.AIRSHIP,
}


def product_code(drone: str) -> str:
    """The product code of a simulated drone, from its id."""
    return f"SIM{drone}"[:20].upper()


def address_of(name: str) -> str:
    """A transmitter's address: a locally administered MAC, in hexadecimal."""
    return f"02{zlib.crc32(name.encode()):08x}00"


def own_drone(
    drone: str, at: LatLon, home: LatLon, *, ellipsoidal_m: float, above_takeoff_m: float, velocity: Place, utc_s: float
) -> Frames:
    """The packet of one of the city's drones; `velocity` is east, north and up [m/s]."""
    speed_mps, track_deg = _motion(velocity)
    said = gb46750.Identification(
        product_code=product_code(drone),
        real_name_mark=f"{zlib.crc32(drone.encode()):08X}",
        category=gb46750.Category.SPECIFIC,
        weight_class=WeightClass.LIGHT,
        operator=Operator(position=home, where=OperatorPlace.TAKE_OFF),
        position=at,
        track_deg=track_deg,
        speed_mps=speed_mps,
        above_takeoff_m=above_takeoff_m,
        climb_mps=velocity[2],
        ellipsoidal_m=ellipsoidal_m,
        status=Status.AIRBORNE,
        frame=Frame.CGCS2000,
        horizontal_accuracy_m=1.0,
        vertical_accuracy_m=3.0,
        speed_accuracy_mps=0.3,
        at_s=utc_s,
        time_accuracy_s=0.1,
    )
    return [(Source.GB46750, gb46750.encode(said))]


def other_drone(sighting: Sighting, frame: LocalFrame, datum_ellipsoidal_m: float, utc_s: float) -> Frames:
    """The pack of a drone that nobody here flies."""
    e, n, u = sighting.place
    at = frame.latlon(e, n)
    speed_mps, track_deg = _motion(sighting.velocity)
    first_e, first_n, first_u = sighting.aircraft.path[0]
    pack = (
        BasicId(IdKind.SERIAL, Heard.ROTORCRAFT, product_code(sighting.aircraft.id)),
        Location(
            status=Status.AIRBORNE,
            position=at,
            ellipsoidal_m=u + datum_ellipsoidal_m,
            height_m=u - first_u,
            track_deg=track_deg,
            speed_mps=speed_mps,
            climb_mps=sighting.velocity[2],
            horizontal_accuracy_m=3.0,
            vertical_accuracy_m=3.0,
            speed_accuracy_mps=1.0,
            after_hour_s=utc_s % 3600.0,
            time_accuracy_s=0.5,
        ),
        System(
            operator=frame.latlon(first_e, first_n),
            operator_is=OperatorPlace.TAKE_OFF,
            frame=Frame.CGCS2000,
            region=2,
            at_s=utc_s,
        ),
    )
    return [(Source.GB42590, open_drone_id.encode_pack(pack, open_drone_id.GB_VERSION))]


def transponder(sighting: Sighting, frame: LocalFrame, datum_ellipsoidal_m: float) -> Frames:
    """A second of ADS-B: an even and an odd position by satellites, the velocity, and who it is."""
    e, n, u = sighting.place
    at = frame.latlon(e, n)
    speed_mps, track_deg = _motion(sighting.velocity)
    aircraft = sighting.aircraft

    def said() -> Iterator[adsb.Content]:
        yield adsb.Identification(aircraft.id[:8], _AIRCRAFT[aircraft.kind])
        yield adsb.Accuracy(10.0)
        yield adsb.Velocity(speed_mps, track_deg, sighting.velocity[2])
        for odd in (False, True):
            yield adsb.position(at, odd=odd, ellipsoidal_m=u + datum_ellipsoidal_m)

    return [(Source.ADSB, adsb.encode(f"{aircraft.icao:06x}", content)) for content in said()]


def _motion(velocity: Place) -> tuple[float, float]:
    """Speed over ground [m/s] and track [deg]."""
    east, north, _ = velocity
    return math.hypot(east, north), math.degrees(math.atan2(east, north)) % 360.0
