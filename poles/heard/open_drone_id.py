"""Open Drone ID: the messages of ASTM F3411-22a, and of GB 42590-2023, which took their shape as protocol version 1.

A message is 25 bytes: its type and protocol version in the first byte, numbers least significant byte first, latitude
before longitude. Bluetooth 4 sends single messages, everything else packs of up to nine. In China's version bit 7 of
the System message's flags says that positions are CGCS2000.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from airspace.frames import LatLon
from poles.heard.accuracy import HORIZONTAL_M, SPEED_MPS, VERTICAL_M, bound_of, class_of
from poles.heard.drone import Aircraft, Frame, OperatorPlace, Status, place, printable

MESSAGE_BYTES = 25
MOST_IN_PACK = 9
ASTM_VERSION = 2  # F3411-22a
GB_VERSION = 1  # GB 42590-2023; F3411-19 as well, which nobody sends in China
PACK = 0xF
EPOCH_2019_S = 1_546_300_800  # 2019-01-01T00:00:00Z, from which System and Authentication count
UNKNOWN_TIME = 0xFFFF
UNKNOWN_SPEED = 255
UNKNOWN_CLIMB = 126
UNKNOWN_TRACK = 361
SLOW_STEP_MPS, FAST_STEP_MPS = 0.25, 0.75
CHANGE_OF_STEP_MPS = 255 * SLOW_STEP_MPS
FASTEST_MPS = 254.25
STEEPEST_MPS = 62.0
FIRST_PAGE_BYTES, NEXT_PAGE_BYTES = 17, 23

AIRCRAFT = (
    Aircraft.UNDECLARED, Aircraft.AEROPLANE, Aircraft.ROTORCRAFT, Aircraft.GYROPLANE, Aircraft.HYBRID_LIFT,
    Aircraft.ORNITHOPTER, Aircraft.GLIDER, Aircraft.KITE, Aircraft.FREE_BALLOON, Aircraft.CAPTIVE_BALLOON,
    Aircraft.AIRSHIP, Aircraft.PARACHUTE, Aircraft.ROCKET, Aircraft.TETHERED, Aircraft.GROUND_OBSTACLE, Aircraft.OTHER,
)  # fmt: skip
_STATES = (
    Status.UNDECLARED, Status.GROUND, Status.AIRBORNE, Status.EMERGENCY, Status.IDENTIFICATION_FAILED,
)  # fmt: skip
_OPERATOR_PLACES = (OperatorPlace.TAKE_OFF, OperatorPlace.STATION, OperatorPlace.FIXED)


class IdKind(IntEnum):
    """What a Basic ID is."""

    NONE = 0
    SERIAL = 1  # ANSI/CTA-2063-A; in China the product code
    REGISTRATION = 2
    UTM = 3  # a UUID
    SESSION = 4


@dataclass(frozen=True, slots=True)
class BasicId:
    """Who it is: text for serial numbers and registrations, hexadecimal for UUIDs and session ids."""

    kind: IdKind
    aircraft: Aircraft
    id: str


@dataclass(frozen=True, slots=True)
class Location:
    """Where it is and how it moves; `after_hour_s` is the time of it in seconds after the last full hour UTC."""

    status: Status = Status.UNDECLARED
    position: LatLon | None = None
    pressure_m: float | None = None
    ellipsoidal_m: float | None = None
    height_m: float | None = None
    over_ground: bool = False  # the height; over the place of take-off when not
    track_deg: float | None = None
    speed_mps: float | None = None
    climb_mps: float | None = None
    horizontal_accuracy_m: float | None = None
    vertical_accuracy_m: float | None = None
    pressure_accuracy_m: float | None = None
    speed_accuracy_mps: float | None = None
    after_hour_s: float | None = None
    time_accuracy_s: float | None = None


@dataclass(frozen=True, slots=True)
class Authentication:
    """One page of a signature; `length` [bytes] and `at_s` (UTC) stand on page 0 only."""

    kind: int
    page: int
    data: bytes
    last_page: int = 0
    length: int = 0
    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SelfId:
    """What it does, in the operator's words; `kind` 0 is plain text, 1 an emergency, 2 extended status."""

    kind: int
    text: str


@dataclass(frozen=True, slots=True)
class System:
    """Where its operator is, and the area of a swarm.

    `category` and `grade` are numbers of the classification `region` (1 is the EU's, 2 China's, whose numbers are those
    of GB 42590-2023).
    """

    operator: LatLon | None = None
    operator_is: OperatorPlace | None = None
    operator_ellipsoidal_m: float | None = None
    frame: Frame = Frame.WGS84
    region: int = 0
    category: int = 0
    grade: int = 0
    area_count: int = 1
    area_radius_m: float = 0.0
    area_ceiling_m: float | None = None
    area_floor_m: float | None = None
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class OperatorId:
    """The operator's registration."""

    kind: int
    id: str


Message = BasicId | Location | Authentication | SelfId | System | OperatorId

_LOCATION = struct.Struct("<BBBb ii HHH BB H B x")
_SYSTEM = struct.Struct("<B ii H B HH B H I x")


def decode(frame: bytes) -> tuple[Message, ...]:
    """The messages of a frame, one or a pack; empty when it is neither. Messages of unknown types are passed over.

    Bytes after the last message are not looked at: some radios hand on what follows in the air.
    """
    if len(frame) < 3:
        return ()
    if frame[0] >> 4 != PACK:
        message = _message(frame[:MESSAGE_BYTES])
        return () if message is None else (message,)
    size, count = frame[1], frame[2]
    if size != MESSAGE_BYTES or not 1 <= count <= MOST_IN_PACK or len(frame) < 3 + count * size:
        return ()
    messages = (_message(frame[3 + n * size : 3 + (n + 1) * size]) for n in range(count))
    return tuple(message for message in messages if message is not None)


def version_of(frame: bytes) -> int:
    """The protocol version of a message or pack."""
    return frame[0] & 0x0F if frame else 0


def encode(message: Message, version: int = ASTM_VERSION) -> bytes:
    """The 25 bytes of one message; speeds and heights beyond the fields' ranges are sent as their ends."""
    match message:
        case BasicId():
            number, body = 0, _from_basic_id(message)
        case Location():
            number, body = 1, _from_location(message)
        case Authentication():
            number, body = 2, _from_authentication(message)
        case SelfId():
            number, body = 3, bytes((message.kind,)) + _text(message.text, 23)
        case System():
            number, body = 4, _from_system(message)
        case OperatorId():
            number, body = 5, bytes((message.kind,)) + _text(message.id, 20)
    return (bytes((number << 4 | version,)) + body).ljust(MESSAGE_BYTES, b"\0")


def encode_pack(messages: Sequence[Message], version: int = ASTM_VERSION) -> bytes:
    """A pack of one to nine messages. Raises ValueError for fewer or more."""
    if not 1 <= len(messages) <= MOST_IN_PACK:
        raise ValueError(f"a pack holds 1 to {MOST_IN_PACK} messages, not {len(messages)}")
    head = bytes((PACK << 4 | version, MESSAGE_BYTES, len(messages)))
    return head + b"".join(encode(message, version) for message in messages)


def _message(raw: bytes) -> Message | None:
    if len(raw) != MESSAGE_BYTES:
        return None
    body = raw[1:]
    match raw[0] >> 4:
        case 0:
            return _basic_id(body)
        case 1:
            return _location(body)
        case 2:
            return _authentication(body)
        case 3:
            return SelfId(body[0], printable(body[1:24]))
        case 4:
            return _system(body)
        case 5:
            return OperatorId(body[0], printable(body[1:21]))
        case _:
            return None


def _basic_id(body: bytes) -> BasicId | None:
    if body[0] >> 4 > max(IdKind):
        return None
    kind, aircraft, raw = IdKind(body[0] >> 4), AIRCRAFT[body[0] & 0x0F], body[1:21]
    binary = {IdKind.UTM: 16, IdKind.SESSION: 20}.get(kind)
    return BasicId(kind, aircraft, raw[:binary].hex() if binary else printable(raw))


def _location(body: bytes) -> Location:
    flags, track, speed, climb, lat, lon, pressure, geodetic, height, across, along, time, sure = _LOCATION.unpack(body)
    fast, west = flags & 0x01, flags & 0x02
    return Location(
        status=_STATES[flags >> 4] if flags >> 4 < len(_STATES) else Status.UNDECLARED,
        position=_position(lat, lon),
        pressure_m=_height(pressure),
        ellipsoidal_m=_height(geodetic),
        height_m=_height(height),
        over_ground=bool(flags & 0x04),
        track_deg=_track(track + (180 if west else 0)),
        speed_mps=_speed(speed, bool(fast)),
        climb_mps=climb / 2.0 if abs(climb) <= 2 * STEEPEST_MPS else None,
        horizontal_accuracy_m=bound_of(across & 0x0F, HORIZONTAL_M),
        vertical_accuracy_m=bound_of(across >> 4, VERTICAL_M),
        pressure_accuracy_m=bound_of(along >> 4, VERTICAL_M),
        speed_accuracy_mps=bound_of(along & 0x0F, SPEED_MPS),
        after_hour_s=time / 10.0 if time <= 36000 else None,
        time_accuracy_s=(sure & 0x0F) / 10.0 or None,
    )


def _authentication(body: bytes) -> Authentication:
    kind, page = body[0] >> 4, body[0] & 0x0F
    if page:
        return Authentication(kind, page, body[1:24])
    at_s = int.from_bytes(body[3:7], "little") + EPOCH_2019_S
    return Authentication(kind, 0, body[7:24], last_page=body[1], length=body[2], at_s=float(at_s))


def _system(body: bytes) -> System:
    flags, lat, lon, count, radius, ceiling, floor, classes, height, time = _SYSTEM.unpack(body)
    return System(
        operator=_position(lat, lon),
        operator_is=_OPERATOR_PLACES[flags & 3] if flags & 3 < len(_OPERATOR_PLACES) else None,
        operator_ellipsoidal_m=_height(height),
        frame=Frame.CGCS2000 if flags & 0x80 else Frame.WGS84,
        region=flags >> 2 & 7,
        category=classes >> 4,
        grade=classes & 0x0F,
        area_count=count,
        area_radius_m=radius * 10.0,
        area_ceiling_m=_height(ceiling),
        area_floor_m=_height(floor),
        at_s=float(time + EPOCH_2019_S) if time else None,
    )


def _position(lat: int, lon: int) -> LatLon | None:
    return None if lat == lon == 0 else place(lat / 1e7, lon / 1e7)


def _height(number: int) -> float | None:
    return number / 2.0 - 1000.0 if number else None


def _track(whole_deg: int) -> float | None:
    return float(whole_deg % 360) if whole_deg <= 360 else None


def _speed(number: int, fast: bool) -> float | None:
    if not fast:
        return number * SLOW_STEP_MPS
    return None if number == UNKNOWN_SPEED else number * FAST_STEP_MPS + CHANGE_OF_STEP_MPS


def _from_basic_id(message: BasicId) -> bytes:
    binary = message.kind in (IdKind.UTM, IdKind.SESSION)
    raw = bytes.fromhex(message.id) if binary else _text(message.id, 20)
    return bytes((message.kind << 4 | AIRCRAFT.index(message.aircraft),)) + raw[:20].ljust(20, b"\0")


def _from_location(said: Location) -> bytes:
    track = UNKNOWN_TRACK if said.track_deg is None else round(said.track_deg) % 360
    west = track >= 180
    speed, fast = _from_speed(said.speed_mps)
    status = _STATES.index(said.status) if said.status in _STATES else _STATES.index(Status.EMERGENCY)
    climb = UNKNOWN_CLIMB
    if said.climb_mps is not None:
        climb = round(min(max(said.climb_mps, -STEEPEST_MPS), STEEPEST_MPS) * 2.0)
    return _LOCATION.pack(
        status << 4 | said.over_ground << 2 | west << 1 | fast,
        track - 180 if west else track,
        speed,
        climb,
        *_from_position(said.position),
        _from_height(said.pressure_m),
        _from_height(said.ellipsoidal_m),
        _from_height(said.height_m),
        _class(said.vertical_accuracy_m, VERTICAL_M) << 4 | _class(said.horizontal_accuracy_m, HORIZONTAL_M),
        _class(said.pressure_accuracy_m, VERTICAL_M) << 4 | _class(said.speed_accuracy_mps, SPEED_MPS),
        UNKNOWN_TIME if said.after_hour_s is None else min(round(said.after_hour_s * 10.0), 36000),
        min(round((said.time_accuracy_s or 0.0) * 10.0), 15),
    )


def _from_authentication(said: Authentication) -> bytes:
    head = bytes((said.kind << 4 | said.page,))
    if said.page:
        return head + said.data[:NEXT_PAGE_BYTES]
    at = max(round(said.at_s) - EPOCH_2019_S, 0)
    return head + bytes((said.last_page, said.length)) + at.to_bytes(4, "little") + said.data[:FIRST_PAGE_BYTES]


def _from_system(said: System) -> bytes:
    where = _OPERATOR_PLACES.index(said.operator_is) if said.operator_is else 0
    return _SYSTEM.pack(
        (said.frame is Frame.CGCS2000) << 7 | said.region << 2 | where,
        *_from_position(said.operator),
        said.area_count,
        min(round(said.area_radius_m / 10.0), 255),
        _from_height(said.area_ceiling_m),
        _from_height(said.area_floor_m),
        said.category << 4 | said.grade,
        _from_height(said.operator_ellipsoidal_m),
        0 if said.at_s is None else max(round(said.at_s) - EPOCH_2019_S, 0),
    )


def _from_position(position: LatLon | None) -> tuple[int, int]:
    return (0, 0) if position is None else (round(position.lat_deg * 1e7), round(position.lon_deg * 1e7))


def _from_height(height_m: float | None) -> int:
    return 0 if height_m is None else min(max(round((height_m + 1000.0) * 2.0), 1), 0xFFFF)


def _from_speed(speed_mps: float | None) -> tuple[int, bool]:
    if speed_mps is None:
        return UNKNOWN_SPEED, True
    if speed_mps <= CHANGE_OF_STEP_MPS:
        return round(speed_mps / SLOW_STEP_MPS), False
    return round((min(speed_mps, FASTEST_MPS) - CHANGE_OF_STEP_MPS) / FAST_STEP_MPS), True


def _class(bound: float | None, bounds: Sequence[float]) -> int:
    return class_of(None if bound is None else bound * (1.0 - 1e-9), bounds)


def _text(text: str, size: int) -> bytes:
    return text.encode("utf-8")[:size].decode("utf-8", "ignore").encode("utf-8").ljust(size, b"\0")
