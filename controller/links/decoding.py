"""Frames to pymavlink's message objects by its own tables, without its field-by-field loop.

A controller decodes twenty messages a second for each drone, nearly all of types whose fields are plain numbers: for
those the values are unpacked and put in order at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import accumulate
from operator import itemgetter
from typing import Any

from fastcrc import crc16
from pymavlink.dialects.v20 import ardupilotmega as mavlink

_HEADER_V1, _HEADER_V2, _CHECKSUM, _SIGNATURE = 6, 10, 2, 13
_SIGNED = 0x01

Unpack = Callable[[bytes], tuple[Any, ...]]


@cache
def _fields(kind: Any) -> Unpack:
    """Unpacks the fields of a type in the order of its constructor."""
    size, unpack = kind.unpacker.size, kind.unpacker.unpack
    arranged: Callable[[Any], Any] = tuple
    if any(kind.array_lengths) or "char" in kind.fieldtypes:
        arranged = _with_arrays(kind)
    elif list(kind.orders) != sorted(kind.orders):
        arranged = itemgetter(*kind.orders)

    def fields(payload: bytes) -> tuple[Any, ...]:
        # zeros at the end are left out on the wire, and fields of a newer dialect may follow
        ordered: tuple[Any, ...] = arranged(unpack(payload[:size].ljust(size, b"\0")))
        return ordered

    return fields


def _with_arrays(kind: Any) -> Callable[[tuple[Any, ...]], list[Any]]:
    """Puts what the payload of a type with texts or arrays holds in order: arrays as lists, texts without their end."""
    starts = list(accumulate(kind.lengths, initial=0))
    places = [slice(starts[order], starts[order + 1]) for order in kind.orders]

    def arranged(values: tuple[Any, ...]) -> list[Any]:
        found: list[Any] = []
        for place in places:
            field = values[place.start]
            if isinstance(field, bytes):
                found.append(field.rstrip(b"\0"))
            else:
                found.append(field if place.stop - place.start == 1 else list(values[place]))
        return found

    return arranged


def checksum_right(frame: bytes | bytearray, crc_extra: int) -> bool:
    """Whether a whole frame, signed or not, of a type with this extra byte came undamaged."""
    end = _end_of_payload(frame)
    checksum = crc16.mcrf4xx(bytes(frame[1:end]) + bytes((crc_extra,)))
    return bool(checksum == frame[end] | frame[end + 1] << 8)


def decoded(frame: bytearray, kind: Any) -> mavlink.MAVLink_message | None:
    """The message in a whole frame of a known type, as pymavlink's `decode` makes it; None when it is damaged.

    A signature is not looked at.
    """
    if not checksum_right(frame, kind.crc_extra):
        return None
    end = _end_of_payload(frame)
    second = frame[0] == mavlink.PROTOCOL_MARKER_V2
    start = _HEADER_V2 if second else _HEADER_V1
    message: mavlink.MAVLink_message = kind(*_fields(kind)(bytes(frame[start:end])))
    message._msgbuf = frame
    message._payload = frame[_HEADER_V1:end]
    message._crc = frame[end] | frame[end + 1] << 8
    header = message._header  # of this type, and else empty
    header.mlen = frame[1]
    if second:
        header.incompat_flags, header.compat_flags = frame[2], frame[3]
        header.seq, header.srcSystem, header.srcComponent = frame[4], frame[5], frame[6]
    else:
        header.seq, header.srcSystem, header.srcComponent = frame[2], frame[3], frame[4]
    return message


def _end_of_payload(frame: bytes | bytearray) -> int:
    signed = frame[0] == mavlink.PROTOCOL_MARKER_V2 and frame[2] & _SIGNED
    return len(frame) - _CHECKSUM - (_SIGNATURE if signed else 0)
