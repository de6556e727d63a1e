"""Broadcast identification of GB 46750-2025, "Civil unmanned aircraft system operation identification".

A packet is 0xFF, a version byte (major version 1 in its upper three bits), the length of the content, a map of the
items that are there (bits 7 to 1 of each byte, from item 001 on; bit 0 says that another byte of the map follows, and
there are at least three), and the items in their order, numbers least significant byte first. Longitude comes before
latitude: two encoders that are around in public write it the other way round, and are wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from airspace.frames import LatLon
from poles.heard.accuracy import HORIZONTAL_M, SPEED_MPS, TIME_S, VERTICAL_M, bound_of, class_of
from poles.heard.drone import NOBODY, Frame, Operator, OperatorPlace, Status, WeightClass, place, printable

T = TypeVar("T")

PACKET = 0xFF
MAJOR_VERSION = 1
MOST_CONTENT_BYTES = 200
LEAST_MAP_BYTES = 3
NOWHERE = b"\xff" * 8
UNKNOWN_U16 = 0xFFFF

# Bytes of items 001 to 021.
WIDTHS = (20, 8, 1, 1, 1, 8, 2, 8, 2, 2, 2, 1, 2, 2, 1, 1, 1, 1, 1, 6, 1)

_CLASSES = (WeightClass.MICRO, WeightClass.LIGHT, WeightClass.SMALL, WeightClass.MEDIUM, WeightClass.LARGE)
_STATES = (
    Status.UNDECLARED, Status.GROUND, Status.AIRBORNE, Status.EMERGENCY, Status.IDENTIFICATION_FAILED,
    Status.EMERGENCY_AND_FAILED,
)  # fmt: skip
_FRAMES = (Frame.WGS84, Frame.CGCS2000)
_OPERATOR_PLACES = (OperatorPlace.TAKE_OFF, OperatorPlace.STATION)


class Category(IntEnum):
    """How the flight is approved (item 003)."""

    UNDEFINED = 0
    OPEN = 1
    SPECIFIC = 2
    CERTIFIED = 3


@dataclass(frozen=True, slots=True)
class Identification:
    """One packet: items that are not there, or say that they are unknown, are None (or empty, or undeclared).

    `product_code` is the unique product code UPIC (GB/T 41300), `real_name_mark` the last eight characters of the
    registration. Speeds [m/s], up is positive; heights [m]; accuracies as upper bounds; `at_s` UTC.
    """

    product_code: str = ""
    real_name_mark: str = ""
    category: Category | None = None
    weight_class: WeightClass | None = None
    operator: Operator = NOBODY
    position: LatLon | None = None
    track_deg: float | None = None
    speed_mps: float | None = None
    above_takeoff_m: float | None = None
    climb_mps: float | None = None
    ellipsoidal_m: float | None = None
    pressure_m: float | None = None
    status: Status = Status.UNDECLARED
    frame: Frame | None = None
    horizontal_accuracy_m: float | None = None
    vertical_accuracy_m: float | None = None
    speed_accuracy_mps: float | None = None
    at_s: float | None = None
    time_accuracy_s: float | None = None


def decode(packet: bytes) -> Identification | None:
    """What a packet says, None when it is none, of another major version, or shorter than it claims.

    Items after 021, which a later minor version may add, are passed over; bytes after the content too.
    """
    items = _items(packet)
    if items is None:
        return None
    get = items.get
    return Identification(
        product_code=printable(get(1, b"")),
        real_name_mark=printable(get(2, b"")),
        category=_one_of(tuple(Category), get(3)),
        weight_class=_one_of(_CLASSES, get(4)),
        operator=Operator(_position(get(6)), _height(get(7), 1000.0), _one_of(_OPERATOR_PLACES, get(5))),
        position=_position(get(8)),
        track_deg=_track(get(9)),
        speed_mps=_tenths(get(10)),
        above_takeoff_m=_height(get(11), 9000.0),
        climb_mps=_climb(get(12)),
        ellipsoidal_m=_height(get(13), 1000.0),
        pressure_m=_height(get(14), 1000.0),
        status=_one_of(_STATES, get(15)) or Status.UNDECLARED,
        frame=_one_of(_FRAMES, get(16)),
        horizontal_accuracy_m=bound_of(_number(get(17)), HORIZONTAL_M),
        vertical_accuracy_m=bound_of(_number(get(18)), VERTICAL_M),
        speed_accuracy_mps=bound_of(_number(get(19)), SPEED_MPS),
        at_s=_number(get(20)) / 1000.0 or None,
        time_accuracy_s=bound_of(_number(get(21)), TIME_S),
    )


def encode(said: Identification) -> bytes:
    """The packet with all 21 items; what is None is sent as unknown."""
    operator = said.operator
    items = (
        said.product_code.encode("ascii", "replace")[:20].ljust(20, b"\0"),
        said.real_name_mark.encode("ascii", "replace")[-8:].rjust(8, b"0"),
        _byte(said.category or 0),
        _byte(_CLASSES.index(said.weight_class) if said.weight_class else 0),
        _byte(_OPERATOR_PLACES.index(operator.where) if operator.where in _OPERATOR_PLACES else 0),
        _from_position(operator.position),
        _from_height(operator.ellipsoidal_m, 1000.0),
        _from_position(said.position),
        _u16(UNKNOWN_U16 if said.track_deg is None else math.floor(said.track_deg * 10.0 + 1e-6) % 3600),
        _u16(UNKNOWN_U16 if said.speed_mps is None else min(math.floor(said.speed_mps * 10.0 + 1e-6), 0xFFFE)),
        _from_height(said.above_takeoff_m, 9000.0),
        _from_climb(said.climb_mps),
        _from_height(said.ellipsoidal_m, 1000.0),
        _from_height(said.pressure_m, 1000.0),
        _byte(_STATES.index(said.status)),
        _byte(_FRAMES.index(said.frame) if said.frame else 0),
        _byte(class_of(_just_under(said.horizontal_accuracy_m), HORIZONTAL_M)),
        _byte(class_of(_just_under(said.vertical_accuracy_m), VERTICAL_M)),
        _byte(class_of(_just_under(said.speed_accuracy_mps), SPEED_MPS)),
        round((said.at_s or 0.0) * 1000.0).to_bytes(6, "little"),
        _byte(class_of(_just_under(said.time_accuracy_s), TIME_S)),
    )
    content = b"".join(items)
    return bytes((PACKET, MAJOR_VERSION << 5, len(content), 0xFF, 0xFF, 0xFE)) + content


def _items(packet: bytes) -> dict[int, bytes] | None:
    """The items that are there, by number; None when the packet is none."""
    if len(packet) < 3 + LEAST_MAP_BYTES or packet[0] != PACKET or packet[1] >> 5 != MAJOR_VERSION:
        return None
    length, at = packet[2], 3
    if not 1 <= length <= MOST_CONTENT_BYTES:
        return None
    present: list[int] = []
    more = True
    while more:
        if at >= len(packet):
            return None
        first = 1 + 7 * (at - 3)
        present += [first + n for n in range(7) if packet[at] & 0x80 >> n]
        at += 1
        more = bool(packet[at - 1] & 1) or at < 3 + LEAST_MAP_BYTES
    end = at + length
    if end > len(packet):
        return None
    items: dict[int, bytes] = {}
    for number in present:
        if number > len(WIDTHS):
            break  # what is unknown comes last
        if at + WIDTHS[number - 1] > end:
            return None
        items[number] = packet[at : at + WIDTHS[number - 1]]
        at += WIDTHS[number - 1]
    return items


def _number(item: bytes | None) -> int:
    return int.from_bytes(item or b"", "little")


def _one_of(table: tuple[T, ...], item: bytes | None) -> T | None:
    return table[item[0]] if item is not None and item[0] < len(table) else None


def _position(item: bytes | None) -> LatLon | None:
    if item is None or item == NOWHERE:
        return None
    lon, lat = (int.from_bytes(item[n : n + 4], "little", signed=True) for n in (0, 4))
    return place(lat / 1e7, lon / 1e7)


def _height(item: bytes | None, offset_m: float) -> float | None:
    number = _number(item)
    return number / 2.0 - offset_m if number else None


def _track(item: bytes | None) -> float | None:
    return _number(item) / 10.0 if item is not None and _number(item) < 3600 else None


def _tenths(item: bytes | None) -> float | None:
    return _number(item) / 10.0 if item is not None and _number(item) != UNKNOWN_U16 else None


def _climb(item: bytes | None) -> float | None:
    if item is None or item[0] == 0xFF:
        return None
    return (item[0] & 0x7F) / (-2.0 if item[0] & 0x80 else 2.0)


def _byte(number: int) -> bytes:
    return bytes((number,))


def _u16(number: int) -> bytes:
    return number.to_bytes(2, "little")


def _from_position(position: LatLon | None) -> bytes:
    if position is None:
        return NOWHERE
    return b"".join(round(deg * 1e7).to_bytes(4, "little", signed=True) for deg in (position.lon_deg, position.lat_deg))


def _from_height(height_m: float | None, offset_m: float) -> bytes:
    return _u16(0 if height_m is None else min(max(round((height_m + offset_m) * 2.0), 1), 0xFFFF))


def _from_climb(climb_mps: float | None) -> bytes:
    if climb_mps is None:
        return b"\xff"
    size = min(round(abs(climb_mps) * 2.0), 126 if climb_mps < 0.0 else 127)  # 127 down would read as unknown
    return _byte(size | (0x80 if climb_mps < 0.0 and size else 0))


def _just_under(bound: float | None) -> float | None:
    """An accuracy that a bound promises: under it, so that the bound's own class is found."""
    return None if bound is None else bound * (1.0 - 1e-9)
