"""What the autopilot says in words: STATUSTEXT, with the chunks of long texts put together again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pymavlink.dialects.v20 import ardupilotmega as mavlink

CHUNK_CHARACTERS = 50
INCOMPLETE_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class StatusText:
    """One text; `severity` is MAV_SEVERITY (0 emergency to 7 debug), `at_s` the loop second of its first chunk."""

    severity: int
    text: str
    at_s: float


@dataclass(slots=True)
class _Pending:
    severity: int
    at_s: float
    chunks: dict[int, str]


class StatusTexts:
    """Puts texts together; a text that misses a chunk for 2 s is given with "..." where the chunk was."""

    def __init__(self) -> None:
        self._pending: dict[int, _Pending] = {}
        self._given: dict[
            int, float
        ] = {}  # when a text was complete; a chunk of it that comes again is none of a new one

    def add(self, message: mavlink.MAVLink_statustext_message, now_s: float) -> list[StatusText]:
        """The texts that this chunk completes, and those that were given up."""
        if message.id == 0:
            return [*self.overdue(now_s), StatusText(message.severity, message.text, now_s)]
        if now_s - self._given.get(message.id, -math.inf) <= INCOMPLETE_AFTER_S:
            return self.overdue(now_s)
        pending = self._pending.setdefault(message.id, _Pending(message.severity, now_s, {}))
        pending.chunks[message.chunk_seq] = message.text
        last = max(pending.chunks)
        complete = len(pending.chunks[last]) < CHUNK_CHARACTERS and len(pending.chunks) == last + 1
        if complete:
            del self._pending[message.id]
            self._given = {key: at_s for key, at_s in self._given.items() if now_s - at_s <= INCOMPLETE_AFTER_S}
            self._given[message.id] = now_s
            return [*self.overdue(now_s), _joined(pending)]
        return self.overdue(now_s)

    def overdue(self, now_s: float) -> list[StatusText]:
        """Texts whose missing chunk will not come any more."""
        if not self._pending:
            return []
        given_up = [key for key, text in self._pending.items() if now_s - text.at_s > INCOMPLETE_AFTER_S]
        return [_joined(self._pending.pop(key)) for key in given_up]


def _joined(pending: _Pending) -> StatusText:
    last = max(pending.chunks)
    text = "".join(pending.chunks.get(seq, "...") for seq in range(last + 1))
    if len(pending.chunks[last]) >= CHUNK_CHARACTERS:
        text += "..."
    return StatusText(pending.severity, text, pending.at_s)
