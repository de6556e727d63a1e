"""Bytes to MAVLink messages and back: one parser a link, MAVLink 1 and 2 in, MAVLink 2 out.

Frames are cut out here and only then decoded by the dialect's tables, for two reasons: frames of other systems are
dropped at the price of a checksum, and after a damaged frame the search goes on at its second byte, so that a
good frame behind it is never lost with it. Nothing that comes over the wire raises.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TypeAlias

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from controller.links.decoding import checksum_right, decoded

Message: TypeAlias = mavlink.MAVLink_message

GCS_SYSTEM = 255
GCS_COMPONENT = 190  # MAV_COMP_ID_MISSIONPLANNER, which ground stations use by custom

_V1 = 0xFE
_V2 = 0xFD
_HEADER_V1 = 6
_HEADER_V2 = 10
_CHECKSUM = 2
_SIGNATURE = 13
_SIGNED = 0x01


@dataclass(slots=True)
class LinkStatistics:
    """What came over a link, counted: every byte is in a frame or in `junk_bytes`."""

    frames: int = 0  # decoded
    frame_bytes: int = 0
    bad_crc: int = 0  # looked like a frame of a known type, and its checksum was wrong
    unknown: int = 0  # a type that the dialect does not have
    foreign: int = 0  # another system's, dropped before decoding
    junk_bytes: int = 0
    lost: int = 0  # gaps in the sequence numbers
    sent: int = 0
    sent_bytes: int = 0
    by_type: Counter[str] = field(default_factory=Counter)


class Codec:
    """The parser and packer of one link; set `system_id` to drop all other systems before decoding."""

    def __init__(
        self,
        system_id: int | None = None,
        *,
        source_system: int = GCS_SYSTEM,
        source_component: int = GCS_COMPONENT,
    ) -> None:
        self.system_id = system_id
        self.statistics = LinkStatistics()
        self._dialect = mavlink.MAVLink(None, srcSystem=source_system, srcComponent=source_component)
        self._pending = bytearray()
        self._last_seq: dict[tuple[int, int], int] = {}

    def encode(self, message: Message) -> bytes:
        """The message as a MAVLink 2 frame with this link's next sequence number."""
        frame: bytes = message.pack(self._dialect)
        self._dialect.seq = (self._dialect.seq + 1) % 256
        self.statistics.sent += 1
        self.statistics.sent_bytes += len(frame)
        return frame

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete, in order; bytes of an unfinished frame wait for the next call."""
        buffer = self._pending
        buffer += data
        messages: list[Message] = []
        at = 0
        end = len(buffer)
        while at < end:
            magic = buffer[at]
            if magic not in (_V1, _V2):
                at = self._skip_junk(buffer, at)
                continue
            length = frame_length(buffer, at)
            if length is None or at + length > end:
                break
            at += self._take(buffer, at, length, messages)
        del buffer[:at]
        return messages

    def _skip_junk(self, buffer: bytearray, at: int) -> int:
        starts = [start for start in (buffer.find(_V2, at), buffer.find(_V1, at)) if start >= 0]
        start = min(starts, default=len(buffer))
        self.statistics.junk_bytes += start - at
        return start

    def _take(self, buffer: bytearray, at: int, length: int, messages: list[Message]) -> int:
        """Decode the frame at `at` and return how many bytes are done with: all of it, or 1 when it is no frame."""
        statistics = self.statistics
        kind = mavlink.mavlink_map.get(_message_id(buffer, at))
        if kind is None:  # its checksum cannot be known, so its length cannot be trusted: good frames may lie inside
            statistics.unknown += _marker_or_end(buffer, at + length)
            statistics.junk_bytes += 1
            return 1
        frame = buffer[at : at + length]
        if self.system_id is not None and frame[5 if frame[0] == _V2 else 3] != self.system_id:
            if not checksum_right(frame, kind.crc_extra):
                statistics.bad_crc += 1
                statistics.junk_bytes += 1
                return 1
            statistics.foreign += 1
            statistics.frame_bytes += length
            return length
        message = decoded(frame, kind)
        if message is None:
            statistics.bad_crc += 1
            statistics.junk_bytes += 1
            return 1
        statistics.frames += 1
        statistics.frame_bytes += length
        self._count(message)
        messages.append(message)
        return length

    def _count(self, message: Message) -> None:
        self.statistics.by_type[message.get_type()] += 1
        header = message.get_header()
        source = (header.srcSystem, header.srcComponent)
        last = self._last_seq.get(source)
        self._last_seq[source] = header.seq
        if last is not None:
            gap = (header.seq - last - 1) % 256
            if gap < 128:  # more is a frame that came late or twice
                self.statistics.lost += gap


def frame_length(buffer: bytes | bytearray, at: int = 0) -> int | None:
    """The length that the frame at `at` claims; None when none begins there or too little of it is there to tell."""
    if at >= len(buffer):
        return None
    if buffer[at] == _V1:
        return None if at + 2 > len(buffer) else _HEADER_V1 + buffer[at + 1] + _CHECKSUM
    if buffer[at] != _V2 or at + 3 > len(buffer):
        return None
    signature = _SIGNATURE if buffer[at + 2] & _SIGNED else 0
    return _HEADER_V2 + buffer[at + 1] + _CHECKSUM + signature


def holds_frame(data: bytes) -> bool:
    """Whether the bytes begin with a whole frame of a known type with a right checksum."""
    length = frame_length(data)
    if length is None or length > len(data):
        return False
    kind = mavlink.mavlink_map.get(_message_id(data, 0))
    return kind is not None and checksum_right(data[:length], kind.crc_extra)


def _message_id(buffer: bytes | bytearray, at: int) -> int:
    if buffer[at] == _V1:
        return buffer[at + 5]
    return int.from_bytes(buffer[at + 7 : at + 10], "little")


def _marker_or_end(buffer: bytes | bytearray, at: int) -> bool:
    return at >= len(buffer) or buffer[at] in (_V1, _V2)
