"""The network between a pole and the gateway, which can fail while both ends stay up."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass

from poles.wire.connection import Connection
from poles.wire.lines import Line


@dataclass(slots=True)
class Trouble:
    """What happens to each message on its way: shares from 0 to 1, and how late it may come.

    Delays differ, so that messages to the gateway overtake each other; those to the pole come one after the other.
    """

    lost: float = 0.0
    doubled: float = 0.0
    longest_s: float = 0.0


class PoleNetwork:
    """A pole's way to the gateway: the lines of the given connection, mute in both directions while the network fails.

    Neither end is told: both find out as real ones do, by the silence. `trouble` is what messages meet while it works,
    by the chance of `rng`.
    """

    def __init__(self, connection: Connection, rng: random.Random | None = None) -> None:
        self._connection = connection
        self._rng = rng or random.Random(0)
        self.is_down = False
        self.trouble = Trouble()

    def open(self, code: str) -> Line:
        """A fresh line for the pole with this city code."""
        return _Way(self._connection.open(code), self)

    def fail(self) -> None:
        """Let nothing through from now on."""
        self.is_down = True

    def restore(self) -> None:
        """Let everything through again."""
        self.is_down = False

    def delays_s(self) -> list[float]:
        """When the copies of one message arrive; none when it is lost."""
        trouble, rng = self.trouble, self._rng
        if self.is_down or (trouble.lost and rng.random() < trouble.lost):
            return []
        if not (trouble.doubled or trouble.longest_s):
            return [0.0]
        copies = 2 if trouble.doubled and rng.random() < trouble.doubled else 1
        return [rng.uniform(0.0, trouble.longest_s) if trouble.longest_s else 0.0 for _ in range(copies)]


class _Way:
    """A line through the network."""

    def __init__(self, line: Line, network: PoleNetwork) -> None:
        self._line = line
        self._network = network
        self._on_the_way: deque[asyncio.TimerHandle] = deque()
        self._again: deque[bytes] = deque()

    def send(self, body: bytes) -> bool:
        """Send without waiting; what the network swallows looks sent, and what it delays may be overtaken."""
        taken = True
        for delay_s in self._network.delays_s():
            if delay_s:
                self._send_later(delay_s, body)
            else:
                taken = self._line.send(body) and taken
        return taken

    async def receive(self) -> bytes:
        """The gateway's next word that gets through."""
        if self._again:
            return self._again.popleft()
        while True:
            body = await self._line.receive()
            delays_s = self._network.delays_s()
            if delays_s:
                if delays_s[0]:
                    await asyncio.sleep(delays_s[0])
                self._again.extend([body] * (len(delays_s) - 1))
                return body

    def close(self) -> None:
        """End the line; what is still on its way arrives nowhere."""
        for timer in self._on_the_way:
            timer.cancel()
        self._line.close()

    def _send_later(self, delay_s: float, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        while self._on_the_way and self._on_the_way[0].when() <= loop.time():
            self._on_the_way.popleft()
        self._on_the_way.append(loop.call_later(delay_s, self._line.send, body))
