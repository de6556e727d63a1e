"""The pole's memory of what is not acknowledged: bounded, oldest dropped first, and every drop told."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from poles.protocol import Report


@dataclass(frozen=True, slots=True)
class Held:
    """One report that waits: taken at UTC `at_s`, at the loop's second `taken_s`."""

    seq: int
    at_s: float
    taken_s: float
    readings: dict[str, dict[str, Any]]


class Outbox:
    """Reports of one boot in order; at most `capacity` are held and at most `window` are under way at once."""

    def __init__(self, boot: str, *, capacity: int = 10_000, window: int = 32) -> None:
        self.boot = boot
        self.dropped = 0
        self._capacity = capacity
        self._window = window
        self._held: deque[Held] = deque()
        self._last_seq = 0
        self._durable_seq = 0
        self._sent_seq = 0  # reports up to here are under way

    def __len__(self) -> int:
        return len(self._held)

    @property
    def durable_seq(self) -> int:
        """Reports up to here are acknowledged."""
        return self._durable_seq

    @property
    def under_way(self) -> bool:
        """Whether something was sent that is not acknowledged."""
        return bool(self._held) and self._held[0].seq <= self._sent_seq

    @property
    def more(self) -> bool:
        """Whether something waits that is not under way."""
        return bool(self._held) and self._held[-1].seq > self._sent_seq

    def put(self, at_s: float, taken_s: float, readings: dict[str, dict[str, Any]]) -> None:
        """Hold readings taken at UTC `at_s` and loop second `taken_s`; the oldest goes when there is no room."""
        self._last_seq += 1
        self._held.append(Held(self._last_seq, at_s, taken_s, readings))
        if len(self._held) > self._capacity:
            self._held.popleft()
            self.dropped += 1

    def welcomed(self, durable_seq: int) -> None:
        """A gateway that has everything up to here begins to listen: all else is to be sent (again)."""
        self._durable_seq = min(durable_seq, self._last_seq)
        self._forget()
        self.send_again()

    def acknowledged(self, durable_seq: int) -> bool:
        """Forget what the store holds; False when the acknowledgement brought nothing new."""
        if not self._durable_seq < durable_seq <= self._last_seq:
            return False
        self._durable_seq = durable_seq
        self._forget()
        return True

    def send_again(self) -> None:
        """What was under way is taken for lost."""
        self._sent_seq = self._durable_seq

    def due(self, now_s: float) -> Iterator[Report]:
        """The reports to send now, each marked as under way; `now_s` is the loop's second."""
        after = self._durable_seq
        for held in itertools.islice(self._held, self._window):
            if held.seq > self._sent_seq:
                self._sent_seq = held.seq
                yield Report(
                    boot=self.boot,
                    seq=held.seq,
                    after=after,
                    at_s=held.at_s,
                    held_s=max(now_s - held.taken_s, 0.0),
                    readings=held.readings,
                )
            after = held.seq

    def _forget(self) -> None:
        while self._held and self._held[0].seq <= self._durable_seq:
            self._held.popleft()
