"""The `.tlog` file of a link: every frame in both directions, as the field's tools read it.

A record is 8 bytes of UTC microseconds (big-endian) and then the frame as it went over the wire.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from controller.links.codec import frame_length, holds_frame

FLUSH_S = 1.0
_STAMP = struct.Struct(">Q")


class TlogWriter:
    """Appends frames to a tlog; a record that a crash tore off is cut away first, so the file stays readable.

    `utc_s` gives UTC seconds. Frames reach the operating system within a second of loop time; use it inside a running
    loop, and close it. A disk that is full must not end a flight's link: `failure` then says why recording stopped.
    """

    def __init__(self, path: Path, utc_s: Callable[[], float]) -> None:
        self.path = path
        self._utc_s = utc_s
        self.failure: str | None = None
        self._flush_timer: asyncio.TimerHandle | None = None
        self.torn_bytes = _cut_torn_record(path)
        self._file: BinaryIO | None = path.open("ab")

    def write(self, frame: bytes | bytearray) -> None:
        """Append one frame, stamped with the time now."""
        if self._file is None:
            raise ValueError(f"{self.path} is closed")
        if self.failure is not None:
            return
        try:
            self._file.write(_STAMP.pack(round(self._utc_s() * 1e6)) + frame)
        except OSError as error:
            self.failure = str(error)
        if self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(FLUSH_S, self._flush)

    def close(self) -> None:
        """Flush and close; closing twice is fine."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        if self._file is not None:
            with self._noting_failure():
                self._file.close()
            self._file = None

    def _flush(self) -> None:
        self._flush_timer = None
        if self._file is not None and self.failure is None:
            with self._noting_failure():
                self._file.flush()

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.failure = str(error)


def _cut_torn_record(path: Path) -> int:
    """Cut off what follows the last whole record and return how many bytes that was."""
    if not path.exists():
        return 0
    data = path.read_bytes()
    keep = _end_of_last_record(data)
    if keep < len(data):
        with path.open("r+b") as file:
            file.truncate(keep)
    return len(data) - keep


def _end_of_last_record(data: bytes) -> int:
    at = end = 0
    while at + _STAMP.size < len(data):
        start = at + _STAMP.size
        length = frame_length(data, start)
        if length is not None and holds_frame(data[start : start + length]):
            at = end = start + length
        else:
            at += 1  # torn, or damage in the middle: look for the next whole record behind it
    return end
