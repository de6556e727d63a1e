"""Where broadcast identifications lie in what a radio receives: Wi-Fi beacons and Bluetooth advertisements.

Both carry them under the number of ASD-STAN: a Wi-Fi vendor element (221) with the OUI FA-0B-BC and type 0x0D, and
Bluetooth service data (0x16) of the service 0xFFFA with application code 0x0D. Then comes a counter of messages, and
then the frame that `Heard` carries.
"""

from __future__ import annotations

from collections.abc import Iterator

from poles.heard import gb46750, open_drone_id
from poles.protocol import Source

VENDOR_ELEMENT = 221
OUI_AND_TYPE = b"\xfa\x0b\xbc\x0d"
SERVICE_DATA = 0x16
SERVICE_AND_APPLICATION = b"\xfa\xff\x0d"
BEACON = 0x80
BEACON_ELEMENTS_AT = 36  # after the header of 24 bytes, time stamp, interval and capabilities


def in_beacon(beacon: bytes) -> Iterator[tuple[Source, bytes]]:
    """The identifications in an IEEE 802.11 beacon, from its frame control on."""
    if beacon[:1] == bytes((BEACON,)):
        yield from in_elements(beacon[BEACON_ELEMENTS_AT:])


def in_elements(elements: bytes) -> Iterator[tuple[Source, bytes]]:
    """The identifications in information elements: number, length, content, one after the other."""
    at = 0
    while at + 2 <= len(elements):
        number, length = elements[at], elements[at + 1]
        content = elements[at + 2 : at + 2 + length]
        if number == VENDOR_ELEMENT and len(content) == length and content.startswith(OUI_AND_TYPE):
            yield from _sorted(content[len(OUI_AND_TYPE) + 1 :])
        at += 2 + length


def in_advertisement(structures: bytes) -> Iterator[tuple[Source, bytes]]:
    """The identifications in Bluetooth advertising data: length, type, content, one after the other."""
    at = 0
    while at < len(structures) and structures[at]:
        content = structures[at + 1 : at + 1 + structures[at]]
        if len(content) == structures[at] and content.startswith(bytes((SERVICE_DATA,)) + SERVICE_AND_APPLICATION):
            yield from _sorted(content[2 + len(SERVICE_AND_APPLICATION) :])
        at += 1 + structures[at]


def _sorted(frame: bytes) -> Iterator[tuple[Source, bytes]]:
    """The frame with the language that it is in, when it is in one of them."""
    if gb46750.decode(frame) is not None:
        yield Source.GB46750, frame
    elif open_drone_id.decode(frame):
        version = open_drone_id.version_of(frame)
        yield (Source.GB42590 if version == open_drone_id.GB_VERSION else Source.ODID), frame
