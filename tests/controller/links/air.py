"""Memory links with the faults of the air, for tests: loss, duplicates and frames that overtake each other."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from controller.links.waiting import Backlog


@dataclass(frozen=True)
class Faults:
    """Probabilities for each chunk, and the spread of its latency [s], which lets chunks overtake each other."""

    loss: float = 0.0
    duplicates: float = 0.0
    latency_s: float = 0.005
    spread_s: float = 0.0


class AirEnd:
    """One end of a memory link, in the shape of a Transport."""

    def __init__(self, faults: Faults, rng: random.Random) -> None:
        self._faults = faults
        self._rng = rng
        self._backlog: Backlog[bytes] = Backlog(100_000)
        self.peer: AirEnd = self
        self.cut = False
        self.closed = False
        self._last_s = 0.0

    def send(self, data: bytes) -> None:
        copies = 2 if self._rng.random() < self._faults.duplicates else 1
        for _ in range(copies):
            if self.cut or self._rng.random() < self._faults.loss:
                continue
            loop = asyncio.get_running_loop()
            at_s = loop.time() + self._faults.latency_s + self._rng.random() * self._faults.spread_s
            if self._faults.spread_s == 0.0:  # timers of the same instant fire in no order
                at_s = self._last_s = max(at_s, self._last_s + 1e-9)
            loop.call_at(at_s, self.peer._backlog.put, data)

    async def receive(self) -> bytes:
        return await self._backlog.get()

    def close(self) -> None:
        self.closed = True
        self._backlog.close()
        self.peer._backlog.close()


def air(faults: Faults | None = None, seed: int = 1) -> tuple[AirEnd, AirEnd]:
    """The two ends of a memory link: ours and the drone's."""
    rng = random.Random(seed)
    one, other = AirEnd(faults or Faults(), rng), AirEnd(faults or Faults(), rng)
    one.peer, other.peer = other, one
    return one, other
