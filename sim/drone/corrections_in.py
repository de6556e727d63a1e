"""RTCM corrections that arrive as GPS_RTCM_DATA, put together again from their fragments.

As ArduPilot's AP_GPS does it: flag bit 0 says that a block was cut, bits 1 and 2 number the fragment, bits 3 to 7 the
block. Fragments of one block may come in any order; a fragment of another block throws away what was there. A
fragment that is not full is the last one, so a block that is a whole number of fragments long needs an empty one
behind it, unless it has all four.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

FRAGMENT_BYTES = 180
MOST_FRAGMENTS = 4


class CorrectionsIn:
    """Hands over each whole block of RTCM bytes; what is lost on the way takes its block with it."""

    def __init__(self, deliver: Callable[[bytes], None]) -> None:
        self._deliver = deliver
        self._sequence = -1
        self._fragments: dict[int, bytes] = {}

    def handle(self, message: Any) -> bool:
        """Deal with one message if it carries corrections; there is no answer."""
        if message.get_type() != "GPS_RTCM_DATA":
            return False
        data = bytes(message.data[: min(message.len, FRAGMENT_BYTES)])
        if not message.flags & 1:
            self._deliver(data)
            return True
        fragment, sequence = message.flags >> 1 & 3, message.flags >> 3 & 31
        if sequence != self._sequence:
            self._fragments.clear()
        elif fragment in self._fragments:
            if self._fragments[fragment] == data:
                return True
            self._fragments.clear()
        self._sequence = sequence
        self._fragments[fragment] = data
        self._complete()
        return True

    def _complete(self) -> None:
        parts = self._fragments
        short = [number for number, data in parts.items() if len(data) < FRAGMENT_BYTES]
        count = min(short) + 1 if short else MOST_FRAGMENTS
        if len(parts) >= count and all(number in parts for number in range(count)):
            block = b"".join(parts[number] for number in range(count))
            parts.clear()
            self._sequence = -1
            if block:
                self._deliver(block)
