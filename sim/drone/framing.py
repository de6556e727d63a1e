"""MAVLink messages as bytes: one table of how each type lies on the wire, and the framing of one link.

pymavlink packs a message field by field through an object of its own; a simulated city sends a million messages a
minute, so its tables are used here without its objects (https://mavlink.io/en/guide/serialization.html). The payload
does not depend on the link, so that one payload serves every link; header, checksum and signature do.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from functools import cache
from operator import itemgetter
from typing import Any, TypeAlias

from fastcrc import crc16
from pymavlink.dialects.v20 import ardupilotmega as mavlink

MAGIC_V1, MAGIC_V2 = b"\xfe", b"\xfd"
SIGNED = 0x01  # incompatibility flag
LAST_V1_ID = 255
_HEADER_V1 = struct.Struct("<BBBBB")  # after the magic: length, seq, system, component, message
_header_v2 = struct.Struct("<BBBB5s").pack  # length, incompatibility, compatibility, seq; system, component, message
_checksum_bytes = struct.Struct("<H").pack
_checksum = crc16.mcrf4xx


class Form:
    """How one type of message lies on the wire.

    `payload(*values)` packs the values in the order of pymavlink's constructor, every number of an array on its own and
    a text as bytes; raises `struct.error` for a value that does not fit. The payload is not truncated.
    """

    __slots__ = ("_names", "crc_extra", "id", "payload", "size")

    def __init__(self, kind: Any) -> None:
        self.id: int = kind.id
        self.crc_extra = bytes((kind.crc_extra,))
        self.size: int = kind.unpacker.size
        # pymavlink keeps the bytes of a text beside what it could read of them
        self._names = [
            f"_{name}_raw" if wire_type == "char" and kind.array_lengths[kind.ordered_fieldnames.index(name)] else name
            for name, wire_type in zip(kind.fieldnames, kind.fieldtypes, strict=True)
        ]
        order = _wire_order(kind)
        pack: Callable[..., bytes] = kind.unpacker.pack
        if order == sorted(order):
            self.payload = pack
        else:
            arranged = itemgetter(*order)

            def packed(*values: Any) -> bytes:
                return pack(*arranged(values))

            self.payload = packed

    def of(self, message: Any) -> bytes:
        """The payload of one of pymavlink's messages of this type."""
        values: list[Any] = []
        for name in self._names:
            value = getattr(message, name)
            if isinstance(value, list | tuple):
                values += value
            else:
                values.append(value)
        return self.payload(*values)


Packed: TypeAlias = tuple[Form, bytes]


def _wire_order(kind: Any) -> list[int]:
    """For each value on the wire, where it stands among the constructor's values with arrays spread out."""
    starts: list[int] = []
    count = 0
    lengths: dict[str, int] = {}
    for wire, name in enumerate(kind.ordered_fieldnames):
        numbers = kind.array_lengths[wire] if kind.fieldtypes[kind.fieldnames.index(name)] != "char" else 0
        lengths[name] = max(numbers, 1)
    for name in kind.fieldnames:
        starts.append(count)
        count += lengths[name]
    order: list[int] = []
    for name in kind.ordered_fieldnames:
        start = starts[kind.fieldnames.index(name)]
        order += range(start, start + lengths[name])
    return order


@cache
def form(message_id: int) -> Form:
    """The form of a message type of the ardupilotmega dialect; raises `KeyError` for a type that it does not have."""
    return Form(mavlink.mavlink_map[message_id])


def packed(message: Any) -> Packed:
    """One of pymavlink's messages as form and payload."""
    kind = form(type(message).id)  # some types have a field `id` that hides the number
    return kind, kind.of(message)


@cache
def _size_v1(message_id: int) -> int:
    """How many bytes of the payload MAVLink 1 knows: those without the extension fields."""
    from pymavlink.dialects.v10 import ardupilotmega as first  # noqa: PLC0415 - 4 MB that few runs need

    return int(first.mavlink_map[message_id].unpacker.size)


class Framing:
    """Puts payloads into frames: one link's version, sequence numbers and signature.

    `version` is 1 or 2. While `sign` is set, MAVLink 2 frames are signed: it is given the frame from its magic to its
    checksum and returns the 13 bytes of link id, timestamp and signature that follow.
    """

    def __init__(self, system_id: int, component_id: int) -> None:
        self._system_id = system_id
        self._component_id = component_id
        self._seq = 0
        self._routes: dict[int, bytes] = {}  # system, component and message in MAVLink 2, by message
        self.version = 2
        self.sign: Callable[[bytes], bytes] | None = None

    def frame(self, message: Packed) -> bytes | None:
        """The next frame; None for a type that MAVLink 1 cannot number."""
        frames = self.frames((message,))
        return frames[0] if frames else None

    def frames(self, messages: Iterable[Packed]) -> list[bytes]:
        """The next frames, one after the other; without those of types that MAVLink 1 cannot number, if it is sent."""
        if self.version == 1:
            first = [self._frame_v1(kind, payload) for kind, payload in messages]
            return [frame for frame in first if frame is not None]
        routes, sign, seq = self._routes, self.sign, self._seq
        flags = SIGNED if sign is not None else 0
        frames = []
        for kind, payload in messages:
            route = routes.get(kind.id)
            if route is None:
                route = routes[kind.id] = self._route(kind.id)
            payload = payload.rstrip(b"\0") or payload[:1]
            body = _header_v2(len(payload), flags, 0, seq, route) + payload
            seq = (seq + 1) & 0xFF
            frame = MAGIC_V2 + body + _checksum_bytes(_checksum(body + kind.crc_extra))
            frames.append(frame if sign is None else frame + sign(frame))
        self._seq = seq
        return frames

    def _route(self, message_id: int) -> bytes:
        return bytes((self._system_id, self._component_id)) + message_id.to_bytes(3, "little")

    def _frame_v1(self, kind: Form, payload: bytes) -> bytes | None:
        if kind.id > LAST_V1_ID:
            return None
        seq = self._seq
        self._seq = (seq + 1) & 0xFF
        payload = payload[: _size_v1(kind.id)]
        body = _HEADER_V1.pack(len(payload), seq, self._system_id, self._component_id, kind.id) + payload
        return MAGIC_V1 + body + _checksum_bytes(_checksum(body + kind.crc_extra))
