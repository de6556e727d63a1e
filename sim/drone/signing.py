"""MAVLink 2 message signing on the autopilot's side (https://mavlink.io/en/guide/message_signing.html).

One key serves all links. A frame is signed with the first 48 bits of SHA-256 over key and frame; timestamps count
10 us since 2015 and must rise within each stream of link id, system and component. As in ArduPilot the first link
counts as secure: what comes unsigned or badly signed over it is taken all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from pymavlink.dialects.v20 import ardupilotmega as mavlink

EPOCH_UTC_S = 1_420_070_400  # 2015-01-01
TICKS_PER_S = 100_000
LATE_TICKS = 60 * TICKS_PER_S  # so far a new stream may lie behind our own time
MOST_STREAMS = 16
MOST_TICKS = (1 << 48) - 1  # what a frame has room for
SIGNATURE_BYTES = 13
KEY_BYTES = 32
SIGNED = 0x01  # incompatibility flag
UNSIGNED_TAKEN = frozenset({mavlink.MAVLINK_MSG_ID_RADIO_STATUS, mavlink.MAVLINK_MSG_ID_RADIO})


class Signing:
    """The key of one autopilot, its signing time and the streams that it has heard.

    `utc_s` gives the time of the satellites, None until they have given one.
    """

    def __init__(self, utc_s: Callable[[], float | None]) -> None:
        self._utc_s = utc_s
        self._key: bytes | None = None
        self._streams: dict[tuple[int, int, int], int] = {}
        self._synchronised = False
        self.timestamp = 0

    @property
    def active(self) -> bool:
        """Whether there is a key."""
        return self._key is not None

    def setup(self, key: bytes, timestamp: int) -> None:
        """Take over the key and time of a SETUP_SIGNING; all zeros end signing.

        Our own time begins a minute later, so that nothing that was sent under this key before can be sent again.
        """
        self._streams.clear()
        self._synchronised = False
        if timestamp == 0 and not any(key):
            self._key = None
            return
        self._key = key[:KEY_BYTES].ljust(KEY_BYTES, b"\0")
        self.timestamp = timestamp + LATE_TICKS

    def restarted(self) -> None:
        """The autopilot was started anew: the key stays, the streams are forgotten, time jumps by a minute."""
        self._streams.clear()
        self._synchronised = False
        self.timestamp += LATE_TICKS

    def sign(self, frame: bytes, link_id: int) -> bytes:
        """The 13 bytes behind a frame: link id, timestamp, signature."""
        self._synchronise()
        tail = bytes((link_id & 0xFF,)) + (self.timestamp & MOST_TICKS).to_bytes(6, "little")
        self.timestamp += 1
        return tail + self._digest(frame + tail)

    def accepts(self, frame: bytes, message_id: int, *, secure: bool) -> bool:
        """Whether a frame as it came may be obeyed; a well signed one moves our time on."""
        if self._key is None:
            return True
        if frame[0] == mavlink.PROTOCOL_MARKER_V2 and frame[2] & SIGNED and self._good(frame):
            return True
        return secure or message_id in UNSIGNED_TAKEN

    def _good(self, frame: bytes) -> bool:
        self._synchronise()
        if self._digest(frame[:-6]) != frame[-6:]:
            return False
        stream = (frame[-SIGNATURE_BYTES], frame[5], frame[6])
        timestamp = int.from_bytes(frame[-12:-6], "little")
        last = self._streams.get(stream)
        if last is None:
            if len(self._streams) >= MOST_STREAMS or timestamp + LATE_TICKS < self.timestamp:
                return False
        elif timestamp <= last:
            return False
        self._streams[stream] = timestamp
        self.timestamp = max(self.timestamp, timestamp)
        return True

    def _digest(self, signed: bytes) -> bytes:
        return hashlib.sha256((self._key or b"") + signed).digest()[:6]

    def _synchronise(self) -> None:
        """Move our time to the satellites' once there is one."""
        if self._synchronised:
            return
        utc_s = self._utc_s()
        if utc_s is not None:
            self._synchronised = True
            self.timestamp = max(self.timestamp, int(utc_s - EPOCH_UTC_S) * TICKS_PER_S)
