"""Reader of `.tlog` files: MAVLink frames, each behind eight bytes of big-endian UTC microseconds.

A file may end in the middle of a record (the power went) and may hold rubbish (a disk went): both are counted and
stepped over, never raised. Both MAVLink generations are read; mavutil is not needed for it.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

_STAMP_BYTES = 8
_MAGIC_V1, _MAGIC_V2 = 0xFE, 0xFD
_SIGNED = 0x01
_EARLIEST_US = 946_684_800_000_000  # 2000-01-01
_LATEST_US = 4_102_444_800_000_000  # 2100-01-01


@dataclass(frozen=True, slots=True)
class _Frame:
    message_id: int
    system_id: int
    component_id: int
    end: int


@dataclass(slots=True)
class TlogCounts:
    """What became of the bytes of one file; grows while the file is read."""

    records: int = 0  # whole records, wanted or not
    decoded: int = 0  # records that were handed out as messages
    broken: int = 0  # framed well, but the checksum or the content was not
    garbage_bytes: int = 0  # stepped over in search of the next record
    torn_bytes: int = 0  # the last record, cut short


class TlogReader:
    """The messages of one system's autopilot (component 1) in a `.tlog` file, with counts of what was not readable.

    `system_id` None means the first system whose component 1 says in a HEARTBEAT that it is an autopilot. `wanted`
    are the message ids to hand out, None for all.
    """

    def __init__(self, path: Path, *, system_id: int | None = None, wanted: Container[int] | None = None) -> None:
        self._data = path.read_bytes()
        self._wanted = wanted
        self._parser = mavlink.MAVLink(None)
        self.counts = TlogCounts()
        self.system_id = system_id

    def __iter__(self) -> Iterator[tuple[float, Any]]:
        """Yield (UTC seconds, message) in the order of the file."""
        if self.system_id is None:
            self.system_id = self._find_autopilot()
        self.counts = TlogCounts()
        for stamp_us, frame, start in self._frames():
            if (frame.system_id, frame.component_id) != (self.system_id, mavlink.MAV_COMP_ID_AUTOPILOT1):
                continue
            if self._wanted is not None and frame.message_id not in self._wanted:
                continue
            message = self._decode(start, frame.end)
            if message is None:
                self.counts.broken += 1
            else:
                self.counts.decoded += 1
                yield stamp_us / 1e6, message

    def _find_autopilot(self) -> int | None:
        for _, frame, start in self._frames():
            if frame.message_id != mavlink.MAVLINK_MSG_ID_HEARTBEAT:
                continue
            if frame.component_id != mavlink.MAV_COMP_ID_AUTOPILOT1:
                continue
            message = self._decode(start, frame.end)
            if (
                message is not None
                and message.autopilot != mavlink.MAV_AUTOPILOT_INVALID
                and message.type != mavlink.MAV_TYPE_GCS
            ):
                return frame.system_id
        return None

    def _frames(self) -> Iterator[tuple[int, _Frame, int]]:
        data, at = self._data, 0
        cut_short: int | None = None  # where a record begins that would end past the data, and no good one since
        while at + _STAMP_BYTES < len(data):
            (stamp_us,) = struct.unpack_from(">Q", data, at)
            frame = _frame_at(data, at + _STAMP_BYTES) if _EARLIEST_US < stamp_us < _LATEST_US else None
            if frame is not None and self._is_whole(frame, at + _STAMP_BYTES):
                self.counts.records += 1
                cut_short = None
                yield stamp_us, frame, at + _STAMP_BYTES
                at = frame.end
                continue
            if frame is not None and frame.end > len(data) and cut_short is None:
                cut_short = at
            self.counts.garbage_bytes += 1
            at += 1
        if cut_short is not None:
            self.counts.garbage_bytes -= at - cut_short
            at = cut_short
        self.counts.torn_bytes = len(data) - at

    def _is_whole(self, frame: _Frame, start: int) -> bool:
        """Whether the frame ends where another record begins; a damaged length would swallow good records behind it."""
        if frame.end > len(self._data):
            return False
        return self._next_is_plausible(frame.end) or self._decode(start, frame.end) is not None

    def _next_is_plausible(self, at: int) -> bool:
        data = self._data
        if at + _STAMP_BYTES >= len(data):
            return True
        (stamp_us,) = struct.unpack_from(">Q", data, at)
        return _EARLIEST_US < stamp_us < _LATEST_US and data[at + _STAMP_BYTES] in (_MAGIC_V1, _MAGIC_V2)

    def _decode(self, start: int, end: int) -> Any | None:
        try:
            return self._parser.decode(bytearray(self._data[start:end]))
        except (mavlink.MAVError, struct.error):
            return None


def _frame_at(data: bytes, at: int) -> _Frame | None:
    """The header of the frame that begins at `at`, or None when none begins there; its end may lie past the data."""
    header = data[at : at + 10]
    if header[0] == _MAGIC_V1:
        if len(header) < 6:
            return _Frame(-1, -1, -1, len(data) + 1)
        return _Frame(header[5], header[3], header[4], at + 6 + header[1] + 2)
    if header[0] == _MAGIC_V2:
        if len(header) < 10:
            return _Frame(-1, -1, -1, len(data) + 1)
        signature = 13 if header[2] & _SIGNED else 0
        message_id = header[7] | header[8] << 8 | header[9] << 16
        return _Frame(message_id, header[5], header[6], at + 10 + header[1] + 2 + signature)
    return None
