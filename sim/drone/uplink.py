"""One ground-station link of the drone: framing, sequence numbers, and what waits until somebody speaks.

A link is silent but for heartbeats until bytes of a valid frame arrive on it; status texts wait until then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from pymavlink.dialects.v20 import ardupilotmega as mavlink

from sim.drone.framing import Framing, Packed, packed
from sim.drone.signing import Signing
from sim.links import Link

TEXT_BYTES = 50
TEXTS_KEPT = 30


class Uplink:
    """MAVLink 1 and 2 in; `framing` says what goes out, MAVLink 2 if it is not told otherwise.

    `number` is the serial port that the link stands for; the first one, 0, is taken to be secure.
    """

    def __init__(self, link: Link, system_id: int, signing: Signing, number: int = 0) -> None:
        self._link = link
        self._signing = signing
        self.number = number
        self.framing = Framing(system_id, mavlink.MAV_COMP_ID_AUTOPILOT1)
        self._reader = mavlink.MAVLink(None)
        self._reader.robust_parsing = True
        self._waiting: deque[Any] = deque(maxlen=TEXTS_KEPT)
        self._text_id = 0
        self.spoken = False
        self.closed = False
        self.dropped = 0
        self.last_sender = (0, 0)  # system and component that spoke last
        self.signing_changed()

    def signing_changed(self) -> None:
        """Sign what goes out from now on, or no longer."""
        self.framing.sign = self._sign if self._signing.active else None

    def _sign(self, frame: bytes) -> bytes:
        return self._signing.sign(frame, self.number)

    async def receive(self) -> list[tuple[Any, bytes]]:
        """Messages of the next chunk with their bytes; raises `EOFError` when the link is closed for good."""
        data = await self._link.receive()
        messages = []
        for message in self._reader.parse_buffer(bytearray(data)) or ():
            if message.get_type() == "BAD_DATA":
                self.dropped += 1
                continue
            frame = bytes(message.get_msgbuf())
            if self._signing.accepts(frame, message.get_msgId(), secure=self.number == 0):
                messages.append((message, frame))
            else:
                self.dropped += 1
        if messages and not self.spoken:
            self.spoken = True
            while self._waiting:
                self.send(self._waiting.popleft())
        return messages

    def send(self, message: Packed | Any) -> None:
        """Send one message: form and payload, or one of pymavlink's."""
        if not self.closed:
            frame = self.framing.frame(message if isinstance(message, tuple) else packed(message))
            if frame is not None:
                self._link.send(frame)

    def send_all(self, messages: Iterable[Packed]) -> None:
        """Send what is due together, a frame for each message."""
        if not self.closed:
            send = self._link.send
            for frame in self.framing.frames(messages):
                send(frame)

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
