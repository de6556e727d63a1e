"""A drone or aircraft that a pole's receiver heard, whatever language it spoke."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from airspace.frames import LatLon
from poles.protocol import Source


class Status(StrEnum):
    """What the drone says of itself."""

    UNDECLARED = "undeclared"
    GROUND = "ground"
    AIRBORNE = "airborne"
    EMERGENCY = "emergency"
    IDENTIFICATION_FAILED = "identification-failed"
    EMERGENCY_AND_FAILED = "emergency-and-identification-failed"


class WeightClass(StrEnum):
    """The weight classes of civil drones as the broadcast gives them."""

    MICRO = "micro"
    LIGHT = "light"
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Aircraft(StrEnum):
    """What flies, as far as it is said."""

    UNDECLARED = "undeclared"
    AEROPLANE = "aeroplane"
    ROTORCRAFT = "rotorcraft"
    GYROPLANE = "gyroplane"
    HYBRID_LIFT = "hybrid-lift"
    ORNITHOPTER = "ornithopter"
    GLIDER = "glider"
    KITE = "kite"
    FREE_BALLOON = "free-balloon"
    CAPTIVE_BALLOON = "captive-balloon"
    AIRSHIP = "airship"
    PARACHUTE = "parachute"
    ROCKET = "rocket"
    TETHERED = "tethered"
    GROUND_OBSTACLE = "ground-obstacle"
    UNMANNED = "unmanned"
    SURFACE_VEHICLE = "surface-vehicle"
    OTHER = "other"


class Frame(StrEnum):
    """The reference frame that positions are said to be in."""

    CGCS2000 = "CGCS2000"
    WGS84 = "WGS-84"


class OperatorPlace(StrEnum):
    """What the operator's position is of."""

    TAKE_OFF = "take-off"
    STATION = "station"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Operator:
    """Where the people are: the position in CGCS2000 degrees and its ellipsoidal height [m], as far as they are said.

    `where` tells what stands there; `id` is the operator's registration.
    """

    position: LatLon | None = None
    ellipsoidal_m: float | None = None
    where: OperatorPlace | None = None
    id: str = ""


NOBODY = Operator()


@dataclass(frozen=True, slots=True)
class HeardDrone:
    """All that was heard of one transmitter; what was not said is None or empty.

    `position` is taken as CGCS2000 degrees also where `frame` says WGS-84: today's realisations of both agree to some
    decimetres, far under what any of these messages resolves or promises. Heights name their datum: `ellipsoidal_m`,
    `pressure_m` (standard atmosphere from 1013.25 hPa), `above_takeoff_m`, `above_ground_m`. `track_deg` is the course
    over ground, clockwise from true north. `said_s` is the UTC second that the transmitter gave its position, by its
    own clock; `heard_s` the pole's UTC second of the last frame, and `placed_s` that of the last one with a position.
    `id` is the product code, serial number, session or ICAO address; `registration` the real-name mark, registration
    or call sign.
    """

    source: Source
    transmitter: str
    heard_s: float
    id: str = ""
    registration: str = ""
    aircraft: Aircraft = Aircraft.UNDECLARED
    weight_class: WeightClass | None = None
    status: Status = Status.UNDECLARED
    position: LatLon | None = None
    placed_s: float | None = None
    frame: Frame = Frame.WGS84
    ellipsoidal_m: float | None = None
    pressure_m: float | None = None
    above_takeoff_m: float | None = None
    above_ground_m: float | None = None
    track_deg: float | None = None
    speed_mps: float | None = None
    climb_mps: float | None = None
    horizontal_accuracy_m: float | None = None
    vertical_accuracy_m: float | None = None
    speed_accuracy_mps: float | None = None
    said_s: float | None = None
    operator: Operator = NOBODY
    text: str = ""
    rssi_dbm: float | None = None


def place(lat_deg: float, lon_deg: float) -> LatLon | None:
    """A position as it came off the air; None when it is none on Earth."""
    return LatLon(lat_deg, lon_deg) if abs(lat_deg) <= 90.0 and abs(lon_deg) <= 180.0 else None


def printable(raw: bytes) -> str:
    """The text in a field that is filled up with zeros or blanks; what cannot be shown is left out."""
    text = raw.split(b"\0", 1)[0].decode("utf-8", "ignore")
    return "".join(character for character in text if character.isprintable()).strip()
