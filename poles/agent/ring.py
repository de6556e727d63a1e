"""The pole's memory on flash: records in a file of fixed size, written round and round; the oldest is overwritten.

The format is annex A of the protocol document and the same in the C client. A record says at which byte of an endless
log it stands (`position`); its place in the file is that modulo the capacity, and so an old lap cannot be taken for a
new one. What a power cut or a worn cell broke fails its CRC and is skipped; nothing but the records is needed to find
everything again, no place in the file is written more often than another, and what was acknowledged is noted by a
record that is written now and then.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

PAGE_BYTES = 4096
SMALLEST_BYTES = 64 * PAGE_BYTES
MAX_BODY_BYTES = 60_000
ALIGN_BYTES = 8
MAGIC = b"BCR1"
HEADER = struct.Struct(">4sIQQQddHBx")  # magic, pages, position, boot, seq, at_s, taken_s, length, kind
CRC = struct.Struct(">I")
HEADER_BYTES = HEADER.size + CRC.size


class Kind(IntEnum):
    """What a record holds; readers skip kinds that they do not know."""

    READING = 1
    ALARM = 2
    OBSERVATION = 3
    REPORTED = 4
    LOG = 5
    MARK = 64  # no body: the boot's entries up to `seq` are acknowledged
    ANSWER = 65  # what was answered to a command: `seq` 0, the body is the whole message


ENTRIES = frozenset((Kind.READING, Kind.ALARM, Kind.OBSERVATION, Kind.REPORTED, Kind.LOG))


class Flash(Protocol):
    """Storage of a fixed number of bytes, a multiple of `PAGE_BYTES`; all raise OSError."""

    size: int

    def read(self, offset: int, length: int) -> bytes:
        """The bytes there, written or not yet synced."""
        ...

    def write(self, offset: int, data: bytes) -> None:
        """Put bytes there; a power cut may undo or tear it until `sync` returned."""
        ...

    def sync(self) -> None:
        """Return when all that was written survives a power cut."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its place in the endless log, and what it says.

    `boot` is the number that the boot's name spells in 16 hexadecimal digits; `at_s` is UTC and `taken_s` the boot's
    monotonic second when the entry came about.
    """

    position: int
    kind: int
    boot: int
    seq: int
    at_s: float
    taken_s: float
    body: bytes

    @property
    def end(self) -> int:
        """The position after it."""
        return self.position + record_bytes(len(self.body))

    def encoded(self, pages: int) -> bytes:
        """The bytes of it in a ring of so many pages."""
        head = HEADER.pack(
            MAGIC, pages, self.position, self.boot, self.seq, self.at_s, self.taken_s, len(self.body), self.kind
        )
        crc = CRC.pack(zlib.crc32(self.body, zlib.crc32(head)))
        return (head + crc + self.body).ljust(self.end - self.position, b"\0")


def record_bytes(body_bytes: int) -> int:
    """How much room a record with a body of this length takes."""
    return -(-(HEADER_BYTES + body_bytes) // ALIGN_BYTES) * ALIGN_BYTES


def record_at(image: bytes | bytearray, start: int, offset: int) -> tuple[Record, int] | None:
    """The record at `start` of the image, byte `offset` of the file, and the pages of its ring; None when broken."""
    begin = start + HEADER_BYTES
    if len(image) < begin:
        return None
    magic, pages, position, boot, seq, at_s, taken_s, length, kind = HEADER.unpack_from(image, start)
    capacity = pages * PAGE_BYTES
    fits = length <= MAX_BODY_BYTES and offset + HEADER_BYTES + length <= capacity and begin + length <= len(image)
    if magic != MAGIC or not fits or position % capacity != offset:
        return None
    body = bytes(image[begin : begin + length])
    (crc,) = CRC.unpack_from(image, start + HEADER.size)
    if crc != zlib.crc32(body, zlib.crc32(image[start : start + HEADER.size])):
        return None
    return Record(position, kind, boot, seq, at_s, taken_s, body), pages


def records_in(image: bytes | bytearray) -> Iterator[tuple[Record, int]]:
    """Every whole record of the file in order of its place, with the pages of its ring; the rest is skipped."""
    offset = image.find(MAGIC)
    while offset >= 0:
        found = record_at(image, offset, offset) if offset % ALIGN_BYTES == 0 else None
        offset = image.find(MAGIC, offset + (1 if found is None else found[0].end - found[0].position))
        if found is not None:
            yield found


class Ring:
    """The log over one flash; made by `Ring.open`, which tells what an earlier life left in `found`.

    Appending writes at once and is safe only after `sync`. `floor` is the position below which everything is
    overwritten: whoever keeps places must forget those.
    """

    def __init__(self, flash: Flash, records: list[Record]) -> None:
        self._flash = flash
        self._pages = flash.size // PAGE_BYTES
        self.head = max((record.end for record in records), default=0)
        self.found = tuple(record for record in records if record.position >= self.floor)
        self.written_bytes = 0
        self._synced_head = self.head

    @classmethod
    def open(cls, flash: Flash) -> Ring:
        """Find what is there; a flash without a single record is an empty ring. Raises OSError."""
        pages = flash.size // PAGE_BYTES
        records = [record for record, made_for in records_in(image_of(flash)) if made_for == pages]
        return cls(flash, sorted(records, key=lambda record: record.position))

    @property
    def floor(self) -> int:
        """The lowest position that is not overwritten."""
        return max(self.head - self._flash.size, 0)

    @property
    def unsynced(self) -> bool:
        """Whether something was appended that a power cut may still undo."""
        return self._synced_head < self.head

    def append(self, kind: Kind, boot: int, seq: int, at_s: float, taken_s: float, body: bytes = b"") -> int:
        """Write one record over the oldest; returns its position. Raises OSError, and ValueError for a long body."""
        size = self._flash.size
        position, needed = self._place(len(body)), record_bytes(len(body))
        if len(body) > MAX_BODY_BYTES or needed > size:
            raise ValueError(f"{len(body)} bytes are too long for a record")
        data = Record(position, kind, boot, seq, at_s, taken_s, body).encoded(self._pages)
        self._flash.write(position % size, data)
        self.head = position + needed
        self.written_bytes += needed
        return position

    def floor_after(self, body_bytes: int) -> int:
        """What `floor` will be when a body of that length is appended."""
        return max(self._place(body_bytes) + record_bytes(body_bytes) - self._flash.size, 0)

    def _place(self, body_bytes: int) -> int:
        """Where a record goes: records are whole, so what is left of a lap may stay as it is."""
        left = self._flash.size - self.head % self._flash.size
        return self.head if record_bytes(body_bytes) <= left else self.head + left

    def read(self, position: int) -> Record | None:
        """The record at a position that `append` or `found` named, None when it is overwritten or broken now."""
        if not self.floor <= position < self.head:
            return None
        offset = position % self._flash.size
        try:
            head = self._flash.read(offset, HEADER_BYTES)
            length = HEADER.unpack_from(head)[7] if len(head) == HEADER_BYTES else 0
            image = head + self._flash.read(offset + HEADER_BYTES, length)
        except OSError:
            return None
        found = record_at(image, 0, offset)
        return found[0] if found is not None and found[0].position == position else None

    def sync(self) -> None:
        """Return when everything appended before survives a power cut. Raises OSError."""
        head = self.head
        self._flash.sync()
        self._synced_head = head

    def close(self) -> None:
        """Sync and give the flash back. Raises OSError."""
        try:
            if self.unsynced:
                self.sync()
        finally:
            self._flash.close()


def image_of(flash: Flash) -> bytearray:
    """All bytes; pages that cannot be read any more are zero."""
    image = bytearray(flash.size)
    for offset in range(0, flash.size, PAGE_BYTES):
        try:
            page = flash.read(offset, PAGE_BYTES)
        except OSError:
            continue
        image[offset : offset + len(page)] = page
    return image
