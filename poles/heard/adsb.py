"""ADS-B by 1090 MHz extended squitter: Mode S downlink formats 17 and 18 (ICAO Doc 9871; RTCA DO-260B).

A frame is 14 bytes, the last three the parity (CRC-24 with generator 0xFFF409) of the first eleven. Decoded are type
codes 1 to 8 and 9 to 22 (identification, positions), 19 (velocity), 28 (emergency) and 31 (accuracy).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from airspace.frames import LatLon
from poles.heard import altitude_code, cpr
from poles.heard.cpr import Cpr
from poles.heard.drone import Aircraft, Status

FRAME_BYTES = 14
GENERATOR = 0xFFF409
FT_M = 0.3048
KT_MPS = 1852.0 / 3600.0
FPM_MPS = FT_M / 60.0
LETTERS = "#ABCDEFGHIJKLMNOPQRSTUVWXYZ#####_###############0123456789######"

# Control fields of DF 18 that carry extended squitter with an ICAO address (0, 6) or another kind of address (1).
_CONTROLS = (0, 1, 6)
# Category sets D to A are type codes 1 to 4: what each number of the set means.
_CATEGORIES: dict[tuple[int, int], Aircraft] = {
    (4, 7): Aircraft.ROTORCRAFT, (3, 1): Aircraft.GLIDER, (3, 2): Aircraft.AIRSHIP, (3, 3): Aircraft.PARACHUTE,
    (3, 4): Aircraft.GLIDER, (3, 6): Aircraft.UNMANNED, (3, 7): Aircraft.ROCKET, (2, 1): Aircraft.SURFACE_VEHICLE,
    (2, 3): Aircraft.SURFACE_VEHICLE, (2, 4): Aircraft.GROUND_OBSTACLE, (2, 5): Aircraft.GROUND_OBSTACLE,
    **{(4, n): Aircraft.AEROPLANE for n in range(1, 7)},
}  # fmt: skip
# Bound of the horizontal error by NACp 1 to 11 (DO-260B, table N-7) [m].
_NACP_M = (18520.0, 7408.0, 3704.0, 1852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0)


@dataclass(frozen=True, slots=True)
class Identification:
    """The call sign and what flies under it."""

    callsign: str
    aircraft: Aircraft


@dataclass(frozen=True, slots=True)
class Position:
    """A coded position with one height: by pressure, or by satellites over the ellipsoid; on the surface the motion."""

    cpr: Cpr
    pressure_m: float | None = None
    ellipsoidal_m: float | None = None
    speed_mps: float | None = None
    track_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Velocity:
    """How it moves over ground; an aircraft that only says its airspeed and heading says neither speed nor track.

    `ellipsoidal_over_pressure_m` is how much higher it is by satellites than by pressure.
    """

    speed_mps: float | None = None
    track_deg: float | None = None
    climb_mps: float | None = None
    ellipsoidal_over_pressure_m: float | None = None


@dataclass(frozen=True, slots=True)
class Emergency:
    """Whether it declares an emergency."""

    status: Status


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How good its positions are at least [m]; None when it does not say."""

    horizontal_accuracy_m: float | None


Content = Identification | Position | Velocity | Emergency | Accuracy


@dataclass(frozen=True, slots=True)
class Squitter:
    """One frame: the address of its transmitter in hexadecimal, and what it says."""

    icao: str
    content: Content


def parity(data: bytes) -> int:
    """The 24 bits of parity of some bytes."""
    remainder = 0
    for byte in data:
        remainder ^= byte << 16
        for _ in range(8):
            remainder = remainder << 1 ^ (0x1000000 | GENERATOR if remainder & 0x800000 else 0)
    return remainder & 0xFFFFFF


def decode(frame: bytes) -> Squitter | None:
    """What a frame says; None when its parity is wrong, or it is of another format or says something else."""
    if len(frame) != FRAME_BYTES or not _is_squitter(frame[0]) or parity(frame[:11]) != int.from_bytes(frame[11:]):
        return None
    content = _content(int.from_bytes(frame[4:11]))
    return None if content is None else Squitter(frame[1:4].hex(), content)


def encode(icao: str, content: Content) -> bytes:
    """The frame of an aircraft with a transponder (DF 17, capability 5). `icao` is six hexadecimal digits."""
    match content:
        case Identification():
            body = _from_identification(content)
        case Position():
            body = _from_position(content)
        case Velocity():
            body = _from_velocity(content)
        case Emergency():
            body = 28 << 51 | 1 << 48 | (content.status is Status.EMERGENCY) << 45
        case Accuracy():
            body = 31 << 51 | 2 << 13 | _from_accuracy(content) << 8
    head = bytes((17 << 3 | 5,)) + bytes.fromhex(icao) + body.to_bytes(7)
    return head + parity(head).to_bytes(3)


def position(at: LatLon, *, odd: bool, pressure_m: float | None = None, ellipsoidal_m: float | None = None) -> Position:
    """What an aircraft in the air says of its place, by turns even and odd."""
    return Position(cpr.encode(at, odd=odd), pressure_m, None if pressure_m is not None else ellipsoidal_m)


def _is_squitter(first: int) -> bool:
    return first >> 3 == 17 or (first >> 3 == 18 and first & 7 in _CONTROLS)


def _content(body: int) -> Content | None:
    code, subtype = body >> 51, body >> 48 & 7
    if 1 <= code <= 4:
        return _identification(body, code, subtype)
    if 5 <= code <= 8:
        return _surface(body)
    if 9 <= code <= 18:
        return Position(_cpr(body), pressure_m=altitude_code.decode_m(body >> 36 & 0xFFF))
    if 20 <= code <= 22:
        return Position(_cpr(body), ellipsoidal_m=float(body >> 36 & 0xFFF) or None)
    if code == 19 and 1 <= subtype <= 4:
        return _velocity(body, subtype)
    if code == 28 and subtype == 1:
        return Emergency(Status.EMERGENCY if body >> 45 & 7 else Status.UNDECLARED)
    if code == 31 and subtype <= 1 and 1 <= body >> 13 & 7 <= 2:
        grade = body >> 8 & 0xF
        return Accuracy(_NACP_M[grade - 1] if 1 <= grade <= len(_NACP_M) else None)
    return None


def _identification(body: int, code: int, number: int) -> Identification:
    letters = "".join(LETTERS[body >> shift & 0x3F] for shift in range(42, -1, -6))
    return Identification(letters.replace("_", " ").replace("#", "").strip(), _aircraft(code, number))


def _aircraft(code: int, number: int) -> Aircraft:
    return _CATEGORIES.get((code, number), Aircraft.UNDECLARED)


def _cpr(body: int, *, surface: bool = False) -> Cpr:
    return Cpr(bool(body >> 34 & 1), body >> 17 & 0x1FFFF, body & 0x1FFFF, surface)


# Ends of the steps of movement on the surface: number from which they hold, knots there, knots a step.
_MOVEMENT = ((2, 0.125, 0.125), (9, 1.0, 0.25), (13, 2.0, 0.5), (39, 15.0, 1.0), (94, 70.0, 2.0), (109, 100.0, 5.0))
_MOST_MOVEMENT = 124


def _surface(body: int) -> Position:
    movement = body >> 44 & 0x7F
    speed_kt = None
    if movement == 1:
        speed_kt = 0.0
    elif 2 <= movement <= _MOST_MOVEMENT:
        first, knots, step = max(row for row in _MOVEMENT if row[0] <= movement)
        speed_kt = knots + (movement - first) * step
    track = (body >> 36 & 0x7F) * 360.0 / 128.0 if body >> 43 & 1 else None
    return Position(
        _cpr(body, surface=True), speed_mps=None if speed_kt is None else speed_kt * KT_MPS, track_deg=track
    )


def _velocity(body: int, subtype: int) -> Velocity:
    times = 4 if subtype in (2, 4) else 1
    east, north = body >> 32 & 0x3FF, body >> 21 & 0x3FF
    speed = track = None
    if subtype <= 2 and east and north:
        v_east = (east - 1) * times * (-1 if body >> 42 & 1 else 1)
        v_north = (north - 1) * times * (-1 if body >> 31 & 1 else 1)
        speed = math.hypot(v_east, v_north) * KT_MPS
        track = math.degrees(math.atan2(v_east, v_north)) % 360.0
    climb, over = body >> 10 & 0x1FF, body & 0x7F
    return Velocity(
        speed_mps=speed,
        track_deg=track,
        climb_mps=(climb - 1) * 64 * FPM_MPS * (-1 if body >> 19 & 1 else 1) if climb else None,
        ellipsoidal_over_pressure_m=(over - 1) * 25 * FT_M * (-1 if body >> 7 & 1 else 1) if 0 < over < 127 else None,
    )


def _from_identification(said: Identification) -> int:
    code, number = next((key for key, kind in _CATEGORIES.items() if kind is said.aircraft), (4, 0))
    body = code << 51 | number << 48
    for n, letter in enumerate(said.callsign.upper()[:8].ljust(8)):
        index = LETTERS.find("_" if letter == " " else letter)
        body |= (index if index >= 0 and letter != "#" else 32) << 42 - 6 * n
    return body


def _from_position(said: Position) -> int:
    coded = said.cpr
    place = coded.odd << 34 | coded.lat << 17 | coded.lon
    if coded.surface:
        track = 0 if said.track_deg is None else 1 << 43 | round(said.track_deg * 128.0 / 360.0) % 128 << 36
        return 7 << 51 | _from_movement(said.speed_mps) << 44 | track | place
    if said.ellipsoidal_m is not None:
        return 20 << 51 | min(max(round(said.ellipsoidal_m), 1), 0xFFF) << 36 | place
    return 11 << 51 | altitude_code.encode(said.pressure_m) << 36 | place


def _from_movement(speed_mps: float | None) -> int:
    if speed_mps is None:
        return 0
    knots = speed_mps / KT_MPS
    if knots < _MOVEMENT[0][1]:
        return 1
    first, least, step = max(row for row in _MOVEMENT if row[1] <= knots)
    return min(first + math.floor((knots - least) / step), _MOST_MOVEMENT)


def _from_velocity(said: Velocity) -> int:
    body = 19 << 51 | 1 << 48
    if said.speed_mps is not None and said.track_deg is not None:
        east, north = (
            round(said.speed_mps * turn(math.radians(said.track_deg)) / KT_MPS) for turn in (math.sin, math.cos)
        )
        times = 4 if max(abs(east), abs(north)) > 1022 else 1
        body = 19 << 51 | (2 if times == 4 else 1) << 48
        body |= (east < 0) << 42 | min(round(abs(east) / times) + 1, 1023) << 32
        body |= (north < 0) << 31 | min(round(abs(north) / times) + 1, 1023) << 21
    if said.climb_mps is not None:
        steps = round(said.climb_mps / FPM_MPS / 64)
        body |= (steps < 0) << 19 | min(abs(steps) + 1, 511) << 10
    if said.ellipsoidal_over_pressure_m is not None:
        steps = round(said.ellipsoidal_over_pressure_m / FT_M / 25)
        body |= (steps < 0) << 7 | min(abs(steps) + 1, 127)  # 127: more than can be said
    return body


def _from_accuracy(said: Accuracy) -> int:
    bound = said.horizontal_accuracy_m
    return 0 if bound is None else sum(1 for most in _NACP_M if bound <= most)
