"""One ground-station link of the drone: framing, sequence numbers, and what waits until somebody speaks.

A link is silent but for heartbeats until bytes of a valid frame arrive on it; status texts wait until then.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.links import Link

TEXT_BYTES = 50
TEXTS_KEPT = 30


class Uplink:
    """MAVLink 2 out, MAVLink 1 and 2 in."""

    def __init__(self, link: Link, system_id: int) -> None:
        self._link = link
        self._writer = mavlink.MAVLink(None, srcSystem=system_id, srcComponent=mavlink.MAV_COMP_ID_AUTOPILOT1)
        self._reader = mavlink.MAVLink(None)
        self._reader.robust_parsing = True
        self._waiting: deque[Any] = deque(maxlen=TEXTS_KEPT)
        self._text_id = 0
        self.spoken = False
        self.closed = False
        self.dropped = 0
        self.last_sender = (0, 0)  # system and component that spoke last

    async def receive(self) -> list[tuple[Any, bytes]]:
        """Messages of the next chunk with their bytes; raises `EOFError` when the link is closed for good."""
        data = await self._link.receive()
        messages = []
        for message in self._reader.parse_buffer(bytearray(data)) or ():
            if message.get_type() == "BAD_DATA":
                self.dropped += 1
            else:
                messages.append((message, bytes(message.get_msgbuf())))
        if messages and not self.spoken:
            self.spoken = True
            while self._waiting:
                self.send(self._waiting.popleft())
        return messages

    def send(self, message: Any) -> None:
        """Send one message."""
        if not self.closed:
            writer = self._writer
            self._link.send(message.pack(writer))
            writer.seq = (writer.seq + 1) % 256

    def forward(self, frame: bytes) -> None:
        """Send another station's frame on as it is."""
        if not self.closed:
            self._link.send(frame)

    def text(self, severity: int, text: str) -> None:
        """Send a STATUSTEXT, in chunks when it is long, or keep it until somebody speaks."""
        raw = text.encode("ascii", "replace")
        pieces = [raw[i : i + TEXT_BYTES] for i in range(0, len(raw), TEXT_BYTES)] or [b""]
        number = 0
        if len(pieces) > 1:
            self._text_id = number = self._text_id % 65535 + 1
        for chunk, piece in enumerate(pieces):
            message = mavlink.MAVLink_statustext_message(severity, piece, number, chunk)
            if self.spoken:
                self.send(message)
            else:
                self._waiting.append(message)

    def close(self) -> None:
        """Close the link for good."""
        self.closed = True
        self._link.close()
