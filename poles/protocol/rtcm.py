"""The frame of RTCM 3 (10403.3, 4.1.1): 0xD3, six zero bits, ten of length, the message, and CRC-24Q over all of it."""

from __future__ import annotations

PREAMBLE = 0xD3
POLYNOMIAL = 0x1864CFB
LONGEST = 1023  # message in a frame [bytes]


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= POLYNOMIAL
        table.append(crc & 0xFFFFFF)
    return tuple(table)


_TABLE = _crc_table()


def crc_24q(data: bytes) -> int:
    """The 24-bit checksum of header and payload; 0 over a whole frame with its checksum."""
    crc = 0
    for byte in data:
        crc = ((crc << 8) & 0xFFFFFF) ^ _TABLE[(crc >> 16) ^ byte]
    return crc


def is_frame(data: bytes) -> bool:
    """Whether this is one whole frame, no more and no less, as a base station makes it."""
    length = int.from_bytes(data[1:3], "big")
    return data[:1] == bytes([PREAMBLE]) and 0 < length <= LONGEST and len(data) == length + 6 and crc_24q(data) == 0
