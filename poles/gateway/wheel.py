"""A time wheel: what waits for a tick is found by the turning of the wheel, not by looking at all that waits.

The hashed wheel of Varghese and Lauck (1987, scheme 6), with one difference: a deadline that is put off is not moved.
Whoever is handed out looks whether the deadline still stands and is put in again if not, so that putting off costs a
write of one number, however often it happens. What lies beyond the wheel's turn waits in its farthest slot.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
SLOTS = 4096


class Wheel(Generic[T]):
    """Slots of whole ticks; `tick` is the last one that was turned to."""

    def __init__(self, tick: int, slots: int = SLOTS) -> None:
        self.tick = tick
        self._slots: list[list[T]] = [[] for _ in range(slots)]
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def put(self, item: T, tick: int) -> int:
        """Have the item handed out at `tick`; returns the tick of its slot, which is earlier when that is too far."""
        slot = min(max(tick, self.tick + 1), self.tick + len(self._slots) - 1)
        self._slots[slot % len(self._slots)].append(item)
        self._waiting += 1
        return slot

    def turn(self, tick: int) -> Iterator[tuple[int, list[T]]]:
        """Turn to `tick`; each slot on the way that holds something, with its own tick, in order.

        What is put in meanwhile is handed out by the same turn when its tick lies on the way.
        """
        while self._waiting and self.tick < tick:
            self.tick += 1
            slot = self.tick % len(self._slots)
            if items := self._slots[slot]:
                self._slots[slot] = []
                self._waiting -= len(items)
                yield self.tick, items
        self.tick = max(self.tick, tick)

    def next_tick(self) -> int | None:
        """The tick of the next slot that holds something, None when all are empty."""
        if not self._waiting:
            return None
        slots, size = self._slots, len(self._slots)
        return next((tick for tick in range(self.tick + 1, self.tick + size) if slots[tick % size]), None)
